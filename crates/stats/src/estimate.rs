//! Means and spreads over replicates, each with its interval.

use serde::{Deserialize, Serialize};

use crate::quantile::{CONFIDENCE, student};

/// A mean with its interval of confidence [`CONFIDENCE`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The estimate.
    pub value: f64,
    /// Its standard error.
    pub standard_error: f64,
    /// Lower end of the interval.
    pub lower: f64,
    /// Upper end of the interval.
    pub upper: f64,
}

impl Estimate {
    /// Puts the interval of Student's law around `value`.
    ///
    /// # Panics
    /// If `num_replicates` is less than 2.
    pub fn new(value: f64, standard_error: f64, num_replicates: usize) -> Self {
        let half_width = standard_error * student((num_replicates - 1) as f64, CONFIDENCE);
        Self { value, standard_error, lower: value - half_width, upper: value + half_width }
    }

    /// The mean of `values`, at least 2.
    pub fn of_mean(values: &[f64]) -> Self {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let variance = values.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / (n - 1.0);
        Self::new(mean, (variance / n).sqrt(), values.len())
    }

    /// The standard deviation of `values`, at least 2 that are not all equal: its standard error by the delta method.
    pub fn of_spread(values: &[f64]) -> Self {
        let squares = squared_deviations(values);
        let mean_square = Self::of_mean(&squares);
        mean_square.root(values.len())
    }

    /// The standard deviation of `values` over that of `others`, measured in the same replicates; interval on a log scale.
    pub fn of_spread_ratio(values: &[f64], others: &[f64]) -> Self {
        let (squares, other_squares) = (squared_deviations(values), squared_deviations(others));
        let n = values.len() as f64;
        let mean = squares.iter().sum::<f64>() / n;
        let other_mean = other_squares.iter().sum::<f64>() / n;
        // What each replicate contributes to half the logarithm of the ratio of the mean squares.
        let influences: Vec<f64> =
            squares.iter().zip(&other_squares).map(|(x, y)| 0.5 * (x / mean - y / other_mean)).collect();
        let log_ratio = Self::of_mean(&influences);
        let ratio = (mean / other_mean).sqrt();
        Self {
            value: ratio,
            standard_error: ratio * log_ratio.standard_error,
            lower: ratio * log_ratio.lower.exp(),
            upper: ratio * log_ratio.upper.exp(),
        }
    }

    /// The same estimate of `factor` times the quantity.
    #[must_use]
    pub fn scaled(&self, factor: f64) -> Self {
        let (a, b) = (factor * self.lower, factor * self.upper);
        Self {
            value: factor * self.value,
            standard_error: factor.abs() * self.standard_error,
            lower: a.min(b),
            upper: a.max(b),
        }
    }

    /// The square root of a positive mean square: its standard error by the delta method.
    #[must_use]
    pub fn root(self, num_replicates: usize) -> Self {
        let root = self.value.sqrt();
        Self::new(root, self.standard_error / (2.0 * root), num_replicates)
    }
}

/// Squares of the deviations from the mean, scaled so that their mean is the unbiased variance.
fn squared_deviations(values: &[f64]) -> Vec<f64> {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    values.iter().map(|x| (x - mean) * (x - mean) * n / (n - 1.0)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_of_a_mean_is_student_s() {
        let estimate = Estimate::of_mean(&[1.0, 2.0, 3.0]);
        assert_eq!(estimate.value, 2.0);
        assert!((estimate.standard_error - 1.0 / 3.0_f64.sqrt()).abs() < 1e-15);
        // The tabulated 0.975 quantile with 2 degrees of freedom is 4.302653.
        let half_width = (estimate.upper - estimate.lower) / 2.0;
        assert!((half_width / estimate.standard_error - 4.302_653).abs() < 1e-5);
    }

    #[test]
    fn a_spread_has_the_standard_error_of_its_law() {
        // The midpoints of n equal cells of [-1, 1]: variance 1/3, fourth moment 1/5.
        let n = 1000;
        let values: Vec<f64> = (0..n).map(|i| 2.0 * (f64::from(i) + 0.5) / f64::from(n) - 1.0).collect();
        let spread = Estimate::of_spread(&values);
        assert!((spread.value - 3.0_f64.sqrt().recip()).abs() < 1e-3);
        let expected = ((1.0 / 5.0 - 1.0 / 9.0) / f64::from(n)).sqrt() / (2.0 * spread.value);
        assert!((spread.standard_error / expected - 1.0).abs() < 1e-2);
        let halves: Vec<f64> = values.iter().map(|x| 0.5 * x).collect();
        let ratio = Estimate::of_spread_ratio(&halves, &values);
        assert!((ratio.value - 0.5).abs() < 1e-12 && ratio.standard_error < 1e-12, "{ratio:?}");
    }
}
