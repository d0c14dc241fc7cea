//! Eigenvalues of symmetric tridiagonal matrices, with chosen rows of the eigenvector matrix.

/// Shifted QR sweeps that one eigenvalue may take; two or three are usual.
const MAX_SWEEPS: usize = 60;

/// The eigenvalues, ascending, of the symmetric tridiagonal matrix with this diagonal and these entries beside it.
///
/// Each of `rows` has as many entries as the diagonal. A row that comes in as the i-th unit vector goes out as row i of the matrix whose
/// columns are the orthonormal eigenvectors, in the order of the eigenvalues. Errors are some units of rounding of the largest absolute
/// eigenvalue. `None` if an entry is not finite.
///
/// # Source
/// Golub and Van Loan (2013), Matrix Computations, algorithms 8.3.2 and 8.3.3: implicit QR with Wilkinson's shift.
pub(super) fn eigenvalues(diagonal: &[f64], beside: &[f64], rows: &mut [Vec<f64>]) -> Option<Vec<f64>> {
    let (mut d, mut e) = (diagonal.to_vec(), beside.to_vec());
    let size = d.iter().chain(&e).fold(0.0, |size: f64, x| if x.is_nan() { *x } else { size.max(x.abs()) });
    if !size.is_finite() || d.iter().chain(&e).any(|x| x.is_nan()) {
        return None;
    }
    let negligible = f64::EPSILON * size;
    let (mut high, mut sweeps) = (d.len().saturating_sub(1), 0);
    while high > 0 {
        for x in e[..high].iter_mut().filter(|x| x.abs() <= negligible) {
            *x = 0.0;
        }
        if e[high - 1] == 0.0 {
            (high, sweeps) = (high - 1, 0);
            continue;
        }
        if sweeps == MAX_SWEEPS {
            return None;
        }
        sweeps += 1;
        let low = e[..high].iter().rposition(|x| *x == 0.0).map_or(0, |zero| zero + 1);
        sweep(&mut d[low..=high], &mut e[low..high], low, rows);
    }
    let mut order: Vec<usize> = (0..d.len()).collect();
    order.sort_by(|i, j| d[*i].total_cmp(&d[*j]));
    for row in rows {
        *row = order.iter().map(|i| row[*i]).collect();
    }
    Some(order.iter().map(|i| d[*i]).collect())
}

/// One implicit QR sweep over an unreduced block that begins at column `first` of the rows.
fn sweep(d: &mut [f64], e: &mut [f64], first: usize, rows: &mut [Vec<f64>]) {
    let last = e.len() - 1;
    let half = 0.5 * (d[last] - d[last + 1]);
    let shift = d[last + 1] - e[last] * e[last] / (half + half.hypot(e[last]).copysign(half));
    let (mut x, mut bulge) = (d[0] - shift, e[0]);
    for k in 0..e.len() {
        let radius = x.hypot(bulge);
        let (c, s) = if radius == 0.0 { (1.0, 0.0) } else { (x / radius, bulge / radius) };
        if k > 0 {
            e[k - 1] = radius;
        }
        let (upper, corner, lower) = (d[k], e[k], d[k + 1]);
        d[k] = c * c * upper + 2.0 * c * s * corner + s * s * lower;
        d[k + 1] = s * s * upper - 2.0 * c * s * corner + c * c * lower;
        e[k] = c * s * (lower - upper) + (c * c - s * s) * corner;
        if k < last {
            (x, bulge) = (e[k], s * e[k + 1]);
            e[k + 1] *= c;
        }
        for row in &mut *rows {
            let (left, right) = (row[first + k], row[first + k + 1]);
            (row[first + k], row[first + k + 1]) = (c * left + s * right, c * right - s * left);
        }
    }
}

/// The unit vector number `index` of dimension `dim`: the row to hand in.
pub(super) fn unit(index: usize, dim: usize) -> Vec<f64> {
    let mut unit = vec![0.0; dim];
    unit[index] = 1.0;
    unit
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all_rows(dim: usize) -> Vec<Vec<f64>> {
        (0..dim).map(|i| unit(i, dim)).collect()
    }

    /// The second difference matrix: eigenvalues 2 - 2 cos(pi j / (n + 1)).
    #[test]
    fn second_differences_have_their_known_spectrum() {
        for n in [1_usize, 2, 3, 10, 57] {
            let found = eigenvalues(&vec![2.0; n], &vec![-1.0; n - 1], &mut []).unwrap();
            for (j, found) in found.iter().enumerate() {
                let expected = 2.0 - 2.0 * (std::f64::consts::PI * (j + 1) as f64 / (n + 1) as f64).cos();
                assert!((found - expected).abs() < 1e-14 * n as f64, "{n} {j}: {found} {expected}");
            }
        }
    }

    #[test]
    fn rows_are_those_of_the_eigenvectors() {
        let (d, e) = ([4.0, -1.0, 0.0, 3.0, 3.0], [1.0, 0.5, 0.0, 2.0]);
        let mut rows = all_rows(5);
        let values = eigenvalues(&d, &e, &mut rows).unwrap();
        for (k, value) in values.iter().enumerate() {
            for i in 0..5 {
                let below = if i > 0 { e[i - 1] * rows[i - 1][k] } else { 0.0 };
                let above = if i < 4 { e[i] * rows[i + 1][k] } else { 0.0 };
                assert!((below + d[i] * rows[i][k] + above - value * rows[i][k]).abs() < 1e-14 * 20.0);
            }
            let norm: f64 = rows.iter().map(|row| row[k] * row[k]).sum();
            assert!((norm - 1.0).abs() < 1e-14 * 5.0);
        }
    }

    #[test]
    fn zero_and_non_finite_matrices_end() {
        assert_eq!(eigenvalues(&[0.0; 3], &[0.0; 2], &mut []).unwrap(), [0.0; 3]);
        assert_eq!(eigenvalues(&[1.0, f64::NAN], &[0.0], &mut []), None);
        assert_eq!(eigenvalues(&[1.0, 1.0], &[f64::INFINITY], &mut []), None);
    }
}
