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
    let curvatures: Vec<Vec<Vec<f64>>> = sum.minimizers().iter().map(|w| curvatures(sum, w)).collect();
    let distributions: Vec<Vec<CurvatureDistribution>> =
        curvatures.iter().map(|of| coordinate_distributions(of)).collect();
    let minimizers = sum
        .minimizers()
        .par_iter()
        .zip(curvatures.par_iter().zip(&distributions))
        .map(|(position, (curvatures, distributions))| {
            let value = sum.value(position);
            minimizer(config, (position.clone(), value), curvatures, distributions)
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
        .map(|condition| row(sum, config, &distributions[condition.start], condition))
        .collect::<Result<Vec<_>, TheoryError>>()?;
    Ok(EscapeReport::new(minimizers, rows))
}

/// A minimiser, from the curvatures of all components along every coordinate, and their distributions.
fn minimizer(
    config: &EscapeConfig,
    (position, value): (Vec<f64>, f64),
    curvatures: &[Vec<f64>],
    distributions: &[CurvatureDistribution],
) -> Result<MinimizerReport, TheoryError> {
    let dim = position.len();
    let diagonal = |of: &Vec<f64>| {
        let entry = |index| if index / dim == index % dim { of[index / dim] } else { 0.0 };
        (0..dim * dim).map(entry).collect()
    };
    let hessians: Vec<Vec<f64>> = curvatures.iter().map(diagonal).collect();
    let thresholds = config.batch_sizes.iter().map(|&batch_size| {
        let exponents = exponents(distributions, batch_size, config.seed);
        Ok(Thresholds {
            batch_size,
            mean_square: mean_square_threshold(&hessians, dim, batch_size)?,
            almost_sure: exponents.map(|exponent| exponent.threshold()).fold(f64::INFINITY, f64::min),
        })
    });
    // Equal along all coordinates, up to what the experiments do not resolve.
    let is_equal = |of: &Vec<f64>| of.iter().all(|q| (q - of[0]).abs() <= 1e-6 * of[0].abs());
    Ok(MinimizerReport {
        position,
        value,
        mean_curvatures: distributions.iter().map(CurvatureDistribution::mean).collect(),
        curvature_variances: distributions.iter().map(CurvatureDistribution::variance).collect(),
        is_round: curvatures.iter().all(is_equal),
        thresholds: thresholds.collect::<Result<_, TheoryError>>()?,
    })
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
    distributions: &[CurvatureDistribution],
    condition: &Condition,
) -> Result<EscapeRow, TheoryError> {
    let Condition { batch_size, choice, step_size, start } = *condition;
    let paths: Vec<Path> = (0..config.num_runs)
        .into_par_iter()
        .map(|replicate| path(sum, config, (batch_size, step_size, start), replicate))
        .collect::<Result<_, _>>()?;
    let logs: Vec<&[f64]> = paths.iter().map(|path| path.logs.as_slice()).collect();
    let growths: Vec<StoppedGrowth> = paths.iter().map(|path| path.growth).collect();
    let rates = exponents(distributions, batch_size, config.seed).map(|exponent| exponent.at(step_size));
    let predicted_rate = rates.fold(f64::NEG_INFINITY, f64::max);
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

fn exponents(
    distributions: &[CurvatureDistribution],
    batch_size: BatchSize,
    seed: u64,
) -> impl Iterator<Item = LyapunovExponent<'_>> {
    distributions.iter().map(move |of| LyapunovExponent::new(of, batch_size, seed))
}

/// The curvatures of every component at `w`, one along each coordinate.
fn curvatures<S: ComponentSum>(sum: &S, w: &[f64]) -> Vec<Vec<f64>> {
    (0..sum.num_components()).map(|component| sum.curvatures(component, w)).collect()
}

/// The distribution of the components' curvature along each coordinate.
fn coordinate_distributions(curvatures: &[Vec<f64>]) -> Vec<CurvatureDistribution> {
    let along = |a: usize| CurvatureDistribution::of_values(curvatures.iter().map(|q| q[a]).collect());
    (0..curvatures[0].len()).map(along).collect()
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
