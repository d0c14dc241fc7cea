//! The settings of one descent step, and the step as a sequence of vector operations.

use crate::momentum::Momentum;
use crate::vector::Vector;
use crate::weight_decay::WeightDecay;

/// Everything that [`Vector::sgd_step`] must know in addition to the vectors.
#[derive(Clone, Copy, Debug)]
pub struct SgdStep<'a> {
    /// The learning rate, finite and at least 0; it scales the whole update.
    pub learning_rate: f64,
    /// How past gradients enter.
    pub momentum: Momentum,
    /// Coupled weight decay.
    pub weight_decay: &'a WeightDecay,
    /// Whether this is the first step, at which the velocity becomes the gradient (weight decay included).
    pub first: bool,
}

impl SgdStep<'_> {
    /// The step as a sequence of vector operations, which every [`Vector`] has; arguments as of [`Vector::sgd_step`].
    #[inline]
    pub fn apply_unfused<V: Vector>(&self, weights: &mut V, gradient: &mut V, velocity: Option<&mut V>) {
        self.weight_decay.add_to(gradient, weights, 1.0);
        let Some(velocity) = velocity else {
            weights.axpy(-self.learning_rate, gradient);
            return;
        };
        if self.first {
            velocity.copy_from(gradient);
        } else {
            velocity.axpby(1.0 - self.momentum.dampening(), gradient, self.momentum.coefficient());
        }
        if let Momentum::Nesterov { coefficient } = self.momentum {
            gradient.axpy(coefficient, velocity);
            weights.axpy(-self.learning_rate, gradient);
        } else {
            weights.axpy(-self.learning_rate, velocity);
        }
    }
}
