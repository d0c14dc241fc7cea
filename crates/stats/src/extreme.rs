//! The largest or smallest of several estimated numbers, with an interval that knows that it was picked.
//!
//! The interval holds the extreme of the true numbers with the confidence of `quantile`, whatever their dependence: its ends are
//! the outermost ends of intervals that hold all of them together. `quantile` is that of [`bonferroni`](crate::bonferroni).

use crate::estimate::Estimate;

/// The largest of several numbers, given as values with their standard errors; `None` if there are none.
pub fn largest(estimates: &[(f64, f64)], quantile: f64) -> Option<Estimate> {
    let &first = estimates.first()?;
    let (value, standard_error) = estimates.iter().fold(first, |a, b| if b.0 > a.0 { *b } else { a });
    let end = |side: f64| {
        estimates
            .iter()
            .map(|(value, error)| value + side * quantile * error)
            .fold(f64::NEG_INFINITY, f64::max)
    };
    Some(Estimate { value, standard_error, lower: end(-1.0), upper: end(1.0) })
}

/// The same for the smallest.
pub fn smallest(estimates: &[(f64, f64)], quantile: f64) -> Option<Estimate> {
    let mirrored: Vec<(f64, f64)> = estimates.iter().map(|(value, error)| (-value, *error)).collect();
    Some(largest(&mirrored, quantile)?.scaled(-1.0))
}

/// The largest absolute value.
pub fn largest_size(estimates: &[(f64, f64)], quantile: f64) -> Option<Estimate> {
    let sizes: Vec<(f64, f64)> = estimates.iter().map(|(value, error)| (value.abs(), *error)).collect();
    let largest = largest(&sizes, quantile)?;
    Some(Estimate { lower: largest.lower.max(0.0), ..largest })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quantile::bonferroni;

    #[test]
    fn the_extreme_of_one_is_its_interval() {
        let mean = Estimate::of_mean(&[1.0, 2.0, 4.0]);
        for extreme in [largest, smallest] {
            let found = extreme(&[(mean.value, mean.standard_error)], bonferroni(3, 1)).unwrap();
            assert!((found.lower - mean.lower).abs() < 1e-12 && (found.upper - mean.upper).abs() < 1e-12);
        }
        assert!(largest(&[], 2.0).is_none());
    }

    #[test]
    fn the_interval_of_the_largest_is_that_of_all_together() {
        let (estimates, quantile) = ([(-3.0, 0.1), (2.9, 0.5)], 2.5);
        let close =
            |found: f64, expected: f64| assert!((found - expected).abs() < 1e-12, "{found} {expected}");
        let high = largest(&estimates, quantile).unwrap();
        assert_eq!((high.value, high.standard_error), (2.9, 0.5));
        close(high.lower, 2.9 - 0.5 * quantile);
        close(high.upper, 2.9 + 0.5 * quantile);
        let low = smallest(&estimates, quantile).unwrap();
        assert_eq!((low.value, low.standard_error), (-3.0, 0.1));
        close(low.lower, -3.0 - 0.1 * quantile);
        // The lower end is that of the sharper estimate, the upper end that of the other one.
        let size = largest_size(&estimates, quantile).unwrap();
        assert_eq!(size.value, 3.0);
        close(size.lower, 3.0 - 0.1 * quantile);
        close(size.upper, 2.9 + 0.5 * quantile);
    }
}
