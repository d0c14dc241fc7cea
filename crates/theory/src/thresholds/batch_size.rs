//! `BatchSize`: how many components one step of SGD sees.

use std::fmt;
use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

/// How many components one step sees: a number, or `"all"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum BatchSize {
    /// That many, drawn independently, so that one may come twice.
    Draws(NonZeroU32),
    /// Every component exactly once: gradient descent.
    All(Whole),
}

/// The word for every component, in a configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Whole {
    /// All of them.
    #[serde(rename = "all")]
    All,
}

impl BatchSize {
    /// Every component exactly once.
    pub const ALL: Self = Self::All(Whole::All);

    /// Batch sizes from numbers, of which 0 are left out.
    pub(crate) fn several(numbers: &[u32]) -> Vec<Self> {
        numbers.iter().filter_map(|&k| NonZeroU32::new(k)).map(Self::Draws).collect()
    }

    /// `1 / k`, the factor by which a minibatch reduces a variance; 0 for all components.
    pub fn reciprocal(self) -> f64 {
        match self {
            Self::Draws(k) => f64::from(k.get()).recip(),
            Self::All(Whole::All) => 0.0,
        }
    }

    /// A number that tells batch sizes apart; 0 for all components.
    pub(crate) fn key(self) -> u64 {
        match self {
            Self::Draws(k) => u64::from(k.get()),
            Self::All(Whole::All) => 0,
        }
    }
}

impl fmt::Display for BatchSize {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Draws(k) => k.fmt(formatter),
            Self::All(Whole::All) => formatter.write_str("all"),
        }
    }
}
