//! Fractions of runs, with intervals that stay honest near 0 and 1.

use serde::{Deserialize, Serialize};

use crate::quantile::normal;

/// The share of runs with some property, with Wilson's interval of confidence [`CONFIDENCE`](crate::CONFIDENCE).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Proportion {
    /// The runs that have the property.
    pub count: u64,
    /// All runs.
    pub num_runs: u64,
    /// `count / num_runs`.
    pub value: f64,
    /// Lower end of the interval.
    pub lower: f64,
    /// Upper end of the interval.
    pub upper: f64,
}

/// The difference of two independent proportions, with an interval of confidence [`CONFIDENCE`](crate::CONFIDENCE).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProportionDifference {
    /// The difference of the shares.
    pub value: f64,
    /// Lower end of the interval.
    pub lower: f64,
    /// Upper end of the interval.
    pub upper: f64,
}

impl Proportion {
    /// `count` of `num_runs`.
    ///
    /// # Panics
    /// If `num_runs` is 0.
    pub fn new(count: u64, num_runs: u64) -> Self {
        assert!(num_runs > 0, "a share of no runs");
        let (n, z) = (num_runs as f64, normal());
        let value = count as f64 / n;
        let shrink = 1.0 + z * z / n;
        let center = (value + z * z / (2.0 * n)) / shrink;
        let half_width = z / shrink * (value * (1.0 - value) / n + z * z / (4.0 * n * n)).sqrt();
        let (lower, upper) = ((center - half_width).max(0.0), (center + half_width).min(1.0));
        Self { count, num_runs, value, lower, upper }
    }

    /// The share of `runs` for which `property` holds.
    pub fn of<T>(runs: &[T], property: impl Fn(&T) -> bool) -> Self {
        Self::new(runs.iter().filter(|run| property(run)).count() as u64, runs.len() as u64)
    }

    /// `self - other`, for independent runs.
    ///
    /// # Source
    /// Newcombe (1998), Statistics in Medicine 17, 873-890, method 10: the intervals of Wilson, combined.
    pub fn minus(&self, other: &Self) -> ProportionDifference {
        let value = self.value - other.value;
        let below = (self.value - self.lower).hypot(other.upper - other.value);
        let above = (self.upper - self.value).hypot(other.value - other.lower);
        ProportionDifference { value, lower: value - below, upper: value + above }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_is_wilson_s() {
        // 81 of 263, the example of Newcombe (1998), Statistics in Medicine 17, 857-872: 0.2553 to 0.3662.
        let share = Proportion::new(81, 263);
        assert!((share.lower - 0.2553).abs() < 5e-5 && (share.upper - 0.3662).abs() < 5e-5, "{share:?}");
        let none = Proportion::new(0, 20);
        assert!(none.lower < 1e-15 && (none.upper - 0.1611).abs() < 5e-5, "{none:?}");
    }

    #[test]
    fn the_interval_of_a_difference_is_newcombe_s() {
        // 56 of 70 minus 48 of 80, an example of Newcombe (1998): 0.2, interval 0.0524 to 0.3339.
        let difference = Proportion::new(56, 70).minus(&Proportion::new(48, 80));
        assert!((difference.value - 0.2).abs() < 1e-15);
        assert!((difference.lower - 0.0524).abs() < 5e-5, "{difference:?}");
        assert!((difference.upper - 0.3339).abs() < 5e-5, "{difference:?}");
    }
}
