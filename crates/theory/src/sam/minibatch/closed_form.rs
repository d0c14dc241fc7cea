//! SAM on random minibatches of a least-squares problem: its effective Hessian on average over the minibatches.

use polder_optim::Optimizer as _;
use polder_optim::{Objective, OptimError, Point};

use crate::draws::Draws;
use crate::error::TheoryError;
use crate::matrix::{Matrix, dot};
use crate::sam::spectral_filter::unnormalized_sam;

/// Least squares without label noise, `y = X beta`, seen through uniformly random minibatches of `b` out of `n` examples.
///
/// The Hessian of a minibatch S, scaled so that its mean is `H = X^T X`, is `H_S = (n / b) X_S^T X_S`. One step of SAM multiplies the
/// error `w - beta` by `I - eta (H_S + rho H_S^2)`, so the mean error by `I - eta (H + rho E[H_S^2])`, where
///
/// `E[H_S^2] = H^2 + (n - b) / (b (n - 1)) * (n D - H^2)`, `D = sum of |x_i|^2 x_i x_i^T`.
///
/// `n D - H^2` is `n^2` times the covariance of `x x^T` over the examples and so positive semidefinite: minibatch SAM regularises at
/// least as strongly as full-batch SAM, and the more so the smaller the minibatch.
///
/// # Source
/// The setting of Behdin and Mazumder (2023), arXiv:2302.11836; the inequality and the closed form are this project's own derivation.
#[derive(Clone, Debug)]
pub(super) struct MinibatchSam {
    design: Matrix,
    coefficients: Vec<f64>,
    /// H.
    pub(super) hessian: Matrix,
    /// `H^2`.
    pub(super) hessian_square: Matrix,
    /// `n D - H^2`.
    spread: Matrix,
}

impl MinibatchSam {
    /// The problem with the design matrix X, of at least 2 examples, and beta, one number per feature.
    pub(super) fn new(design: Matrix, coefficients: Vec<f64>) -> Self {
        let n = design.num_rows;
        let hessian = design.gram();
        let hessian_square = hessian.gram();
        let mut weighted = Matrix::from_fn(coefficients.len(), coefficients.len(), |_, _| 0.0);
        for i in 0..n {
            let x = design.row(i);
            weighted.add_outer(dot(x, x), x);
        }
        let spread = weighted.combine(n as f64, &hessian_square, -1.0);
        Self { design, coefficients, hessian, hessian_square, spread }
    }

    /// `E[H_S^2]` in closed form.
    pub(super) fn mean_square(&self, batch_size: usize) -> Matrix {
        let (n, b) = (self.design.num_rows as f64, batch_size as f64);
        self.hessian_square.combine(1.0, &self.spread, (n - b) / (b * (n - 1.0)))
    }

    /// `H + rho E[H_S^2]`, the expected effective Hessian.
    pub(super) fn effective_hessian(&self, batch_size: usize, rho: f64) -> Matrix {
        self.hessian.combine(1.0, &self.mean_square(batch_size), rho)
    }

    /// `factor * X_S^T X_S`.
    fn minibatch_hessian(&self, minibatch: &[usize], factor: f64) -> Matrix {
        let p = self.coefficients.len();
        let mut hessian = Matrix::from_fn(p, p, |_, _| 0.0);
        for &i in minibatch {
            hessian.add_outer(factor, self.design.row(i));
        }
        hessian
    }

    /// `E[(factor * X_S^T X_S)^2]` over all minibatches, one by one; with the factor `n / b` it is [`mean_square`](Self::mean_square).
    pub(crate) fn enumerated_mean_square(&self, batch_size: usize, factor: f64) -> Matrix {
        let n = self.design.num_rows;
        let p = self.coefficients.len();
        let mut sum = Matrix::from_fn(p, p, |_, _| 0.0);
        let mut minibatch: Vec<usize> = (0..batch_size).collect();
        let mut count = 0.0;
        loop {
            sum = sum.combine(1.0, &self.minibatch_hessian(&minibatch, factor).gram(), 1.0);
            count += 1.0;
            // The next subset in lexicographic order: the last index that can still grow does.
            let Some(place) = (0..batch_size).rev().find(|&place| minibatch[place] < n - batch_size + place)
            else {
                return sum.combine(1.0 / count, &sum, 0.0);
            };
            minibatch[place] += 1;
            for after in place + 1..batch_size {
                minibatch[after] = minibatch[after - 1] + 1;
            }
        }
    }

    /// The trace of `H_S^2` of one random minibatch.
    pub(crate) fn sampled_trace(&self, batch_size: usize, draws: &mut Draws) -> f64 {
        let mut order: Vec<usize> = (0..self.design.num_rows).collect();
        draws.shuffle_first(&mut order, batch_size);
        let factor = self.design.num_rows as f64 / batch_size as f64;
        self.minibatch_hessian(&order[..batch_size], factor).gram().trace()
    }

    /// The errors `w - beta` after each of `steps`, ascending, of SAM from 0 on minibatches drawn anew at every step.
    pub(crate) fn run(
        &self,
        batch_size: usize,
        (step_size, rho): (f64, f64),
        steps: &[u64],
        draws: &mut Draws,
    ) -> Result<Vec<Vec<f64>>, TheoryError> {
        let n = self.design.num_rows;
        let mut sam = unnormalized_sam(rho)?;
        let mut objective = Minibatch {
            problem: self,
            order: (0..n).collect(),
            batch_size,
            factor: n as f64 / batch_size as f64,
        };
        let (mut w, mut gradient) = (vec![0.0; self.coefficients.len()], vec![0.0; self.coefficients.len()]);
        let (mut done, mut errors) = (0, Vec::with_capacity(steps.len()));
        for &step in steps {
            for _ in done..step {
                draws.shuffle_first(&mut objective.order, batch_size);
                sam.step(&mut objective, &mut w, &mut gradient, step_size)?;
            }
            done = done.max(step);
            errors.push(w.iter().zip(&self.coefficients).map(|(w, beta)| w - beta).collect());
        }
        Ok(errors)
    }

    /// The error of the mean iterate after each of `steps`, ascending, in closed form.
    pub(super) fn mean_errors(
        &self,
        batch_size: usize,
        (step_size, rho): (f64, f64),
        steps: &[u64],
    ) -> Vec<Vec<f64>> {
        let effective = self.effective_hessian(batch_size, rho);
        let mut error: Vec<f64> = self.coefficients.iter().map(|beta| -beta).collect();
        let (mut done, mut errors) = (0, Vec::with_capacity(steps.len()));
        for &step in steps {
            for _ in done..step {
                let product = effective.transposed_times(&error);
                for (error, product) in error.iter_mut().zip(product) {
                    *error -= step_size * product;
                }
            }
            done = done.max(step);
            errors.push(error.clone());
        }
        errors
    }

    /// `X * error / sqrt(n)`, whose squared norm is the mean squared error at the examples.
    pub(crate) fn at_examples(&self, error: &[f64]) -> Vec<f64> {
        let scale = (self.design.num_rows as f64).sqrt();
        self.design.times(error).iter().map(|x| x / scale).collect()
    }

    /// The largest eigenvalue of any `H_S` is at most this: that of the longest example, had the minibatch no other direction.
    pub(crate) fn largest_curvature(&self, batch_size: usize) -> f64 {
        let n = self.design.num_rows;
        let mut squares: Vec<f64> = (0..n).map(|i| dot(self.design.row(i), self.design.row(i))).collect();
        squares.sort_by(|a, b| b.total_cmp(a));
        squares[..batch_size].iter().sum::<f64>() * n as f64 / batch_size as f64
    }
}

/// The current minibatch: the first `batch_size` indices of the order.
struct Minibatch<'a> {
    problem: &'a MinibatchSam,
    order: Vec<usize>,
    batch_size: usize,
    factor: f64,
}

impl Objective<Vec<f64>> for Minibatch<'_> {
    type Loss = ();

    fn gradient(&mut self, w: &Vec<f64>, _: Point, gradient: &mut Vec<f64>) -> Result<(), OptimError> {
        gradient.fill(0.0);
        for &i in &self.order[..self.batch_size] {
            let x = self.problem.design.row(i);
            // x . w - y with y = x . beta.
            let residual: f64 =
                x.iter().zip(w).zip(&self.problem.coefficients).map(|((x, w), beta)| x * (w - beta)).sum();
            for (g, x) in gradient.iter_mut().zip(x) {
                *g += self.factor * residual * x;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draws::Purpose;
    use crate::sam::least_squares::problem::power_law_design;
    use crate::symmetric_eigen::SymmetricEigen;

    fn problem(seed: u64, n: usize, p: usize) -> MinibatchSam {
        let mut draws = Draws::new(Purpose { seed, experiment: "D3", part: 0, replicate: 0 });
        let design = power_law_design(n, p, 1.0, &mut draws);
        MinibatchSam::new(design, draws.normals(p))
    }

    fn smallest(matrix: &Matrix) -> f64 {
        *SymmetricEigen::of(matrix).unwrap().values.last().unwrap()
    }

    #[test]
    fn the_closed_form_is_the_mean_over_all_minibatches() {
        for (n, p) in [(7, 3), (5, 6)] {
            let problem = problem(1, n, p);
            for b in 1..=n {
                let law = problem.mean_square(b);
                let found = problem.enumerated_mean_square(b, n as f64 / b as f64);
                let largest = law.entries.iter().fold(0.0, |largest: f64, x| largest.max(x.abs()));
                for (found, law) in found.entries.iter().zip(law.entries) {
                    assert!((found - law).abs() < 1e-12 * largest, "{n} {p} {b}");
                }
            }
            assert_eq!(problem.mean_square(n), problem.hessian_square.clone());
        }
    }

    #[test]
    fn smaller_minibatches_regularise_more_in_the_order_of_matrices() {
        for seed in 0..20 {
            let problem = problem(seed, 8, 4);
            let size = problem.hessian_square.trace();
            for b in 1..8 {
                let excess = problem.mean_square(b).combine(1.0, &problem.mean_square(b + 1), -1.0);
                assert!(smallest(&excess) > -1e-12 * size, "{seed} {b}");
            }
        }
    }

    #[test]
    fn without_the_factor_the_order_does_not_hold() {
        let problem = problem(2, 8, 4);
        let excess = problem.enumerated_mean_square(4, 1.0).combine(1.0, &problem.hessian_square, -1.0);
        assert!(smallest(&excess) < 0.0);
    }

    #[test]
    fn on_the_full_batch_the_simulation_is_its_mean() {
        let problem = problem(3, 8, 4);
        let settings = (0.5 / (problem.largest_curvature(8) * 2.0), 1.0 / problem.largest_curvature(8));
        let steps = [1, 5, 60];
        let mut draws = Draws::new(Purpose { seed: 1, experiment: "D3", part: 9, replicate: 0 });
        let found = problem.run(8, settings, &steps, &mut draws).unwrap();
        for (found, law) in found.iter().zip(problem.mean_errors(8, settings, &steps)) {
            assert!(found.iter().zip(&law).all(|(x, y)| (x - y).abs() < 1e-12), "{found:?} {law:?}");
        }
    }
}
