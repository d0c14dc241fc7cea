//! Stochastic weight averaging: the uniform mean of every c-th iterate.

use std::num::NonZeroU64;

use super::running::Running;
use crate::error::OptimError;
use crate::state::{SavedState, State};
use crate::vector::Vector;

/// The uniform mean of the iterates after steps `start`, `start + every`, `start + 2 * every` and so on.
///
/// With `every` the steps of an epoch, or of a cycle of the learning rate, and `start` the last step of the first of them, this is SWA;
/// with `every` 1 it is the [`TailAverage`](crate::TailAverage).
///
/// # Source
/// Izmailov et al. (2018), arXiv:1803.05407, Algorithm 1.
#[derive(Debug)]
pub struct Swa<V> {
    start: u64,
    every: NonZeroU64,
    running: Running<V>,
}

impl<V: Vector> Swa<V> {
    /// An empty average that begins at step `start`, counted from 0, and then takes in one iterate of `every`.
    pub fn new(start: u64, every: NonZeroU64) -> Self {
        Self { start, every, running: Running::default() }
    }

    /// Takes in the iterate after step `step`, if it is one of those averaged. To be called once per step.
    #[inline]
    pub fn update(&mut self, step: u64, iterate: &V) {
        if step >= self.start && (step - self.start).is_multiple_of(self.every.get()) {
            self.running.update_uniformly(iterate);
        }
    }

    /// The mean; `None` before the start.
    #[inline]
    pub fn get(&self) -> Option<&V> {
        self.running.get()
    }

    /// The number of iterates in the mean.
    pub fn num_averaged(&self) -> u64 {
        self.running.num_averaged()
    }

    /// What must be stored to continue exactly: the counter `num_averaged` and, once started, the vector `average`.
    pub fn state(&self) -> State<'_, V> {
        self.running.state()
    }

    /// Continues where `state` was taken.
    ///
    /// # Errors
    /// [`OptimError::MissingState`] or [`OptimError::UnexpectedState`] if `state` is of another kind; nothing has changed then.
    pub fn restore(&mut self, state: SavedState<V>) -> Result<(), OptimError> {
        self.running.restore(state)
    }
}
