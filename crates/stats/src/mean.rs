//! Intervals and tests of means: Student's t, and Welch's for sums of independent means.

use serde::{Deserialize, Serialize};

use crate::quantile::{student, student_tail};

/// An estimate between the ends of its interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The estimate.
    pub estimate: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// The t interval of the mean of `values` at `level`; `None` for fewer than two values.
pub fn mean_interval(values: &[f64], level: f64) -> Option<Interval> {
    welch_interval(&[(1.0, values)], level)
}

/// The interval of `sum of coefficient * mean(sample)` over independent samples.
///
/// The degrees of freedom are those of Welch and Satterthwaite; for one sample they are `n - 1`. `None` if a sample
/// has fewer than two values.
pub fn welch_interval(samples: &[(f64, &[f64])], level: f64) -> Option<Interval> {
    let (mut estimate, mut variance, mut spread) = (0.0, 0.0, 0.0);
    for (coefficient, values) in samples {
        let n = values.len() as f64;
        if n < 2.0 {
            return None;
        }
        let mean = mean(values);
        let of_values = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.0);
        let of_mean = coefficient.powi(2) * of_values / n;
        estimate += coefficient * mean;
        variance += of_mean;
        spread += of_mean.powi(2) / (n - 1.0);
    }
    // Equal values leave nothing to estimate a variance from: the interval is the point.
    if variance == 0.0 {
        return Some(Interval { estimate, low: estimate, high: estimate });
    }
    let degrees = variance.powi(2) / spread;
    let half = student(degrees, level) * variance.sqrt();
    Some(Interval { estimate, low: estimate - half, high: estimate + half })
}

/// The one-sided p-value of a t test for a mean above zero: 1 for a single value; for equal values 0 above zero, else 1.
pub fn one_sided(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    if n < 2.0 {
        return 1.0;
    }
    let mean = mean(values);
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.0);
    if variance == 0.0 {
        return if mean > 0.0 { 0.0 } else { 1.0 };
    }
    let t = mean / (variance / n).sqrt();
    student_tail(n - 1.0, t)
}

/// The arithmetic mean; NaN for no values.
pub fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(left: f64, right: f64) {
        assert!((left - right).abs() < 1e-6 * right.abs().max(1.0), "{left} {right}");
    }

    /// With one degree of freedom t is Cauchy: its 97.5 % quantile is tan(0.475 pi) = 12.7062047.
    #[test]
    fn two_values_give_the_cauchy_interval() {
        let interval = mean_interval(&[1.0, 2.0], 0.95).unwrap();
        let half = (0.475 * std::f64::consts::PI).tan() * 0.5;
        close(interval.estimate, 1.5);
        close(interval.low, 1.5 - half);
        close(interval.high, 1.5 + half);
    }

    /// With two degrees of freedom the quantile is 2a sqrt(2 / (1 - 4 a^2)) for a = p - 1/2, 4.3026527 at 97.5 %.
    #[test]
    fn three_values_give_the_closed_form_for_two_degrees() {
        let interval = mean_interval(&[1.0, 2.0, 6.0], 0.95).unwrap();
        let a: f64 = 0.475;
        let quantile = 2.0 * a * (2.0 / (1.0 - 4.0 * a * a)).sqrt();
        close(interval.high - interval.estimate, quantile * (7.0_f64 / 3.0).sqrt());
    }

    /// Two samples of three with variances 1 and 4, so (1/3 + 4/3)^2 / ((1/3)^2 / 2 + (4/3)^2 / 2) = 25 / 8.5 degrees. The
    /// quantile has the chance that it should have under the law of t with so many degrees, by the trapezoidal rule.
    #[test]
    fn unequal_variances_give_welchs_degrees() {
        let (left, right) = ([4.0, 5.0, 6.0], [0.0, 2.0, 4.0]);
        let interval = welch_interval(&[(1.0, &left), (-1.0, &right)], 0.95).unwrap();
        close(interval.estimate, 3.0);
        let quantile = (interval.high - interval.estimate) / (5.0_f64 / 3.0).sqrt();
        // Substituting t = sqrt(degrees) tan(angle) leaves a power of the cosine, without a tail.
        let degrees: f64 = 25.0 / 8.5;
        let integral = |to: f64| {
            let steps = 20_000;
            let height = |index: u32| (to * f64::from(index) / f64::from(steps)).cos().powf(degrees - 1.0);
            let inner: f64 = (1..steps).map(height).sum();
            to / f64::from(steps) * (0.5 * (height(0) + height(steps)) + inner)
        };
        let within = integral((quantile / degrees.sqrt()).atan()) / integral(std::f64::consts::FRAC_PI_2);
        assert!((within - 0.95).abs() < 1e-5, "{quantile} {within}");
    }

    /// With one degree of freedom t is Cauchy: beyond 1 lies a quarter.
    #[test]
    fn the_one_sided_test_of_two_values_is_that_of_cauchy() {
        close(one_sided(&[0.0, 2.0]), 0.25);
        close(one_sided(&[0.0, -2.0]), 0.75);
        assert_eq!([one_sided(&[1.0]), one_sided(&[1.0, 1.0]), one_sided(&[-1.0, -1.0])], [1.0, 0.0, 1.0]);
    }

    #[test]
    fn one_value_has_no_interval_and_equal_values_have_an_empty_one() {
        assert_eq!(mean_interval(&[0.7], 0.95), None);
        assert_eq!(mean_interval(&[0.7, 0.7], 0.95), Some(Interval { estimate: 0.7, low: 0.7, high: 0.7 }));
    }
}
