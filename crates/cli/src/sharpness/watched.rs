//! Oracles that an interrupt stops between two passes, and whose passes a progress bar counts.

use std::fmt;

use polder_models::{Arena, LossSurface};
use polder_optim::sharpness::{GradientOracle, HessianOracle, LossOracle};
use polder_optim::{HessianVector as _, OptimError};

use super::progress::Progress;
use crate::interrupt;

/// Passes over all images, in units of a forward pass: a backward pass costs two, and doubles with what it is differentiated.
pub(crate) const LOSS: f64 = 1.0;
pub(crate) const GRADIENT: f64 = 3.0;
pub(crate) const PRODUCT: f64 = 7.0;

/// The user wants an end; what is known so far is kept.
#[derive(Debug)]
pub(crate) struct Interrupted;

impl fmt::Display for Interrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("interrupted")
    }
}

impl std::error::Error for Interrupted {}

/// Whether an error is the user's wish to stop.
pub(crate) fn is_interrupt(error: &anyhow::Error) -> bool {
    error.chain().any(<dyn std::error::Error>::is::<Interrupted>)
}

/// Fails once an interrupt has come.
pub(crate) fn go_on() -> Result<(), OptimError> {
    if interrupt::requested() { Err(OptimError::objective(Interrupted)) } else { Ok(()) }
}

/// A surface at work: its Hessian at `at`, its losses and gradients anywhere.
pub(crate) struct Watched<'a, 'n> {
    pub(crate) surface: &'a mut LossSurface<'n>,
    pub(crate) at: &'a Arena,
    pub(crate) progress: &'a Progress,
    /// The share of all images that the surface holds.
    pub(crate) share: f64,
}

impl HessianOracle<Arena> for Watched<'_, '_> {
    fn multiply(&mut self, vector: &Arena, output: &mut Arena) -> Result<(), OptimError> {
        go_on()?;
        self.surface.hessian_vector_product(self.at, vector, output)?;
        self.progress.spend(PRODUCT * self.share);
        Ok(())
    }
}

impl LossOracle<Arena> for Watched<'_, '_> {
    fn loss(&mut self, parameters: &Arena) -> Result<f64, OptimError> {
        go_on()?;
        let loss = self.surface.loss(parameters)?;
        self.progress.spend(LOSS * self.share);
        Ok(loss)
    }
}

impl GradientOracle<Arena> for Watched<'_, '_> {
    fn gradient(&mut self, parameters: &Arena, gradient: &mut Arena) -> Result<f64, OptimError> {
        go_on()?;
        let loss = self.surface.gradient(parameters, gradient)?;
        self.progress.spend(GRADIENT * self.share);
        Ok(loss)
    }
}
