//! The parts of a training step.

use std::time::{Duration, Instant};

use polder_models::{FlatParameters, MinibatchLoss};
use polder_optim::{HessianVector, Objective, OptimError, Optimizer as _, Point};

use crate::timed_training::{LEARNING_RATE, TimedTraining};
use crate::training::Training;

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

impl Objective<FlatParameters> for GradientIsThere {
    type Loss = ();

    fn gradient(&mut self, _: &FlatParameters, _: Point, _: &mut FlatParameters) -> Result<(), OptimError> {
        Ok(())
    }
}

/// Nothing that is measured here asks for products.
impl HessianVector<FlatParameters> for GradientIsThere {
    fn hessian_vector_product(
        &mut self,
        _: &FlatParameters,
        _: &FlatParameters,
        _: &mut FlatParameters,
    ) -> Result<(), OptimError> {
        Ok(())
    }
}

impl TimedTraining {
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
                self.training.network.forward(&self.resident.images, polder_models::BatchNormMode::Train)?;
            let of = MinibatchLoss::of(&logits, &self.resident.labels)?;
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
