//! One training step, as a whole and part by part.

use std::time::{Duration, Instant};

use polder_models::{Arena, MinibatchLoss, MinibatchObjective, Network, RecordedGradients};
use polder_optim::{Averages, HessianVector, Objective, OptimError, Optimizer as _, Point};

use crate::feed::OnDevice;
use crate::trainer::BuiltInOptimizer;

/// Small enough that the weights stay finite on any images.
const LEARNING_RATE: f64 = 1e-3;

/// A network in training with one minibatch that is already on its device.
pub(super) struct Bench {
    pub(super) network: Network,
    pub(super) weights: Arena,
    pub(super) gradient: Arena,
    pub(super) optimizer: BuiltInOptimizer,
    pub(super) averages: Averages<Arena>,
    pub(super) minibatch: OnDevice,
    /// Where CUDA graphs were asked for.
    pub(super) recorded: Option<RecordedGradients>,
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
        self.wait()?;
        Ok(begun.elapsed())
    }

    /// Queues a step on a minibatch; the device may do it later.
    pub(super) fn queue(&mut self, minibatch: OnDevice) -> anyhow::Result<()> {
        let mut objective = MinibatchObjective::new(&self.network, minibatch.images, minibatch.labels);
        if let Some(recorded) = &mut self.recorded {
            objective = objective.with_recorded(recorded);
        }
        self.optimizer.step(&mut objective, &mut self.weights, &mut self.gradient, LEARNING_RATE)?;
        self.averages.update(self.steps, &self.weights);
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
            let logits = self.network.forward(&self.minibatch.images, polder_models::BatchNormMode::Train)?;
            let of = MinibatchLoss::of(&logits, &self.minibatch.labels)?;
            of.mean_loss.f_double_value(&[])?;
            loss = Some(of.mean_loss);
            Ok(())
        })?;
        let backward = timed(&mut || {
            self.network.backward(loss.as_ref().expect("the forward pass has just been made"))?;
            self.wait()
        })?;
        let optimizer = timed(&mut || {
            self.optimizer.step(
                &mut GradientIsThere,
                &mut self.weights,
                &mut self.gradient,
                LEARNING_RATE,
            )?;
            self.wait()
        })?;
        let averages = timed(&mut || {
            self.averages.update(self.steps, &self.weights);
            self.wait()
        })?;
        self.steps += 1;
        Ok(Parts { forward, backward, optimizer, averages })
    }

    /// Reading a weight waits for everything before it: on a GPU all is queued on one stream.
    pub(super) fn wait(&self) -> anyhow::Result<()> {
        self.weights.flat().f_double_value(&[0])?;
        Ok(())
    }
}
