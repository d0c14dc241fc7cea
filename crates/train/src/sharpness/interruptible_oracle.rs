//! Oracles that an interrupt stops between two passes, and whose passes a progress bar counts.

use polder_models::{FlatParameters, LossSurface};
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
pub(super) struct InterruptibleOracle<'a, 'n> {
    pub surface: &'a mut LossSurface<'n>,
    pub at: &'a FlatParameters,
    pub progress: &'a dyn WorkProgress,
    /// The share of all images that the surface holds.
    pub share: f64,
}

impl HessianOracle<FlatParameters> for InterruptibleOracle<'_, '_> {
    fn multiply(&mut self, vector: &FlatParameters, output: &mut FlatParameters) -> Result<(), OptimError> {
        heed_interrupt()?;
        self.surface.hessian_vector_product(self.at, vector, output)?;
        self.progress.advance(PRODUCT * self.share);
        Ok(())
    }
}

impl LossOracle<FlatParameters> for InterruptibleOracle<'_, '_> {
    fn loss(&mut self, parameters: &FlatParameters) -> Result<f64, OptimError> {
        heed_interrupt()?;
        let loss = self.surface.loss(parameters)?;
        self.progress.advance(LOSS * self.share);
        Ok(loss)
    }
}

impl GradientOracle<FlatParameters> for InterruptibleOracle<'_, '_> {
    fn gradient(
        &mut self,
        parameters: &FlatParameters,
        gradient: &mut FlatParameters,
    ) -> Result<f64, OptimError> {
        heed_interrupt()?;
        let loss = self.surface.gradient(parameters, gradient)?;
        self.progress.advance(GRADIENT * self.share);
        Ok(loss)
    }
}
