//! All eigenvalues and eigenvectors of a dense symmetric matrix.

use crate::error::TheoryError;
use crate::matrix::Matrix;
use crate::setting::check;

/// Sweeps that a matrix may take; ten are many.
const MAX_SWEEPS: usize = 60;

/// The eigenvalues of a symmetric matrix with orthonormal eigenvectors.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SymmetricEigen {
    /// The eigenvalues, descending.
    pub values: Vec<f64>,
    /// Row i is the unit eigenvector of eigenvalue i.
    pub vectors: Matrix,
}

impl SymmetricEigen {
    /// Decomposes `matrix`, which is symmetric. Errors are some units of rounding of the largest absolute eigenvalue.
    ///
    /// # Errors
    /// [`TheoryError::InvalidSetting`] if the matrix is not finite.
    ///
    /// # Source
    /// The cyclic Jacobi method: Golub and Van Loan (2013), Matrix Computations, section 8.5. Some 10 n^3 operations per sweep, and few
    /// sweeps: right for the dimensions of some hundreds that occur here.
    pub(crate) fn of(matrix: &Matrix) -> Result<Self, TheoryError> {
        let n = matrix.num_rows;
        let size = matrix.entries.iter().map(|x| x * x).sum::<f64>().sqrt();
        check(size.is_finite(), "the norm of a symmetric matrix", &size, "a finite number")?;
        let mut a = matrix.clone();
        let mut vectors = Matrix::from_fn(n, n, |i, j| if i == j { 1.0 } else { 0.0 });
        for _ in 0..MAX_SWEEPS {
            if off_diagonal_norm(&a) <= f64::EPSILON * size {
                break;
            }
            for p in 0..n {
                for q in p + 1..n {
                    rotate(&mut a, &mut vectors, p, q);
                }
            }
        }
        let mut order: Vec<usize> = (0..n).collect();
        order.sort_by(|i, j| a.at(*j, *j).total_cmp(&a.at(*i, *i)));
        Ok(Self {
            values: order.iter().map(|&i| a.at(i, i)).collect(),
            vectors: Matrix::from_fn(n, n, |i, j| vectors.at(order[i], j)),
        })
    }
}

fn off_diagonal_norm(a: &Matrix) -> f64 {
    let n = a.num_rows;
    let sum: f64 = (0..n)
        .map(|i| a.row(i).iter().enumerate().filter(|(j, _)| *j != i).map(|(_, x)| x * x).sum::<f64>())
        .sum();
    sum.sqrt()
}

/// The rotation in the plane of `p < q` that makes their entry zero.
fn rotate(a: &mut Matrix, vectors: &mut Matrix, p: usize, q: usize) {
    let (app, aqq, apq) = (a.at(p, p), a.at(q, q), a.at(p, q));
    if apq == 0.0 {
        return;
    }
    let theta = (aqq - app) / (2.0 * apq);
    let t = theta.signum() / (theta.abs() + theta.hypot(1.0));
    let c = 1.0 / t.hypot(1.0);
    let s = t * c;
    let n = a.num_rows;
    rotate_pair(a.two_rows(p, q), c, s);
    rotate_pair(vectors.two_rows(p, q), c, s);
    // Beside the diagonal block the matrix stays symmetric: the columns are the rows just computed.
    for k in (0..n).filter(|k| *k != p && *k != q) {
        let (kp, kq) = (a.at(p, k), a.at(q, k));
        let row = &mut a.entries[k * n..(k + 1) * n];
        (row[p], row[q]) = (kp, kq);
    }
    let entries = &mut a.entries;
    entries[p * n + p] = app - t * apq;
    entries[q * n + q] = aqq + t * apq;
    entries[p * n + q] = 0.0;
    entries[q * n + p] = 0.0;
}

fn rotate_pair((x, y): (&mut [f64], &mut [f64]), c: f64, s: f64) {
    for (x, y) in x.iter_mut().zip(y) {
        (*x, *y) = (c * *x - s * *y, s * *x + c * *y);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draws::{Draws, Purpose};
    use crate::matrix::dot;

    fn random_symmetric(n: usize, seed: u64) -> Matrix {
        let mut draws = Draws::new(Purpose { seed, experiment: "eigen", part: 0, replicate: n as u64 });
        let x = draws.normals(n * n);
        Matrix::from_fn(n, n, |i, j| x[i * n + j] + x[j * n + i])
    }

    #[test]
    fn eigenpairs_of_random_matrices_have_no_residual() {
        for n in [1, 2, 3, 8, 40] {
            let matrix = random_symmetric(n, 1);
            let eigen = SymmetricEigen::of(&matrix).unwrap();
            assert!(eigen.values.is_sorted_by(|a, b| a >= b));
            for i in 0..n {
                let vector = eigen.vectors.row(i);
                let product = matrix.times(vector);
                for (product, entry) in product.iter().zip(vector) {
                    assert!((product - eigen.values[i] * entry).abs() < 1e-12 * n as f64);
                }
                for j in 0..n {
                    let expected = if i == j { 1.0 } else { 0.0 };
                    assert!((dot(vector, eigen.vectors.row(j)) - expected).abs() < 1e-13 * n as f64);
                }
            }
        }
    }

    /// The second difference matrix: eigenvalues 2 - 2 cos(pi j / (n + 1)).
    #[test]
    fn second_differences_have_their_known_spectrum() {
        let n = 30;
        let matrix = Matrix::from_fn(n, n, |i, j| match i.abs_diff(j) {
            0 => 2.0,
            1 => -1.0,
            _ => 0.0,
        });
        let eigen = SymmetricEigen::of(&matrix).unwrap();
        for (i, found) in eigen.values.iter().rev().enumerate() {
            let expected = 2.0 - 2.0 * (std::f64::consts::PI * (i + 1) as f64 / (n + 1) as f64).cos();
            assert!((found - expected).abs() < 1e-13, "{found} {expected}");
        }
    }

    #[test]
    fn equal_eigenvalues_and_zero_matrices_are_no_obstacle() {
        let ones = Matrix::from_fn(5, 5, |_, _| 1.0);
        let values = SymmetricEigen::of(&ones).unwrap().values;
        assert!((values[0] - 5.0).abs() < 1e-13 && values[1..].iter().all(|x| x.abs() < 1e-13));
        let zero = Matrix::from_fn(3, 3, |_, _| 0.0);
        assert_eq!(SymmetricEigen::of(&zero).unwrap().values, [0.0; 3]);
    }

    #[test]
    fn what_is_not_finite_is_refused() {
        assert!(SymmetricEigen::of(&Matrix::from_fn(2, 2, |_, _| f64::NAN)).is_err());
    }
}
