//! Means of samples that come one by one.

use serde::{Deserialize, Serialize};

use crate::quantile::student;

/// Count, mean and sum of squared deviations of a sample, updated one value at a time.
///
/// # Source
/// Welford (1962), Note on a method for calculating corrected sums of squares and products.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Moments {
    /// The number of values.
    pub count: u64,
    /// Their mean; 0 for no values.
    pub mean: f64,
    /// The sum of their squared deviations from the mean.
    pub squared_deviations: f64,
}

impl Moments {
    /// Takes one more value in.
    pub fn push(&mut self, value: f64) {
        self.count += 1;
        let before = value - self.mean;
        self.mean += before / self.count as f64;
        self.squared_deviations += before * (value - self.mean);
    }

    /// The unbiased variance; NaN for fewer than two values.
    pub fn variance(&self) -> f64 {
        if self.count < 2 { f64::NAN } else { self.squared_deviations / (self.count - 1) as f64 }
    }

    /// The standard error of the mean; infinite for fewer than two values, 0 if all values are equal.
    pub fn standard_error(&self) -> f64 {
        if self.count < 2 { f64::INFINITY } else { (self.variance() / self.count as f64).sqrt() }
    }

    /// The mean with its t interval at `confidence`, in (0, 1).
    pub fn estimate(&self, confidence: f64) -> MeanEstimate {
        let standard_error = self.standard_error();
        // Nothing is left to multiply: no quantile exists for one value, none is needed for equal ones.
        let half_width = if self.count < 2 || standard_error == 0.0 {
            standard_error
        } else {
            standard_error * student((self.count - 1) as f64, confidence)
        };
        MeanEstimate {
            mean: self.mean,
            standard_error,
            lower: self.mean - half_width,
            upper: self.mean + half_width,
            confidence,
            num_samples: self.count,
        }
    }
}

/// A mean of independent samples between the ends of its t interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct MeanEstimate {
    /// The mean of the samples.
    pub mean: f64,
    /// Its standard error; infinite for fewer than two samples.
    pub standard_error: f64,
    /// Lower end of the interval.
    pub lower: f64,
    /// Upper end of the interval.
    pub upper: f64,
    /// The confidence of the interval, in (0, 1).
    pub confidence: f64,
    /// The number of samples.
    pub num_samples: u64,
}

impl MeanEstimate {
    /// Half the width of the interval.
    pub fn half_width(&self) -> f64 {
        0.5 * (self.upper - self.lower)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(values: &[f64]) -> Moments {
        let mut moments = Moments::default();
        for value in values {
            moments.push(*value);
        }
        moments
    }

    /// With one degree of freedom t is Cauchy's law: its 97.5 % quantile is tan(0.475 pi).
    #[test]
    fn the_interval_of_two_values_is_cauchys() {
        let estimate = sample(&[1.0, 3.0]).estimate(0.95);
        assert_eq!((estimate.mean, estimate.standard_error), (2.0, 1.0));
        let expected = (0.475 * std::f64::consts::PI).tan();
        assert!((estimate.half_width() - expected).abs() < 1e-8 * expected, "{estimate:?}");
    }

    #[test]
    fn one_value_says_nothing_about_its_spread_and_equal_ones_say_all() {
        assert_eq!(sample(&[1.0]).estimate(0.95).upper, f64::INFINITY);
        let equal = sample(&[3.0; 5]).estimate(0.95);
        assert_eq!((equal.lower, equal.upper, equal.standard_error), (3.0, 3.0, 0.0));
    }
}
