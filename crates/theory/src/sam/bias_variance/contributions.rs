//! What every replicate adds to the estimates of bias and variance, and to those of their differences.

use super::BiasVarianceEstimate;
use crate::matrix::{Matrix, dot};
use polder_stats::Estimate;

/// What every replicate adds to the estimates.
pub(super) struct Contributions {
    /// Inner products with the mean of the others.
    products: Vec<f64>,
    /// Squared distances from the mean, scaled so that their mean is unbiased.
    spreads: Vec<f64>,
    /// Squared norms.
    squares: Vec<f64>,
    /// Differences from the mean, and the sign with which each of their components counts in inner products.
    deviations: Vec<Vec<f64>>,
    signs: Vec<f64>,
}

impl Contributions {
    pub(super) fn of(errors: &[&[f64]]) -> Self {
        assert!(errors.len() >= 2, "one replicate has no variance");
        let n = errors.len() as f64;
        let mut mean = vec![0.0; errors[0].len()];
        for error in errors {
            for (mean, x) in mean.iter_mut().zip(*error) {
                *mean += x / n;
            }
        }
        let (mut products, mut spreads, mut squares) = (Vec::new(), Vec::new(), Vec::new());
        let mut deviations = Vec::with_capacity(errors.len());
        for error in errors {
            let deviation: Vec<f64> = error.iter().zip(&mean).map(|(x, mean)| x - mean).collect();
            let (square, along) = (dot(error, error), dot(error, &mean));
            products.push((n * along - square) / (n - 1.0));
            spreads.push(dot(&deviation, &deviation) * n / (n - 1.0));
            squares.push(square);
            deviations.push(deviation);
        }
        Self { products, spreads, squares, deviations, signs: vec![1.0; mean.len()] }
    }

    /// Replicate by replicate.
    pub(super) fn minus(&self, other: &Self) -> Self {
        let difference = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| x - y).collect();
        Self {
            products: difference(&self.products, &other.products),
            spreads: difference(&self.spreads, &other.spreads),
            squares: difference(&self.squares, &other.squares),
            deviations: self
                .deviations
                .iter()
                .zip(&other.deviations)
                .map(|(x, y)| [&x[..], y].concat())
                .collect(),
            signs: self.signs.iter().copied().chain(other.signs.iter().map(|sign| -sign)).collect(),
        }
    }

    pub(super) fn estimate(&self) -> BiasVarianceEstimate {
        let n = self.products.len() as f64;
        let bias = Estimate::of_mean(&self.products);
        let error =
            (2.0 * bias.standard_error).hypot((2.0 * self.mean_square_product() / (n * (n - 1.0))).sqrt());
        BiasVarianceEstimate {
            bias_squared: Estimate::new(bias.value, error, self.products.len()),
            variance: Estimate::of_mean(&self.spreads),
            total: Estimate::of_mean(&self.squares),
        }
    }

    /// The mean over pairs of different replicates of the squared inner product of their deviations, which estimates `tr(S^2)`.
    fn mean_square_product(&self) -> f64 {
        let (n, dimension) = (self.deviations.len(), self.signs.len());
        let product = |x: &[f64], y: &[f64]| -> f64 {
            self.signs.iter().zip(x.iter().zip(y)).map(|(sign, (x, y))| sign * x * y).sum()
        };
        let mut sum = 0.0;
        if n <= dimension {
            for (i, x) in self.deviations.iter().enumerate() {
                sum += 2.0 * self.deviations[..i].iter().map(|y| product(x, y).powi(2)).sum::<f64>();
            }
        } else {
            // Over all pairs it is the signed sum of the squared entries of X^T X, without as many products as there are pairs.
            let mut gram = Matrix::from_fn(dimension, dimension, |_, _| 0.0);
            for x in &self.deviations {
                gram.add_outer(1.0, x);
                sum -= product(x, x).powi(2);
            }
            for (i, sign) in self.signs.iter().enumerate() {
                let row = gram.row(i).iter().zip(&self.signs);
                sum += sign * row.map(|(entry, sign)| sign * entry * entry).sum::<f64>();
            }
        }
        // Rounding alone makes it negative, where there is no randomness.
        sum.max(0.0) / (n as f64 * (n as f64 - 1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draws::{Draws, Purpose};

    #[test]
    fn both_ways_to_the_mean_square_product_agree() {
        let mut draws = Draws::new(Purpose { seed: 3, experiment: "split", part: 0, replicate: 0 });
        let mut contributions = |n: usize| {
            let errors: Vec<Vec<f64>> = (0..n).map(|_| draws.normals(3)).collect();
            Contributions::of(&errors.iter().map(Vec::as_slice).collect::<Vec<_>>())
        };
        // 9 replicates of 6 signed components: by the Gram matrix, and pair by pair.
        let change = contributions(9).minus(&contributions(9));
        let mut sum = 0.0;
        for (i, x) in change.deviations.iter().enumerate() {
            for (_, y) in change.deviations.iter().enumerate().filter(|(j, _)| *j != i) {
                let product = dot(&x[..3], &y[..3]) - dot(&x[3..], &y[3..]);
                sum += product * product;
            }
        }
        assert!((change.mean_square_product() / (sum / 72.0) - 1.0).abs() < 1e-12);
        let padded = Contributions {
            deviations: change.deviations.iter().map(|x| [&x[..], &[0.0; 9]].concat()).collect(),
            signs: [&change.signs[..], &[1.0; 9]].concat(),
            ..change
        };
        assert!((padded.mean_square_product() / (sum / 72.0) - 1.0).abs() < 1e-12);
    }
}
