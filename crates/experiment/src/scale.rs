//! How much of an experiment is computed.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How much is computed: the same recipes, cut to fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
#[serde(rename_all = "kebab-case")]
pub enum ScaleName {
    /// Everything in minutes, to see that it works; says nothing about the claims on CIFAR
    Smoke,
    /// Two cores: simulations in seconds, networks in a working day; networks and epochs scaled down
    Desk,
    /// The papers' settings as far as they are known, ours elsewhere
    Paper,
}

impl ScaleName {
    /// From the smallest to the largest.
    pub const ALL: [Self; 3] = [Self::Smoke, Self::Desk, Self::Paper];
}

impl fmt::Display for ScaleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Smoke => "smoke",
            Self::Desk => "desk",
            Self::Paper => "paper",
        })
    }
}
