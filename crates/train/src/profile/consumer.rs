//! What takes minibatches: a network that trains on them, a simulation that is busy for as long, or nothing at all.

use std::time::{Duration, Instant};

use tracing::trace_span;

use crate::feed::FeedEpoch;
use crate::timed_training::TimedTraining;

/// Waits shorter than this are spun, since a sleeping thread is woken late.
const SPIN: Duration = Duration::from_micros(300);

/// What takes minibatches.
pub enum Consumer {
    /// Drops them at once.
    Nothing,
    /// Is busy for as long as a consumer of so many images per second would be.
    Simulated { images_per_second: f64 },
    /// Makes a training step with each.
    Network(Box<TimedTraining>),
}

impl Consumer {
    /// Takes the next minibatch and uses it, as training does; its number of images, or `None` at the end of the epoch.
    pub(super) fn take(&mut self, minibatches: &mut FeedEpoch) -> Option<anyhow::Result<usize>> {
        let Self::Network(network) = self else {
            let num_images = minibatches.discard()?;
            return Some(num_images.inspect(|num_images| self.be_busy(*num_images)));
        };
        Some(minibatches.next()?.and_then(|minibatch| {
            let num_images = minibatch.num_images();
            network.queue(minibatch)?;
            minibatches.send_next();
            Ok(num_images)
        }))
    }

    /// One step on `batch_size` images that are already where they are used.
    pub(super) fn resident_step(&mut self, batch_size: usize) -> anyhow::Result<()> {
        if let Self::Network(network) = self {
            return network.queue_resident();
        }
        self.be_busy(batch_size);
        Ok(())
    }

    /// Waits until the device has done every step.
    pub(super) fn wait(&self) -> anyhow::Result<()> {
        match self {
            Self::Network(network) => network.training.wait(),
            Self::Nothing | Self::Simulated { .. } => Ok(()),
        }
    }

    /// Keeps this thread for as long as a simulated consumer needs for `images`.
    fn be_busy(&self, images: usize) {
        let Self::Simulated { images_per_second } = self else { return };
        let _span = trace_span!("step").entered();
        let end = Instant::now() + Duration::from_secs_f64(images as f64 / images_per_second);
        if let Some(sleep) = end.checked_duration_since(Instant::now() + SPIN) {
            std::thread::sleep(sleep);
        }
        while Instant::now() < end {
            std::hint::spin_loop();
        }
    }
}
