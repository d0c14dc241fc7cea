//! Several Euler steps per minibatch: less discretisation error, the same randomness.

use std::num::NonZeroU64;

use serde::{Deserialize, Serialize};

use crate::error::OptimError;
use crate::objective::{Objective, Point};
use crate::optimizer::Optimizer;
use crate::sgd::{Sgd, SgdConfig};
use crate::state::resume_by_base;
use crate::vector::Vector;

/// The settings of [`EulerSteps`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EulerStepsConfig {
    /// The number n of updates per minibatch.
    pub per_minibatch: NonZeroU64,
    /// The optimizer that makes each of them.
    #[serde(default)]
    pub base: SgdConfig,
}

/// n base steps on the same minibatch before the next is drawn.
///
/// The learning rate of a step is the *bare* one, of each update: the minibatch as a whole is followed for n times as long, which is
/// the effective learning rate. n = 1 is plain SGD, bit by bit; for many steps of a small bare learning rate the iterate follows the
/// gradient flow of each minibatch in turn, so that the randomness of SGD is left and its discretisation error is not.
///
/// The first update evaluates at [`Point::Iterate`], those after it at [`Point::Perturbed`]: running statistics see each minibatch once.
///
/// # Source
/// Smith et al. (2021), arXiv:2101.12176, the experiment "n Euler steps".
#[derive(Debug)]
pub struct EulerSteps<V> {
    per_minibatch: u64,
    base: Sgd<V>,
}

impl<V: Vector> EulerSteps<V> {
    /// An optimizer that has not stepped yet.
    ///
    /// # Errors
    /// [`OptimError::InvalidSetting`] if [`SgdConfig::validate`] refuses the base optimizer's settings.
    pub fn new(config: EulerStepsConfig) -> Result<Self, OptimError> {
        Ok(Self { per_minibatch: config.per_minibatch.get(), base: Sgd::new(config.base)? })
    }

    /// The optimizer that makes the updates; its steps are counted one by one.
    pub fn base(&self) -> &Sgd<V> {
        &self.base
    }

    /// The number of minibatches that have been stepped on.
    pub fn num_steps(&self) -> u64 {
        self.base.num_steps() / self.per_minibatch
    }
}

impl<V: Vector, O: Objective<V>> Optimizer<V, O> for EulerSteps<V> {
    /// All updates on one minibatch, each with the bare `learning_rate`. Returns the loss before the first.
    ///
    /// `gradient` is scratch space of the dimension of `parameters`; its content afterwards is unspecified.
    ///
    /// # Errors
    /// Those of [`Sgd::step`]. After an error of the first evaluation nothing has changed; after one of a later evaluation `parameters`
    /// and state are those of a minibatch half done, and the run continues from its last stored state only.
    #[inline]
    fn step(
        &mut self,
        objective: &mut O,
        parameters: &mut V,
        gradient: &mut V,
        learning_rate: f64,
    ) -> Result<O::Loss, OptimError> {
        let loss = self.base.step(objective, parameters, gradient, learning_rate)?;
        for _ in 1..self.per_minibatch {
            self.base.step_at(objective, Point::Perturbed, parameters, gradient, learning_rate)?;
        }
        Ok(loss)
    }
}

resume_by_base!(EulerSteps);

#[cfg(test)]
mod tests {
    use super::*;

    /// Euler's method on `w' = -w` over time 0.8, in one step and in 64.
    #[test]
    fn many_small_steps_follow_the_flow_of_the_minibatch() {
        let mut points = Vec::new();
        let mut objective = |w: &f64, at: Point, g: &mut f64| {
            points.push(at);
            *g = *w;
            Ok(0.5 * w * w)
        };
        let mut run = |n: u64| {
            let per_minibatch = NonZeroU64::new(n).unwrap();
            let mut euler =
                EulerSteps::new(EulerStepsConfig { per_minibatch, base: SgdConfig::default() }).unwrap();
            let mut w = 1.0;
            let loss = euler.step(&mut objective, &mut w, &mut 0.0, 0.8 / n as f64).unwrap();
            assert_eq!((loss, euler.num_steps()), (0.5, 1));
            (w - (-0.8_f64).exp()).abs()
        };
        assert!(run(64) < run(1) / 50.0);
        assert_eq!(points.iter().filter(|&&at| at == Point::Iterate).count(), 2);
    }
}
