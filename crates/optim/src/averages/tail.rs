//! Uniform running mean of the iterates from a start step on.

use crate::vector::Vector;

/// The uniform mean of all iterates from step `start` on.
///
/// The first iterate is copied; the n+1-st moves the mean by `(w - mean) / (n + 1)`, so the mean of a constant is that constant.
/// Agrees with `torch.optim.swa_utils.AveragedModel` and its default, equal weights.
#[derive(Debug)]
pub struct TailAverage<V> {
    pub(super) start: u64,
    pub(super) num_averaged: u64,
    pub(super) average: Option<V>,
}

impl<V: Vector> TailAverage<V> {
    /// An empty average that begins at step `start`, counted from 0.
    pub fn new(start: u64) -> Self {
        Self { start, num_averaged: 0, average: None }
    }

    /// Takes in the iterate after step `step`, unless that is before the start. To be called once per step.
    #[inline]
    pub fn update(&mut self, step: u64, iterate: &V) {
        if step < self.start {
            return;
        }
        if let Some(average) = &mut self.average {
            average.average_step(iterate, 1.0 / (self.num_averaged + 1) as f64);
        } else {
            let mut average = iterate.zeros_like();
            average.copy_from(iterate);
            self.average = Some(average);
        }
        self.num_averaged += 1;
    }

    /// The mean; `None` before the start.
    #[inline]
    pub fn get(&self) -> Option<&V> {
        self.average.as_ref()
    }

    /// The number of iterates in the mean.
    pub fn num_averaged(&self) -> u64 {
        self.num_averaged
    }
}
