//! `Optimizer`: what a training loop asks of an optimizer.

use crate::error::OptimError;
use crate::objective::Objective;
use crate::state::Resumable;
use crate::vector::Vector;

/// Moves parameters along gradients that it asks an objective for.
///
/// Anybody can implement it: nothing in this workspace lists the optimizers that exist. An optimizer that needs Hessian-vector products
/// implements it for objectives that have them (`O: Objective<V> + HessianVector<V>`). For one type of objective it makes a trait object.
pub trait Optimizer<V: Vector, O: Objective<V>>: Resumable<V> {
    /// One step: moves `parameters` and returns the loss before the step.
    ///
    /// `gradient` is scratch space of the dimension of `parameters`; its content afterwards is unspecified. `parameters` need not be the
    /// same object from step to step. Non-finite values flow through to `parameters`.
    ///
    /// # Errors
    /// [`OptimError::InvalidSetting`] if `learning_rate` is negative or not finite, [`OptimError::DimensionMismatch`] or
    /// [`OptimError::RangeOutOfBounds`] if the vectors do not fit, and what `objective` returns. After an error neither `parameters`
    /// nor the state have changed, unless the optimizer says otherwise.
    fn step(
        &mut self,
        objective: &mut O,
        parameters: &mut V,
        gradient: &mut V,
        learning_rate: f64,
    ) -> Result<O::Loss, OptimError>;
}

impl<V: Vector, O: Objective<V>, T: Optimizer<V, O> + ?Sized> Optimizer<V, O> for Box<T> {
    #[inline]
    fn step(
        &mut self,
        objective: &mut O,
        parameters: &mut V,
        gradient: &mut V,
        learning_rate: f64,
    ) -> Result<O::Loss, OptimError> {
        (**self).step(objective, parameters, gradient, learning_rate)
    }
}
