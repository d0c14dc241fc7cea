//! What gradient descent and un-normalised SAM do to each eigendirection of a quadratic, and both of them at work.

use polder_optim::Optimizer as _;
use polder_optim::{Ascent, OptimError, Point, Sam, SamConfig, SgdConfig};

use crate::error::TheoryError;
use crate::matrix::Matrix;
use crate::setting::{check, not_negative};

/// Full-batch un-normalised SAM with fixed step size and radius on a quadratic; with `rho` 0, gradient descent.
///
/// The step `w - eta * g(w + rho * g(w))` with `g(w) = H w - b` multiplies the error in an eigendirection of H with eigenvalue `d` by
/// `c = 1 - eta * d * (1 + rho * d)`: SAM is gradient descent that takes `d` for `d * (1 + rho * d)`.
///
/// # Source
/// The setting of Behdin and Mazumder (2023), arXiv:2302.11836; the formulas here and in what is built on them are this project's own
/// derivation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct SpectralFilter {
    /// The step size eta.
    pub step_size: f64,
    /// The radius rho, in units of parameter per gradient.
    pub rho: f64,
}

impl SpectralFilter {
    /// Checks that the filter converges for eigenvalues up to `top_eigenvalue`: `eta * d * (1 + rho * d) < 2`.
    ///
    /// # Errors
    /// [`TheoryError::InvalidSetting`], naming the step size or the radius.
    pub(super) fn validate(&self, top_eigenvalue: f64) -> Result<(), TheoryError> {
        not_negative("rho", self.rho)?;
        let rate = self.step_size * top_eigenvalue * (1.0 + self.rho * top_eigenvalue);
        let holds = self.step_size.is_finite() && self.step_size > 0.0 && rate < 2.0;
        let expected = "above 0 and below 2 / (d (1 + rho d)) for the largest eigenvalue d";
        check(holds, "step_size", &self.step_size, expected)
    }

    /// `c`, the factor of the error per step.
    pub(super) fn contraction(&self, eigenvalue: f64) -> f64 {
        1.0 - self.rate(eigenvalue)
    }

    /// `c^k`, the share of the error that is left after k steps.
    pub(super) fn left(&self, eigenvalue: f64, num_steps: u64) -> f64 {
        let contraction = self.contraction(eigenvalue);
        if contraction > 0.0 {
            (num_steps as f64 * (-self.rate(eigenvalue)).ln_1p()).exp()
        } else {
            contraction.powi(i32::try_from(num_steps).unwrap_or(i32::MAX))
        }
    }

    /// `1 - c^k`, the share of the least-squares solution that is reached after k steps from 0.
    pub(super) fn reached(&self, eigenvalue: f64, num_steps: u64) -> f64 {
        if self.contraction(eigenvalue) > 0.0 {
            -(num_steps as f64 * (-self.rate(eigenvalue)).ln_1p()).exp_m1()
        } else {
            1.0 - self.left(eigenvalue, num_steps)
        }
    }

    /// `(1 - c^k) / d`, and its limit `eta * k` at the eigenvalue 0.
    pub(super) fn inverse(&self, eigenvalue: f64, num_steps: u64) -> f64 {
        if eigenvalue.abs() < 1e-200 {
            self.step_size * num_steps as f64
        } else {
            self.reached(eigenvalue, num_steps) / eigenvalue
        }
    }

    fn rate(&self, eigenvalue: f64) -> f64 {
        self.step_size * eigenvalue * (1.0 + self.rho * eigenvalue)
    }

    /// The iterates after each of `steps`, ascending, from 0, of [`Sam`] with [`Ascent::Unnormalized`] on the gradient
    /// `matrix * w - target`; `matrix` is symmetric.
    pub(crate) fn run(
        &self,
        matrix: &Matrix,
        target: &[f64],
        steps: &[u64],
    ) -> Result<Vec<Vec<f64>>, TheoryError> {
        let mut sam = unnormalized_sam(self.rho)?;
        let mut objective = |w: &Vec<f64>, _: Point, gradient: &mut Vec<f64>| -> Result<(), OptimError> {
            matrix.transposed_times_into(w, gradient);
            for (g, b) in gradient.iter_mut().zip(target) {
                *g -= b;
            }
            Ok(())
        };
        let (mut w, mut gradient) = (vec![0.0; target.len()], vec![0.0; target.len()]);
        let (mut done, mut iterates) = (0, Vec::with_capacity(steps.len()));
        for &step in steps {
            for _ in done..step {
                sam.step(&mut objective, &mut w, &mut gradient, self.step_size)?;
            }
            done = done.max(step);
            iterates.push(w.clone());
        }
        Ok(iterates)
    }
}

/// SAM as paper D has it: plain descent, an ascent proportional to the gradient.
pub(crate) fn unnormalized_sam(rho: f64) -> Result<Sam<Vec<f64>>, TheoryError> {
    let config = SamConfig { ascent: Ascent::Unnormalized, ..SamConfig::new(rho, SgdConfig::default()) };
    Ok(Sam::new(config)?)
}

/// At most `num_points` different steps from 1 to `num_steps`, ascending, evenly spaced on a logarithmic axis.
pub(crate) fn logarithmic_steps(num_steps: u64, num_points: usize) -> Vec<u64> {
    let last = (num_points.max(2) - 1) as f64;
    let mut steps: Vec<u64> =
        (0..num_points.max(2)).map(|i| (num_steps as f64).powf(i as f64 / last).round() as u64).collect();
    steps.dedup();
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sam_follows_its_filter_in_every_eigendirection() {
        let eigenvalues = [3.0, 1.0, 0.2, 0.0];
        let matrix = Matrix::from_fn(4, 4, |i, j| if i == j { eigenvalues[i] } else { 0.0 });
        let target = [1.0, -2.0, 0.5, 0.25];
        // With rho = 0.8 the first direction overshoots: its contraction is negative.
        for rho in [0.0, 0.1, 0.8] {
            let filter = SpectralFilter { step_size: 0.15, rho };
            filter.validate(3.0).unwrap();
            let steps = [1, 2, 7, 40];
            for (step, w) in steps.iter().zip(filter.run(&matrix, &target, &steps).unwrap()) {
                for i in 0..4 {
                    let expected = filter.inverse(eigenvalues[i], *step) * target[i];
                    assert!((w[i] - expected).abs() < 1e-13 * expected.abs().max(1.0), "{rho} {step} {i}");
                }
            }
        }
    }

    #[test]
    fn shares_left_and_reached_add_up_to_one() {
        let filter = SpectralFilter { step_size: 0.3, rho: 0.5 };
        for eigenvalue in [0.0, 1e-12, 0.1, 1.0, 1.9] {
            for step in [0, 1, 3, 100] {
                assert!(
                    (filter.left(eigenvalue, step) + filter.reached(eigenvalue, step) - 1.0).abs() < 1e-14
                );
            }
        }
    }

    #[test]
    fn unstable_filters_are_refused() {
        assert!(SpectralFilter { step_size: 0.5, rho: 0.0 }.validate(3.9).is_ok());
        assert!(SpectralFilter { step_size: 0.5, rho: 0.1 }.validate(3.9).is_err());
        assert!(SpectralFilter { step_size: 0.5, rho: -0.1 }.validate(1.0).is_err());
        assert!(SpectralFilter { step_size: 0.0, rho: 0.0 }.validate(1.0).is_err());
    }

    #[test]
    fn logarithmic_steps_go_from_the_first_to_the_last() {
        assert_eq!(logarithmic_steps(100, 3), [1, 10, 100]);
        let steps = logarithmic_steps(300, 25);
        assert!(steps[0] == 1 && steps.last() == Some(&300) && steps.is_sorted_by(|a, b| a < b));
        assert_eq!(logarithmic_steps(1, 5), [1]);
    }
}
