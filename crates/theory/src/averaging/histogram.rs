//! Counts of values in equal bins.

/// The `num_bins + 1` ascending edges of equal bins over `low..=high`.
pub(crate) fn bin_edges((low, high): (f64, f64), num_bins: usize) -> Vec<f64> {
    (0..=num_bins).map(|i| low + (high - low) * i as f64 / num_bins as f64).collect()
}

/// Counts per bin of `num_bins` equal ones over `low..=high`. Values outside are counted in the bin next to them.
pub(crate) fn histogram(values: &[f64], (low, high): (f64, f64), num_bins: usize) -> Vec<u64> {
    let mut counts = vec![0; num_bins];
    for value in values {
        // A negative position becomes 0 in the conversion.
        let position = (value - low) / (high - low) * num_bins as f64;
        counts[(position as usize).min(num_bins - 1)] += 1;
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_counted_once_in_its_bin() {
        assert_eq!(bin_edges((-1.0, 1.0), 4), [-1.0, -0.5, 0.0, 0.5, 1.0]);
        assert_eq!(histogram(&[-9.0, -1.0, -0.4, 0.0, 0.4, 1.0, 9.0], (-1.0, 1.0), 4), [2, 1, 2, 2]);
    }
}
