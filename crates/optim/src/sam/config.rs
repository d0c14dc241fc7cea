//! The settings of SAM.

use std::num::{NonZeroU64, NonZeroUsize};

use serde::{Deserialize, Serialize};

use super::Ascent;
use crate::error::OptimError;
use crate::settings::check_non_negative;
use crate::sgd::SgdConfig;

/// Whether the base optimizer's weight decay takes part in the ascent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AscentDecay {
    /// No: the ascent follows the bare gradient, and the decay is that of the iterate. This is what wrapping `torch.optim.SGD` gives.
    #[default]
    Outside,
    /// Yes: the penalty `coefficient / 2 * ||w||^2` is part of the loss, in the ascent gradient and in the descent gradient alike, so
    /// that the decay is that of the perturbed weights. This is how the code of Foret et al. has it.
    Inside,
}

/// The settings of [`Sam`](crate::Sam).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SamConfig {
    /// The perturbation radius, in units of the parameters (see [`Ascent`]); finite and at least 0.
    pub rho: f64,
    /// How far and along what the ascent goes.
    #[serde(default)]
    pub ascent: Ascent,
    /// Whether the base optimizer's weight decay takes part in the ascent.
    #[serde(default)]
    pub weight_decay: AscentDecay,
    /// Into how many micro-batches, each with an ascent of its own, a minibatch is cut.
    #[serde(default = "one_micro_batch")]
    pub num_micro_batches: NonZeroUsize,
    /// Ascend at every k-th step only, beginning with the first; the other steps are the base optimizer's.
    #[serde(default = "every_step")]
    pub every: NonZeroU64,
    /// The optimizer that descends with the gradient of the perturbed weights.
    #[serde(default)]
    pub base: SgdConfig,
}

fn one_micro_batch() -> NonZeroUsize {
    NonZeroUsize::MIN
}

fn every_step() -> NonZeroU64 {
    NonZeroU64::MIN
}

impl SamConfig {
    /// SAM as Foret et al. define it: a normalised ascent over the whole minibatch at every step, without weight decay in it.
    pub fn new(rho: f64, base: SgdConfig) -> Self {
        Self {
            rho,
            ascent: Ascent::default(),
            weight_decay: AscentDecay::default(),
            num_micro_batches: one_micro_batch(),
            every: every_step(),
            base,
        }
    }

    /// Checks every setting.
    ///
    /// # Errors
    /// [`OptimError::InvalidSetting`], naming the first setting that is out of range or not a number.
    pub fn validate(&self) -> Result<(), OptimError> {
        check_non_negative("rho", self.rho)?;
        self.ascent.validate()?;
        self.base.validate()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entries::Entries;

    #[test]
    fn settings_out_of_range_are_refused_by_name() {
        for rho in [-0.1, f64::NAN, f64::INFINITY] {
            let error = SamConfig::new(rho, SgdConfig::default()).validate().unwrap_err();
            assert!(error.to_string().starts_with("rho is"), "{error}");
        }
        for eta in [-0.1, f64::NAN, f64::INFINITY] {
            let ascent = Ascent::Adaptive { eta, on: Entries::All };
            let error =
                SamConfig { ascent, ..SamConfig::new(0.1, SgdConfig::default()) }.validate().unwrap_err();
            assert!(error.to_string().starts_with("ascent.eta is"), "{error}");
        }
    }

    #[test]
    fn what_is_not_written_is_plain_sam_at_every_step() {
        let read = |text: &str| serde_json::from_str::<SamConfig>(text);
        assert_eq!(read(r#"{"rho": 0.05}"#).unwrap(), SamConfig::new(0.05, SgdConfig::default()));
        assert!(read(r#"{"rho": 0.05, "every": 0}"#).is_err());
        let adaptive = read(r#"{"rho": 1, "ascent": {"kind": "adaptive", "eta": 0.01}}"#).unwrap();
        assert_eq!(adaptive.ascent, Ascent::Adaptive { eta: 0.01, on: Entries::All });
    }
}
