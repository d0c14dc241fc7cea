//! Uniform running mean of the iterates from a start step on.

use super::running::Running;
use crate::error::OptimError;
use crate::state::{SavedState, State};
use crate::vector::Vector;

/// The uniform mean of all iterates from step `start` on.
///
/// The first iterate is copied; the n+1-st moves the mean by `(w - mean) / (n + 1)`, so the mean of a constant is that constant.
/// Agrees with `torch.optim.swa_utils.AveragedModel` and its default, equal weights.
#[derive(Debug)]
pub struct TailAverage<V> {
    start: u64,
    running: Running<V>,
}

impl<V: Vector> TailAverage<V> {
    /// An empty average that begins at step `start`, counted from 0.
    pub fn new(start: u64) -> Self {
        Self { start, running: Running::default() }
    }

    /// Takes in the iterate after step `step`, unless that is before the start. To be called once per step.
    #[inline]
    pub fn update(&mut self, step: u64, iterate: &V) {
        if step >= self.start {
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
