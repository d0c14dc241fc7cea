//! `WeightDecay`: coupled weight decay over all entries or over ranges of them.

use serde::{Deserialize, Serialize};

use crate::entries::Entries;
use crate::error::OptimError;
use crate::settings::check_non_negative;
use crate::vector::Vector;

/// Coupled weight decay (L2): `coefficient * w` is added to the gradient before momentum.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WeightDecay {
    /// The factor, finite and at least 0.
    pub coefficient: f64,
    /// The parameters it touches.
    #[serde(default)]
    pub on: Entries,
}

impl WeightDecay {
    /// `gradient += sign * coefficient * w` on the entries that decay; a coefficient of 0 touches nothing.
    #[inline]
    pub fn add_to<V: Vector>(&self, gradient: &mut V, w: &V, sign: f64) {
        if self.coefficient == 0.0 {
            return;
        }
        match &self.on {
            Entries::All => gradient.axpy(sign * self.coefficient, w),
            ranges @ Entries::Ranges(_) => ranges.for_each_range(w.dim(), |range| {
                gradient.axpy_range(sign * self.coefficient, w, range);
            }),
        }
    }

    pub(crate) fn validate(&self) -> Result<(), OptimError> {
        check_non_negative("weight_decay.coefficient", self.coefficient)?;
        self.on.validate("weight_decay.on")
    }
}
