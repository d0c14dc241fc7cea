//! Where a function changes its sign.

/// Where `slope` becomes positive between `falling`, where it is negative, and `rising`, down to neighbouring floating-point numbers.
pub(crate) fn sign_change(mut falling: f64, mut rising: f64, slope: impl Fn(f64) -> f64) -> f64 {
    loop {
        let middle = falling + 0.5 * (rising - falling);
        if middle <= falling || middle >= rising {
            return middle;
        }
        if slope(middle) < 0.0 {
            falling = middle;
        } else {
            rising = middle;
        }
    }
}

/// The end of what `is_below` holds for, between `low`, for which it does, and `high`, to a relative `tolerance`.
pub(crate) fn threshold(mut low: f64, mut high: f64, tolerance: f64, is_below: impl Fn(f64) -> bool) -> f64 {
    while high - low > tolerance * high {
        let middle = 0.5 * (low + high);
        if is_below(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    0.5 * (low + high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_find_the_root_of_two() {
        let square = |x: f64| x * x - 2.0;
        assert!((sign_change(0.0, 2.0, square) - 2.0_f64.sqrt()).abs() < 1e-15);
        assert!((threshold(0.0, 2.0, 1e-13, |x| square(x) < 0.0) - 2.0_f64.sqrt()).abs() < 1e-12);
    }
}
