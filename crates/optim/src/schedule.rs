//! Learning rate schedules: constant, multi-step, cosine, with a warm-up before or SWA's constant behind.

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

use crate::error::OptimError;
use crate::settings::{check, check_at_least_one, check_non_negative, check_positive, check_share};

/// A learning rate as a pure function of time. Whether time counts steps or epochs is the caller's choice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Schedule {
    /// Always the same.
    Constant {
        /// The learning rate, finite and at least 0.
        learning_rate: f64,
    },
    /// Multiplied by `factor` at each milestone. Agrees with PyTorch's `MultiStepLR`.
    MultiStep {
        /// The learning rate at time 0, finite and at least 0.
        learning_rate: f64,
        /// Times from which on one more factor holds, strictly ascending.
        milestones: Vec<u64>,
        /// The factor, finite and greater than 0.
        factor: f64,
    },
    /// Half a cosine wave from `learning_rate` at time 0 down to `floor` at time `period`, where it stays.
    ///
    /// # Source
    /// Loshchilov and Hutter (2017), arXiv:1608.03983, Eq. (5) without restarts. Agrees with PyTorch's `CosineAnnealingLR` up to `period`;
    /// behind it PyTorch's would rise again.
    Cosine {
        /// The learning rate at time 0, finite.
        learning_rate: f64,
        /// The learning rate from time `period` on, at least 0 and at most `learning_rate`.
        floor: f64,
        /// The time of the descent, at least 1.
        period: u64,
    },
    /// A straight rise from `factor` times the first learning rate of `then` up to that learning rate at time `duration`, when `then`
    /// begins, with its own time 0.
    ///
    /// # Source
    /// Goyal et al. (2017), arXiv:1706.02677, Section 2.2. Agrees with PyTorch's `LinearLR` and the scheduler of `then`, joined by
    /// `SequentialLR` at `duration`.
    WarmUp {
        /// The share of the first learning rate at time 0, in [0, 1].
        factor: f64,
        /// The time of the rise, at least 1.
        duration: u64,
        /// The schedule after it.
        then: Box<Schedule>,
    },
    /// `before` up to time `start`, then a straight line from there to `learning_rate` at time `start + duration`, where it stays.
    ///
    /// # Source
    /// Izmailov et al. (2018), arXiv:1803.05407, Section 3.2: there `before` is constant, `start` half of the budget and the line ends
    /// at 0.9 of it. Agrees with PyTorch's `SWALR` with the linear strategy, first stepped after time `start`.
    Swa {
        /// The schedule before it.
        before: Box<Schedule>,
        /// The time at which the line begins.
        start: u64,
        /// The time of the line, at least 1.
        duration: u64,
        /// The learning rate while averaging, finite and at least 0.
        learning_rate: f64,
    },
}

impl Schedule {
    /// Checks every setting.
    ///
    /// # Errors
    /// [`OptimError::InvalidSetting`], naming the first setting that is out of range or not a number.
    pub fn validate(&self) -> Result<(), OptimError> {
        match self {
            Self::Constant { learning_rate } => check_non_negative("learning_rate", *learning_rate),
            Self::MultiStep { learning_rate, milestones, factor } => {
                check_non_negative("learning_rate", *learning_rate)?;
                check_positive("factor", *factor)?;
                let is_ascending = milestones.is_sorted_by(|a, b| a < b);
                check(is_ascending, "milestones", &format!("{milestones:?}"), "strictly ascending times")
            }
            Self::Cosine { learning_rate, floor, period } => {
                check_non_negative("learning_rate", *learning_rate)?;
                let is_below = (0.0..=*learning_rate).contains(floor);
                check(is_below, "floor", floor, "a number from 0 to the learning rate")?;
                check_at_least_one("period", *period)
            }
            Self::WarmUp { factor, duration, then } => {
                check_share("factor", *factor)?;
                check_at_least_one("duration", *duration)?;
                then.validate()
            }
            Self::Swa { before, duration, learning_rate, .. } => {
                check_non_negative("learning_rate", *learning_rate)?;
                check_at_least_one("duration", *duration)?;
                before.validate()
            }
        }
    }

    /// The learning rate at time `t`.
    pub fn at(&self, t: u64) -> f64 {
        match self {
            Self::Constant { learning_rate } => *learning_rate,
            Self::MultiStep { learning_rate, milestones, factor } => {
                let num_passed = milestones.iter().filter(|&&milestone| milestone <= t).count();
                learning_rate * factor.powi(num_passed as i32)
            }
            Self::Cosine { learning_rate, floor, period } => {
                if t >= *period {
                    return *floor;
                }
                let share = 0.5 * (1.0 + (PI * t as f64 / *period as f64).cos());
                share * learning_rate + (1.0 - share) * floor
            }
            Self::WarmUp { factor, duration, then } => {
                if t >= *duration {
                    return then.at(t - duration);
                }
                let share = t as f64 / *duration as f64;
                then.at(0) * (factor + (1.0 - factor) * share)
            }
            Self::Swa { before, start, duration, learning_rate } => {
                if t <= *start {
                    return before.at(t);
                }
                let share = ((t - start) as f64 / *duration as f64).min(1.0);
                share * learning_rate + (1.0 - share) * before.at(*start)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cosine_meets_both_ends_exactly_and_stays_at_the_floor() {
        let schedule = Schedule::Cosine { learning_rate: 0.3, floor: 0.001, period: 7 };
        assert_eq!([0, 7, 8, 1000].map(|t| schedule.at(t)), [0.3, 0.001, 0.001, 0.001]);
    }

    #[test]
    fn schedules_nest_when_read() {
        let text = r#"{"kind": "warm_up", "factor": 0.0, "duration": 4, "then": {"kind": "swa", "start": 2, "duration": 2,
            "learning_rate": 0.1, "before": {"kind": "constant", "learning_rate": 0.5}}}"#;
        let schedule: Schedule = serde_json::from_str(text).unwrap();
        let found: Vec<f64> = (0..10).map(|t| schedule.at(t)).collect();
        assert_eq!(found, [0.0, 0.125, 0.25, 0.375, 0.5, 0.5, 0.5, 0.3, 0.1, 0.1]);
    }

    #[test]
    fn settings_out_of_range_are_refused_by_name() {
        let multi_step = |milestones: &[u64], factor| Schedule::MultiStep {
            learning_rate: 0.1,
            milestones: milestones.to_vec(),
            factor,
        };
        let cosine = |floor, period| Schedule::Cosine { learning_rate: 0.1, floor, period };
        let constant = |learning_rate| Box::new(Schedule::Constant { learning_rate });
        let warm_up = |factor, duration, rate| Schedule::WarmUp { factor, duration, then: constant(rate) };
        let swa = |duration, learning_rate, rate| Schedule::Swa {
            before: constant(rate),
            start: 3,
            duration,
            learning_rate,
        };
        let cases = [
            (Schedule::Constant { learning_rate: f64::NAN }, "learning_rate"),
            (Schedule::Constant { learning_rate: -0.1 }, "learning_rate"),
            (multi_step(&[3, 3], 0.1), "milestones"),
            (multi_step(&[4, 3], 0.1), "milestones"),
            (multi_step(&[3], f64::NAN), "factor"),
            (multi_step(&[3], 0.0), "factor"),
            (cosine(0.2, 5), "floor"),
            (cosine(-0.1, 5), "floor"),
            (cosine(0.0, 0), "period"),
            (warm_up(1.1, 3, 0.1), "factor"),
            (warm_up(0.1, 0, 0.1), "duration"),
            (warm_up(0.1, 3, -0.1), "learning_rate"),
            (swa(0, 0.1, 0.1), "duration"),
            (swa(3, f64::NAN, 0.1), "learning_rate"),
            (swa(3, 0.1, f64::NAN), "learning_rate"),
        ];
        for (schedule, setting) in cases {
            let error = schedule.validate().unwrap_err().to_string();
            assert!(error.starts_with(setting), "{error}");
        }
        assert!(multi_step(&[], 0.1).validate().is_ok());
    }
}
