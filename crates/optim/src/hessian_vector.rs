//! `HessianVector`: products with the Hessian, exact or by differences of gradients.

use crate::error::OptimError;
use crate::objective::{Objective, Point};
use crate::scratch::Scratch;
use crate::settings::check_positive;
use crate::vector::Vector;

/// A function whose Hessian can be multiplied with a vector, without ever being formed.
///
/// A network implements it by double backpropagation; [`FiniteDifference`] makes it of any [`Objective`].
pub trait HessianVector<V: Vector> {
    /// `out = H * vector`, with `H` the Hessian at `parameters`, replacing what was in `out`. Moves no running statistics.
    ///
    /// # Errors
    /// [`OptimError::Objective`] if the evaluation fails. Non-finite values are no failure: they are returned as they are.
    fn hessian_vector_product(&mut self, parameters: &V, vector: &V, out: &mut V) -> Result<(), OptimError>;

    /// The gradient at `parameters`, as [`Objective::gradient`] has it, and `product = H * gradient`, both of the same minibatch.
    ///
    /// As provided, these are two separate evaluations; double backpropagation yields both from one forward pass.
    ///
    /// # Errors
    /// Those of [`Objective::gradient`] and [`HessianVector::hessian_vector_product`].
    fn gradient_and_product(
        &mut self,
        parameters: &V,
        at: Point,
        gradient: &mut V,
        product: &mut V,
    ) -> Result<<Self as Objective<V>>::Loss, OptimError>
    where
        Self: Objective<V>,
    {
        let loss = self.gradient(parameters, at, gradient)?;
        self.hessian_vector_product(parameters, gradient, product)?;
        Ok(loss)
    }
}

/// A borrowed function, to measure it and to use it again.
impl<V: Vector, O: HessianVector<V> + ?Sized> HessianVector<V> for &mut O {
    fn hessian_vector_product(&mut self, parameters: &V, vector: &V, out: &mut V) -> Result<(), OptimError> {
        (**self).hessian_vector_product(parameters, vector, out)
    }
}

/// An objective with Hessian-vector products by central differences of its gradient.
///
/// `H v` is taken as `||v|| * (g(w + d u) - g(w - d u)) / (2 d)` with `u = v / ||v||`: two gradients at [`Point::Perturbed`], exact for a
/// quadratic but for rounding, off by `d^2 / 6` times the third derivative of the gradient along `u` otherwise. Rounding adds some
/// `epsilon * ||g|| / d`; for gradients in f64 a distance of about 1e-5 times the scale of the parameters balances the two.
///
/// # Example
/// ```
/// use polder_optim::{FiniteDifference, HessianVector, OptimError, Point};
///
/// let objective = |w: &Vec<f64>, _: Point, g: &mut Vec<f64>| {
///     (g[0], g[1]) = (w[0].powi(3) + w[1], w[0]); // The gradient of w0^4 / 4 + w0 * w1.
///     Ok(())
/// };
/// let mut hessian = FiniteDifference::new(objective, 1e-5)?;
/// let mut product = vec![0.0; 2];
/// hessian.hessian_vector_product(&vec![2.0, 5.0], &vec![1.0, -1.0], &mut product)?;
/// assert!((product[0] - 11.0).abs() < 1e-8 && (product[1] - 1.0).abs() < 1e-8); // [[12, 1], [1, 0]] times [1, -1].
/// # Ok::<(), OptimError>(())
/// ```
#[derive(Debug)]
pub struct FiniteDifference<O, V> {
    objective: O,
    distance: f64,
    point: Scratch<V>,
    behind: Scratch<V>,
}

impl<O: Objective<V>, V: Vector> FiniteDifference<O, V> {
    /// Differences over `2 * distance`, in units of the parameters.
    ///
    /// # Errors
    /// [`OptimError::InvalidSetting`] if `distance` is not a finite number greater than 0.
    pub fn new(objective: O, distance: f64) -> Result<Self, OptimError> {
        check_positive("distance", distance)?;
        Ok(Self { objective, distance, point: Scratch::default(), behind: Scratch::default() })
    }
}

impl<O: Objective<V>, V: Vector> Objective<V> for FiniteDifference<O, V> {
    type Loss = O::Loss;

    fn gradient(&mut self, parameters: &V, at: Point, gradient: &mut V) -> Result<O::Loss, OptimError> {
        self.objective.gradient(parameters, at, gradient)
    }

    fn micro_gradient(
        &mut self,
        part: usize,
        of: usize,
        parameters: &V,
        at: Point,
        gradient: &mut V,
    ) -> Result<O::Loss, OptimError> {
        self.objective.micro_gradient(part, of, parameters, at, gradient)
    }

    fn micro_share(&self, part: usize, of: usize) -> f64 {
        self.objective.micro_share(part, of)
    }
}

impl<O: Objective<V>, V: Vector> HessianVector<V> for FiniteDifference<O, V> {
    fn hessian_vector_product(&mut self, parameters: &V, vector: &V, out: &mut V) -> Result<(), OptimError> {
        let norm = vector.norm();
        if norm == 0.0 {
            out.fill(0.0);
            return Ok(());
        }
        let (point, behind) = (self.point.like(parameters), self.behind.like(parameters));
        point.copy_from(parameters);
        point.axpy(self.distance / norm, vector);
        self.objective.gradient(point, Point::Perturbed, out)?;
        point.copy_from(parameters);
        point.axpy(-self.distance / norm, vector);
        self.objective.gradient(point, Point::Perturbed, behind)?;
        out.axpy(-1.0, behind);
        out.scale(norm / (2.0 * self.distance));
        Ok(())
    }
}
