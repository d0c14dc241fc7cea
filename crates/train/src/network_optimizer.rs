//! The optimizers that a configuration can name, behind one type that takes any objective.

use polder_models::{Arena, MinibatchObjective};
use polder_optim::{
    EulerSteps, GradientPenalty, HessianVector, Objective, OptimError, Optimizer, Resumable, Sam, SavedState,
    Sgd, State,
};

/// Any optimizer of a network, one of a caller's own included.
pub type NetworkOptimizer = Box<dyn for<'a> Optimizer<Arena, MinibatchObjective<'a>>>;

/// An optimizer that a configuration can name.
#[derive(Debug)]
pub enum BuiltInOptimizer {
    Sgd(Sgd<Arena>),
    Sam(Sam<Arena>),
    EulerSteps(EulerSteps<Arena>),
    GradientPenalty(GradientPenalty<Arena>),
}

impl<O: Objective<Arena> + HessianVector<Arena>> Optimizer<Arena, O> for BuiltInOptimizer {
    fn step(
        &mut self,
        objective: &mut O,
        parameters: &mut Arena,
        gradient: &mut Arena,
        learning_rate: f64,
    ) -> Result<O::Loss, OptimError> {
        match self {
            Self::Sgd(sgd) => sgd.step(objective, parameters, gradient, learning_rate),
            Self::Sam(sam) => sam.step(objective, parameters, gradient, learning_rate),
            Self::EulerSteps(euler) => euler.step(objective, parameters, gradient, learning_rate),
            Self::GradientPenalty(penalty) => penalty.step(objective, parameters, gradient, learning_rate),
        }
    }
}

impl BuiltInOptimizer {
    fn resumable(&self) -> &dyn Resumable<Arena> {
        match self {
            Self::Sgd(sgd) => sgd,
            Self::Sam(sam) => sam,
            Self::EulerSteps(euler) => euler,
            Self::GradientPenalty(penalty) => penalty,
        }
    }
}

impl Resumable<Arena> for BuiltInOptimizer {
    fn state(&self) -> State<'_, Arena> {
        self.resumable().state()
    }

    fn restore(&mut self, state: SavedState<Arena>) -> Result<(), OptimError> {
        match self {
            Self::Sgd(sgd) => sgd.restore(state),
            Self::Sam(sam) => sam.restore(state),
            Self::EulerSteps(euler) => euler.restore(state),
            Self::GradientPenalty(penalty) => penalty.restore(state),
        }
    }
}
