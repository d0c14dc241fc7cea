//! Whether many measurements agree with their closed forms, judged together.

use polder_stats::bonferroni;
use serde::{Deserialize, Serialize};

use crate::sam::BiasVarianceCurve;

/// The largest of several deviations from closed forms beside what chance alone allows.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Agreement {
    /// The largest deviation, in standard errors.
    pub largest_deviation: f64,
    /// Chance alone leaves all deviations below this with a probability of at least [`CONFIDENCE`](polder_stats::CONFIDENCE), whatever their dependence:
    /// Student's quantile after Bonferroni's correction.
    pub limit: f64,
    /// The number of deviations.
    pub num_comparisons: usize,
}

impl Agreement {
    /// Of `num_comparisons` measurements, at least one, each the mean over `num_replicates`, at least 2.
    pub(crate) fn new(largest_deviation: f64, num_comparisons: usize, num_replicates: u64) -> Self {
        let limit = bonferroni(num_replicates, num_comparisons);
        Self { largest_deviation, limit, num_comparisons }
    }

    /// Of bias, variance and total at every step of every curve.
    pub(crate) fn of_curves<'a>(
        curves: impl IntoIterator<Item = &'a BiasVarianceCurve>,
        num_replicates: u64,
    ) -> Self {
        let (mut largest, mut count) = (0.0, 0);
        for curve in curves {
            largest = f64::max(largest, curve.largest_deviation());
            count += 3 * curve.rows.len();
        }
        Self::new(largest, count, num_replicates)
    }

    /// Whether the closed forms stand.
    pub fn holds(&self) -> bool {
        self.largest_deviation <= self.limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_of_one_comparison_is_that_of_an_interval_and_grows_with_their_number() {
        // The tabulated 0.975 quantile with 9 degrees of freedom is 2.262157; the 0.9995 quantile is 4.780913.
        assert!((Agreement::new(0.0, 1, 10).limit - 2.262_157).abs() < 1e-5);
        assert!((Agreement::new(0.0, 50, 10).limit - 4.780_913).abs() < 1e-5);
        assert!(Agreement::new(2.2, 1, 10).holds() && !Agreement::new(2.3, 1, 10).holds());
    }
}
