//! The optimizers that a configuration can name, behind one type that takes any objective.

use polder_models::{FlatParameters, MinibatchObjective};
use polder_optim::{
    EulerSteps, GradientPenalty, HessianVector, Objective, OptimError, Optimizer, Resumable, Sam, SavedState,
    Sgd, State,
};

/// Any optimizer of a network, one of a caller's own included.
pub type NetworkOptimizer = Box<dyn for<'a> Optimizer<FlatParameters, MinibatchObjective<'a>>>;

/// An optimizer that a configuration can name.
#[derive(Debug)]
pub enum BuiltInOptimizer {
    Sgd(Sgd<FlatParameters>),
    Sam(Sam<FlatParameters>),
    EulerSteps(EulerSteps<FlatParameters>),
    GradientPenalty(GradientPenalty<FlatParameters>),
}

impl<O: Objective<FlatParameters> + HessianVector<FlatParameters>> Optimizer<FlatParameters, O>
    for BuiltInOptimizer
{
    fn step(
        &mut self,
        objective: &mut O,
        parameters: &mut FlatParameters,
        gradient: &mut FlatParameters,
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
    fn resumable(&self) -> &dyn Resumable<FlatParameters> {
        match self {
            Self::Sgd(sgd) => sgd,
            Self::Sam(sam) => sam,
            Self::EulerSteps(euler) => euler,
            Self::GradientPenalty(penalty) => penalty,
        }
    }
}

impl Resumable<FlatParameters> for BuiltInOptimizer {
    fn state(&self) -> State<'_, FlatParameters> {
        self.resumable().state()
    }

    fn restore(&mut self, state: SavedState<FlatParameters>) -> Result<(), OptimError> {
        match self {
            Self::Sgd(sgd) => sgd.restore(state),
            Self::Sam(sam) => sam.restore(state),
            Self::EulerSteps(euler) => euler.restore(state),
            Self::GradientPenalty(penalty) => penalty.restore(state),
        }
    }
}
