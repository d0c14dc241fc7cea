//! `[schedule]`: the learning rate over the run.

use anyhow::ensure;
use polder_optim::Schedule;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check::{fraction, positive};

/// An example of milestones.
const MILESTONES: [f64; 3] = [0.2, 0.4, 0.6];

/// The learning rate over the run; times are fractions of it, rounded to whole epochs, or to steps with
/// `training.learning_rate_per = "step"`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, tag = "kind", rename_all = "kebab-case")]
pub enum ScheduleConfig {
    /// The same all along.
    Constant {
        /// The learning rate.
        #[schemars(extend("exclusiveMinimum" = 0), example = 0.1)]
        learning_rate: f64,
    },
    /// Falls by a factor at each milestone.
    MultiStep {
        /// The learning rate before the first milestone.
        #[schemars(extend("exclusiveMinimum" = 0), example = 0.1)]
        learning_rate: f64,
        /// Fractions of the run, ascending.
        #[schemars(inner(range(min = 0, max = 1)), example = MILESTONES)]
        milestones: Vec<f64>,
        /// By which the learning rate is multiplied at every milestone.
        #[schemars(range(min = 0, max = 1), example = 0.2)]
        factor: f64,
    },
    /// Half a cosine wave from the learning rate down to a floor.
    Cosine {
        /// The learning rate at the beginning.
        #[schemars(extend("exclusiveMinimum" = 0), example = 0.1)]
        learning_rate: f64,
        /// The learning rate at the end; at most the one at the beginning.
        #[schemars(range(min = 0), example = 0.0)]
        floor: f64,
    },
    /// A straight rise over the fraction `duration` of the run, from `factor` times the first learning rate of `then` to
    /// that; times within `then` are fractions of what is left.
    WarmUp {
        /// The learning rate at the beginning, in units of the first one of `then`.
        #[schemars(range(min = 0, max = 1), example = 0.1)]
        factor: f64,
        /// The fraction of the run that the rise takes.
        #[schemars(range(min = 0), extend("exclusiveMaximum" = 1), example = 0.05)]
        duration: f64,
        /// The schedule that follows.
        #[schemars(example = Self::constant())]
        then: Box<ScheduleConfig>,
    },
    /// `before` up to the fraction `start`, then within the fraction `duration` straight to `learning_rate`, where it
    /// stays; times within `before` are fractions of the whole run.
    Swa {
        /// The schedule up to `start`.
        #[schemars(example = Self::constant())]
        before: Box<ScheduleConfig>,
        /// The fraction of the run at which it is left.
        #[schemars(range(min = 0, max = 1), example = 0.75)]
        start: f64,
        /// The fraction of the run that the way to `learning_rate` takes.
        #[schemars(range(min = 0, max = 1), example = 0.05)]
        duration: f64,
        /// The learning rate at the end.
        #[schemars(extend("exclusiveMinimum" = 0), example = 0.05)]
        learning_rate: f64,
    },
}

impl ScheduleConfig {
    /// What stands in examples where a schedule holds another.
    fn constant() -> Self {
        Self::Constant { learning_rate: 0.1 }
    }

    /// The schedule of a run that takes `total` units of time.
    pub fn over(&self, total: u64) -> Schedule {
        match self {
            Self::Constant { learning_rate } => Schedule::Constant { learning_rate: *learning_rate },
            Self::MultiStep { learning_rate, milestones, factor } => Schedule::MultiStep {
                learning_rate: *learning_rate,
                milestones: milestones.iter().map(|at| fraction_of(*at, total)).collect(),
                factor: *factor,
            },
            Self::Cosine { learning_rate, floor } => {
                Schedule::Cosine { learning_rate: *learning_rate, floor: *floor, period: total.max(1) }
            }
            Self::WarmUp { factor, duration, then } => {
                let duration = fraction_of(*duration, total).max(1);
                let then = Box::new(then.over(total.saturating_sub(duration)));
                Schedule::WarmUp { factor: *factor, duration, then }
            }
            Self::Swa { before, start, duration, learning_rate } => Schedule::Swa {
                before: Box::new(before.over(total)),
                start: fraction_of(*start, total),
                duration: fraction_of(*duration, total).max(1),
                learning_rate: *learning_rate,
            },
        }
    }

    pub(super) fn validate(&self) -> anyhow::Result<()> {
        match self {
            Self::Constant { learning_rate } => positive("schedule.learning_rate", *learning_rate)?,
            Self::MultiStep { learning_rate, milestones, factor } => {
                positive("schedule.learning_rate", *learning_rate)?;
                fraction("schedule.factor", *factor)?;
                for milestone in milestones {
                    fraction("schedule.milestones", *milestone)?;
                }
                ensure!(milestones.is_sorted(), "`schedule.milestones` must ascend, found {milestones:?}");
            }
            Self::Cosine { learning_rate, floor } => {
                positive("schedule.learning_rate", *learning_rate)?;
                ensure!(
                    (0.0..=*learning_rate).contains(floor),
                    "`schedule.floor` is {floor}; expected between 0 and the learning rate {learning_rate}"
                );
            }
            Self::WarmUp { factor, duration, then } => {
                fraction("schedule.factor", *factor)?;
                fraction("schedule.duration", *duration)?;
                ensure!(
                    *duration < 1.0,
                    "`schedule.duration` is 1: nothing is left of the run behind the warm-up"
                );
                then.validate()?;
            }
            Self::Swa { before, start, duration, learning_rate } => {
                positive("schedule.learning_rate", *learning_rate)?;
                fraction("schedule.start", *start)?;
                fraction("schedule.duration", *duration)?;
                before.validate()?;
            }
        }
        Ok(())
    }
}

/// The time at which the fraction `at` of `total` is reached, to the nearest.
fn fraction_of(at: f64, total: u64) -> u64 {
    (at * total as f64).round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warm_up_takes_its_time_from_what_follows() {
        let schedule = ScheduleConfig::WarmUp {
            factor: 0.0,
            duration: 0.2,
            then: Box::new(ScheduleConfig::Cosine { learning_rate: 0.4, floor: 0.0 }),
        };
        let schedule = schedule.over(10);
        let found: Vec<f64> = [0, 1, 2, 6, 10].map(|t| (1e6 * schedule.at(t)).round() / 1e6).to_vec();
        assert_eq!(found, [0.0, 0.2, 0.4, 0.2, 0.0]);
    }

    #[test]
    fn swa_ends_at_its_own_learning_rate() {
        let schedule = ScheduleConfig::Swa {
            before: Box::new(ScheduleConfig::Constant { learning_rate: 0.5 }),
            start: 0.5,
            duration: 0.25,
            learning_rate: 0.1,
        };
        let schedule = schedule.over(8);
        assert_eq!([0, 4, 5, 6, 7].map(|t| schedule.at(t)), [0.5, 0.5, 0.3, 0.1, 0.1]);
    }
}
