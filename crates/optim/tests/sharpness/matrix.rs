//! Symmetric matrices as oracles, and quadratics with such matrices as their Hessians.

use polder_optim::OptimError;
use polder_optim::sharpness::{GradientOracle, HessianOracle, LossOracle};

/// A symmetric matrix, by rows.
#[derive(Clone, Debug)]
pub(crate) struct Matrix {
    pub(crate) rows: Vec<Vec<f64>>,
}

impl Matrix {
    pub(crate) fn from_entries(n: usize, entry: impl Fn(usize, usize) -> f64) -> Self {
        Self { rows: (0..n).map(|i| (0..n).map(|j| entry(i, j)).collect()).collect() }
    }

    pub(crate) fn diagonal(entries: &[f64]) -> Self {
        Self::from_entries(entries.len(), |i, j| if i == j { entries[i] } else { 0.0 })
    }

    /// With integer entries in -1000..=1000 over 256, from a linear congruential generator.
    pub(crate) fn dense(integers: &mut Integers, n: usize) -> Self {
        let lower: Vec<Vec<f64>> = (0..n).map(|i| (0..=i).map(|_| integers.next_entry()).collect()).collect();
        Self::from_entries(n, |i, j| lower[i.max(j)][i.min(j)])
    }

    /// The matrices of golden/sharpness.py.
    pub(crate) fn golden(kind: &str, n: usize, seed: u64) -> Self {
        let mut integers = Integers(seed);
        match kind {
            "dense" => Self::dense(&mut integers, n),
            "rank_deficient" => {
                let mut rows = vec![vec![0.0; n]; n];
                for k in 0..n / 3 {
                    let factor: Vec<f64> = (0..n).map(|_| integers.next_entry()).collect();
                    let sign = if k % 2 == 0 { 1.0 } else { -1.0 };
                    for (row, left) in rows.iter_mut().zip(&factor) {
                        for (entry, right) in row.iter_mut().zip(&factor) {
                            *entry += sign * left * right;
                        }
                    }
                }
                Self { rows }
            }
            "double" | "clustered" => {
                let small = Self::dense(&mut integers, n / 2);
                let noise = (kind == "clustered").then(|| Self::dense(&mut integers, n));
                Self::from_entries(n, |i, j| {
                    let entry = if i % 2 == j % 2 { small.rows[i / 2][j / 2] } else { 0.0 };
                    entry + noise.as_ref().map_or(0.0, |noise| noise.rows[i][j] / f64::from(1 << 20))
                })
            }
            "graded" => {
                let dense = Self::dense(&mut integers, n);
                let grade = |i: usize| 0.5_f64.powi((i / 2) as i32);
                Self::from_entries(n, |i, j| dense.rows[i][j] * grade(i) * grade(j))
            }
            other => panic!("golden/sharpness.py makes no {other} matrices"),
        }
    }

    pub(crate) fn dim(&self) -> usize {
        self.rows.len()
    }

    pub(crate) fn trace(&self) -> f64 {
        (0..self.dim()).map(|i| self.rows[i][i]).sum()
    }

    /// The trace of the square.
    pub(crate) fn trace_of_square(&self) -> f64 {
        self.rows.iter().flatten().map(|entry| entry * entry).sum()
    }

    pub(crate) fn times(&self, vector: &[f64]) -> Vec<f64> {
        let inner = |row: &Vec<f64>| row.iter().zip(vector).map(|(a, x)| a * x).sum();
        self.rows.iter().map(inner).collect()
    }

    /// `u . Hv`.
    pub(crate) fn form(&self, left: &[f64], right: &[f64]) -> f64 {
        left.iter().zip(self.times(right)).map(|(x, y)| x * y).sum()
    }
}

impl HessianOracle<Vec<f64>> for Matrix {
    fn multiply(&mut self, vector: &Vec<f64>, output: &mut Vec<f64>) -> Result<(), OptimError> {
        output.copy_from_slice(&self.times(vector));
        Ok(())
    }
}

/// `f(w) = (w - minimum) . H (w - minimum) / 2 + floor`.
pub(crate) struct Quadratic {
    pub(crate) hessian: Matrix,
    pub(crate) minimum: Vec<f64>,
    pub(crate) floor: f64,
}

impl Quadratic {
    fn offset(&self, parameters: &[f64]) -> Vec<f64> {
        parameters.iter().zip(&self.minimum).map(|(w, m)| w - m).collect()
    }

    pub(crate) fn value(&self, parameters: &[f64]) -> f64 {
        let offset = self.offset(parameters);
        0.5 * self.hessian.form(&offset, &offset) + self.floor
    }
}

impl LossOracle<Vec<f64>> for Quadratic {
    fn loss(&mut self, parameters: &Vec<f64>) -> Result<f64, OptimError> {
        Ok(self.value(parameters))
    }
}

impl GradientOracle<Vec<f64>> for Quadratic {
    fn gradient(&mut self, parameters: &Vec<f64>, gradient: &mut Vec<f64>) -> Result<f64, OptimError> {
        gradient.copy_from_slice(&self.hessian.times(&self.offset(parameters)));
        Ok(self.value(parameters))
    }
}

/// The generator of golden/sharpness.py.
pub(crate) struct Integers(pub(crate) u64);

impl Integers {
    pub(crate) fn next_entry(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (((self.0 >> 33) % 2001) as f64 - 1000.0) / 256.0
    }
}
