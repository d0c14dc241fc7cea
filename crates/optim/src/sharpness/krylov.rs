//! The Lanczos process: an orthonormal basis in which the Hessian is tridiagonal, grown by one vector per product.

use super::oracle::{HessianOracle, finite};
use super::tridiagonal::{eigenvalues, unit};
use crate::error::OptimError;
use crate::vector::Vector;

/// A vector this much shorter after orthogonalisation lay in the span, but for rounding.
const DEPENDENT: f64 = 1e-8;
/// A coupling this much smaller than the matrix ends the process: the span is invariant, but for rounding.
const INVARIANT: f64 = 1e-14;

/// The basis `q_0, q_1, ...` of the Krylov space of a start vector, with `H q_j = b_{j-1} q_{j-1} + a_j q_j + b_j q_{j+1}`.
///
/// Every vector is orthogonalised twice against all before it: once loses orthogonality to rounding, twice is enough.
#[derive(Debug)]
pub(super) struct Krylov<V> {
    /// One vector more than products, until the process ends.
    pub(super) basis: Vec<V>,
    /// `a_j`, one for each product.
    pub(super) diagonal: Vec<f64>,
    /// `b_j`, one for each product.
    pub(super) beside: Vec<f64>,
}

/// The eigenvalues of the tridiagonal matrix, ascending, with the first and last entry of each eigenvector.
pub(super) struct Ritz {
    pub(super) values: Vec<f64>,
    pub(super) first: Vec<f64>,
    pub(super) last: Vec<f64>,
}

impl<V: Vector> Krylov<V> {
    /// Begins with the part of `start` that is orthogonal to the `locked` vectors; `None` if there is no such part.
    pub(super) fn start(mut start: V, locked: &[V]) -> Option<Self> {
        let length = start.norm();
        for _ in 0..2 {
            orthogonalize(&mut start, locked);
        }
        let rest = start.norm();
        if rest.is_nan() || rest <= DEPENDENT * length {
            return None;
        }
        start.scale(1.0 / rest);
        Some(Self { basis: vec![start], diagonal: Vec::new(), beside: Vec::new() })
    }

    /// The number of products so far, which is the order of the tridiagonal matrix.
    pub(super) fn len(&self) -> usize {
        self.diagonal.len()
    }

    /// Whether the span is invariant: no further vector exists.
    pub(super) fn is_exhausted(&self) -> bool {
        self.basis.len() == self.len()
    }

    /// Multiplies by the Hessian once and grows the basis, staying orthogonal to `locked`. `product_index` is for the error alone.
    pub(super) fn extend(
        &mut self,
        hessian: &mut impl HessianOracle<V>,
        locked: &[V],
        product_index: u64,
    ) -> Result<(), OptimError> {
        let newest = self.basis.last().expect("a process begins with one vector");
        let mut next = newest.zeros_like();
        hessian.multiply(newest, &mut next)?;
        let diagonal = finite(newest.dot(&next), product_index)?;
        for _ in 0..2 {
            orthogonalize(&mut next, locked);
            orthogonalize(&mut next, &self.basis);
        }
        let beside = finite(next.norm(), product_index)?;
        self.diagonal.push(diagonal);
        self.beside.push(beside);
        let size = self.diagonal.iter().chain(&self.beside).fold(0.0, |size: f64, x| size.max(x.abs()));
        if beside > INVARIANT * size && self.len() + locked.len() < next.dim() {
            next.scale(1.0 / beside);
            self.basis.push(next);
        } else if let Some(beside) = self.beside.last_mut() {
            *beside = 0.0;
        }
        Ok(())
    }

    /// Approximate eigenvalues, and what tells how good they are: the norm of `H y - value * y` is `beside.last() * |last|`.
    pub(super) fn ritz(&self) -> Ritz {
        let order = self.len();
        let mut rows = [unit(0, order), unit(order - 1, order)];
        let values = self.solve(&mut rows);
        let [first, last] = rows;
        Ritz { values, first, last }
    }

    /// The approximate eigenvectors with these positions among the ascending eigenvalues.
    pub(super) fn ritz_vectors(&self, positions: &[usize]) -> Vec<V> {
        let mut rows: Vec<Vec<f64>> = (0..self.len()).map(|i| unit(i, self.len())).collect();
        self.solve(&mut rows);
        let combine = |position: &usize| {
            let mut vector = self.basis[0].zeros_like();
            for (row, basis) in rows.iter().zip(&self.basis) {
                vector.axpy(row[*position], basis);
            }
            let norm = vector.norm();
            vector.scale(1.0 / norm);
            vector
        };
        positions.iter().map(combine).collect()
    }

    fn solve(&self, rows: &mut [Vec<f64>]) -> Vec<f64> {
        eigenvalues(&self.diagonal, &self.beside[..self.len() - 1], rows)
            .expect("QR converges on finite entries, and only such are pushed")
    }
}

/// Takes from `vector` its components along orthonormal vectors.
fn orthogonalize<V: Vector>(vector: &mut V, orthonormal: &[V]) {
    for direction in orthonormal {
        let component = vector.dot(direction);
        vector.axpy(-component, direction);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vector::RandomVector as _;

    #[test]
    fn the_basis_stays_orthonormal_and_the_process_ends_at_the_dimension() {
        let n = 40;
        let mut hessian = |v: &Vec<f64>, output: &mut Vec<f64>| {
            for (i, (v, output)) in v.iter().zip(output).enumerate() {
                *output = v * 0.5_f64.powi(i as i32);
            }
            Ok(())
        };
        let mut start = vec![0.0; n];
        start.fill_normal(5);
        let mut process = Krylov::start(start, &[]).unwrap();
        while !process.is_exhausted() {
            process.extend(&mut hessian, &[], 0).unwrap();
        }
        assert!(process.len() <= n);
        for (i, x) in process.basis.iter().enumerate() {
            for (j, y) in process.basis.iter().enumerate() {
                let expected = if i == j { 1.0 } else { 0.0 };
                assert!((x.dot(y) - expected).abs() < 1e-13, "{i} {j}");
            }
        }
    }

    #[test]
    fn a_start_within_the_locked_span_is_no_start() {
        assert!(Krylov::start(vec![3.0, 0.0], &[vec![1.0, 0.0]]).is_none());
        assert!(Krylov::start(vec![0.0, 0.0], &[]).is_none());
        assert_eq!(Krylov::start(vec![3.0, 2.0], &[vec![1.0, 0.0]]).unwrap().basis[0], [0.0, 1.0]);
    }
}
