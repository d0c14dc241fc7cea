//! `Objective`: loss and gradient at a point, knowing no data and no model.

use crate::error::OptimError;
use crate::vector::Vector;

/// Where on its path an optimizer asks for a gradient.
///
/// An objective with memory (running statistics of batch normalization, counters) moves it at [`Point::Iterate`] only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Point {
    /// At the iterate itself: exactly once per step and example.
    Iterate,
    /// At a point that the optimizer only visits, such as the ascent point of SAM, or where it sees the same examples again, as in the
    /// later ones of several Euler steps.
    Perturbed,
}

/// A function to be minimised, possibly seen through noise (a minibatch, say).
///
/// All evaluations of one step must see the same noise; the caller moves on to the next minibatch between steps.
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

    /// Like [`Objective::gradient`] over micro-batch `part` (from 0 to `of - 1`) of the minibatch, for m-sharpness.
    ///
    /// The gradient is that of the mean over the micro-batch's own examples. The loss, however, is that of all parts from 0 to `part`
    /// at [`Point::Iterate`] together, so that the last of them is the loss of the minibatch. For every part in turn an optimizer asks
    /// at the iterate, then at the perturbed point. As provided, there is one part, the whole.
    ///
    /// # Errors
    /// Those of [`Objective::gradient`]; [`OptimError::NoMicroBatches`] if the objective cannot be cut into `of` parts.
    #[inline]
    fn micro_gradient(
        &mut self,
        part: usize,
        of: usize,
        parameters: &V,
        at: Point,
        gradient: &mut V,
    ) -> Result<Self::Loss, OptimError> {
        match (part, of) {
            (0, 1) => self.gradient(parameters, at, gradient),
            _ => Err(OptimError::NoMicroBatches { of }),
        }
    }

    /// The share of the minibatch's examples that are in micro-batch `part` of `of`: shares are positive and add up to 1. As provided,
    /// all parts are equally large.
    fn micro_share(&self, part: usize, of: usize) -> f64 {
        let _ = part;
        1.0 / of as f64
    }
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
