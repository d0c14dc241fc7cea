//! The explicit regulariser of Smith et al.: a penalty on the gradient's square, minibatch by minibatch.

use serde::{Deserialize, Serialize};

use crate::error::OptimError;
use crate::hessian_vector::HessianVector;
use crate::objective::{Objective, Point};
use crate::optimizer::Optimizer;
use crate::scratch::Scratch;
use crate::settings::check_non_negative;
use crate::sgd::{Sgd, SgdConfig};
use crate::state::resume_by_base;
use crate::vector::Vector;

/// The settings of [`GradientPenalty`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GradientPenaltyConfig {
    /// The strength, in units of a learning rate; finite and at least 0. The penalty is a *quarter* of it times the squared gradient.
    pub lambda: f64,
    /// The optimizer that steps along the penalised gradient.
    #[serde(default)]
    pub base: SgdConfig,
}

impl GradientPenaltyConfig {
    /// Checks every setting.
    ///
    /// # Errors
    /// [`OptimError::InvalidSetting`], naming the first setting that is out of range or not a number.
    pub fn validate(&self) -> Result<(), OptimError> {
        check_non_negative("lambda", self.lambda)?;
        self.base.validate()
    }
}

/// SGD on `C_k(w) + lambda / 4 * ||grad C_k(w)||^2`, with `C_k` the loss of the minibatch.
///
/// One step: the gradient `g` at the iterate, the product `H g` with the minibatch's own Hessian, and a base step along
/// `g + lambda / 2 * H g`, since the gradient of `||g||^2` is `2 H g`. Implementations elsewhere that weigh `H g` with a quarter of the
/// strength penalise half as much. With lambda equal to the learning rate of plain SGD the penalty is the one that its finite steps
/// imply, to first order.
///
/// Weight decay belongs to the base step: it is no part of `C_k`, nor of what is penalised. Clipping, if any, is of the whole penalised
/// gradient. With lambda = 0 every step is bit-equal to the base optimizer's, without any Hessian-vector product.
///
/// # Source
/// Smith et al. (2021), arXiv:2101.12176, Section 2.3.
#[derive(Debug)]
pub struct GradientPenalty<V> {
    lambda: f64,
    base: Sgd<V>,
    product: Scratch<V>,
}

impl<V: Vector> GradientPenalty<V> {
    /// An optimizer that has not stepped yet.
    ///
    /// # Errors
    /// [`OptimError::InvalidSetting`] if [`GradientPenaltyConfig::validate`] refuses the settings.
    pub fn new(config: GradientPenaltyConfig) -> Result<Self, OptimError> {
        config.validate()?;
        Ok(Self { lambda: config.lambda, base: Sgd::new(config.base)?, product: Scratch::default() })
    }

    /// The optimizer that steps.
    pub fn base(&self) -> &Sgd<V> {
        &self.base
    }
}

impl<V: Vector, O: Objective<V> + HessianVector<V>> Optimizer<V, O> for GradientPenalty<V> {
    /// One step: a gradient and a Hessian-vector product at `parameters`. Returns the loss before the step, without the penalty.
    ///
    /// `gradient` is scratch space of the dimension of `parameters`; its content afterwards is unspecified.
    ///
    /// # Errors
    /// Those of [`Sgd::step`] and of the Hessian-vector product. After an error neither `parameters` nor the state have changed.
    fn step(
        &mut self,
        objective: &mut O,
        parameters: &mut V,
        gradient: &mut V,
        learning_rate: f64,
    ) -> Result<O::Loss, OptimError> {
        if self.lambda == 0.0 {
            return self.base.step(objective, parameters, gradient, learning_rate);
        }
        self.base.check(parameters, gradient, learning_rate)?;
        let product = self.product.like(parameters);
        let loss = objective.gradient_and_product(parameters, Point::Iterate, gradient, product)?;
        gradient.axpy(0.5 * self.lambda, product);
        self.base.descend(parameters, gradient, learning_rate);
        Ok(loss)
    }
}

resume_by_base!(GradientPenalty);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strength_out_of_range_is_refused() {
        for lambda in [-0.1, f64::NAN, f64::INFINITY] {
            let config = GradientPenaltyConfig { lambda, base: SgdConfig::default() };
            let error = GradientPenalty::<f64>::new(config).unwrap_err();
            assert!(error.to_string().starts_with("lambda is"), "{error}");
        }
    }
}
