//! Learning rate schedules: constant, multi-step and cosine.

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

use crate::error::OptimError;

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
}

impl Schedule {
    /// Checks every setting.
    ///
    /// # Errors
    /// [`OptimError::InvalidSetting`], naming the first setting that is out of range or not a number.
    pub fn validate(&self) -> Result<(), OptimError> {
        let (Self::Constant { learning_rate }
        | Self::MultiStep { learning_rate, .. }
        | Self::Cosine { learning_rate, .. }) = *self;
        if !(learning_rate.is_finite() && learning_rate >= 0.0) {
            return Err(OptimError::setting(
                "learning_rate",
                &learning_rate,
                "a finite number of at least 0",
            ));
        }
        match self {
            Self::Constant { .. } => {}
            Self::MultiStep { milestones, factor, .. } => {
                if !(factor.is_finite() && *factor > 0.0) {
                    return Err(OptimError::setting("factor", factor, "a finite number greater than 0"));
                }
                if !milestones.is_sorted_by(|a, b| a < b) {
                    return Err(OptimError::setting(
                        "milestones",
                        &format!("{milestones:?}"),
                        "strictly ascending times",
                    ));
                }
            }
            Self::Cosine { floor, period, .. } => {
                if !(0.0..=learning_rate).contains(floor) {
                    return Err(OptimError::setting("floor", floor, "a number from 0 to the learning rate"));
                }
                if *period == 0 {
                    return Err(OptimError::setting("period", period, "at least 1"));
                }
            }
        }
        Ok(())
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
    fn settings_out_of_range_are_refused_by_name() {
        let multi_step = |milestones: &[u64], factor| Schedule::MultiStep {
            learning_rate: 0.1,
            milestones: milestones.to_vec(),
            factor,
        };
        let cosine = |floor, period| Schedule::Cosine { learning_rate: 0.1, floor, period };
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
        ];
        for (schedule, setting) in cases {
            let error = schedule.validate().unwrap_err().to_string();
            assert!(error.starts_with(setting), "{error}");
        }
        assert!(multi_step(&[], 0.1).validate().is_ok());
    }
}
