//! A mean that moves a share of the way towards every iterate it takes in: what uniform and exponential averages have in common.

use crate::error::OptimError;
use crate::state::{SavedState, State};
use crate::vector::Vector;

const NUM_AVERAGED: &str = "num_averaged";
const AVERAGE: &str = "average";

#[derive(Debug)]
pub(super) struct Running<V> {
    num_averaged: u64,
    average: Option<V>,
}

impl<V> Default for Running<V> {
    fn default() -> Self {
        Self { num_averaged: 0, average: None }
    }
}

impl<V: Vector> Running<V> {
    /// Moves the mean by the share `weight`; the first iterate is copied.
    #[inline]
    pub(super) fn update(&mut self, iterate: &V, weight: f64) {
        if let Some(average) = &mut self.average {
            average.average_step(iterate, weight);
        } else {
            let mut average = iterate.zeros_like();
            average.copy_from(iterate);
            self.average = Some(average);
        }
        self.num_averaged += 1;
    }

    /// Takes in one more iterate with the weight that all before it have.
    #[inline]
    pub(super) fn update_uniformly(&mut self, iterate: &V) {
        self.update(iterate, 1.0 / (self.num_averaged + 1) as f64);
    }

    #[inline]
    pub(super) fn get(&self) -> Option<&V> {
        self.average.as_ref()
    }

    #[inline]
    pub(super) fn num_averaged(&self) -> u64 {
        self.num_averaged
    }

    pub(super) fn state(&self) -> State<'_, V> {
        let mut state = State::default();
        state.counters.insert(NUM_AVERAGED.to_owned(), self.num_averaged);
        if let Some(average) = &self.average {
            state.vectors.insert(AVERAGE.to_owned(), average);
        }
        state
    }

    pub(super) fn restore(&mut self, mut state: SavedState<V>) -> Result<(), OptimError> {
        let num_averaged = state.take_counter(NUM_AVERAGED)?;
        let average = state.take_vector(AVERAGE, num_averaged > 0)?;
        state.expect_empty()?;
        *self = Self { num_averaged, average };
        Ok(())
    }
}
