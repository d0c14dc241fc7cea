//! One number that a claim can be about, and how sure it is.

use polder_stats::{Estimate, Proportion, ProportionDifference};
use polder_theory::Agreement;

/// A named number and what uncertaintys it.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    /// How a claim calls it: lower case, words joined by `-`.
    pub name: String,
    /// What it is, in words.
    pub what: String,
    /// The number itself: an estimate, an exact value, or a largest deviation in standard errors.
    pub value: f64,
    /// How sure it is.
    pub uncertainty: Uncertainty,
}

/// How sure a number is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Uncertainty {
    /// An interval at the level [`CONFIDENCE`](polder_stats::CONFIDENCE).
    Interval {
        /// Its lower end.
        low: f64,
        /// Its upper end.
        high: f64,
        /// The replicates behind it.
        n: u64,
    },
    /// Computed without chance.
    Exact {
        /// The values of which it is the largest or smallest; 1 if it is a single one.
        n: u64,
    },
    /// The largest of `n` deviations from a prediction, in standard errors.
    Deviations {
        /// Chance alone leaves all of them below this with the probability [`CONFIDENCE`](polder_stats::CONFIDENCE).
        limit: f64,
        /// The comparisons made.
        n: u64,
    },
}

impl Metric {
    /// An estimate over `n` replicates.
    pub fn estimate(name: impl Into<String>, what: impl Into<String>, estimate: &Estimate, n: u64) -> Self {
        let uncertainty = Uncertainty::Interval { low: estimate.lower, high: estimate.upper, n };
        Self { name: name.into(), what: what.into(), value: estimate.value, uncertainty }
    }

    /// A share of runs.
    pub fn proportion(name: impl Into<String>, what: impl Into<String>, share: &Proportion) -> Self {
        let uncertainty = Uncertainty::Interval { low: share.lower, high: share.upper, n: share.num_runs };
        Self { name: name.into(), what: what.into(), value: share.value, uncertainty }
    }

    /// The difference of two shares, each of `n` runs.
    pub fn difference(
        name: impl Into<String>,
        what: impl Into<String>,
        difference: &ProportionDifference,
        n: u64,
    ) -> Self {
        let uncertainty = Uncertainty::Interval { low: difference.lower, high: difference.upper, n };
        Self { name: name.into(), what: what.into(), value: difference.value, uncertainty }
    }

    /// The largest absolute value of several numbers that chance has no part in; NaN if one of them is.
    pub fn largest(
        name: impl Into<String>,
        what: impl Into<String>,
        values: impl IntoIterator<Item = f64>,
    ) -> Self {
        let (mut value, mut n) = (0.0, 0);
        for next in values {
            // `max` would hide a value that is not a number.
            value = if next.is_nan() || f64::is_nan(value) { f64::NAN } else { f64::max(value, next.abs()) };
            n += 1;
        }
        Self { name: name.into(), what: what.into(), value, uncertainty: Uncertainty::Exact { n } }
    }

    /// A single number that chance has no part in.
    pub fn exact(name: impl Into<String>, what: impl Into<String>, value: f64) -> Self {
        Self { name: name.into(), what: what.into(), value, uncertainty: Uncertainty::Exact { n: 1 } }
    }

    /// Whether many measurements agree with their closed forms.
    pub fn agreement(name: impl Into<String>, what: impl Into<String>, agreement: &Agreement) -> Self {
        let uncertainty =
            Uncertainty::Deviations { limit: agreement.limit, n: agreement.num_comparisons as u64 };
        Self { name: name.into(), what: what.into(), value: agreement.largest_deviation, uncertainty }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_of_several_counts_them_and_hides_no_nan() {
        let largest = Metric::largest("a", "b", [1.0, -3.0, 2.0]);
        assert_eq!((largest.value, largest.uncertainty), (3.0, Uncertainty::Exact { n: 3 }));
        assert!(Metric::largest("a", "b", [f64::NAN, 1.0]).value.is_nan());
        assert!(Metric::largest("a", "b", [1.0, f64::NAN]).value.is_nan());
    }
}
