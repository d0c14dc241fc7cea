//! The one-step map of the second moment of SGD on a stochastic quadratic, and the step size at which its spectral radius is 1.

use super::BatchSize;
use crate::bisection::threshold;
use crate::error::TheoryError;

/// Relative change at which the power iteration stops, and the most iterations.
const CONVERGED: f64 = 1e-13;
const MAX_ITERATIONS: u32 = 20_000;

/// The map of `M = E[e e^T]`, where `e` is the distance to the minimiser:
/// `M -> (I - C A) M (I - C A) + (C^2 / k) (E[Q M Q] - A M A)` with `A = E Q`.
///
/// Noise that does not vanish at the minimiser adds a floor to it, and leaves its spectral radius alone.
///
/// # Source
/// Derived for this project for the stochastic quadratic problem of Patel (2018), arXiv:1709.04718.
#[derive(Clone, Debug)]
pub(crate) struct SecondMomentMap {
    dim: usize,
    /// E Q, by rows.
    mean: Vec<f64>,
    /// `E[Q M Q] - A M A` as a matrix on the entries of M, by rows.
    covariance: Vec<f64>,
    reciprocal_batch: f64,
}

impl SecondMomentMap {
    /// The map for components that are equally likely.
    ///
    /// # Shapes
    /// * `components`: symmetric matrices of `dim` rows, each by rows.
    ///
    /// # Errors
    /// [`TheoryError::InvalidSetting`] if there are none, or one has another size.
    pub(crate) fn new(
        components: &[Vec<f64>],
        dim: usize,
        batch_size: BatchSize,
    ) -> Result<Self, TheoryError> {
        if components.is_empty() || dim == 0 || components.iter().any(|q| q.len() != dim * dim) {
            let found = format!(
                "{} matrices of {} entries",
                components.len(),
                components.first().map_or(0, Vec::len)
            );
            return Err(TheoryError::setting("components", &found, "at least one, all of dim * dim entries"));
        }
        let n = components.len() as f64;
        let mut mean = vec![0.0; dim * dim];
        for (index, entry) in mean.iter_mut().enumerate() {
            *entry = components.iter().map(|q| q[index]).sum::<f64>() / n;
        }
        let size = dim * dim;
        let mut covariance = vec![0.0; size * size];
        for q in components {
            let deviation: Vec<f64> = q.iter().zip(&mean).map(|(q, mean)| q - mean).collect();
            for row in 0..size {
                for column in 0..size {
                    // Entry (a, b) of Q M Q takes entry (c, d) of M with the weight Q_ac Q_db.
                    let (a, b, c, d) = (row / dim, row % dim, column / dim, column % dim);
                    covariance[row * size + column] += deviation[a * dim + c] * deviation[d * dim + b] / n;
                }
            }
        }
        Ok(Self { dim, mean, covariance, reciprocal_batch: batch_size.reciprocal() })
    }

    /// The image of `moment`, a symmetric matrix by rows, at step size `step_size`.
    pub(crate) fn apply(&self, step_size: f64, moment: &[f64]) -> Vec<f64> {
        let (dim, size) = (self.dim, self.dim * self.dim);
        let shrink: Vec<f64> = (0..size)
            .map(|index| f64::from(u8::from(index / dim == index % dim)) - step_size * self.mean[index])
            .collect();
        let half = product(&shrink, moment, dim);
        let mut image = product(&half, &shrink, dim);
        let weight = step_size * step_size * self.reciprocal_batch;
        for (entry, row) in image.iter_mut().zip(self.covariance.chunks_exact(size)) {
            *entry += weight * row.iter().zip(moment).map(|(x, y)| x * y).sum::<f64>();
        }
        image
    }

    /// The spectral radius at step size `step_size`, by power iteration from the identity: the map keeps the cone of positive
    /// matrices, so its spectral radius is an eigenvalue whose eigenvector lies in there.
    pub(crate) fn spectral_radius(&self, step_size: f64) -> f64 {
        let dim = self.dim;
        let trace = |moment: &[f64]| (0..dim).map(|a| moment[a * dim + a]).sum::<f64>();
        let mut moment: Vec<f64> = (0..dim * dim)
            .map(|index| f64::from(u8::from(index / dim == index % dim)) / dim as f64)
            .collect();
        let mut radius = f64::NAN;
        for _ in 0..MAX_ITERATIONS {
            let image = self.apply(step_size, &moment);
            let growth = trace(&image);
            if growth == 0.0 {
                return 0.0;
            }
            moment = image.into_iter().map(|entry| entry / growth).collect();
            if (growth - radius).abs() <= CONVERGED * growth {
                return growth;
            }
            radius = growth;
        }
        radius
    }
}

/// The mean-square threshold C*(k): the smallest step size at which the [`SecondMomentMap`] has spectral radius 1.
///
/// # Shapes
/// * `components`: symmetric matrices of `dim` rows, positive semidefinite with a positive definite mean, each by rows.
///
/// # Errors
/// Those of [`SecondMomentMap::new`]; [`TheoryError::InvalidSetting`] if the mean has no positive trace.
pub(crate) fn mean_square_threshold(
    components: &[Vec<f64>],
    dim: usize,
    batch_size: BatchSize,
) -> Result<f64, TheoryError> {
    let map = SecondMomentMap::new(components, dim, batch_size)?;
    let trace: f64 = (0..dim).map(|a| map.mean[a * dim + a]).sum();
    if !(trace.is_finite() && trace > 0.0) {
        return Err(TheoryError::setting("components", &trace, "a mean with a positive, finite trace"));
    }
    // The radius is at least (1 - C lambda)^2 for every eigenvalue of the mean, and the largest is at least the mean of them.
    let highest = 2.0 * dim as f64 / trace;
    Ok(threshold(0.0, highest, 1e-13, |step_size| map.spectral_radius(step_size) < 1.0))
}

fn product(x: &[f64], y: &[f64], dim: usize) -> Vec<f64> {
    let mut product = vec![0.0; dim * dim];
    for a in 0..dim {
        for c in 0..dim {
            for b in 0..dim {
                product[a * dim + b] += x[a * dim + c] * y[c * dim + b];
            }
        }
    }
    product
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_dimension_has_the_closed_form() {
        let components = [vec![1.0], vec![9.0]];
        let batch_sizes = BatchSize::several(&[1, 2, 5, 10, 50]);
        for (batch_size, known) in
            batch_sizes.into_iter().zip([0.243_90, 0.303_03, 0.354_61, 0.375_94, 0.394_94])
        {
            let threshold = mean_square_threshold(&components, 1, batch_size).unwrap();
            assert!((threshold - known).abs() < 5e-6, "{batch_size}: {threshold}");
        }
        assert!((mean_square_threshold(&components, 1, BatchSize::ALL).unwrap() - 0.4).abs() < 1e-12);
    }

    #[test]
    fn a_rotation_of_all_components_changes_nothing_and_the_largest_coordinate_rules() {
        let diagonals = [[1.0, 3.0], [2.0, 9.0]];
        let (cosine, sine) = (0.6, 0.8);
        let rotated: Vec<Vec<f64>> = diagonals
            .iter()
            .map(|[p, q]| {
                let off = cosine * sine * (p - q);
                vec![cosine * cosine * p + sine * sine * q, off, off, sine * sine * p + cosine * cosine * q]
            })
            .collect();
        for batch_size in BatchSize::several(&[1, 4]).into_iter().chain([BatchSize::ALL]) {
            let threshold = mean_square_threshold(&rotated, 2, batch_size).unwrap();
            let scalar = mean_square_threshold(&[vec![3.0], vec![9.0]], 1, batch_size).unwrap();
            assert!((threshold / scalar - 1.0).abs() < 1e-9, "{batch_size}: {threshold} {scalar}");
        }
    }

    #[test]
    fn the_map_is_the_mean_of_one_step_over_all_components() {
        let components = [vec![2.0, 0.5, 0.5, 1.0], vec![3.0, -1.0, -1.0, 4.0], vec![0.5, 0.2, 0.2, 0.1]];
        let (step_size, moment) = (0.3, [1.0, 0.3, 0.3, 2.0]);
        let mut expected = vec![0.0; 4];
        for q in &components {
            let step: Vec<f64> =
                (0..4).map(|index| f64::from(u8::from(index % 3 == 0)) - step_size * q[index]).collect();
            let image = product(&product(&step, &moment, 2), &step, 2);
            for (sum, entry) in expected.iter_mut().zip(image) {
                *sum += entry / 3.0;
            }
        }
        let one = BatchSize::several(&[1])[0];
        let image = SecondMomentMap::new(&components, 2, one).unwrap().apply(step_size, &moment);
        assert!(image.iter().zip(&expected).all(|(x, y)| (x - y).abs() < 1e-14), "{image:?} {expected:?}");
    }

    #[test]
    fn components_of_another_size_are_refused() {
        assert!(mean_square_threshold(&[vec![1.0, 2.0]], 1, BatchSize::ALL).is_err());
        assert!(mean_square_threshold(&[], 1, BatchSize::ALL).is_err());
        assert!(mean_square_threshold(&[vec![0.0]], 1, BatchSize::ALL).is_err());
    }
}
