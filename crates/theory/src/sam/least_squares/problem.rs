//! Least squares under gradient descent and SAM: the error at every step in closed form, and simulated.

use crate::draws::Draws;
use crate::error::TheoryError;
use crate::matrix::Matrix;
use crate::sam::bias_variance::BiasVariance;
use crate::sam::spectral_filter::SpectralFilter;
use crate::setting::{check, not_negative, positive};
use crate::symmetric_eigen::SymmetricEigen;

/// Which error of an estimate is squared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ErrorNorm {
    /// `|w - beta|^2`.
    Parameters,
    /// `|X (w - beta)|^2 / n`, the excess risk of predictions at the examples.
    Predictions,
}

/// Labels `y = X beta + sigma * z` with standard normal z, fitted by descent on `|X w - y|^2 / 2` from 0.
///
/// With eigenpairs `(d_i, u_i)` of `X^T X`, `beta_i = u_i . beta` and `c_i` the contraction of a [`SpectralFilter`], the error
/// `w - beta` after k steps has
///
/// * squared bias: the sum of `beta_i^2 c_i^(2k)`;
/// * variance: the sum of `(sigma^2 / d_i) (1 - c_i^k)^2`, where directions with `d_i = 0` contribute nothing;
///
/// and the error of predictions has the same sums with every term times `d_i / n`. As long as no `c_i` is negative SAM has at every
/// step at most the bias of gradient descent and at least its variance; both tend to the same least-squares solution.
///
/// # Source
/// The setting of Behdin and Mazumder (2023), arXiv:2302.11836; the formulas are this project's own derivation.
#[derive(Clone, Debug)]
pub(crate) struct LeastSquares {
    design: Matrix,
    coefficients: Vec<f64>,
    noise_sd: f64,
    gram: Matrix,
    pub(crate) eigen: SymmetricEigen,
    /// `u_i . beta`.
    signal: Vec<f64>,
}

impl LeastSquares {
    /// The problem with the design matrix X (examples by features), beta and sigma.
    ///
    /// # Errors
    /// [`TheoryError::InvalidSetting`] if shapes do not fit, or sigma is negative or not finite.
    pub(crate) fn new(design: Matrix, coefficients: Vec<f64>, noise_sd: f64) -> Result<Self, TheoryError> {
        let holds = coefficients.len() == design.num_columns;
        check(holds, "the number of coefficients", &coefficients.len(), "one per feature")?;
        not_negative("noise_sd", noise_sd)?;
        let gram = design.gram();
        let mut eigen = SymmetricEigen::of(&gram)?;
        // No eigenvalue of a Gram matrix is negative, and below rounding none is different from 0.
        let rounding = eigen.values.first().copied().unwrap_or(0.0) * 1e-13;
        for value in eigen.values.iter_mut().filter(|value| **value < rounding) {
            *value = 0.0;
        }
        let signal = eigen.vectors.times(&coefficients);
        Ok(Self { design, coefficients, noise_sd, gram, eigen, signal })
    }

    /// The problem whose `X^T X` is diagonal with these eigenvalues, all above 0.
    ///
    /// # Errors
    /// Those of [`LeastSquares::new`], and [`TheoryError::InvalidSetting`] if an eigenvalue is not above 0.
    pub(crate) fn diagonal(
        eigenvalues: &[f64],
        coefficients: Vec<f64>,
        noise_sd: f64,
    ) -> Result<Self, TheoryError> {
        positive(eigenvalues.iter().map(|eigenvalue| ("eigenvalues", *eigenvalue)))?;
        let n = eigenvalues.len();
        let design = Matrix::from_fn(n, n, |i, j| if i == j { eigenvalues[i].sqrt() } else { 0.0 });
        Self::new(design, coefficients, noise_sd)
    }

    /// The error after `num_steps` steps of `filter`, in closed form.
    pub(crate) fn closed_form(
        &self,
        filter: &SpectralFilter,
        num_steps: u64,
        norm: ErrorNorm,
    ) -> BiasVariance {
        let mut sum = BiasVariance { bias_squared: 0.0, variance: 0.0 };
        for (&d, beta) in self.eigen.values.iter().zip(&self.signal) {
            let weight = match norm {
                ErrorNorm::Parameters => 1.0,
                ErrorNorm::Predictions => d / self.design.num_rows as f64,
            };
            let bias = beta * filter.left(d, num_steps);
            // (1 - c^k)^2 / d, without dividing by an eigenvalue of 0.
            let spread = self.noise_sd * filter.inverse(d, num_steps);
            sum.bias_squared += weight * bias * bias;
            sum.variance += weight * d * spread * spread;
        }
        sum
    }

    /// Labels with fresh noise.
    pub(crate) fn labels(&self, draws: &mut Draws) -> Vec<f64> {
        let noise = draws.normals(self.design.num_rows);
        self.design.times(&self.coefficients).iter().zip(noise).map(|(y, z)| y + self.noise_sd * z).collect()
    }

    /// The error vector of an estimate, whose squared norm is what `norm` says.
    pub(crate) fn error(&self, estimate: &[f64], norm: ErrorNorm) -> Vec<f64> {
        let difference: Vec<f64> =
            estimate.iter().zip(&self.coefficients).map(|(w, beta)| w - beta).collect();
        match norm {
            ErrorNorm::Parameters => difference,
            ErrorNorm::Predictions => {
                let scale = (self.design.num_rows as f64).sqrt();
                self.design.times(&difference).iter().map(|x| x / scale).collect()
            }
        }
    }

    /// The estimates after each of `steps`, ascending, from labels, one per example.
    ///
    /// # Errors
    /// [`TheoryError::Optim`] if the optimizer refuses a setting.
    pub(crate) fn fit(
        &self,
        filter: &SpectralFilter,
        labels: &[f64],
        steps: &[u64],
    ) -> Result<Vec<Vec<f64>>, TheoryError> {
        filter.run(&self.gram, &self.design.transposed_times(labels), steps)
    }
}

/// `n` examples of `p` features, `X_ij = z_ij j^(-decay / 2)`: covariance diag(j^-decay).
pub(crate) fn power_law_design(n: usize, p: usize, decay: f64, draws: &mut Draws) -> Matrix {
    let z = draws.normals(n * p);
    Matrix::from_fn(n, p, |i, j| z[i * p + j] * ((j + 1) as f64).powf(-0.5 * decay))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draws::Purpose;

    const EIGENVALUES: [f64; 4] = [5.0, 1.0, 0.2, 0.05];

    /// Step, then bias, variance and total of gradient descent and of SAM, from an independent calculation.
    #[rustfmt::skip]
    const TABLE: [(u64, [f64; 6]); 6] = [
        (1, [5.6342, 0.0077, 5.6418, 5.1792, 0.0407, 5.2199]),
        (5, [4.5164, 0.0895, 4.6059, 4.3501, 0.1446, 4.4947]),
        (20, [3.0306, 0.4036, 3.4342, 2.9056, 0.4801, 3.3857]),
        (50, [1.6647, 1.0334, 2.6981, 1.5731, 1.1121, 2.6852]),
        (100, [0.6875, 2.0475, 2.7350, 0.6251, 2.1329, 2.7580]),
        (500, [0.0206, 8.0011, 8.0217, 0.0198, 8.0843, 8.1041]),
    ];

    #[test]
    fn the_closed_form_is_the_known_table_to_all_its_digits() {
        let problem = LeastSquares::diagonal(&EIGENVALUES, vec![1.0, -1.0, 2.0, 0.5], 0.7).unwrap();
        for (step, row) in TABLE {
            for (rho, expected) in [(0.0, &row[..3]), (0.3, &row[3..])] {
                let filter = SpectralFilter { step_size: 0.05, rho };
                let found = problem.closed_form(&filter, step, ErrorNorm::Parameters);
                let found = [found.bias_squared, found.variance, found.total()];
                for (found, expected) in found.iter().zip(expected) {
                    assert!(
                        (found - expected).abs() <= 0.5001e-4,
                        "step {step}, rho {rho}: {found} {expected}"
                    );
                }
            }
        }
    }

    #[test]
    fn at_low_signal_gradient_descent_wins_from_the_first_step() {
        let problem = LeastSquares::diagonal(&EIGENVALUES, vec![0.05, -0.05, 0.1, 0.02], 0.7).unwrap();
        let total = |rho| {
            let filter = SpectralFilter { step_size: 0.05, rho };
            problem.closed_form(&filter, 1, ErrorNorm::Parameters).total()
        };
        assert!((total(0.0) - 0.0215).abs() <= 0.5e-4 && (total(0.3) - 0.0534).abs() <= 0.5e-4);
    }

    #[test]
    fn sam_has_the_lower_bias_and_the_higher_variance_at_every_step() {
        for (n, p) in [(12, 5), (6, 9)] {
            let mut draws = Draws::new(Purpose { seed: 4, experiment: "D1", part: 0, replicate: 0 });
            let design = power_law_design(n, p, 1.0, &mut draws);
            let problem = LeastSquares::new(design, draws.normals(p), 1.0).unwrap();
            let top = problem.eigen.values[0];
            let descent = SpectralFilter { step_size: 0.4 / top, rho: 0.0 };
            let sam = SpectralFilter { rho: 1.0 / top, ..descent };
            for norm in [ErrorNorm::Parameters, ErrorNorm::Predictions] {
                for step in 1..200 {
                    let (gd, sam) =
                        (problem.closed_form(&descent, step, norm), problem.closed_form(&sam, step, norm));
                    assert!(sam.bias_squared <= gd.bias_squared && sam.variance >= gd.variance);
                }
            }
        }
    }

    #[test]
    fn without_noise_the_fit_has_exactly_the_bias() {
        for (n, p) in [(12, 5), (6, 9)] {
            let mut draws = Draws::new(Purpose { seed: 5, experiment: "D1", part: 0, replicate: 0 });
            let design = power_law_design(n, p, 1.0, &mut draws);
            let problem = LeastSquares::new(design, draws.normals(p), 0.0).unwrap();
            let labels = problem.labels(&mut draws);
            let filter = SpectralFilter { step_size: 0.01, rho: 0.02 };
            let steps = [1, 10, 100];
            for (step, w) in steps.iter().zip(problem.fit(&filter, &labels, &steps).unwrap()) {
                for norm in [ErrorNorm::Parameters, ErrorNorm::Predictions] {
                    let error = problem.error(&w, norm);
                    let found: f64 = error.iter().map(|x| x * x).sum();
                    let law = problem.closed_form(&filter, *step, norm);
                    assert!(law.variance == 0.0 && (found / law.bias_squared - 1.0).abs() < 1e-9);
                }
            }
        }
    }
}
