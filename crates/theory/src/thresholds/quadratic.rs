//! Experiment B1: at which step size SGD on a stochastic quadratic stops to converge, in mean square and almost surely.
//!
//! The problem is that of Patel (2018), arXiv:1709.04718: components with random curvature Q, seen k at a time. One step of size C
//! multiplies the distance to the minimiser by `1 - C Q_k`, with `Q_k` the mean curvature of the minibatch. That the step size, the
//! batch size and the local curvature alone decide between convergence and divergence is the paper's claim. The two thresholds are
//! this project's own derivation:
//! * the mean square of the distance changes by `E (1 - C Q_k)^2` per step and grows above
//!   [`C*(k) = 2 E Q / ((E Q)^2 + Var(Q) / k)`](CurvatureDistribution::mean_square_threshold);
//! * the distance of a single run changes by the factor `exp(E log|1 - C Q_k|)` per step in the long run, by the law of large numbers,
//!   and grows above the root of that exponent, which by Jensen's inequality is not below `C*(k)`.
//!
//! Between them the mean square grows while almost every run comes closer: it is carried by runs too rare to be drawn. So the first
//! threshold is measured from the sampled one-step map, not from runs.

mod summary;

use polder_optim::Optimizer as _;
use polder_optim::{Objective, OptimError, Point, Sgd, SgdConfig};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::agreement::Agreement;
use crate::draws::{Draws, Purpose};
use crate::error::TheoryError;
use crate::setting::{at_least_1, at_least_2, check, positive};
use crate::thresholds::log_distance::{LogDistances, StoppedGrowth, rate, shown_log, stride};
use crate::thresholds::{BatchSize, CurvatureDistribution, LyapunovExponent, SampledCurvature};
use polder_stats::Estimate;
pub use summary::DistributionSummary;

/// The settings of experiment B1. The default is the desk scale.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The seed of all draws.
    pub seed: u64,
    /// The distributions of a component's curvature, all different.
    pub laws: Vec<CurvatureDistribution>,
    /// The batch sizes k; `"all"` stands for infinitely many draws.
    pub batch_sizes: Vec<BatchSize>,
    /// Draws of a component's curvature from which the thresholds of each distribution and batch size are estimated, at least 1.
    pub num_draws: u64,
    /// Runs per step size, at least 2.
    pub num_runs: u64,
    /// Steps of every run, at least 1.
    pub num_steps: u64,
    /// The distance at which runs start, greater than 0.
    pub start_distance: f64,
}

impl Row {
    /// Whether minibatches of this size differ from each other.
    pub fn is_random(&self) -> bool {
        self.measured_mean_square.is_some()
    }

    /// The runs in one regime.
    pub fn at(&self, regime: Regime) -> Option<&Trajectory> {
        self.trajectories.iter().find(|trajectory| trajectory.regime == regime)
    }
}

impl Default for Config {
    /// The desk scale: thresholds from two million draws, and 500 runs per step size.
    fn default() -> Self {
        Self {
            seed: 0,
            laws: vec![
                CurvatureDistribution::TwoPoint { low: 1.0, high: 9.0 },
                CurvatureDistribution::LogNormal { mean: 1.0, variance: 1.0 },
                CurvatureDistribution::LogNormal { mean: 1.0, variance: 3.0 },
            ],
            batch_sizes: BatchSize::several(&[1, 2, 5, 10, 50]).into_iter().chain([BatchSize::ALL]).collect(),
            num_draws: 2_000_000,
            num_runs: 500,
            num_steps: 200,
            start_distance: 1e-3,
        }
    }
}

impl Config {
    /// Thresholds from 400,000 draws, and 100 runs per step size: about a second.
    pub fn smoke() -> Self {
        Self { num_draws: 400_000, num_runs: 100, ..Self::default() }
    }

    /// Thresholds from twenty million draws, and 5000 runs per step size.
    pub fn paper() -> Self {
        Self { num_draws: 20_000_000, num_runs: 5000, ..Self::default() }
    }

    fn validate(&self) -> Result<(), TheoryError> {
        self.laws.iter().try_for_each(CurvatureDistribution::validate)?;
        let repeated = self.laws.iter().enumerate().any(|(index, law)| self.laws[..index].contains(law));
        check(!repeated, "laws", &format!("{:?}", self.laws), "all different")?;
        at_least_1([("num_draws", self.num_draws), ("num_steps", self.num_steps)])?;
        at_least_2([("num_runs", self.num_runs)])?;
        positive([("start_distance", self.start_distance)])
    }
}

/// The result of experiment B1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The settings it was run with.
    pub config: Config,
    /// One row per distribution and batch size, distributions first.
    pub rows: Vec<Row>,
    /// What holds for all batch sizes of a distribution together: one per distribution, in the order of the settings.
    pub summaries: Vec<DistributionSummary>,
    /// Measured growth of the log distance per step against the Lyapunov exponents, over all distributions, batch sizes and step sizes with chance;
    /// `None` if there are none.
    pub rates: Option<Agreement>,
}

/// One distribution and batch size of experiment B1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The distribution of a component's curvature.
    pub law: CurvatureDistribution,
    /// The batch size.
    pub batch_size: BatchSize,
    /// The mean-square threshold C*(k), in closed form.
    pub mean_square: f64,
    /// The same from draws: where the spectral radius of the sampled second-moment map is 1. `None` where there is nothing to draw.
    pub measured_mean_square: Option<Estimate>,
    /// The almost-sure threshold C_as(k), where the Lyapunov exponent is 0.
    pub almost_sure: f64,
    /// Whether `almost_sure` comes from an exact exponent, not from draws.
    pub almost_sure_is_exact: bool,
    /// The same from draws of their own. `None` where there is nothing to draw.
    pub measured_almost_sure: Option<Estimate>,
    /// Runs of SGD at step sizes around both thresholds.
    pub trajectories: Vec<Trajectory>,
}

/// Where a step size lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Regime {
    /// A tenth below C*: distances and their mean square shrink.
    BelowBoth,
    /// At the geometric mean of C* and C_as: the mean square grows, and every single run comes closer all the same.
    Between,
    /// A tenth above C_as: runs leave.
    AboveBoth,
}

/// Runs of SGD at one step size.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trajectory {
    /// Where the step size lies.
    #[serde(rename = "place")]
    pub regime: Regime,
    /// The step size.
    pub step_size: f64,
    /// The factor by which the mean square changes per step, exactly.
    pub second_moment_factor: f64,
    /// The Lyapunov exponent: by how much theory lets the natural logarithm of the distance grow per step. A step size that puts
    /// iterates onto the minimiser has the lowest finite number in place of minus infinity.
    pub predicted_rate: f64,
    /// The standard error of the exponent where it comes from draws, otherwise 0.
    pub predicted_rate_error: f64,
    /// By how much it grew per step in the runs.
    pub measured_rate: Estimate,
    /// The distances over the steps.
    pub distances: LogDistances,
}

/// Runs experiment B1 on all threads of the current rayon pool. Equal settings give equal results, whatever the number of threads.
///
/// # Errors
/// [`TheoryError::InvalidSetting`], naming the setting.
///
/// # Source
/// The stochastic quadratic problem of Patel (2018), arXiv:1709.04718; the exact thresholds are derived for this project.
///
/// # Example
/// ```
/// use polder_theory::thresholds::CurvatureDistribution;
/// use polder_theory::thresholds::quadratic::{Config, run};
///
/// let laws = vec![CurvatureDistribution::TwoPoint { low: 1.0, high: 9.0 }];
/// let report = run(&Config { laws, num_draws: 10_000, num_runs: 20, ..Config::smoke() })?;
/// let first = &report.rows[0];
/// assert!((first.mean_square - 0.24390).abs() < 1e-5 && (first.almost_sure - 0.26158).abs() < 1e-5);
/// # Ok::<(), polder_theory::TheoryError>(())
/// ```
pub fn run(config: &Config) -> Result<Report, TheoryError> {
    config.validate()?;
    let conditions: Vec<(usize, BatchSize)> = (0..config.laws.len())
        .flat_map(|law| config.batch_sizes.iter().map(move |&batch_size| (law, batch_size)))
        .collect();
    let rows = conditions
        .par_iter()
        .map(|&(law, batch_size)| row(config, law, batch_size))
        .collect::<Result<Vec<_>, TheoryError>>()?;
    let summaries = config
        .laws
        .iter()
        .map(|law| {
            let rows: Vec<&Row> = rows.iter().filter(|row| row.law == *law).collect();
            DistributionSummary::new(&rows, config.num_runs)
        })
        .collect();
    let rates = summary::agreement_of_rates(&rows, config.num_runs);
    Ok(Report { config: config.clone(), rows, summaries, rates })
}

fn row(config: &Config, index: usize, batch_size: BatchSize) -> Result<Row, TheoryError> {
    let law = &config.laws[index];
    let mean_square = law.mean_square_threshold(batch_size);
    let exponent = LyapunovExponent::new(law, batch_size, config.seed);
    let almost_sure = exponent.threshold();
    let is_random = law.variance() * batch_size.reciprocal() > 0.0;
    let sampled = is_random.then(|| {
        // The thresholds with no closed form draw with the seed itself, so these draws are others.
        SampledCurvature::new(law, batch_size, config.num_draws as usize, !config.seed)
    });
    let mut regimes = vec![(Regime::BelowBoth, 0.9 * mean_square)];
    if is_random {
        regimes.push((Regime::Between, (mean_square * almost_sure).sqrt()));
    }
    regimes.push((Regime::AboveBoth, 1.1 * almost_sure));
    let trajectories = regimes
        .into_iter()
        .map(|(regime, step_size)| {
            let runs: Vec<Run> = (0..config.num_runs)
                .into_par_iter()
                .map(|replicate| simulate(config, index, (batch_size, regime, step_size), replicate))
                .collect::<Result<_, _>>()?;
            let logs: Vec<&[f64]> = runs.iter().map(|run| run.logs.as_slice()).collect();
            let growths: Vec<StoppedGrowth> = runs.iter().map(|run| run.growth).collect();
            Ok(Trajectory {
                regime,
                step_size,
                second_moment_factor: law.second_moment_factor(step_size, batch_size),
                predicted_rate: exponent.at(step_size).max(f64::MIN),
                predicted_rate_error: exponent.standard_error_at(step_size),
                measured_rate: rate(&growths),
                distances: LogDistances::new(&logs, stride(config.num_steps)),
            })
        })
        .collect::<Result<Vec<_>, TheoryError>>()?;
    Ok(Row {
        law: law.clone(),
        batch_size,
        mean_square,
        measured_mean_square: sampled.as_ref().map(SampledCurvature::mean_square_threshold),
        almost_sure,
        almost_sure_is_exact: exponent.is_exact(),
        measured_almost_sure: sampled.as_ref().map(|sampled| sampled.almost_sure_threshold(mean_square)),
        trajectories,
    })
}

struct Run {
    logs: Vec<f64>,
    growth: StoppedGrowth,
}

/// The quadratic that a minibatch shows, about its minimiser.
struct MinibatchQuadratic {
    curvature: f64,
}

impl Objective<f64> for MinibatchQuadratic {
    type Loss = ();

    #[inline]
    fn gradient(&mut self, parameters: &f64, _at: Point, gradient: &mut f64) -> Result<(), OptimError> {
        *gradient = self.curvature * parameters;
        Ok(())
    }
}

fn simulate(
    config: &Config,
    index: usize,
    (batch_size, regime, step_size): (BatchSize, Regime, f64),
    replicate: u64,
) -> Result<Run, TheoryError> {
    let part = ((index as u64) << 40) | (batch_size.key() << 8) | regime as u64;
    let mut draws = Draws::new(Purpose { seed: config.seed, experiment: "B1", part, replicate });
    let mut sgd = Sgd::new(SgdConfig::default())?;
    let mut objective = MinibatchQuadratic { curvature: 0.0 };
    let law = &config.laws[index];
    let stride = stride(config.num_steps);
    // The problem is linear, so the distance is kept near 1 and what it was scaled by is counted: nothing underflows.
    let (mut scaled, mut log_scale) = (1.0_f64, config.start_distance.ln());
    let mut logs = Vec::with_capacity((config.num_steps / stride + 1) as usize);
    for step in 0..=config.num_steps {
        if step % stride == 0 {
            logs.push(shown_log((log_scale + scaled.abs().ln()).exp()));
        }
        if step == config.num_steps {
            break;
        }
        objective.curvature = law.minibatch_mean(batch_size, &mut draws);
        sgd.step(&mut objective, &mut scaled, &mut 0.0, step_size)?;
        if !(1e-100..1e100).contains(&scaled.abs()) {
            let size = scaled.abs().max(f64::MIN_POSITIVE);
            log_scale += size.ln();
            scaled = scaled.signum();
        }
    }
    let log_growth = log_scale + scaled.abs().ln() - config.start_distance.ln();
    Ok(Run { logs, growth: StoppedGrowth { log_growth, num_steps: config.num_steps } })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn short() -> Config {
        Config { num_draws: 200_000, num_runs: 200, num_steps: 100, ..Config::default() }
    }

    #[test]
    fn measured_thresholds_and_rates_are_the_predicted_ones() {
        let report = run(&short()).unwrap();
        assert_eq!(report.rows.len(), 18);
        assert!(report.rates.is_some_and(|rates| rates.holds() && rates.num_comparisons == 45));
        for (law, summary) in report.config.laws.iter().zip(&report.summaries) {
            let (below, between) =
                (summary.largest_rate_below.unwrap(), summary.largest_rate_between.unwrap());
            assert!(below.upper < 0.0 && between.upper < 0.0, "{law:?}: {below:?} {between:?}");
            assert!(summary.smallest_rate_above.unwrap().lower > 0.0, "{law:?}");
            assert!(summary.almost_sure_deviation.unwrap().upper < 0.015, "{law:?}: {summary:?}");
        }
        assert!(report.summaries[0].mean_square_deviation.unwrap().upper < 0.01, "{:?}", report.summaries[0]);
        for row in &report.rows {
            let label = format!("{:?} {}", row.law, row.batch_size);
            assert!(row.almost_sure >= row.mean_square, "{label}");
            if let Some(found) = row.measured_mean_square {
                // The relative error that is always allowed is the half width at which heavy tails leave a sample.
                let slack = 4.0 * found.standard_error + 0.01 * row.mean_square;
                assert!(
                    (found.value - row.mean_square).abs() < slack,
                    "{label}: {found:?} {}",
                    row.mean_square
                );
            }
            if let Some(found) = row.measured_almost_sure {
                let slack = 4.0 * found.standard_error + 0.002 * row.almost_sure;
                assert!(
                    (found.value - row.almost_sure).abs() < slack,
                    "{label}: {found:?} {}",
                    row.almost_sure
                );
            }
            for trajectory in &row.trajectories {
                let found = trajectory.measured_rate;
                let slack = 4.5 * found.standard_error + 5e-3;
                assert!((found.value - trajectory.predicted_rate).abs() < slack, "{label}: {trajectory:?}");
                match trajectory.regime {
                    Regime::BelowBoth => assert!(trajectory.second_moment_factor < 1.0),
                    Regime::Between => {
                        assert!(trajectory.second_moment_factor > 1.0 && trajectory.predicted_rate < 0.0);
                    }
                    Regime::AboveBoth => assert!(trajectory.predicted_rate > 0.0),
                }
            }
        }
    }

    #[test]
    fn results_do_not_depend_on_the_number_of_threads() {
        let config = Config {
            num_draws: 2000,
            num_runs: 5,
            num_steps: 20,
            laws: vec![short().laws[0].clone()],
            ..short()
        };
        let run = |num_threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(num_threads).build().unwrap();
            pool.install(|| run(&config)).unwrap()
        };
        assert_eq!(run(1), run(3));
    }

    #[test]
    fn settings_that_make_no_experiment_are_refused_by_name() {
        let refused = |config: Config| run(&config).unwrap_err().to_string();
        assert!(refused(Config { num_runs: 1, ..short() }).starts_with("num_runs"));
        let twice = vec![short().laws[0].clone(), short().laws[0].clone()];
        assert!(refused(Config { laws: twice, ..short() }).starts_with("laws"));
        assert!(refused(Config { start_distance: 0.0, ..short() }).starts_with("start_distance"));
        let laws = vec![CurvatureDistribution::TwoPoint { low: -1.0, high: 1.0 }];
        assert!(refused(Config { laws, ..short() }).starts_with("law.low"));
    }
}
