//! Regression in the function space of a kernel: gradient descent and SAM in the eigenbasis of the Gram matrix.

use crate::error::TheoryError;
use crate::matrix::{Matrix, dot};
use crate::sam::bias_variance::BiasVariance;
use crate::sam::spectral_filter::SpectralFilter;
use crate::symmetric_eigen::SymmetricEigen;

/// The Gaussian kernel, `exp(-|x - y|^2 / (2 bandwidth^2))`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct GaussianKernel {
    /// The bandwidth, above 0, in units of the inputs.
    pub bandwidth: f64,
}

impl GaussianKernel {
    /// The value at two points of equal dimension.
    pub(super) fn value(self, x: &[f64], y: &[f64]) -> f64 {
        let square: f64 = x.iter().zip(y).map(|(x, y)| (x - y) * (x - y)).sum();
        (-square / (2.0 * self.bandwidth * self.bandwidth)).exp()
    }

    /// The matrix of values between the rows of `left` and those of `right`.
    fn matrix(self, left: &Matrix, right: &Matrix) -> Matrix {
        Matrix::from_fn(left.num_rows, right.num_rows, |i, j| self.value(left.row(i), right.row(j)))
    }
}

/// Descent on `sum of (f(x_i) - y_i)^2 / 2` over the functions of a reproducing kernel Hilbert space, from 0.
///
/// Functions are `f = sum of alpha_i K(x_i, .)`. The gradient in that space has the coefficients `K alpha - y`, and SAM's step is
/// `alpha - eta (I + rho K) (K alpha - y)`. With eigenpairs `(d_i, q_i)` of the Gram matrix K and a [`SpectralFilter`],
///
/// * the fit to the examples is `sum of (1 - c_i^k) (q_i . y) q_i`: the bias and variance of least squares, with the squared
///   coefficient of the signal in place of `beta_i^2 d_i`;
/// * the coefficients are `alpha = A y` with `A = sum of ((1 - c_i^k) / d_i) q_i q_i^T`; at a new point with kernel values k the
///   prediction is `k . A y`, its bias `k . A f - f(x)` and its variance `sigma^2 |A k|^2`.
///
/// # Source
/// The setting of Behdin and Mazumder (2023), arXiv:2302.11836, v3; the formulas are this project's own derivation.
#[derive(Clone, Debug)]
pub(super) struct KernelRegression {
    gram: Matrix,
    /// Kernel values between test points (rows) and examples.
    cross: Matrix,
    pub(super) eigen: SymmetricEigen,
    /// The noise-free values at the examples.
    signal: Vec<f64>,
    /// The noise-free values at the test points.
    test_signal: Vec<f64>,
    noise_sd: f64,
    /// `q_i . signal`.
    projected_signal: Vec<f64>,
    /// Row t holds `q_i . k_t`.
    projected_cross: Matrix,
}

impl KernelRegression {
    /// The problem with these examples and test points (one per row), their noise-free values and the noise's standard deviation.
    ///
    /// # Errors
    /// [`TheoryError::InvalidSetting`] if a kernel value is not finite.
    pub(super) fn new(
        kernel: GaussianKernel,
        (examples, signal): (&Matrix, Vec<f64>),
        (test_points, test_signal): (&Matrix, Vec<f64>),
        noise_sd: f64,
    ) -> Result<Self, TheoryError> {
        let gram = kernel.matrix(examples, examples);
        let cross = kernel.matrix(test_points, examples);
        let mut eigen = SymmetricEigen::of(&gram)?;
        // A kernel's eigenvalues are not negative; rounding may say so of the smallest.
        for value in &mut eigen.values {
            *value = value.max(0.0);
        }
        let projected_signal = eigen.vectors.times(&signal);
        let projection = |t, i| dot(eigen.vectors.row(i), cross.row(t));
        let projected_cross = Matrix::from_fn(cross.num_rows, cross.num_columns, projection);
        Ok(Self { gram, cross, eigen, signal, test_signal, noise_sd, projected_signal, projected_cross })
    }

    /// The mean squared error at the examples, against their noise-free values.
    pub(super) fn training_error(&self, filter: &SpectralFilter, num_steps: u64) -> BiasVariance {
        let n = self.signal.len() as f64;
        let mut sum = BiasVariance { bias_squared: 0.0, variance: 0.0 };
        for (&d, f) in self.eigen.values.iter().zip(&self.projected_signal) {
            sum.bias_squared += (f * filter.left(d, num_steps)).powi(2) / n;
            sum.variance += (self.noise_sd * filter.reached(d, num_steps)).powi(2) / n;
        }
        sum
    }

    /// The mean squared error at the test points, against their noise-free values.
    pub(super) fn test_error(&self, filter: &SpectralFilter, num_steps: u64) -> BiasVariance {
        let inverse: Vec<f64> = self.eigen.values.iter().map(|&d| filter.inverse(d, num_steps)).collect();
        let count = self.test_signal.len() as f64;
        let mut sum = BiasVariance { bias_squared: 0.0, variance: 0.0 };
        for (t, truth) in self.test_signal.iter().enumerate() {
            let weights: Vec<f64> =
                self.projected_cross.row(t).iter().zip(&inverse).map(|(k, a)| k * a).collect();
            let bias = dot(&weights, &self.projected_signal) - truth;
            sum.bias_squared += bias * bias / count;
            sum.variance += self.noise_sd * self.noise_sd * dot(&weights, &weights) / count;
        }
        sum
    }

    /// The coefficients alpha after each of `steps`, ascending, from labels, one per example.
    ///
    /// # Errors
    /// [`TheoryError::Optim`] if the optimizer refuses a setting.
    pub(super) fn fit(
        &self,
        filter: &SpectralFilter,
        labels: &[f64],
        steps: &[u64],
    ) -> Result<Vec<Vec<f64>>, TheoryError> {
        filter.run(&self.gram, labels, steps)
    }

    /// Labels: the signal plus the noise's standard deviation times `normals`.
    pub(crate) fn labels(&self, normals: &[f64]) -> Vec<f64> {
        self.signal.iter().zip(normals).map(|(f, z)| f + self.noise_sd * z).collect()
    }

    /// The errors at the examples and at the test points of the function with coefficients `alpha`, over the root of their number.
    pub(crate) fn errors(&self, alpha: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let against = |found: Vec<f64>, truth: &[f64]| -> Vec<f64> {
            let scale = (truth.len() as f64).sqrt();
            found.iter().zip(truth).map(|(found, truth)| (found - truth) / scale).collect()
        };
        (
            against(self.gram.transposed_times(alpha), &self.signal),
            against(self.cross.times(alpha), &self.test_signal),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(noise_sd: f64) -> KernelRegression {
        let points = |n: usize, shift: f64| Matrix::from_fn(n, 1, |i, _| (i as f64 + shift) / n as f64);
        let (examples, tests) = (points(12, 0.5), points(7, 0.3));
        let values = |points: &Matrix| (0..points.num_rows).map(|i| (5.0 * points.at(i, 0)).sin()).collect();
        let (signal, test_signal) = (values(&examples), values(&tests));
        KernelRegression::new(
            GaussianKernel { bandwidth: 0.1 },
            (&examples, signal),
            (&tests, test_signal),
            noise_sd,
        )
        .unwrap()
    }

    #[test]
    fn the_closed_form_is_the_recursion_of_the_coefficients() {
        let problem = problem(0.0);
        let (eta, rho) = (0.2, 0.15);
        let filter = SpectralFilter { step_size: eta, rho };
        filter.validate(problem.eigen.values[0]).unwrap();
        let mut alpha = vec![0.0; 12];
        let steps = [1, 4, 30];
        let fitted = problem.fit(&filter, &problem.signal, &steps).unwrap();
        let mut done = 0;
        for (step, fitted) in steps.into_iter().zip(fitted) {
            for _ in done..step {
                let gradient: Vec<f64> =
                    problem.gram.times(&alpha).iter().zip(&problem.signal).map(|(u, y)| u - y).collect();
                let product = problem.gram.times(&gradient);
                for i in 0..12 {
                    alpha[i] -= eta * (gradient[i] + rho * product[i]);
                }
            }
            done = step;
            assert!(fitted.iter().zip(&alpha).all(|(x, y)| (x - y).abs() < 1e-12));
            let (training, test) = problem.errors(&alpha);
            let law = (problem.training_error(&filter, step), problem.test_error(&filter, step));
            assert!((dot(&training, &training) - law.0.bias_squared).abs() < 1e-13);
            assert!((dot(&test, &test) - law.1.bias_squared).abs() < 1e-13);
        }
    }

    /// The variance of a linear estimate is the sum of its squared responses to one label at a time.
    #[test]
    fn the_variance_is_the_response_to_the_labels() {
        let (noisy, sd) = (problem(0.3), 0.3);
        let filter = SpectralFilter { step_size: 0.2, rho: 0.15 };
        let (mut training, mut test) = (0.0, 0.0);
        for i in 0..12 {
            let response = |alpha: &[f64]| {
                let with = noisy.errors(alpha);
                let without = noisy.errors(&[0.0; 12]);
                let square =
                    |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| (x - y) * (x - y)).sum::<f64>();
                (square(&with.0, &without.0), square(&with.1, &without.1))
            };
            let unit: Vec<f64> = (0..12).map(|j| if i == j { sd } else { 0.0 }).collect();
            let (a, b) = response(&noisy.fit(&filter, &unit, &[9]).unwrap()[0]);
            (training, test) = (training + a, test + b);
        }
        assert!((training - noisy.training_error(&filter, 9).variance).abs() < 1e-13);
        assert!((test - noisy.test_error(&filter, 9).variance).abs() < 1e-13);
    }
}
