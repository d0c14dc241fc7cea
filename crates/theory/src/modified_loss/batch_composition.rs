//! The modified loss of SGD on average over which examples meet in a minibatch.

use serde::{Deserialize, Serialize};

use crate::modified_loss::loss::{CubicLoss, ModifiedLoss, permutations};

/// The mean penalty of the modified loss at one point over all divisions of N examples into minibatches of B.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CompositionRow {
    /// The batch size B, a divisor of N.
    pub batch_size: usize,
    /// The mean over all orders of the examples, each cut into minibatches.
    pub enumerated: f64,
    /// `(eps / 4) |grad C|^2 + ((N - B) / (N - 1)) * (eps / (4 B)) * Gamma`.
    pub formula: f64,
}

/// One row for each batch size that divides the number of examples.
///
/// Gamma is the variance of the examples' gradients, the mean of `|grad C_i - grad C|^2`. For small batches the second term is
/// proportional to eps / B: what the rule that the step size grows linearly with the batch size rests on.
///
/// # Source
/// Smith et al. (2021), arXiv:2101.12176: the expectation over the composition of the minibatches.
pub(crate) fn compositions(examples: &[CubicLoss], step_size: f64, w: f64) -> Vec<CompositionRow> {
    let n = examples.len();
    let slopes: Vec<f64> = examples.iter().map(|example| example.slope(w)).collect();
    let slope = slopes.iter().sum::<f64>() / n as f64;
    let gamma = slopes.iter().map(|x| (x - slope).powi(2)).sum::<f64>() / n as f64;
    let orders = permutations(n);
    let row = |batch_size: usize| {
        let penalty = |order: &Vec<usize>| {
            let minibatches: Vec<CubicLoss> = order
                .chunks(batch_size)
                .map(|batch| {
                    let members: Vec<CubicLoss> = batch.iter().map(|&i| examples[i]).collect();
                    CubicLoss::mean(&members)
                })
                .collect();
            ModifiedLoss::Sgd.penalty(&minibatches, step_size, w)
        };
        let (n, b) = (n as f64, batch_size as f64);
        let finite_population = if n > 1.0 { (n - b) / (n - 1.0) } else { 0.0 };
        CompositionRow {
            batch_size,
            enumerated: orders.iter().map(penalty).sum::<f64>() / orders.len() as f64,
            formula: 0.25 * step_size * (slope * slope + finite_population * gamma / b),
        }
    };
    (1..=n).filter(|batch_size| n.is_multiple_of(*batch_size)).map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_formula_is_the_mean_over_all_divisions() {
        let examples: Vec<CubicLoss> = (0..6)
            .map(|i| CubicLoss {
                curvature: 1.0 + 0.3 * f64::from(i),
                center: f64::from((i * 7) % 5) - 2.0,
                skew: 0.1 * f64::from(i) - 0.2,
            })
            .collect();
        let rows = compositions(&examples, 0.2, 0.7);
        assert_eq!(rows.iter().map(|row| row.batch_size).collect::<Vec<_>>(), [1, 2, 3, 6]);
        for row in &rows {
            assert!((row.enumerated / row.formula - 1.0).abs() < 1e-12, "{row:?}");
        }
        assert!(rows.is_sorted_by(|a, b| a.formula > b.formula));
    }
}
