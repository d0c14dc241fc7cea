//! Oracles that an interrupt stops between two passes, and whose passes a progress bar counts.

use polder_models::{Arena, LossSurface};
use polder_optim::sharpness::{GradientOracle, HessianOracle, LossOracle};
use polder_optim::{HessianVector as _, OptimError};

use crate::interrupt;
use crate::progress::WorkProgress;
use polder_experiment::sharpness::plan::{GRADIENT, LOSS, PRODUCT};

/// Fails with the error of [`interrupt::heed`] as its cause.
pub(super) fn heed_interrupt() -> Result<(), OptimError> {
    interrupt::heed().map_err(OptimError::objective)
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
        heed_interrupt()?;
        self.surface.hessian_vector_product(self.at, vector, output)?;
        self.progress.advance(PRODUCT * self.share);
        Ok(())
    }
}

impl LossOracle<Arena> for Watched<'_, '_> {
    fn loss(&mut self, parameters: &Arena) -> Result<f64, OptimError> {
        heed_interrupt()?;
        let loss = self.surface.loss(parameters)?;
        self.progress.advance(LOSS * self.share);
        Ok(loss)
    }
}

impl GradientOracle<Arena> for Watched<'_, '_> {
    fn gradient(&mut self, parameters: &Arena, gradient: &mut Arena) -> Result<f64, OptimError> {
        heed_interrupt()?;
        let loss = self.surface.gradient(parameters, gradient)?;
        self.progress.advance(GRADIENT * self.share);
        Ok(loss)
    }
}
