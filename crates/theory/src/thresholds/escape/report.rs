//! What is known of the minimisers of a sum and of the runs that start next to them.

use serde::{Deserialize, Serialize};

use crate::agreement::Agreement;
use crate::thresholds::BatchSize;
use crate::thresholds::log_distance::LogDistances;
use polder_stats::Estimate;
use polder_stats::Proportion;

/// Distances that shrink faster, to less than a hundredth in one step, are not followed for a single one.
pub const FASTEST: f64 = -4.6;

/// A minimiser and its thresholds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MinimizerReport {
    /// Where it is.
    pub position: Vec<f64>,
    /// The value there.
    pub value: f64,
    /// The mean curvature along each coordinate.
    pub mean_curvatures: Vec<f64>,
    /// The variance of the components' curvature along each coordinate.
    pub curvature_variances: Vec<f64>,
    /// Whether every component curves equally in all directions. Then the distance itself is multiplied by `|1 - C q|` in every step,
    /// and the rates hold from the first step on, whatever the direction; otherwise only in the long run.
    pub is_round: bool,
    /// The thresholds for each batch size, in the order of the settings.
    pub thresholds: Vec<Thresholds>,
}

/// The thresholds of one minimiser at one batch size.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Thresholds {
    /// The batch size.
    pub batch_size: BatchSize,
    /// C*(k), from the spectral radius of the second-moment map of the components' Hessians.
    pub mean_square: f64,
    /// C_as(k), from the Lyapunov exponent of the steepest coordinate.
    pub almost_sure: f64,
}

/// How a step size was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepChoice {
    /// A multiple of the sharpest minimiser's almost-sure threshold.
    OfAlmostSure(f64),
    /// The sharpest minimiser's mean-square threshold.
    MeanSquare,
    /// Between the almost-sure thresholds of the sharpest and the flattest minimiser: their geometric mean.
    Between,
}

/// The runs from one minimiser at one step size.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EscapeRow {
    /// The batch size.
    pub batch_size: BatchSize,
    /// How the step size was chosen.
    pub choice: StepChoice,
    /// The step size.
    pub step_size: f64,
    /// The index of the minimiser that the runs start at.
    pub start: usize,
    /// Runs that have been further than the exit distance.
    pub left: Proportion,
    /// Runs that end at each minimiser, or at one that equals it by symmetry. A run that has left may swing about where it was.
    pub ends: Vec<Proportion>,
    /// Runs that end at none of them.
    pub elsewhere: Proportion,
    /// Runs that end beyond all bounds.
    pub diverged: Proportion,
    /// The Lyapunov exponent at the minimiser: the predicted growth of the natural logarithm of the distance per step. `None` if one
    /// step may land on the minimiser.
    pub predicted_rate: Option<f64>,
    /// The growth in the runs, until the distance is 10 times, or a hundredth of, the one at the start. `None` if noise that does not
    /// vanish at the minimiser holds the distance up.
    pub measured_rate: Option<Estimate>,
    /// The distances to the minimiser over the steps.
    pub distances: LogDistances,
}

/// Everything about the runs of an experiment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EscapeReport {
    /// The minimisers, the sharpest first and the flattest last.
    pub minimizers: Vec<MinimizerReport>,
    /// The runs: batch sizes, then step sizes ascending, then minimisers.
    pub rows: Vec<EscapeRow>,
    /// The measured growth of the distance beside the Lyapunov exponent, in the runs with random minibatches from round minimisers.
    /// `None` if there are none.
    pub growth: Option<Agreement>,
    /// The largest difference of both per step in the runs with all components at once, where only the direction of the start is
    /// random. `None` if there are none.
    pub growth_of_gradient_descent: Option<f64>,
}

impl EscapeReport {
    pub(super) fn new(minimizers: Vec<MinimizerReport>, rows: Vec<EscapeRow>) -> Self {
        let mut report = Self { minimizers, rows, growth: None, growth_of_gradient_descent: None };
        let deviation = |row: &EscapeRow| {
            let (predicted, measured) = row.rates()?;
            (predicted > FASTEST && report.minimizers[row.start].is_round)
                .then(|| ((measured.value - predicted).abs(), measured.standard_error))
        };
        let (mut stochastic, mut deterministic) = (Vec::new(), Vec::new());
        for row in &report.rows {
            match (row.batch_size, deviation(row)) {
                (BatchSize::Draws(_), Some((difference, error))) => stochastic.push(difference / error),
                (BatchSize::All(_), Some((difference, _))) => deterministic.push(difference),
                _ => {}
            }
        }
        let largest = |values: &[f64]| values.iter().copied().reduce(f64::max);
        let num_runs = report.rows.first().map_or(0, |row| row.left.num_runs);
        let growth =
            largest(&stochastic).map(|deviation| Agreement::new(deviation, stochastic.len(), num_runs));
        report.growth_of_gradient_descent = largest(&deterministic);
        report.growth = growth;
        report
    }
}

impl EscapeRow {
    /// The predicted and the measured growth of the distance, where there are both.
    pub fn rates(&self) -> Option<(f64, Estimate)> {
        self.predicted_rate.zip(self.measured_rate)
    }
}
