//! `Momentum`: how past gradients enter a step.

use serde::{Deserialize, Serialize};

use crate::error::OptimError;
use crate::settings::{check, check_share};

/// How past gradients enter a step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Momentum {
    /// Not at all.
    #[default]
    None,
    /// Polyak's heavy ball: `v = coefficient * v + (1 - dampening) * g`, step along `v`.
    HeavyBall {
        /// Weight of the past, in [0, 1). 0 is no momentum at all, whatever the dampening.
        coefficient: f64,
        /// How much the new gradient is held back, in [0, 1]. It does not apply at the first step.
        #[serde(default)]
        dampening: f64,
    },
    /// Nesterov's momentum as PyTorch has it: `v = coefficient * v + g`, step along `g + coefficient * v`. It knows no dampening.
    Nesterov {
        /// Weight of the past, in (0, 1).
        coefficient: f64,
    },
}

impl Momentum {
    /// The weight of the past; 0 without momentum.
    #[inline]
    pub fn coefficient(&self) -> f64 {
        match *self {
            Self::None => 0.0,
            Self::HeavyBall { coefficient, .. } | Self::Nesterov { coefficient } => coefficient,
        }
    }

    /// How much the new gradient is held back; 0 unless a heavy ball says otherwise.
    #[inline]
    pub fn dampening(&self) -> f64 {
        match *self {
            Self::HeavyBall { dampening, .. } => dampening,
            Self::None | Self::Nesterov { .. } => 0.0,
        }
    }

    pub(crate) fn validate(&self) -> Result<(), OptimError> {
        match *self {
            Self::None => Ok(()),
            Self::HeavyBall { coefficient, dampening } => {
                let is_valid = (0.0..1.0).contains(&coefficient);
                check(is_valid, "momentum.coefficient", &coefficient, "a number in [0, 1)")?;
                check_share("momentum.dampening", dampening)
            }
            Self::Nesterov { coefficient } => {
                let is_valid = coefficient > 0.0 && coefficient < 1.0;
                let expected = "a number in (0, 1) with Nesterov momentum";
                check(is_valid, "momentum.coefficient", &coefficient, expected)
            }
        }
    }
}
