//! The largest or smallest of several estimated numbers, with an interval that knows that it was picked.

use crate::agreement::Agreement;
use crate::fit::Estimate;

/// The largest of several numbers, each estimated over `num_replicates`, at least 2; given as values with their standard errors. `None`
/// if there are none.
///
/// The interval holds the largest of the true numbers with a probability of at least [`CONFIDENCE`](crate::CONFIDENCE), whatever their
/// dependence: its ends are the largest ends of intervals that hold all of them together, by Bonferroni's correction.
pub(crate) fn largest(estimates: &[(f64, f64)], num_replicates: u64) -> Option<Estimate> {
    let &(value, standard_error) = estimates.iter().max_by(|x, y| x.0.total_cmp(&y.0))?;
    let quantile = Agreement::new(0.0, estimates.len(), num_replicates).limit;
    let end = |side: f64| {
        estimates
            .iter()
            .map(|(value, error)| value + side * quantile * error)
            .fold(f64::NEG_INFINITY, f64::max)
    };
    Some(Estimate { value, standard_error, lower: end(-1.0), upper: end(1.0) })
}

/// The same for the smallest.
pub(crate) fn smallest(estimates: &[(f64, f64)], num_replicates: u64) -> Option<Estimate> {
    let mirrored: Vec<(f64, f64)> = estimates.iter().map(|(value, error)| (-value, *error)).collect();
    let largest = largest(&mirrored, num_replicates)?;
    Some(Estimate { value: -largest.value, lower: -largest.upper, upper: -largest.lower, ..largest })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draws::{Draws, Purpose};

    #[test]
    fn the_extreme_of_one_is_its_interval() {
        let values = [1.0, 2.0, 4.0];
        let mean = Estimate::of_mean(&values);
        for extreme in [largest, smallest] {
            let found = extreme(&[(mean.value, mean.standard_error)], 3).unwrap();
            assert!((found.lower - mean.lower).abs() < 1e-12 && (found.upper - mean.upper).abs() < 1e-12);
        }
        assert!(largest(&[], 3).is_none());
    }

    #[test]
    fn the_interval_holds_the_true_extreme_although_it_was_picked() {
        let truths = [0.0, 0.1, 0.1, -0.2, 0.05];
        let mut held = 0;
        for trial in 0..400 {
            let mut draws = Draws::new(Purpose { seed: 1, experiment: "extreme", part: 0, replicate: trial });
            let estimates: Vec<(f64, f64)> = truths
                .iter()
                .map(|truth| {
                    let values: Vec<f64> = draws.normals(12).iter().map(|z| truth + z).collect();
                    let mean = Estimate::of_mean(&values);
                    (mean.value, mean.standard_error)
                })
                .collect();
            let (low, high) = (smallest(&estimates, 12).unwrap(), largest(&estimates, 12).unwrap());
            held += i32::from(low.lower <= -0.2 && -0.2 <= low.upper);
            held += i32::from(high.lower <= 0.1 && 0.1 <= high.upper);
        }
        // 95 % of 800 is 760, give or take 6.2 per standard deviation.
        assert!(held > 740, "{held}");
    }
}
