//! What holds for all batch sizes together.

use serde::{Deserialize, Serialize};

use super::{Regime, Row};
use crate::agreement::Agreement;
use polder_stats::{Estimate, bonferroni_upper, largest, largest_size, smallest};

/// Fewest minibatches behind a measured threshold.
const LEAST_MINIBATCHES: usize = 1000;

/// The worst case of one distribution over all batch sizes at which there is chance, with intervals that hold for all of them together. `None`
/// where there is no such batch size.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct DistributionSummary {
    /// The largest `|measured / C*(k) - 1|`.
    pub mean_square_deviation: Option<Estimate>,
    /// The largest `|measured / C_as(k) - 1|` over the batch sizes whose C_as(k) is known without draws.
    pub almost_sure_deviation: Option<Estimate>,
    /// The largest growth of the log distance per step at a tenth below C*.
    pub largest_rate_below: Option<Estimate>,
    /// The largest growth of the log distance per step between the thresholds.
    pub largest_rate_between: Option<Estimate>,
    /// The smallest growth of the log distance per step at a tenth above C_as.
    pub smallest_rate_above: Option<Estimate>,
}

impl DistributionSummary {
    /// Of the rows of one distribution, whose trajectories are of `num_runs` runs each.
    pub(super) fn new(rows: &[&Row], num_runs: u64) -> Self {
        let rows: Vec<&Row> = rows.iter().copied().filter(|row| row.is_random()).collect();
        let deviation = |measured: Option<Estimate>, predicted: f64| {
            measured.map(|measured| {
                let relative = measured.scaled(predicted.recip());
                Estimate { value: relative.value - 1.0, ..relative }
            })
        };
        let mean_square: Vec<Estimate> =
            rows.iter().filter_map(|row| deviation(row.measured_mean_square, row.mean_square)).collect();
        let exact = rows.iter().filter(|row| row.almost_sure_is_exact);
        let almost_sure: Vec<Estimate> =
            exact.filter_map(|row| deviation(row.measured_almost_sure, row.almost_sure)).collect();
        let trajectories: Vec<_> = rows.iter().flat_map(|row| &row.trajectories).collect();
        let pair = |estimate: &Estimate| (estimate.value, estimate.standard_error);
        let at = |regime: Regime| -> Vec<(f64, f64)> {
            let there = trajectories.iter().filter(|trajectory| trajectory.regime == regime);
            there.map(|trajectory| pair(&trajectory.measured_rate)).collect()
        };
        let runs = num_runs as usize;
        let largest = |rates: &[(f64, f64)]| largest(rates, bonferroni_upper(runs, rates.len()));
        let size = |deviations: &[Estimate]| {
            let quantile = bonferroni_upper(LEAST_MINIBATCHES, deviations.len());
            largest_size(&deviations.iter().map(pair).collect::<Vec<_>>(), quantile)
        };
        let above = at(Regime::AboveBoth);
        Self {
            mean_square_deviation: size(&mean_square),
            almost_sure_deviation: size(&almost_sure),
            largest_rate_below: largest(&at(Regime::BelowBoth)),
            largest_rate_between: largest(&at(Regime::Between)),
            smallest_rate_above: smallest(&above, bonferroni_upper(runs, above.len())),
        }
    }
}

/// Measured growth of the log distance per step against the Lyapunov exponent, wherever there is chance; `None` if nowhere.
pub(super) fn agreement_of_rates(rows: &[Row], num_runs: u64) -> Option<Agreement> {
    let random = rows.iter().filter(|row| row.is_random());
    let in_errors: Vec<f64> = random
        .flat_map(|row| &row.trajectories)
        .map(|trajectory| {
            let error = trajectory.measured_rate.standard_error.hypot(trajectory.predicted_rate_error);
            (trajectory.measured_rate.value - trajectory.predicted_rate).abs() / error
        })
        .collect();
    let largest = in_errors.iter().copied().fold(0.0, f64::max);
    (!in_errors.is_empty()).then(|| Agreement::new(largest, in_errors.len(), num_runs))
}
