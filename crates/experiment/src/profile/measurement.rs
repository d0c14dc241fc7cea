//! Rounds of a measurement, and how far their median can be trusted.

use serde::{Deserialize, Serialize};

/// Loader alone, consumer alone and both together, measured one right after the other: only then do they compare on a
/// machine that is not quiet.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Round {
    /// Images per second of the loader when minibatches are dropped at once.
    pub loader: f64,
    /// Images per second of the consumer on images that are already there.
    pub consumer: f64,
    /// Images per second of both together.
    pub together: f64,
    /// What part of the time of both together the consumer waited, 0 to 1.
    pub waited: f64,
    /// What part of it went into making tensors on the consumer's device, 0 to 1.
    pub copied: f64,
}

/// A quantity over several rounds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    pub median: f64,
    pub low: f64,
    pub high: f64,
    /// Half the width of a 95 % interval of the median.
    pub uncertainty: f64,
}

/// From the median absolute deviation of normal noise to its standard deviation, 1 / 0.6745.
const DEVIATION: f64 = 1.4826;

/// The standard error of a median of n normal values is sqrt(pi / 2) of their standard deviation over sqrt(n).
const MEDIAN_ERROR: f64 = 1.2533;

/// Two-sided 95 % of a normal distribution.
const NORMAL_95: f64 = 1.96;

impl Spread {
    /// The spread of `values`; all zero if there are none.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.into_iter().collect();
        let median = median(&mut values);
        let (low, high) = match (values.first(), values.last()) {
            (Some(low), Some(high)) => (*low, *high),
            _ => (0.0, 0.0),
        };
        let mut deviations: Vec<f64> = values.iter().map(|value| (value - median).abs()).collect();
        let deviation = DEVIATION * self::median(&mut deviations);
        let uncertainty = NORMAL_95 * MEDIAN_ERROR * deviation / (values.len().max(1) as f64).sqrt();
        Self { median, low, high, uncertainty }
    }

    /// The uncertainty as a fraction of the median.
    pub fn relative_uncertainty(&self) -> f64 {
        if self.median > 0.0 { self.uncertainty / self.median } else { 0.0 }
    }
}

/// Sorts `values`; their middle one, or the mean of the two in the middle.
fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => 0.0,
        odd if odd % 2 == 1 => values[middle],
        _ => 0.5 * (values[middle - 1] + values[middle]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_ignores_one_disturbed_round_and_its_uncertainty_too() {
        let quiet = Spread::of([100.0, 101.0, 99.0, 100.0, 100.0]);
        let disturbed = Spread::of([100.0, 101.0, 99.0, 100.0, 20.0]);
        assert_eq!((quiet.median, disturbed.median), (100.0, 100.0));
        assert_eq!((disturbed.low, disturbed.high), (20.0, 101.0));
        assert!(disturbed.relative_uncertainty() < 0.02, "{disturbed:?}");
    }

    #[test]
    fn no_values_and_equal_values_are_no_special_case() {
        assert_eq!(Spread::of([]), Spread { median: 0.0, low: 0.0, high: 0.0, uncertainty: 0.0 });
        assert_eq!(Spread::of([2.0, 2.0]), Spread { median: 2.0, low: 2.0, high: 2.0, uncertainty: 0.0 });
        assert_eq!(Spread::of([1.0, 3.0]).median, 2.0);
    }
}
