//! A network in training whose steps are timed: by benchmarks and profiles.

use std::time::{Duration, Instant};

use anyhow::Context;

use crate::feed::{Feed, OnDevice};
use crate::interrupt;
use crate::network_optimizer::BuiltInOptimizer;
use crate::training::Training;

/// Small enough that the weights stay finite on any images.
pub(crate) const LEARNING_RATE: f64 = 1e-3;

/// A network in training, with one minibatch that is already on its device.
pub struct TimedTraining {
    pub(crate) training: Training<BuiltInOptimizer>,
    pub(crate) resident: OnDevice,
    pub(crate) steps: u64,
}

impl TimedTraining {
    /// `training` with the first minibatch of `feed`.
    ///
    /// # Errors
    /// If the feed has no images or the device has no room for them.
    pub fn new(training: Training<BuiltInOptimizer>, feed: &Feed) -> anyhow::Result<Self> {
        let resident = feed.epoch(0)?.next().context("there are no images")??;
        Ok(Self { training, resident, steps: 0 })
    }

    /// Queues a step on `minibatch`; the device may do it later.
    pub(crate) fn queue(&mut self, minibatch: OnDevice) -> anyhow::Result<()> {
        self.training.step(minibatch, self.steps, LEARNING_RATE, false)?;
        self.steps += 1;
        Ok(())
    }

    /// Queues a step on the resident minibatch.
    pub(crate) fn queue_resident(&mut self) -> anyhow::Result<()> {
        self.queue(self.resident.share())
    }

    /// The time of `steps` steps on the resident minibatch. As in training, nothing waits for the device before the last of them.
    ///
    /// # Errors
    /// [`Interrupted`](interrupt::Interrupted) before a step; if a step fails.
    pub(crate) fn time(&mut self, steps: u64) -> anyhow::Result<Duration> {
        let begun = Instant::now();
        for _ in 0..steps {
            interrupt::heed()?;
            self.queue_resident()?;
        }
        self.training.wait()?;
        Ok(begun.elapsed())
    }
}
