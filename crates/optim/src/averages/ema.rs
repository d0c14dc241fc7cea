//! Exponential moving average of the iterates from a start step on.

use crate::vector::Vector;

/// The exponential moving average `decay * average + (1 - decay) * iterate` of all iterates from step `start` on.
///
/// The first iterate is copied, so there is no bias towards zero to correct. Agrees with `torch.optim.swa_utils.AveragedModel` under
/// `get_ema_multi_avg_fn(decay)`.
#[derive(Debug)]
pub struct Ema<V> {
    pub(super) start: u64,
    pub(super) decay: f64,
    pub(super) num_averaged: u64,
    pub(super) average: Option<V>,
}

impl<V: Vector> Ema<V> {
    /// An empty average that begins at step `start`, counted from 0; `decay` in [0, 1].
    pub(super) fn new(start: u64, decay: f64) -> Self {
        Self { start, decay, num_averaged: 0, average: None }
    }

    /// Takes in the iterate after step `step`, unless that is before the start. To be called once per step.
    #[inline]
    pub fn update(&mut self, step: u64, iterate: &V) {
        if step < self.start {
            return;
        }
        if let Some(average) = &mut self.average {
            average.average_step(iterate, 1.0 - self.decay);
        } else {
            let mut average = iterate.zeros_like();
            average.copy_from(iterate);
            self.average = Some(average);
        }
        self.num_averaged += 1;
    }

    /// The average; `None` before the start.
    #[inline]
    pub fn get(&self) -> Option<&V> {
        self.average.as_ref()
    }
}
