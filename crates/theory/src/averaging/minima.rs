//! Experiment A2: which of two minima SGD and its average end at, against the step size.
//!
//! The theory is that of Nitanda et al. (2024), arXiv:2302.09376, section 1: SGD with step size `eta` and gradient noise `e` descends the
//! smoothed objective `F(v) = E f(v - eta e)`. Smoothing over a width of `eta r`, for noise up to r, fills a dip that is narrower than
//! that, so that large steps leave sharp minima; averaging then removes the spread that the same large steps give to the iterates.
//! The landscape, and the closed form of its F, are this project's own.

use serde::{Deserialize, Serialize};

use crate::averaging::histogram::{bin_edges, histogram};
use crate::error::TheoryError;
use crate::landscape::{Landscape, TwoBasins};
use crate::noise::{NoiseKey, UniformNoise};
use crate::setting::{at_least_2, check, positive};
use crate::simulate::{PathSummary, Simulation, single_paths};
use polder_stats::Estimate;
use polder_stats::{Proportion, ProportionDifference};

/// The paths draw their noise as part 0 and their starts as part 1.
const PATHS: u64 = 0;
const STARTS: u64 = 1;
const NUM_POINTS: usize = 601;
const NUM_BINS: usize = 80;

/// The settings of experiment A2. The default is the desk scale.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The seed of all noise and starts.
    pub seed: u64,
    /// The landscape.
    pub landscape: TwoBasins,
    /// The radius of the uniform gradient noise.
    pub noise_radius: f64,
    /// Starts are uniform within this radius around 0.
    pub start_radius: f64,
    /// Steps of every run, at least 2; the average is over the second half.
    pub num_steps: u64,
    /// Runs per step size, at least 2.
    pub num_runs: u64,
    /// The step sizes, at least 2, ascending.
    pub step_sizes: Vec<f64>,
    /// A run ends at the sharp minimum if it ends at most this far from it.
    pub near: f64,
    /// The figure shows `-plot_radius..=plot_radius`.
    pub plot_radius: f64,
}

impl Default for Config {
    /// The desk scale: 4,000 runs per step size.
    fn default() -> Self {
        Self {
            seed: 0,
            landscape: TwoBasins::default(),
            noise_radius: 10.0,
            start_radius: 4.0,
            num_steps: 5000,
            num_runs: 4000,
            step_sizes: vec![0.01, 0.02, 0.03, 0.05, 0.1],
            near: 0.5,
            plot_radius: 6.0,
        }
    }
}

impl Config {
    /// 500 runs per step size: about a second.
    pub fn smoke() -> Self {
        Self { num_runs: 500, ..Self::default() }
    }

    /// 20,000 runs per step size.
    pub fn paper() -> Self {
        Self { num_runs: 20_000, ..Self::default() }
    }

    fn validate(&self) -> Result<(), TheoryError> {
        self.landscape.validate()?;
        positive([
            ("start_radius", self.start_radius),
            ("near", self.near),
            ("plot_radius", self.plot_radius),
            ("noise_radius", self.noise_radius),
        ])?;
        at_least_2([("num_steps", self.num_steps), ("num_runs", self.num_runs)])?;
        let ascending = self.step_sizes.is_sorted_by(|a, b| a < b) && self.step_sizes.len() > 1;
        let holds = ascending && self.step_sizes.iter().all(|x| x.is_finite() && *x > 0.0);
        let expected = "at least two positive numbers, ascending";
        check(holds, "step_sizes", &format!("{:?}", self.step_sizes), expected)
    }
}

/// The result of experiment A2.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The settings it was run with.
    pub config: Config,
    /// The sharp minimum.
    pub sharp: Minimum,
    /// One row per step size, ascending.
    pub rows: Vec<Row>,
    /// Share of last iterates at the sharp minimum: at the smallest step size minus at the largest.
    pub iterates_that_leave: ProportionDifference,
    /// Share of averages at the sharp minimum: at the smallest step size minus at the largest.
    pub averages_that_leave: ProportionDifference,
    /// Points of the curves.
    pub w: Vec<f64>,
    /// The objective f at the points.
    pub objective: Vec<f64>,
    /// Ascending edges of the bins of all histograms, one more than bins; the outer bins hold what lies beyond.
    pub bin_edges: Vec<f64>,
}

/// A minimum of f.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Minimum {
    /// Where it is.
    pub w: f64,
    /// `f(w)`.
    pub value: f64,
    /// `f''(w)`; gradient descent stays there if its step size is below 2 over this.
    pub curvature: f64,
}

/// One step size of experiment A2.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The step size.
    pub step_size: f64,
    /// The smoothed objective F at the points of the report, in closed form.
    pub smoothed: Vec<f64>,
    /// The share of last iterates at the sharp minimum.
    pub sharp_iterates: Proportion,
    /// The share of averages at the sharp minimum.
    pub sharp_averages: Proportion,
    /// The standard deviation of the last iterates.
    pub spread_of_iterates: Estimate,
    /// The standard deviation of the averages.
    pub spread_of_averages: Estimate,
    /// The second of these over the first.
    pub spread_ratio: Estimate,
    /// Share of last iterates minus share of averages at the sharp minimum, over the same runs.
    pub iterates_over_averages: Estimate,
    /// F at the sharp minimiser of f minus F at the bottom of the bowl, 0: above 0 where smoothing has filled the dip.
    pub smoothed_gap: f64,
    /// Last iterates per bin.
    pub iterate_counts: Vec<u64>,
    /// Averages per bin.
    pub average_counts: Vec<u64>,
}

/// Runs experiment A2 on all threads of the current rayon pool. Equal settings give equal results, whatever the number of threads.
///
/// # Errors
/// [`TheoryError::InvalidSetting`], naming the setting; [`TheoryError::Diverged`] if a step size is too large for the bowl.
///
/// # Source
/// Nitanda et al. (2024), arXiv:2302.09376, section 1 and the toy experiment: SGD sees the smoothed objective, in which sharp minima
/// vanish when the step is large, and averaging finds its minimiser more exactly. The landscape and the settings are this project's own.
///
/// # Example
/// ```
/// use polder_theory::averaging::minima::{Config, run};
///
/// let report = run(&Config { num_runs: 200, num_steps: 2000, ..Config::smoke() })?;
/// assert!(report.iterates_that_leave.lower > 0.0);
/// # Ok::<(), polder_theory::TheoryError>(())
/// ```
pub fn run(config: &Config) -> Result<Report, TheoryError> {
    config.validate()?;
    let landscape = config.landscape;
    let Some(sharp) = landscape.sharp_minimizer() else {
        let expected = "a depth that leaves a minimum in the dip";
        return Err(TheoryError::setting("landscape.depth", &landscape.depth, expected));
    };
    let range = (-config.plot_radius, config.plot_radius);
    let w = bin_edges(range, NUM_POINTS - 1);
    let rows = config
        .step_sizes
        .iter()
        .map(|&step_size| {
            let paths = paths(config, step_size)?;
            let iterates: Vec<f64> = paths.iter().map(|path| path.last_iterate).collect();
            let averages: Vec<f64> = paths.iter().map(|path| path.average).collect();
            let is_sharp = |end: &f64| (end - sharp).abs() <= config.near;
            let share = |end: &f64| f64::from(u8::from(is_sharp(end)));
            let differences: Vec<f64> = iterates
                .iter()
                .zip(&averages)
                .map(|(iterate, average)| share(iterate) - share(average))
                .collect();
            let delta = step_size * config.noise_radius;
            Ok(Row {
                step_size,
                smoothed: w.iter().map(|&w| landscape.smoothed_value(w, delta)).collect(),
                sharp_iterates: Proportion::of(&iterates, is_sharp),
                sharp_averages: Proportion::of(&averages, is_sharp),
                spread_of_iterates: Estimate::of_spread(&iterates),
                spread_of_averages: Estimate::of_spread(&averages),
                spread_ratio: Estimate::of_spread_ratio(&averages, &iterates),
                iterates_over_averages: Estimate::of_mean(&differences),
                smoothed_gap: landscape.smoothed_value(sharp, delta) - landscape.smoothed_value(0.0, delta),
                iterate_counts: histogram(&iterates, range, NUM_BINS),
                average_counts: histogram(&averages, range, NUM_BINS),
            })
        })
        .collect::<Result<Vec<_>, TheoryError>>()?;
    let (smallest, largest) = (&rows[0], &rows[rows.len() - 1]);
    Ok(Report {
        config: config.clone(),
        sharp: Minimum {
            w: sharp,
            value: landscape.value(sharp),
            curvature: landscape.second_derivative(sharp),
        },
        iterates_that_leave: smallest.sharp_iterates.minus(&largest.sharp_iterates),
        averages_that_leave: smallest.sharp_averages.minus(&largest.sharp_averages),
        objective: w.iter().map(|&w| landscape.value(w)).collect(),
        w,
        bin_edges: bin_edges(range, NUM_BINS),
        rows,
    })
}

fn paths(config: &Config, step_size: f64) -> Result<Vec<PathSummary>, TheoryError> {
    let Config { seed, noise_radius, start_radius, num_steps, num_runs, .. } = *config;
    let burn_in = num_steps / 2;
    let start = |replicate| {
        let key = NoiseKey { seed, part: STARTS, step_size: step_size.to_bits(), replicate };
        UniformNoise::new(start_radius, key).draw()
    };
    let starts: Vec<f64> = (0..num_runs).map(start).collect();
    let num_steps = num_steps - burn_in;
    let simulation =
        Simulation { step_size, noise_radius, start: 0.0, burn_in, num_steps, seed, part: PATHS };
    single_paths(&config.landscape, &simulation, 0.0, &starts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_end_where_runs_of_another_program_ended() {
        let report = run(&Config { num_runs: 1000, ..Config::default() }).unwrap();
        // Step size; shares at the sharp minimum, of 4,000 runs; standard deviations of the ends, of 100 runs.
        let known = [
            (0.01, 0.697, 0.592, 1.13, 1.01),
            (0.02, 0.365, 0.116, 1.46, 0.72),
            (0.03, 0.240, 0.014, 1.66, 0.61),
            (0.05, 0.160, 0.005, 2.01, 0.55),
            (0.1, 0.123, 0.004, 2.93, 0.54),
        ];
        for (row, (step_size, iterates, averages, spread, average_spread)) in report.rows.iter().zip(known) {
            assert_eq!(row.step_size, step_size);
            for (found, known) in [(row.sharp_iterates, iterates), (row.sharp_averages, averages)] {
                let error = f64::sqrt(known * (1.0 - known) * (1.0 / 1000.0 + 1.0 / 4000.0));
                assert!((found.value - known).abs() < 3.0 * error, "{step_size}: {known} {found:?}");
            }
            for (found, known) in [(row.spread_of_iterates, spread), (row.spread_of_averages, average_spread)]
            {
                let error = found.standard_error * (1.0_f64 + 1000.0 / 100.0).sqrt();
                assert!((found.value - known).abs() < 3.0 * error, "{step_size}: {known} {found:?}");
            }
            assert!(row.spread_ratio.upper < 1.0);
            let difference = row.sharp_iterates.value - row.sharp_averages.value;
            assert!((row.iterates_over_averages.value - difference).abs() < 1e-12);
            // By the closed form of F: -0.54, -0.37, -0.20, 0.02 and 0.21.
            assert_eq!(row.smoothed_gap > 0.0, step_size >= 0.05, "{step_size}: {}", row.smoothed_gap);
            assert_eq!(row.iterate_counts.iter().sum::<u64>(), 1000);
        }
        assert!(report.iterates_that_leave.lower > 0.5 && report.averages_that_leave.lower > 0.5);
    }

    #[test]
    fn results_do_not_depend_on_the_number_of_threads() {
        let config = Config { num_runs: 20, num_steps: 500, ..Config::smoke() };
        let run = |num_threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(num_threads).build().unwrap();
            pool.install(|| run(&config)).unwrap()
        };
        assert_eq!(run(1), run(3));
    }

    #[test]
    fn settings_that_make_no_experiment_are_refused_by_name() {
        let refused = |config: Config| run(&config).unwrap_err().to_string();
        let config = Config::smoke;
        assert!(refused(Config { num_runs: 1, ..config() }).starts_with("num_runs"));
        assert!(refused(Config { num_steps: 1, ..config() }).starts_with("num_steps"));
        assert!(refused(Config { step_sizes: vec![0.1, 0.05], ..config() }).starts_with("step_sizes"));
        assert!(refused(Config { near: f64::NAN, ..config() }).starts_with("near"));
        assert!(refused(Config { noise_radius: 0.0, ..config() }).starts_with("noise_radius"));
        let shallow = TwoBasins { depth: 1e-3, ..TwoBasins::default() };
        assert!(refused(Config { landscape: shallow, ..config() }).starts_with("landscape.depth"));
    }
}
