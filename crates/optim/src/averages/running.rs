//! A mean that moves a share of the way towards every iterate it takes in: what uniform and exponential averages have in common.

use crate::error::OptimError;
use crate::state::{SavedState, State};
use crate::vector::Vector;

const NUM_AVERAGED: &str = "num_averaged";
const AVERAGE: &str = "average";

#[derive(Debug)]
pub(super) struct RunningMean<V> {
    num_averaged: u64,
    pub(super) average: Option<V>,
}

impl<V> Default for RunningMean<V> {
    fn default() -> Self {
        Self { num_averaged: 0, average: None }
    }
}

impl<V: Vector> RunningMean<V> {
    /// Moves the mean by the share that the n-th iterate has; the first iterate is copied.
    #[inline]
    pub(super) fn update(&mut self, iterate: &V, share_of: impl Fn(u64) -> f64) {
        self.num_averaged += 1;
        match &mut self.average {
            Some(average) => average.average_step(iterate, share_of(self.num_averaged)),
            None => self.average = Some(iterate.copied()),
        }
    }

    pub(super) fn state(&self) -> State<'_, V> {
        State::default().counter(NUM_AVERAGED, self.num_averaged).vector(AVERAGE, self.average.as_ref())
    }

    pub(super) fn restore(&mut self, mut state: SavedState<V>) -> Result<(), OptimError> {
        let num_averaged = state.take_counter(NUM_AVERAGED)?;
        let average = state.take_vector(AVERAGE, num_averaged > 0)?;
        state.expect_empty()?;
        *self = Self { num_averaged, average };
        Ok(())
    }
}
