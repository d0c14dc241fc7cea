//! A function in coordinates of its own: every parameter in units of a scale.

use super::oracle::{GradientOracle, HessianOracle, LossOracle};
use crate::error::OptimError;
use crate::vector::{Vector, same_dim};

/// A function of `u`, which stands for the parameters `centre + scales * u`, entry by entry.
///
/// Measured with the norms of groups of weights as scales, curvature and rises are relative to the weights: rescaling a layer whose
/// scale the function does not see leaves them alone. The Hessian in these coordinates is `S H S` with the diagonal matrix S of
/// the scales, its trace the one that [`norm_weights`](super::norm_weights) weighs, and a ball of radius rho around `u = 0` is that of
/// adaptive SAM. An entry whose scale is 0 stays where it is.
///
/// # Memory
/// One vector.
///
/// # Source
/// Kwon et al. (2021), arXiv:2102.11600, section 3.
///
/// # Example
/// ```
/// use polder_optim::OptimError;
/// use polder_optim::sharpness::{LossOracle, Rescaled};
///
/// let mut loss = |w: &Vec<f64>| Ok::<_, OptimError>(w[0] * w[0] + w[1]);
/// let (centre, scales) = (vec![3.0, 1.0], vec![3.0, 1.0]);
/// let mut relative = Rescaled::new(&mut loss, &centre, &scales)?;
/// assert_eq!(relative.loss(&vec![1.0, 0.5])?, 37.5); // At w = (6, 1.5).
/// # Ok::<(), OptimError>(())
/// ```
#[derive(Debug)]
pub struct Rescaled<'a, O, V> {
    oracle: &'a mut O,
    centre: &'a V,
    scales: &'a V,
    scratch: V,
}

impl<'a, O, V: Vector> Rescaled<'a, O, V> {
    /// `oracle` around `centre`, with a scale for each parameter.
    ///
    /// # Errors
    /// [`OptimError::DimensionMismatch`] if there are not as many scales as parameters.
    pub fn new(oracle: &'a mut O, centre: &'a V, scales: &'a V) -> Result<Self, OptimError> {
        same_dim("scales of the parameters", scales, centre)?;
        Ok(Self { oracle, centre, scales, scratch: centre.zeros_like() })
    }

    /// Leaves in the scratch vector the parameters that `coordinates` stand for.
    fn place(&mut self, coordinates: &V) {
        self.scratch.copy_from(coordinates);
        self.scratch.mul(self.scales);
        self.scratch.axpy(1.0, self.centre);
    }
}

impl<V: Vector, O: HessianOracle<V>> HessianOracle<V> for Rescaled<'_, O, V> {
    fn multiply(&mut self, vector: &V, output: &mut V) -> Result<(), OptimError> {
        self.scratch.copy_from(vector);
        self.scratch.mul(self.scales);
        self.oracle.multiply(&self.scratch, output)?;
        output.mul(self.scales);
        Ok(())
    }
}

impl<V: Vector, O: LossOracle<V>> LossOracle<V> for Rescaled<'_, O, V> {
    fn loss(&mut self, parameters: &V) -> Result<f64, OptimError> {
        self.place(parameters);
        self.oracle.loss(&self.scratch)
    }
}

impl<V: Vector, O: GradientOracle<V>> GradientOracle<V> for Rescaled<'_, O, V> {
    fn gradient(&mut self, parameters: &V, gradient: &mut V) -> Result<f64, OptimError> {
        self.place(parameters);
        let loss = self.oracle.gradient(&self.scratch, gradient)?;
        gradient.mul(self.scales);
        Ok(loss)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objective::Point;
    use crate::sharpness::OnObjective;

    #[test]
    fn gradients_and_products_carry_the_scales() {
        // f(w) = w0^2 w1.
        let (centre, scales) = (vec![2.0, 3.0], vec![10.0, 0.0]);
        let mut function = OnObjective::new(|w: &Vec<f64>, _: Point, gradient: &mut Vec<f64>| {
            (gradient[0], gradient[1]) = (2.0 * w[0] * w[1], w[0] * w[0]);
            Ok(w[0] * w[0] * w[1])
        });
        let mut gradient = vec![0.0; 2];
        let mut rescaled = Rescaled::new(&mut function, &centre, &scales).unwrap();
        // At w = (2 + 10 / 10, 3).
        assert_eq!(rescaled.gradient(&vec![0.1, 5.0], &mut gradient).unwrap(), 27.0);
        assert_eq!(gradient, [180.0, 0.0]);

        let mut hessian = |v: &Vec<f64>, output: &mut Vec<f64>| {
            (output[0], output[1]) = (6.0 * v[0] + 4.0 * v[1], 4.0 * v[0]);
            Ok(())
        };
        let mut rescaled = Rescaled::new(&mut hessian, &centre, &scales).unwrap();
        rescaled.multiply(&vec![1.0, 1.0], &mut gradient).unwrap();
        assert_eq!(gradient, [600.0, 0.0]);
    }

    #[test]
    fn scales_that_do_not_fit_are_refused() {
        let mut loss = |w: &Vec<f64>| Ok::<_, OptimError>(w[0]);
        assert!(Rescaled::new(&mut loss, &vec![1.0], &vec![1.0, 2.0]).is_err());
    }
}
