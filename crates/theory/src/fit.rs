//! Power laws fitted to replicated measurements, with intervals over the replicates.

use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, StudentsT};

/// The confidence of every interval here.
pub const CONFIDENCE: f64 = 0.95;

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
    pub(crate) fn new(value: f64, standard_error: f64, num_replicates: usize) -> Self {
        let half_width = standard_error * student_quantile(num_replicates, 1);
        Self { value, standard_error, lower: value - half_width, upper: value + half_width }
    }

    /// The mean of `values`, at least 2.
    pub(crate) fn of_mean(values: &[f64]) -> Self {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let variance = values.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / (n - 1.0);
        Self::new(mean, (variance / n).sqrt(), values.len())
    }

    /// The standard deviation of `values`, at least 2 that are not all equal: its standard error by the delta method.
    pub(crate) fn of_spread(values: &[f64]) -> Self {
        let squares = squared_deviations(values);
        let mean_square = Self::of_mean(&squares);
        mean_square.root(values.len())
    }

    /// The standard deviation of `values` over that of `others`, measured in the same replicates; interval on a log scale.
    pub(crate) fn of_spread_ratio(values: &[f64], others: &[f64]) -> Self {
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

    /// The largest of the values that `estimates` estimate, at least one: its interval holds together with those of all of them
    /// (Bonferroni), whatever their dependence.
    pub(crate) fn largest_of(estimates: &[Self], num_replicates: usize) -> Self {
        let quantile = student_quantile(num_replicates, estimates.len());
        let largest = estimates.iter().fold(estimates[0], |a, b| if b.value > a.value { *b } else { a });
        let end = |sign: f64| {
            let ends =
                estimates.iter().map(|estimate| estimate.value + sign * quantile * estimate.standard_error);
            ends.fold(f64::NEG_INFINITY, f64::max)
        };
        Self { lower: end(-1.0), upper: end(1.0), ..largest }
    }

    /// The smallest of the values that `estimates` estimate, likewise.
    pub(crate) fn smallest_of(estimates: &[Self], num_replicates: usize) -> Self {
        let mirrored: Vec<Self> = estimates.iter().map(|estimate| estimate.scaled(-1.0)).collect();
        Self::largest_of(&mirrored, num_replicates).scaled(-1.0)
    }

    /// The largest absolute value of what `estimates` estimate, likewise.
    pub(crate) fn largest_size_of(estimates: &[Self], num_replicates: usize) -> Self {
        let sizes: Vec<Self> = estimates
            .iter()
            .map(|estimate| if estimate.value < 0.0 { estimate.scaled(-1.0) } else { *estimate })
            .collect();
        let largest = Self::largest_of(&sizes, num_replicates);
        Self { lower: largest.lower.max(0.0), ..largest }
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
    pub(crate) fn root(self, num_replicates: usize) -> Self {
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

/// Half-width, in standard errors, of the intervals of `num_intervals` means over `num_replicates` that hold together.
fn student_quantile(num_replicates: usize, num_intervals: usize) -> f64 {
    StudentsT::new(0.0, 1.0, (num_replicates - 1) as f64)
        .expect("two replicates leave one degree of freedom")
        .inverse_cdf(1.0 - 0.5 * (1.0 - CONFIDENCE) / num_intervals as f64)
}

/// `y = prefactor * x^exponent`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PowerLaw {
    /// The slope of log y against log x.
    pub exponent: Estimate,
    /// The value of the fitted law at x = 1.
    pub prefactor: f64,
}

/// Fits a power law by least squares on log-log axes. `measurements[i][k]` is replicate k at `xs[i]`; `y_i` is `transform` of the mean
/// over the replicates.
///
/// The standard error of the exponent is the jackknife's: the fit repeated without one replicate at a time, left out at every x.
pub(crate) fn power_law(xs: &[f64], measurements: &[Vec<f64>], transform: impl Fn(f64) -> f64) -> PowerLaw {
    let num_replicates = measurements.first().map_or(0, Vec::len);
    let n = num_replicates as f64;
    let log_xs: Vec<f64> = xs.iter().map(|x| x.ln()).collect();
    let sums: Vec<f64> = measurements.iter().map(|replicates| replicates.iter().sum()).collect();
    let fit = |left_out: Option<usize>| {
        let log_ys: Vec<f64> = sums
            .iter()
            .zip(measurements)
            .map(|(sum, replicates)| match left_out {
                None => transform(sum / n).ln(),
                Some(k) => transform((sum - replicates[k]) / (n - 1.0)).ln(),
            })
            .collect();
        line(&log_xs, &log_ys)
    };
    let (exponent, intercept) = fit(None);
    let without: Vec<f64> = (0..num_replicates).map(|k| fit(Some(k)).0).collect();
    let mean = without.iter().sum::<f64>() / n;
    let spread = without.iter().map(|slope| (slope - mean) * (slope - mean)).sum::<f64>();
    let standard_error = ((n - 1.0) / n * spread).sqrt();
    PowerLaw { exponent: Estimate::new(exponent, standard_error, num_replicates), prefactor: intercept.exp() }
}

/// Slope and intercept of the least-squares line.
fn line(xs: &[f64], ys: &[f64]) -> (f64, f64) {
    let n = xs.len() as f64;
    let (mean_x, mean_y) = (xs.iter().sum::<f64>() / n, ys.iter().sum::<f64>() / n);
    let covariance: f64 = xs.iter().zip(ys).map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
    let variance: f64 = xs.iter().map(|x| (x - mean_x) * (x - mean_x)).sum();
    let slope = covariance / variance;
    (slope, mean_y - slope * mean_x)
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
    fn the_interval_of_the_largest_is_that_of_all_together() {
        let estimates = [Estimate::new(-3.0, 0.1, 10), Estimate::new(2.9, 0.5, 10)];
        // Student's 0.9875 quantile with 9 degrees of freedom is 2.685011.
        let quantile = 2.685_011;
        let close =
            |found: f64, expected: f64| assert!((found - expected).abs() < 1e-5, "{found} {expected}");
        let largest = Estimate::largest_of(&estimates, 10);
        assert_eq!((largest.value, largest.standard_error), (2.9, 0.5));
        close(largest.lower, 2.9 - 0.5 * quantile);
        close(largest.upper, 2.9 + 0.5 * quantile);
        let smallest = Estimate::smallest_of(&estimates, 10);
        assert_eq!((smallest.value, smallest.standard_error), (-3.0, 0.1));
        close(smallest.lower, -3.0 - 0.1 * quantile);
        let size = Estimate::largest_size_of(&estimates, 10);
        assert_eq!(size.value, 3.0);
        // The lower end is that of the sharper estimate, the upper end that of the other one.
        close(size.lower, 3.0 - 0.1 * quantile);
        close(size.upper, 2.9 + 0.5 * quantile);
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

    #[test]
    fn an_exact_power_law_is_found_without_error() {
        let xs = [0.5, 1.0, 2.0, 4.0];
        let measurements: Vec<Vec<f64>> = xs.iter().map(|x| vec![3.0 * f64::powf(*x, 1.5); 5]).collect();
        let law = power_law(&xs, &measurements, |y| y);
        assert!((law.exponent.value - 1.5).abs() < 1e-12 && law.exponent.standard_error < 1e-12);
        assert!((law.prefactor - 3.0).abs() < 1e-12);
    }

    #[test]
    fn the_jackknife_of_a_log_linear_statistic_is_its_standard_error() {
        let factors = [0.999, 1.0, 1.001];
        let measurements = vec![vec![1.0; 3], factors.iter().map(|factor| 2.0 * factor).collect()];
        let law = power_law(&[1.0, 2.0], &measurements, |y| y);
        // log y at x = 2 has the standard error 0.001 / sqrt(3); the slope divides it by log 2.
        let expected = 0.001 / 3.0_f64.sqrt() / std::f64::consts::LN_2;
        assert!((law.exponent.standard_error / expected - 1.0).abs() < 1e-3);
    }
}
