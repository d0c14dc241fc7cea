//! Oracles that an interrupt stops between two passes, and whose passes a progress bar counts.

use std::fmt;

use polder_models::{Arena, LossSurface};
use polder_optim::sharpness::{GradientOracle, HessianOracle, LossOracle};
use polder_optim::{HessianVector as _, OptimError};

use crate::interrupt;
use crate::progress::WorkProgress;
use polder_experiment::sharpness::plan::{GRADIENT, LOSS, PRODUCT};

/// The user wants an end; what is known so far is kept.
#[derive(Debug)]
pub(super) struct Interrupted;

impl fmt::Display for Interrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("interrupted")
    }
}

impl std::error::Error for Interrupted {}

/// Whether an error is the user's wish to stop.
pub(super) fn is_interrupt(error: &anyhow::Error) -> bool {
    error.chain().any(<dyn std::error::Error>::is::<Interrupted>)
}

/// Fails once an interrupt has come.
pub(super) fn go_on() -> Result<(), OptimError> {
    if interrupt::requested() { Err(OptimError::objective(Interrupted)) } else { Ok(()) }
}

/// A surface at work: its Hessian at `at`, its losses and gradients anywhere.
pub(super) struct Watched<'a, 'n> {
    pub surface: &'a mut LossSurface<'n>,
    pub at: &'a Arena,
    pub progress: &'a dyn WorkProgress,
    /// The share of all images that the surface holds.
    pub share: f64,
}

impl HessianOracle<Arena> for Watched<'_, '_> {
    fn multiply(&mut self, vector: &Arena, output: &mut Arena) -> Result<(), OptimError> {
        go_on()?;
        self.surface.hessian_vector_product(self.at, vector, output)?;
        self.progress.advance(PRODUCT * self.share);
        Ok(())
    }
}

impl LossOracle<Arena> for Watched<'_, '_> {
    fn loss(&mut self, parameters: &Arena) -> Result<f64, OptimError> {
        go_on()?;
        let loss = self.surface.loss(parameters)?;
        self.progress.advance(LOSS * self.share);
        Ok(loss)
    }
}

impl GradientOracle<Arena> for Watched<'_, '_> {
    fn gradient(&mut self, parameters: &Arena, gradient: &mut Arena) -> Result<f64, OptimError> {
        go_on()?;
        let loss = self.surface.gradient(parameters, gradient)?;
        self.progress.advance(GRADIENT * self.share);
        Ok(loss)
    }
}
