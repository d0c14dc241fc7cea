//! `[averages]`: averages of the trajectory.

use std::num::{NonZeroU64, NonZeroUsize};

use anyhow::ensure;
use polder_optim::AverageConfig;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check::{fraction, one};
use crate::weights_name::is_average;

/// One average of the trajectory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, tag = "kind", rename_all = "kebab-case")]
pub enum AveragingConfig {
    /// Uniform mean of all iterates from `start` on.
    Tail {
        /// From this fraction of the run on; rounded down to a whole epoch.
        #[schemars(range(min = 0), extend("exclusiveMaximum" = 1), example = 0.75)]
        start: f64,
    },
    /// `decay * average + (1 - decay) * iterate` from `start` on; the first iterate stands for all before it.
    Ema {
        /// From this fraction of the run on; rounded down to a whole epoch.
        #[schemars(range(min = 0), extend("exclusiveMaximum" = 1), example = 0.0)]
        start: f64,
        /// What is left of the average at every step; the iterate has the rest.
        #[schemars(range(min = 0, max = 1), example = 0.999)]
        decay: f64,
    },
    /// `decay * average + (1 - decay) * iterate` from `start` on, divided by the weight of what it has seen: nothing stands
    /// for the iterates before the first.
    CorrectedEma {
        /// From this fraction of the run on; rounded down to a whole epoch.
        #[schemars(range(min = 0), extend("exclusiveMaximum" = 1), example = 0.0)]
        start: f64,
        /// What is left of the average at every step; the iterate has the rest.
        #[schemars(range(min = 0, max = 1), example = 0.999)]
        decay: f64,
    },
    /// Uniform mean of the iterates at the end of every `every` epochs from `start` on.
    Swa {
        /// From this fraction of the run on; rounded down to a whole epoch.
        #[schemars(range(min = 0), extend("exclusiveMaximum" = 1), example = 0.75)]
        start: f64,
        /// One iterate of so many epochs; at most as many as are left from `start` on.
        #[serde(default = "one")]
        #[schemars(range(min = 1), example = 1)]
        every: u64,
    },
    /// Uniform mean of the last `length` of the iterates at the end of every `every` epochs from `start` on. Takes the
    /// memory of `length` + 2 networks.
    Window {
        /// From this fraction of the run on; rounded down to a whole epoch.
        #[schemars(range(min = 0), extend("exclusiveMaximum" = 1), example = 0.0)]
        start: f64,
        /// How many iterates.
        #[schemars(range(min = 1), example = 5)]
        length: u64,
        /// One iterate of so many epochs; at most as many as are left from `start` on.
        #[serde(default = "one")]
        #[schemars(range(min = 1), example = 1)]
        every: u64,
    },
}

impl AveragingConfig {
    /// Whether it has seen an iterate after so many of all epochs.
    pub fn has_begun(&self, epoch: u64, epochs: u64) -> bool {
        match *self {
            Self::Tail { start } | Self::Ema { start, .. } | Self::CorrectedEma { start, .. } => {
                epoch > first_averaged_epoch(start, epochs)
            }
            Self::Swa { start, every } | Self::Window { start, every, .. } => {
                epoch >= first_averaged_epoch(start, epochs) + every
            }
        }
    }

    /// The average with its times turned into steps, in a run of `epochs` epochs.
    pub fn over(&self, epochs: u64, steps_per_epoch: u64) -> AverageConfig {
        let first_step = |start: f64| first_averaged_epoch(start, epochs) * steps_per_epoch;
        // The last step of an epoch, and from there whole epochs.
        let by_epochs = |start: f64, every: u64| {
            let steps = NonZeroU64::new(every * steps_per_epoch).unwrap_or(NonZeroU64::MIN);
            (first_step(start) + steps.get() - 1, steps)
        };
        match *self {
            Self::Tail { start } => AverageConfig::Tail { start: first_step(start) },
            Self::Ema { start, decay } => AverageConfig::Ema { start: first_step(start), decay },
            Self::CorrectedEma { start, decay } => {
                AverageConfig::CorrectedEma { start: first_step(start), decay }
            }
            Self::Swa { start, every } => {
                let (start, every) = by_epochs(start, every);
                AverageConfig::Swa { start, every }
            }
            Self::Window { start, length, every } => {
                let (start, every) = by_epochs(start, every);
                let length = NonZeroUsize::new(length as usize).unwrap_or(NonZeroUsize::MIN);
                AverageConfig::Window { start, every, length }
            }
        }
    }

    pub(super) fn validate(&self, name: &str, epochs: u64) -> anyhow::Result<()> {
        ensure!(is_average(name), "an average cannot be named `{name}`: that is a name of the last iterate");
        let is_plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '-' || letter == '_';
        ensure!(
            !name.is_empty() && name.chars().all(is_plain),
            "an average cannot be named `{name}`; expected letters, digits, `-` and `_`, at least one"
        );
        let (Self::Tail { start }
        | Self::Ema { start, .. }
        | Self::CorrectedEma { start, .. }
        | Self::Swa { start, .. }
        | Self::Window { start, .. }) = *self;
        fraction(&format!("averages.{name}.start"), start)?;
        let first = first_averaged_epoch(start, epochs);
        ensure!(first < epochs, "`averages.{name}.start` is {start}: no epoch is left to average");
        if let Self::Ema { decay, .. } | Self::CorrectedEma { decay, .. } = *self {
            fraction(&format!("averages.{name}.decay"), decay)?;
        }
        if let Self::Swa { every, .. } | Self::Window { every, .. } = *self {
            ensure!(every > 0, "`averages.{name}.every` is 0; expected at least 1");
            ensure!(
                first + every <= epochs,
                "`averages.{name}.every` is {every}: so many epochs are not left from `start` on"
            );
        }
        if let Self::Window { length, .. } = *self {
            ensure!(length > 0, "`averages.{name}.length` is 0; expected at least 1");
        }
        Ok(())
    }
}

/// The first epoch of an average that starts at the fraction `start`; rounded down, so that short runs have one too.
fn first_averaged_epoch(start: f64, epochs: u64) -> u64 {
    (start * epochs as f64).floor() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn averages_by_epochs_take_the_last_iterate_of_an_epoch() {
        let swa = AveragingConfig::Swa { start: 0.5, every: 2 };
        let every = NonZeroU64::new(20).unwrap();
        assert_eq!(
            swa.over(12, 10),
            AverageConfig::Swa { start: 79, every },
            "the end of the 8th of 12 epochs"
        );
        assert!(swa.validate("swa", 12).is_ok());
        let error = AveragingConfig::Swa { start: 0.5, every: 7 }.validate("swa", 12).unwrap_err();
        assert!(error.to_string().contains("averages.swa.every"), "{error}");
    }
}
