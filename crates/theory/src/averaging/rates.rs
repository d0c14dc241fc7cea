//! Experiment A1: how far SGD and its average stay from the minimiser of the smoothed objective, against the step size.

use serde::{Deserialize, Serialize};

use crate::averaging::short_runs::{ShortRuns, ShortRunsConfig, short_runs};
use crate::error::TheoryError;
use crate::landscape::AsymmetricValley;
use crate::setting::{at_least_1, at_least_2, check, finite};
use crate::simulate::{AntitheticPair, PathSummary, Simulation, antithetic_pairs};
use crate::smoothing::Smoothed;
use polder_stats::{Estimate, PowerLaw, power_law};

/// The settings of experiment A1. The default is the desk scale.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The seed of all noise.
    pub seed: u64,
    /// Antithetic pairs of paths per step size, at least 2: intervals are over pairs.
    pub num_pairs: u64,
    /// Steps of every path before anything is measured.
    pub burn_in: u64,
    /// Measured steps of every path, at least 1.
    pub num_steps: u64,
    /// The first iterate.
    pub start: f64,
    /// The radius of the uniform gradient noise.
    pub noise_radius: f64,
    /// The step sizes, at least one, all different.
    pub step_sizes: Vec<f64>,
    /// The largest step size that the fits use: the rates are those of vanishing steps, and larger ones bend away from them. Fewer
    /// than two step sizes up to here make no fit.
    pub fit_up_to: f64,
    /// The short runs of the figure.
    pub short_runs: ShortRunsConfig,
}

/// The result of experiment A1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The settings it was run with.
    pub config: Config,
    /// One row per step size, ascending.
    pub rows: Vec<Row>,
    /// The rates, where there are step sizes to fit them to.
    pub fit: Option<Fit>,
    /// Curves and histograms at the largest step size.
    pub short_runs: ShortRuns,
}

/// The rates of experiment A1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fit {
    /// RMS(v - v*) of SGD against the step size; the theory says exponent 1/2.
    pub sgd: PowerLaw,
    /// |bias of the average| against the step size; the theory says exponent 1.
    pub averaged: PowerLaw,
}

/// One step size of experiment A1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The step size.
    pub step_size: f64,
    /// Whether the fits use this row.
    pub in_fit: bool,
    /// Minimiser of the smoothed objective F.
    pub v_star: f64,
    /// `f(v* + delta) - f(v* - delta)`, 0 in exact arithmetic.
    pub chord_residual: f64,
    /// Root mean square of v - v*, where v is the alternative iterate.
    pub rms_v: Estimate,
    /// Root mean square of w - v*, where w is the iterate.
    pub rms_w: Estimate,
    /// Mean of the averaged iterate minus v*.
    pub bias: Estimate,
}

impl Default for Config {
    /// The desk scale: 24 pairs of paths of a million steps.
    fn default() -> Self {
        Self {
            seed: 0,
            num_pairs: 24,
            burn_in: 20_000,
            num_steps: 1_000_000,
            start: 0.5,
            noise_radius: 2.0,
            step_sizes: vec![0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2],
            fit_up_to: 0.02,
            short_runs: ShortRunsConfig::default(),
        }
    }
}

impl Config {
    /// Paths of 200,000 steps: about a tenth of a second.
    pub fn smoke() -> Self {
        Self { num_pairs: 12, num_steps: 200_000, ..Self::default() }
    }

    /// 100 pairs of paths of a million steps.
    pub fn paper() -> Self {
        Self { num_pairs: 100, ..Self::default() }
    }

    fn validate(&self) -> Result<(), TheoryError> {
        at_least_2([("num_pairs", self.num_pairs)])?;
        at_least_1([("num_steps", self.num_steps)])?;
        finite("start", self.start)?;
        let mut different = self.ascending();
        different.dedup();
        let holds = !different.is_empty() && different.len() == self.step_sizes.len();
        check(holds, "step_sizes", &format!("{:?}", self.step_sizes), "at least one, all different")
    }

    fn ascending(&self) -> Vec<f64> {
        let mut step_sizes = self.step_sizes.clone();
        step_sizes.sort_by(f64::total_cmp);
        step_sizes
    }
}

/// Runs experiment A1 on the asymmetric valley, on all threads of the current rayon pool. Equal settings give equal results, whatever the
/// number of threads.
///
/// # Errors
/// [`TheoryError::InvalidSetting`], naming the setting; [`TheoryError::Diverged`] if a step size is too large.
///
/// # Source
/// Nitanda et al. (2024), arXiv:2302.09376: Theorem 1 (SGD, square root of the step size) and Theorem 2 (averaged SGD, step size).
/// The landscape and the settings are this project's own.
///
/// # Example
/// ```
/// use polder_theory::averaging::rates::{Config, run};
///
/// let smoke = Config { num_pairs: 4, num_steps: 20_000, ..Config::default() };
/// let result = run(&smoke)?;
/// let fit = result.fit.expect("four step sizes are small enough for the fit");
/// assert!((fit.sgd.exponent.value - 0.5).abs() < 0.1);
/// # Ok::<(), polder_theory::TheoryError>(())
/// ```
pub fn run(config: &Config) -> Result<Report, TheoryError> {
    config.validate()?;
    let landscape = AsymmetricValley;
    let step_sizes = config.ascending();
    let mut simulations = Vec::with_capacity(step_sizes.len());
    let mut chord_residuals = Vec::with_capacity(step_sizes.len());
    for &step_size in &step_sizes {
        let smoothed = Smoothed::new(&landscape, step_size, config.noise_radius)?;
        let v_star = smoothed.minimizer();
        chord_residuals.push(smoothed.chord_rise(v_star));
        let Config { noise_radius, start, burn_in, num_steps, seed, .. } = *config;
        simulations
            .push((Simulation { step_size, noise_radius, start, burn_in, num_steps, seed, part: 0 }, v_star));
    }
    let pairs = antithetic_pairs(&landscape, &simulations, config.num_pairs)?;

    let mut rows = Vec::with_capacity(step_sizes.len());
    let (mut fitted, mut squares, mut biases) = (Vec::new(), Vec::new(), Vec::new());
    for (index, &step_size) in step_sizes.iter().enumerate() {
        let in_fit = step_size <= config.fit_up_to;
        let v_star = simulations[index].1;
        let square_v = per_pair(&pairs[index], |path| path.mean_square_v);
        let square_w = per_pair(&pairs[index], |path| path.mean_square_w);
        let bias = per_pair(&pairs[index], |path| path.average - v_star);
        rows.push(Row {
            step_size,
            in_fit,
            v_star,
            chord_residual: chord_residuals[index],
            rms_v: Estimate::of_mean(&square_v).root(square_v.len()),
            rms_w: Estimate::of_mean(&square_w).root(square_w.len()),
            bias: Estimate::of_mean(&bias),
        });
        if in_fit {
            fitted.push(step_size);
            squares.push(square_v);
            biases.push(bias);
        }
    }
    let fit = (fitted.len() > 1).then(|| Fit {
        sgd: power_law(&fitted, &squares, f64::sqrt),
        averaged: power_law(&fitted, &biases, f64::abs),
    });
    let largest = step_sizes[step_sizes.len() - 1];
    let noise = (config.noise_radius, config.start, config.seed);
    let short_runs = short_runs(&landscape, &config.short_runs, largest, noise)?;
    Ok(Report { config: config.clone(), rows, fit, short_runs })
}

fn per_pair(pairs: &[AntitheticPair], quantity: impl Fn(&PathSummary) -> f64) -> Vec<f64> {
    pairs.iter().map(|pair| pair.mean(&quantity)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn short() -> Config {
        let short_runs = ShortRunsConfig { num_runs: 10, num_steps: 100 };
        Config { num_pairs: 8, num_steps: 200_000, short_runs, ..Config::default() }
    }

    #[test]
    fn a_short_a1_meets_the_rates_and_the_known_table() {
        let result = run(&short()).unwrap();
        let fit = result.fit.unwrap();
        assert!((fit.sgd.exponent.value - 0.5).abs() < 0.05, "{fit:?}");
        assert!((fit.averaged.exponent.value - 1.0).abs() < 0.1, "{fit:?}");
        // Step size, RMS(v - v*), RMS(w - v*), bias and the error of its last digits, from longer runs of another program.
        let known = [
            (0.01, 0.048_85, 0.050_2, -0.001_136, 0.000_005),
            (0.02, 0.067_7, 0.071_5, -0.002_17, 0.000_01),
            (0.05, 0.100_6, 0.116_0, -0.004_78, 0.000_02),
            (0.1, 0.125_3, 0.170_4, -0.007_27, 0.000_05),
            (0.2, 0.125_5, 0.262_9, -0.006_96, 0.000_09),
        ];
        for (step_size, rms_v, rms_w, bias, bias_error) in known {
            let row = result.rows.iter().find(|row| row.step_size == step_size).unwrap();
            assert!((row.rms_v.value / rms_v - 1.0).abs() < 0.015, "{row:?}");
            assert!((row.rms_w.value / rms_w - 1.0).abs() < 0.015, "{row:?}");
            let error = row.bias.standard_error.hypot(bias_error);
            assert!((row.bias.value - bias).abs() < 4.0 * error, "{row:?}");
            assert!(row.chord_residual.abs() <= 1e-9);
        }
        let in_fit: Vec<f64> = result.rows.iter().filter(|row| row.in_fit).map(|row| row.step_size).collect();
        assert_eq!(in_fit, [0.0025, 0.005, 0.01, 0.02]);
    }

    #[test]
    fn settings_that_make_no_experiment_are_refused_by_name() {
        let refused = |config: Config| run(&config).unwrap_err().to_string();
        assert!(refused(Config { num_pairs: 1, ..short() }).starts_with("num_pairs"));
        assert!(refused(Config { num_steps: 0, ..short() }).starts_with("num_steps"));
        assert!(refused(Config { start: f64::NAN, ..short() }).starts_with("start"));
        assert!(refused(Config { noise_radius: 0.0, ..short() }).starts_with("noise_radius"));
        assert!(refused(Config { step_sizes: vec![], ..short() }).starts_with("step_sizes"));
        assert!(refused(Config { step_sizes: vec![0.01, 0.01], ..short() }).contains("all different"));
        assert!(refused(Config { step_sizes: vec![-0.01], ..short() }).starts_with("step_size"));
    }

    #[test]
    fn a_single_step_size_has_a_row_and_no_fit() {
        let report = run(&Config { step_sizes: vec![0.05], ..short() }).unwrap();
        assert_eq!((report.rows.len(), report.fit, report.short_runs.step_size), (1, None, 0.05));
    }

    #[test]
    fn another_seed_gives_another_result() {
        let config = Config { num_steps: 100, burn_in: 0, ..short() };
        let other = Config { seed: 1, ..config.clone() };
        assert_eq!(run(&config).unwrap().rows, run(&config).unwrap().rows);
        assert_ne!(run(&config).unwrap().rows, run(&other).unwrap().rows);
    }
}
