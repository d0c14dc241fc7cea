//! `Objective`: loss and gradient at a point, knowing no data and no model.

use crate::error::OptimError;
use crate::vector::Vector;

/// Where on its path an optimizer asks for a gradient.
///
/// An objective with memory (running statistics of batch normalization, counters) moves it at [`Point::Iterate`] only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Point {
    /// At the iterate itself: exactly once per step.
    Iterate,
    /// At a point near the iterate that the optimizer only visits, such as the ascent point of SAM.
    Perturbed,
}

/// A function to be minimised, possibly seen through noise (a minibatch, say).
///
/// Both evaluations of one SAM step must see the same noise; the caller moves on to the next minibatch between steps.
///
/// Implemented for closures `FnMut(&V, Point, &mut V) -> Result<L, OptimError>`.
pub trait Objective<V: Vector> {
    /// What an evaluation reports beside the gradient: a loss, or a handle to one that still lies on a device.
    type Loss;

    /// Writes the gradient at `parameters` into `gradient`, replacing what was there, and returns the loss.
    ///
    /// # Errors
    /// [`OptimError::Objective`] if the evaluation fails. Non-finite values are no failure: they are returned as they are.
    fn gradient(&mut self, parameters: &V, at: Point, gradient: &mut V) -> Result<Self::Loss, OptimError>;
}

impl<V, L, F> Objective<V> for F
where
    V: Vector,
    F: FnMut(&V, Point, &mut V) -> Result<L, OptimError>,
{
    type Loss = L;

    #[inline]
    fn gradient(&mut self, parameters: &V, at: Point, gradient: &mut V) -> Result<L, OptimError> {
        self(parameters, at, gradient)
    }
}
