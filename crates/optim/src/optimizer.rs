//! `Optimizer`: the choice between the optimizers, as a trainer holds it.

use crate::error::OptimError;
use crate::euler_steps::EulerSteps;
use crate::gradient_penalty::GradientPenalty;
use crate::hessian_vector::HessianVector;
use crate::objective::Objective;
use crate::sam::Sam;
use crate::sgd::Sgd;
use crate::state::{SavedState, State};
use crate::vector::Vector;

/// One of the optimizers, behind one `step`.
#[derive(Debug)]
pub enum Optimizer<V> {
    /// Stochastic gradient descent.
    Sgd(Sgd<V>),
    /// Sharpness-aware minimization.
    Sam(Sam<V>),
    /// Several Euler steps per minibatch.
    EulerSteps(EulerSteps<V>),
    /// SGD with a penalty on the gradient; steps by [`Optimizer::step_second_order`] only.
    GradientPenalty(GradientPenalty<V>),
}

impl<V: Vector> Optimizer<V> {
    /// One step; see [`Sgd::step`], [`Sam::step`] and [`EulerSteps::step`]. Returns the loss at `parameters` before the step.
    ///
    /// # Errors
    /// Those of the optimizer; [`OptimError::NeedsSecondOrder`], from the first step on, for a gradient penalty.
    #[inline]
    pub fn step<O: Objective<V>>(
        &mut self,
        objective: &mut O,
        parameters: &mut V,
        gradient: &mut V,
        learning_rate: f64,
    ) -> Result<O::Loss, OptimError> {
        match self {
            Self::Sgd(sgd) => sgd.step(objective, parameters, gradient, learning_rate),
            Self::Sam(sam) => sam.step(objective, parameters, gradient, learning_rate),
            Self::EulerSteps(euler) => euler.step(objective, parameters, gradient, learning_rate),
            Self::GradientPenalty(_) => Err(OptimError::NeedsSecondOrder),
        }
    }

    /// One step of any of the optimizers, given an objective with Hessian-vector products. Returns the loss at `parameters` before the
    /// step.
    ///
    /// # Errors
    /// Those of the optimizer.
    #[inline]
    pub fn step_second_order<O: Objective<V> + HessianVector<V>>(
        &mut self,
        objective: &mut O,
        parameters: &mut V,
        gradient: &mut V,
        learning_rate: f64,
    ) -> Result<O::Loss, OptimError> {
        match self {
            Self::GradientPenalty(penalty) => penalty.step(objective, parameters, gradient, learning_rate),
            other => other.step(objective, parameters, gradient, learning_rate),
        }
    }

    /// The number of steps made so far; several Euler steps on one minibatch are one.
    pub fn num_steps(&self) -> u64 {
        match self {
            Self::Sgd(sgd) => sgd.num_steps(),
            Self::Sam(sam) => sam.base().num_steps(),
            Self::EulerSteps(euler) => euler.num_steps(),
            Self::GradientPenalty(penalty) => penalty.base().num_steps(),
        }
    }

    /// What must be stored to continue exactly.
    pub fn state(&self) -> State<'_, V> {
        match self {
            Self::Sgd(sgd) => sgd.state(),
            Self::Sam(sam) => sam.state(),
            Self::EulerSteps(euler) => euler.state(),
            Self::GradientPenalty(penalty) => penalty.state(),
        }
    }

    /// Continues where `state` was taken.
    ///
    /// # Errors
    /// [`OptimError::MissingState`] or [`OptimError::UnexpectedState`] if `state` comes from other settings; nothing has changed then.
    pub fn restore(&mut self, state: SavedState<V>) -> Result<(), OptimError> {
        match self {
            Self::Sgd(sgd) => sgd.restore(state),
            Self::Sam(sam) => sam.restore(state),
            Self::EulerSteps(euler) => euler.restore(state),
            Self::GradientPenalty(penalty) => penalty.restore(state),
        }
    }
}

impl<V> From<Sgd<V>> for Optimizer<V> {
    fn from(sgd: Sgd<V>) -> Self {
        Self::Sgd(sgd)
    }
}

impl<V> From<Sam<V>> for Optimizer<V> {
    fn from(sam: Sam<V>) -> Self {
        Self::Sam(sam)
    }
}

impl<V> From<EulerSteps<V>> for Optimizer<V> {
    fn from(euler: EulerSteps<V>) -> Self {
        Self::EulerSteps(euler)
    }
}

impl<V> From<GradientPenalty<V>> for Optimizer<V> {
    fn from(penalty: GradientPenalty<V>) -> Self {
        Self::GradientPenalty(penalty)
    }
}
