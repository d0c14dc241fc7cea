//! One training step, as a whole and part by part.

use std::time::{Duration, Instant};

use polder_models::{Arena, MinibatchLoss};
use polder_optim::{HessianVector, Objective, OptimError, Optimizer as _, Point};

use crate::feed::OnDevice;
use crate::trainer::BuiltInOptimizer;
use crate::training::Training;

/// Small enough that the weights stay finite on any images.
const LEARNING_RATE: f64 = 1e-3;

/// A network in training with one minibatch that is already on its device.
pub(super) struct Bench {
    pub(super) training: Training<BuiltInOptimizer>,
    pub(super) minibatch: OnDevice,
    pub(super) steps: u64,
}

/// The time of each part of a step.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parts {
    pub(super) forward: Duration,
    pub(super) backward: Duration,
    /// All that the optimizer does beside asking for gradients.
    pub(super) optimizer: Duration,
    pub(super) averages: Duration,
}

/// Leaves the gradient as it is: what remains of a step is the optimizer's own work.
struct GradientIsThere;

impl Objective<Arena> for GradientIsThere {
    type Loss = ();

    fn gradient(&mut self, _: &Arena, _: Point, _: &mut Arena) -> Result<(), OptimError> {
        Ok(())
    }
}

/// Nothing that is measured here asks for products.
impl HessianVector<Arena> for GradientIsThere {
    fn hessian_vector_product(&mut self, _: &Arena, _: &Arena, _: &mut Arena) -> Result<(), OptimError> {
        Ok(())
    }
}

impl Bench {
    /// Steps on the resident minibatch; ends when the device has done them, and waits for it only then, as training
    /// does. `heed` is called before each, and its error ends them.
    pub(super) fn whole(
        &mut self,
        steps: u64,
        mut heed: impl FnMut() -> anyhow::Result<()>,
    ) -> anyhow::Result<Duration> {
        let begun = Instant::now();
        for _ in 0..steps {
            heed()?;
            let minibatch = self.minibatch.share();
            self.queue(minibatch)?;
        }
        self.training.wait()?;
        Ok(begun.elapsed())
    }

    /// Queues a step on a minibatch; the device may do it later.
    pub(super) fn queue(&mut self, minibatch: OnDevice) -> anyhow::Result<()> {
        self.training.step(minibatch, self.steps, LEARNING_RATE, false)?;
        self.steps += 1;
        Ok(())
    }

    /// The parts of a step, each ended by waiting for the device; none of them is recorded.
    pub(super) fn parts(&mut self) -> anyhow::Result<Parts> {
        let timed = |work: &mut dyn FnMut() -> anyhow::Result<()>| -> anyhow::Result<Duration> {
            let begun = Instant::now();
            work()?;
            Ok(begun.elapsed())
        };
        let mut loss = None;
        let forward = timed(&mut || {
            let logits =
                self.training.network.forward(&self.minibatch.images, polder_models::BatchNormMode::Train)?;
            let of = MinibatchLoss::of(&logits, &self.minibatch.labels)?;
            of.mean_loss.f_double_value(&[])?;
            loss = Some(of.mean_loss);
            Ok(())
        })?;
        let backward = timed(&mut || {
            self.training.network.backward(loss.as_ref().expect("the forward pass has just been made"))?;
            self.training.wait()
        })?;
        let optimizer = timed(&mut || {
            let Training { optimizer, weights, gradient, .. } = &mut self.training;
            optimizer.step(&mut GradientIsThere, weights, gradient, LEARNING_RATE)?;
            self.training.wait()
        })?;
        let averages = timed(&mut || {
            self.training.averages.update(self.steps, &self.training.weights);
            self.training.wait()
        })?;
        self.steps += 1;
        Ok(Parts { forward, backward, optimizer, averages })
    }
}
