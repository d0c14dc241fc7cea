//! Products with the Hessian of a minibatch's loss, by differentiating the gradient once more.

use polder_optim::{HessianVector, OptimError, Point};
use tch::Tensor;

use crate::error::ModelError;
use crate::flat_parameters::FlatParameters;
use crate::objective::{MinibatchLoss, MinibatchObjective};

/// The gradient of a scalar, and what remains of its graph to be differentiated again.
pub(crate) struct DifferentiableGradient<'a> {
    leaves: &'a [Tensor],
    /// One for each leaf, in its type; not defined where the scalar does not depend on the leaf.
    pub(crate) parts: Vec<Tensor>,
}

impl<'a> DifferentiableGradient<'a> {
    /// The gradient of `loss` with respect to `leaves`. What lies in the leaves' own gradients is left alone.
    pub(crate) fn of(loss: &Tensor, leaves: &'a [Tensor]) -> Result<Self, ModelError> {
        Ok(Self { leaves, parts: Tensor::f_run_backward(&[loss], leaves, true, true)? })
    }

    /// `H v` with one part of `v` for each leaf: the gradient of `g . v`. The graph is spent.
    pub(crate) fn product(self, vector: &[Tensor]) -> Result<Vec<Tensor>, ModelError> {
        let mut inner = None::<Tensor>;
        for ((part, along), leaf) in self.parts.iter().zip(vector).zip(self.leaves) {
            if !(part.defined() && along.defined() && part.requires_grad()) {
                continue;
            }
            // Only its derivative is used: the type of the sum does not matter.
            let term = part.f_mul(&along.f_to_kind(leaf.kind())?)?.f_sum(tch::Kind::Float)?;
            inner = Some(match inner {
                Some(sum) => sum.f_add(&term)?,
                None => term,
            });
        }
        match inner {
            Some(inner) => Ok(Tensor::f_run_backward(&[inner], self.leaves, false, false)?),
            // A loss that is linear in every leaf.
            None => Ok(self.leaves.iter().map(|_| Tensor::new()).collect()),
        }
    }
}

impl MinibatchObjective<'_> {
    /// The loss at `at`, and the product with `vector`, or with the gradient itself, which is then written to `gradient`.
    fn second_order(
        &self,
        at: Point,
        along: Along<'_>,
        product: &mut FlatParameters,
    ) -> Result<MinibatchLoss, ModelError> {
        let network = self.network;
        let loss = self.loss(&self.whole(), at)?;
        let first = DifferentiableGradient::of(&loss.mean_loss, network.leaves())?;
        let direction = match along {
            Along::Vector(vector) => network.slices(vector.flat())?,
            Along::Gradient(gradient) => {
                network.gather(&first.parts, gradient.flat())?;
                first
                    .parts
                    .iter()
                    .map(|part| if part.defined() { part.detach() } else { Tensor::new() })
                    .collect()
            }
        };
        network.gather(&first.product(&direction)?, product.flat())?;
        Ok(loss.detached())
    }
}

/// What the Hessian is multiplied with.
enum Along<'a> {
    Vector(&'a FlatParameters),
    /// The gradient, which is stored as well.
    Gradient(&'a mut FlatParameters),
}

/// BN normalises by the minibatch's own statistics, through which the derivatives go. In bf16 the products have the
/// precision of its arithmetic.
impl HessianVector<FlatParameters> for MinibatchObjective<'_> {
    fn hessian_vector_product(
        &mut self,
        parameters: &FlatParameters,
        vector: &FlatParameters,
        out: &mut FlatParameters,
    ) -> Result<(), OptimError> {
        self.expect_own(parameters, None)?;
        self.second_order(Point::Perturbed, Along::Vector(vector), out)?;
        Ok(())
    }

    fn gradient_and_product(
        &mut self,
        parameters: &FlatParameters,
        at: Point,
        gradient: &mut FlatParameters,
        product: &mut FlatParameters,
    ) -> Result<<Self as polder_optim::Objective<FlatParameters>>::Loss, OptimError> {
        self.expect_own(parameters, None)?;
        Ok(self.second_order(at, Along::Gradient(gradient), product)?)
    }
}
