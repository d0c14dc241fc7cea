//! What a measurement may ask of a function: its loss, its gradient, its Hessian times a vector.

use super::probe::{ProbeLaw, Probes};
use crate::error::OptimError;
use crate::hessian_vector::HessianVector;
use crate::objective::{Objective, Point};
use crate::scratch::Scratch;
use crate::vector::{RandomVector, Vector};

/// The Hessian of a fixed function at a fixed point, or any symmetric matrix, known by its products.
///
/// Implemented for closures `FnMut(&V, &mut V) -> Result<(), OptimError>`; [`HessianAt`] makes one of a [`HessianVector`].
pub trait HessianOracle<V: Vector> {
    /// Writes `H * vector` into `output`, replacing what was there.
    ///
    /// # Errors
    /// [`OptimError::Objective`] if the product cannot be computed.
    fn multiply(&mut self, vector: &V, output: &mut V) -> Result<(), OptimError>;
}

impl<V, F> HessianOracle<V> for F
where
    V: Vector,
    F: FnMut(&V, &mut V) -> Result<(), OptimError>,
{
    #[inline]
    fn multiply(&mut self, vector: &V, output: &mut V) -> Result<(), OptimError> {
        self(vector, output)
    }
}

/// The Hessian of an objective at fixed parameters.
///
/// With [`FiniteDifference`](crate::FiniteDifference) around it, any [`Objective`] will do. Holds the parameters by reference.
#[derive(Debug)]
pub struct HessianAt<'a, O, V> {
    objective: O,
    parameters: &'a V,
}

impl<'a, O, V> HessianAt<'a, O, V> {
    /// The Hessian of `objective`, which must stand for the same function at every call, at `parameters`.
    pub fn new(objective: O, parameters: &'a V) -> Self {
        Self { objective, parameters }
    }
}

impl<V: Vector, O: HessianVector<V>> HessianOracle<V> for HessianAt<'_, O, V> {
    #[inline]
    fn multiply(&mut self, vector: &V, output: &mut V) -> Result<(), OptimError> {
        self.objective.hessian_vector_product(self.parameters, vector, output)
    }
}

/// A fixed function, known by its values: two calls at the same point return the same loss.
///
/// Implemented for closures `FnMut(&V) -> Result<f64, OptimError>`.
pub trait LossOracle<V: Vector> {
    /// The loss at `parameters`.
    ///
    /// # Errors
    /// [`OptimError::Objective`] if the evaluation fails. A non-finite loss is no failure: it is returned as it is.
    fn loss(&mut self, parameters: &V) -> Result<f64, OptimError>;
}

impl<V, F> LossOracle<V> for F
where
    V: Vector,
    F: FnMut(&V) -> Result<f64, OptimError>,
{
    #[inline]
    fn loss(&mut self, parameters: &V) -> Result<f64, OptimError> {
        self(parameters)
    }
}

/// A fixed function that also knows its gradient.
pub trait GradientOracle<V: Vector>: LossOracle<V> {
    /// Writes the gradient at `parameters` into `gradient`, replacing what was there, and returns the loss.
    ///
    /// # Errors
    /// [`OptimError::Objective`] if the evaluation fails. Non-finite values are no failure: they are returned as they are.
    fn gradient(&mut self, parameters: &V, gradient: &mut V) -> Result<f64, OptimError>;
}

/// An [`Objective`] as an oracle. Every evaluation is at [`Point::Perturbed`], so that nothing the objective remembers moves.
///
/// Holds one vector beside the objective, which a plain loss needs as well: an objective computes both at once.
#[derive(Debug)]
pub struct OnObjective<O, V> {
    objective: O,
    scratch: Scratch<V>,
}

impl<O, V> OnObjective<O, V> {
    /// Measures `objective`, which must stand for the same function at every call.
    pub fn new(objective: O) -> Self {
        Self { objective, scratch: Scratch::default() }
    }
}

impl<V: Vector, O: Objective<V, Loss = f64>> LossOracle<V> for OnObjective<O, V> {
    fn loss(&mut self, parameters: &V) -> Result<f64, OptimError> {
        self.objective.gradient(parameters, Point::Perturbed, self.scratch.like(parameters))
    }
}

impl<V: Vector, O: Objective<V, Loss = f64>> GradientOracle<V> for OnObjective<O, V> {
    fn gradient(&mut self, parameters: &V, gradient: &mut V) -> Result<f64, OptimError> {
        self.objective.gradient(parameters, Point::Perturbed, gradient)
    }
}

/// How far an oracle is from symmetric: `|u . Hv - v . Hu| / (|u| |Hv| + |v| |Hu|)` for two random directions, a number in [0, 1].
///
/// Exact arithmetic gives 0 for every Hessian; rounding leaves some units of the storage's precision. More means that the oracle
/// multiplies by something else, or by another matrix at every call. Two products; holds four vectors.
///
/// # Errors
/// Those of the oracle.
pub fn asymmetry<V: RandomVector>(
    hessian: &mut impl HessianOracle<V>,
    like: &V,
    seed: u64,
) -> Result<f64, OptimError> {
    let probes = Probes { law: ProbeLaw::Normal, seed };
    let (mut u, mut v) = (like.zeros_like(), like.zeros_like());
    let (mut hu, mut hv) = (like.zeros_like(), like.zeros_like());
    probes.fill(0, &mut u);
    probes.fill(1, &mut v);
    hessian.multiply(&u, &mut hu)?;
    hessian.multiply(&v, &mut hv)?;
    let scale = u.norm() * hv.norm() + v.norm() * hu.norm();
    Ok(if scale == 0.0 { 0.0 } else { (u.dot(&hv) - v.dot(&hu)).abs() / scale })
}

/// A product that is not finite: no eigenvalue and no trace can be read off such a matrix.
#[derive(Debug, thiserror::Error)]
#[error(
    "the Hessian-vector product {index} has a norm or an inner product of {found}; measure at a point where the loss is finite"
)]
struct NonFiniteProduct {
    index: u64,
    found: f64,
}

/// Refuses what came out of product number `index` if it is not finite.
pub(super) fn finite(found: f64, index: u64) -> Result<f64, OptimError> {
    if found.is_finite() { Ok(found) } else { Err(OptimError::objective(NonFiniteProduct { index, found })) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_matrix_that_is_not_symmetric_is_seen() {
        let mut rotation = |v: &Vec<f64>, output: &mut Vec<f64>| {
            (output[0], output[1]) = (-v[1], v[0]);
            Ok(())
        };
        assert!(asymmetry(&mut rotation, &vec![0.0; 2], 3).unwrap() > 0.1);
        let mut zero = |_: &f64, output: &mut f64| {
            *output = 0.0;
            Ok(())
        };
        assert_eq!(asymmetry(&mut zero, &0.0, 3).unwrap(), 0.0);
    }

    #[test]
    fn an_objective_is_only_ever_seen_at_perturbed_points() {
        let mut points = Vec::new();
        let objective = |w: &f64, at: Point, gradient: &mut f64| {
            points.push(at);
            *gradient = 2.0 * w;
            Ok(w * w)
        };
        let mut oracle = OnObjective::new(objective);
        let mut gradient = 0.0;
        assert_eq!(oracle.loss(&3.0).unwrap(), 9.0);
        assert_eq!(oracle.gradient(&3.0, &mut gradient).unwrap(), 9.0);
        assert_eq!(gradient, 6.0);
        assert_eq!(points, [Point::Perturbed, Point::Perturbed]);
    }
}
