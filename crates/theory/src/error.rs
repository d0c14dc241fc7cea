//! What can go wrong in an experiment: its settings, or a simulation that leaves the finite numbers.

use polder_optim::OptimError;

/// An experiment that cannot be run as it was configured.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TheoryError {
    /// A setting is outside its range.
    #[error("{setting} is {found}, expected {expected}")]
    InvalidSetting {
        /// The setting, as the configuration types call it.
        setting: &'static str,
        /// The value that was given.
        found: String,
        /// The values that are allowed.
        expected: &'static str,
    },
    /// A simulation diverged, so it has no stationary law to measure.
    #[error("SGD with step size {step_size} diverged in replicate {replicate}; take a smaller step size")]
    Diverged {
        /// The step size of the simulation.
        step_size: f64,
        /// The replicate that was the first to diverge.
        replicate: u64,
    },
    /// The optimizer refused a setting or a step.
    #[error("the optimizer refused to step")]
    Optim(#[from] OptimError),
}

impl TheoryError {
    pub(crate) fn setting(setting: &'static str, found: &impl ToString, expected: &'static str) -> Self {
        Self::InvalidSetting { setting, found: found.to_string(), expected }
    }
}
