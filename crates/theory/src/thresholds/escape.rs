//! Runs of SGD that start next to each minimiser of a sum of components: which leave, how fast, and where they end.

mod path;
mod report;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::error::TheoryError;
use crate::setting::{at_least_1, at_least_2, positive};
use crate::thresholds::log_distance::{LogDistances, StoppedGrowth, rate, stride};
use crate::thresholds::{BatchSize, CurvatureDistribution, LyapunovExponent, mean_square_threshold};
use polder_stats::Proportion;

use path::{End, Path, path};
pub use report::{EscapeReport, EscapeRow, FASTEST, MinimizerReport, StepChoice, Thresholds};

/// A function that is the mean of equally likely components, with several minimisers.
pub(crate) trait ComponentSum: Sync {
    /// The number of components that differ from each other.
    fn num_components(&self) -> usize;

    /// Adds `weight` times the gradient of `component` at `w`.
    fn add_gradient(&self, component: usize, weight: f64, w: &[f64], gradient: &mut [f64]);

    /// The diagonal of the Hessian of `component` at `w`; at the minimisers there is nothing beside it.
    fn curvatures(&self, component: usize, w: &[f64]) -> Vec<f64>;

    /// The value of the mean at `w`.
    fn value(&self, w: &[f64]) -> f64;

    /// The minimisers that runs start at, the sharpest first and the flattest last.
    fn minimizers(&self) -> &[Vec<f64>];

    /// The index of the minimiser, or of the one that equals it by symmetry, that is within `near` of `w`.
    fn basin(&self, w: &[f64], near: f64) -> Option<usize>;

    /// Whether every component has its gradient vanish at the minimisers, up to what is negligible.
    fn is_homogeneous(&self) -> bool;
}

/// The runs of an experiment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EscapeConfig {
    /// The seed of all draws.
    pub seed: u64,
    /// The batch sizes.
    pub batch_sizes: Vec<BatchSize>,
    /// Step sizes as multiples of the sharpest minimiser's almost-sure threshold; its mean-square threshold, and the geometric mean of
    /// the sharpest and the flattest minimiser's almost-sure thresholds, are added.
    pub factors: Vec<f64>,
    /// Runs per step size and minimiser, at least 2.
    pub num_runs: u64,
    /// Steps of every run, at least 1.
    pub num_steps: u64,
    /// The distance from the minimiser at which runs start, in random directions.
    pub start_distance: f64,
    /// A run has left when it has been further away than this.
    pub exit_distance: f64,
    /// A run ends at a minimiser if it ends within this distance.
    pub near: f64,
}

impl Default for EscapeConfig {
    fn default() -> Self {
        Self {
            seed: 0,
            batch_sizes: BatchSize::several(&[1, 10, 100]).into_iter().chain([BatchSize::ALL]).collect(),
            factors: vec![0.5, 0.9, 1.1, 1.5],
            num_runs: 500,
            num_steps: 1000,
            start_distance: 1e-3,
            exit_distance: 0.1,
            near: 0.5,
        }
    }
}

impl EscapeConfig {
    fn validate(&self) -> Result<(), TheoryError> {
        positive([
            ("runs.start_distance", self.start_distance),
            ("runs.exit_distance", self.exit_distance),
            ("runs.near", self.near),
        ])?;
        positive(self.factors.iter().map(|factor| ("runs.factors", *factor)))?;
        at_least_2([("runs.num_runs", self.num_runs)])?;
        at_least_1([("runs.num_steps", self.num_steps)])
    }
}

/// Measures the minimisers and runs the runs.
pub(crate) fn run<S: ComponentSum>(sum: &S, config: &EscapeConfig) -> Result<EscapeReport, TheoryError> {
    config.validate()?;
    let laws: Vec<Vec<CurvatureDistribution>> =
        sum.minimizers().iter().map(|w| coordinate_distributions(sum, w)).collect();
    let minimizers = sum
        .minimizers()
        .par_iter()
        .zip(&laws)
        .map(|(position, laws)| {
            let components = component_hessians(sum, position);
            let thresholds = config
                .batch_sizes
                .iter()
                .map(|&batch_size| {
                    Ok(Thresholds {
                        batch_size,
                        mean_square: mean_square_threshold(&components, laws.len(), batch_size)?,
                        almost_sure: exponents(laws, batch_size, config.seed)
                            .iter()
                            .map(LyapunovExponent::threshold)
                            .fold(f64::INFINITY, f64::min),
                    })
                })
                .collect::<Result<Vec<_>, TheoryError>>()?;
            Ok(MinimizerReport {
                position: position.clone(),
                value: sum.value(position),
                mean_curvatures: laws.iter().map(CurvatureDistribution::mean).collect(),
                curvature_variances: laws.iter().map(CurvatureDistribution::variance).collect(),
                is_round: is_round(sum, position),
                thresholds,
            })
        })
        .collect::<Result<Vec<_>, TheoryError>>()?;
    let (sharpest, flattest) = (&minimizers[0], &minimizers[minimizers.len() - 1]);
    let mut conditions = Vec::new();
    for (index, &batch_size) in config.batch_sizes.iter().enumerate() {
        let Thresholds { mean_square, almost_sure, .. } = sharpest.thresholds[index];
        let between = (almost_sure * flattest.thresholds[index].almost_sure).sqrt();
        let mut choices: Vec<(StepChoice, f64)> = config
            .factors
            .iter()
            .map(|&factor| (StepChoice::OfAlmostSure(factor), factor * almost_sure))
            .chain([(StepChoice::MeanSquare, mean_square), (StepChoice::Between, between)])
            .collect();
        choices.sort_by(|a, b| a.1.total_cmp(&b.1));
        for (choice, step_size) in choices {
            conditions.extend((0..minimizers.len()).map(|start| Condition {
                batch_size,
                choice,
                step_size,
                start,
            }));
        }
    }
    let rows = conditions
        .par_iter()
        .map(|condition| row(sum, config, &laws[condition.start], condition))
        .collect::<Result<Vec<_>, TheoryError>>()?;
    Ok(EscapeReport::new(minimizers, rows))
}

struct Condition {
    batch_size: BatchSize,
    choice: StepChoice,
    step_size: f64,
    start: usize,
}

fn row<S: ComponentSum>(
    sum: &S,
    config: &EscapeConfig,
    laws: &[CurvatureDistribution],
    condition: &Condition,
) -> Result<EscapeRow, TheoryError> {
    let Condition { batch_size, choice, step_size, start } = *condition;
    let paths: Vec<Path> = (0..config.num_runs)
        .into_par_iter()
        .map(|replicate| path(sum, config, (batch_size, step_size, start), replicate))
        .collect::<Result<_, _>>()?;
    let logs: Vec<&[f64]> = paths.iter().map(|path| path.logs.as_slice()).collect();
    let growths: Vec<StoppedGrowth> = paths.iter().map(|path| path.growth).collect();
    let predicted_rate = exponents(laws, batch_size, config.seed)
        .iter()
        .map(|exponent| exponent.at(step_size))
        .fold(f64::NEG_INFINITY, f64::max);
    Ok(EscapeRow {
        batch_size,
        choice,
        step_size,
        start,
        left: Proportion::of(&paths, |path| path.has_left),
        ends: (0..sum.minimizers().len())
            .map(|index| Proportion::of(&paths, |path| path.end == End::At(index)))
            .collect(),
        elsewhere: Proportion::of(&paths, |path| path.end == End::Elsewhere),
        diverged: Proportion::of(&paths, |path| path.end == End::Diverged),
        predicted_rate: Some(predicted_rate).filter(|rate| rate.is_finite()),
        measured_rate: sum.is_homogeneous().then(|| rate(&growths)),
        distances: LogDistances::new(&logs, stride(config.num_steps)),
    })
}

fn exponents(laws: &[CurvatureDistribution], batch_size: BatchSize, seed: u64) -> Vec<LyapunovExponent<'_>> {
    laws.iter().map(|law| LyapunovExponent::new(law, batch_size, seed)).collect()
}

/// The distribution of the components' curvature at `w` along each coordinate.
fn coordinate_distributions<S: ComponentSum>(sum: &S, w: &[f64]) -> Vec<CurvatureDistribution> {
    let curvatures: Vec<Vec<f64>> = (0..sum.num_components()).map(|i| sum.curvatures(i, w)).collect();
    (0..w.len())
        .map(|a| CurvatureDistribution::of_values(curvatures.iter().map(|q| q[a]).collect()))
        .collect()
}

/// Whether every component curves equally along all coordinates, up to what the experiments do not resolve.
fn is_round<S: ComponentSum>(sum: &S, w: &[f64]) -> bool {
    (0..sum.num_components()).all(|component| {
        let curvatures = sum.curvatures(component, w);
        curvatures.iter().all(|curvature| (curvature - curvatures[0]).abs() <= 1e-6 * curvatures[0].abs())
    })
}

fn component_hessians<S: ComponentSum>(sum: &S, w: &[f64]) -> Vec<Vec<f64>> {
    let dim = w.len();
    (0..sum.num_components())
        .map(|component| {
            let mut hessian = vec![0.0; dim * dim];
            for (a, curvature) in sum.curvatures(component, w).into_iter().enumerate() {
                hessian[a * dim + a] = curvature;
            }
            hessian
        })
        .collect()
}

/// Newton's method on the mean of the components from `start`, which is close to a minimiser whose Hessian is diagonal.
pub(crate) fn polish<S: ComponentSum>(sum: &S, start: Vec<f64>) -> Vec<f64> {
    let mut w = start;
    let weight = 1.0 / sum.num_components() as f64;
    for _ in 0..20 {
        let (mut gradient, mut curvatures) = (vec![0.0; w.len()], vec![0.0; w.len()]);
        for component in 0..sum.num_components() {
            sum.add_gradient(component, weight, &w, &mut gradient);
            for (total, curvature) in curvatures.iter_mut().zip(sum.curvatures(component, &w)) {
                *total += weight * curvature;
            }
        }
        for ((w, gradient), curvature) in w.iter_mut().zip(gradient).zip(curvatures) {
            *w -= gradient / curvature;
        }
    }
    w
}
