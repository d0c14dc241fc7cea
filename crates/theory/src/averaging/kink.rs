//! Experiment A3, a negative control: a valley on which averaging does not reach the order of the step size.
//!
//! Theorem 2 of Nitanda et al. (2024), arXiv:2302.09376, bounds the error of averaged SGD by the order of the step size. It assumes
//! that near its minimiser the smoothed objective F is quadratic up to `M |v - v*|^2` in its gradient, with an M that does not depend
//! on the step size. What follows is this project's own derivation. Where the curvature of f jumps, that of F changes over the width
//! of the smoothing, so M grows as one over the step size and the bound loses its rate. To leading order in small steps the mean
//! iterate lies [`sqrt(2 / pi) (s_right - s_left)`](KinkedValley::small_step_mean) from the kink, of the order of the *root* of the
//! step size, whereas v* is of the order of the step size: what the average misses is of the order of the root as well.

use serde::{Deserialize, Serialize};

use crate::error::TheoryError;
use crate::landscape::KinkedValley;
use crate::setting::{at_least_1, at_least_2, check, finite};
use crate::simulate::{Simulation, antithetic_pairs};
use crate::smoothing::Smoothed;
use polder_stats::{Estimate, PowerLaw, power_law};

/// The settings of experiment A3. The default is the desk scale.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The seed of all noise.
    pub seed: u64,
    /// The valley; with equal curvatures on both sides there is no error to measure.
    pub valley: KinkedValley,
    /// The radius of the uniform gradient noise.
    pub noise_radius: f64,
    /// The first iterate.
    pub start: f64,
    /// Steps of every path before anything is measured.
    pub burn_in: u64,
    /// Measured steps of every path, at least 1.
    pub num_steps: u64,
    /// Antithetic pairs of paths per step size, at least 2: intervals are over pairs.
    pub num_pairs: u64,
    /// The step sizes, at least 2, all different.
    pub step_sizes: Vec<f64>,
}

impl Default for Config {
    /// The desk scale: paths of a million steps.
    fn default() -> Self {
        Self {
            seed: 0,
            valley: KinkedValley::default(),
            noise_radius: 1.0,
            start: 0.1,
            burn_in: 20_000,
            num_steps: 1_000_000,
            num_pairs: 24,
            step_sizes: vec![0.01, 0.02, 0.05, 0.1],
        }
    }
}

impl Config {
    /// Paths of 200,000 steps: about a tenth of a second.
    pub fn smoke() -> Self {
        Self { num_steps: 200_000, num_pairs: 12, ..Self::default() }
    }

    /// 100 pairs of paths of a million steps.
    pub fn paper() -> Self {
        Self { num_pairs: 100, ..Self::default() }
    }

    fn validate(&self) -> Result<(), TheoryError> {
        self.valley.validate()?;
        at_least_1([("num_steps", self.num_steps)])?;
        at_least_2([("num_pairs", self.num_pairs)])?;
        finite("start", self.start)?;
        let mut sorted = self.step_sizes.clone();
        sorted.sort_by(f64::total_cmp);
        sorted.dedup();
        let holds = sorted.len() >= 2 && sorted.len() == self.step_sizes.len();
        check(holds, "step_sizes", &format!("{:?}", self.step_sizes), "at least two, all different")
    }
}

/// The result of experiment A3.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The settings it was run with.
    pub config: Config,
    /// One row per step size, in the order of the settings.
    pub rows: Vec<Row>,
    /// |bias of the average| against the step size. Exponent 1 would be the order of the step size; it is well below.
    pub averaged: PowerLaw,
    /// RMS(v - v*) of SGD against the step size: Theorem 1 needs no Hessian, so its exponent 1/2 stands.
    pub sgd: PowerLaw,
    /// The bias of the average over what small steps predict, at the smallest step size; `None` where that is 0, without a kink.
    pub over_prediction: Option<Estimate>,
}

/// One step size of experiment A3.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The step size.
    pub step_size: f64,
    /// Minimiser of the smoothed objective F, in closed form.
    pub v_star: f64,
    /// The same by bisection, minus the closed form.
    pub closed_form_residual: f64,
    /// Mean of the averaged iterate minus v*.
    pub bias: Estimate,
    /// What the bias is to leading order in small steps: [`KinkedValley::small_step_mean`] minus v*.
    pub predicted_bias: f64,
    /// Root mean square of v - v*, where v is the alternative iterate.
    pub rms_v: Estimate,
}

/// Runs experiment A3 on all threads of the current rayon pool. Equal settings give equal results, whatever the number of threads.
///
/// # Errors
/// [`TheoryError::InvalidSetting`], naming the setting; [`TheoryError::Diverged`] if a step size is too large.
///
/// # Source
/// Theorem 2 of Nitanda et al. (2024), arXiv:2302.09376, assumes that the Hessian of the smoothed objective is Lipschitz with a
/// constant that does not depend on the step size. That a kink breaks it, and the closed form of v*, are this project's own derivation.
pub fn run(config: &Config) -> Result<Report, TheoryError> {
    config.validate()?;
    let Config { seed, valley, noise_radius, start, burn_in, num_steps, .. } = *config;
    let mut simulations = Vec::with_capacity(config.step_sizes.len());
    let mut residuals = Vec::with_capacity(config.step_sizes.len());
    for &step_size in &config.step_sizes {
        let smoothed = Smoothed::new(&valley, step_size, noise_radius)?;
        let v_star = valley.smoothed_minimizer(smoothed.delta());
        residuals.push(smoothed.minimizer() - v_star);
        let simulation = Simulation { step_size, noise_radius, start, burn_in, num_steps, seed, part: 0 };
        simulations.push((simulation, v_star));
    }
    let pairs = antithetic_pairs(&valley, &simulations, config.num_pairs)?;
    let mut biases = Vec::with_capacity(pairs.len());
    let mut mean_squares = Vec::with_capacity(pairs.len());
    let mut rows: Vec<Row> = Vec::with_capacity(pairs.len());
    for (((simulation, v_star), pairs), closed_form_residual) in simulations.iter().zip(&pairs).zip(residuals)
    {
        let bias: Vec<f64> = pairs.iter().map(|pair| pair.mean(|path| path.average) - v_star).collect();
        let squares: Vec<f64> = pairs.iter().map(|pair| pair.mean(|path| path.mean_square_v)).collect();
        rows.push(Row {
            step_size: simulation.step_size,
            v_star: *v_star,
            closed_form_residual,
            bias: Estimate::of_mean(&bias),
            predicted_bias: valley.small_step_mean(simulation.step_size, noise_radius * noise_radius / 3.0)
                - v_star,
            rms_v: Estimate::of_mean(&squares).root(squares.len()),
        });
        biases.push(bias);
        mean_squares.push(squares);
    }
    let smallest = rows.iter().min_by(|a, b| a.step_size.total_cmp(&b.step_size));
    Ok(Report {
        config: config.clone(),
        averaged: power_law(&config.step_sizes, &biases, f64::abs),
        sgd: power_law(&config.step_sizes, &mean_squares, f64::sqrt),
        over_prediction: smallest
            .filter(|row| row.predicted_bias != 0.0)
            .map(|row| row.bias.scaled(row.predicted_bias.recip())),
        rows,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_averaged_error_is_not_of_the_order_of_the_step_size() {
        let report = run(&Config::smoke()).unwrap();
        assert!(report.averaged.exponent.upper < 0.5, "{:?}", report.averaged);
        assert!((report.sgd.exponent.value - 0.5).abs() < 0.1, "{:?}", report.sgd);
        let ratio = report.over_prediction.unwrap();
        assert!(ratio.lower > 0.95 && ratio.upper < 1.05, "{ratio:?}");
        // From the stationary density on a grid, iterated to convergence by another program; the last digit is uncertain by one.
        for (row, known) in report.rows.iter().zip([0.029_66, 0.038_61, 0.051_45, 0.060_05]) {
            let error = row.bias.standard_error.hypot(0.000_01);
            assert!((row.bias.value - known).abs() < 4.0 * error, "{row:?}");
            assert!(row.closed_form_residual.abs() < 1e-12);
        }
    }

    #[test]
    fn small_steps_approach_their_limit_and_no_kink_has_none() {
        let report = run(&Config::smoke()).unwrap();
        let gaps: Vec<f64> =
            report.rows.iter().map(|row| (row.bias.value / row.predicted_bias - 1.0).abs()).collect();
        assert!(gaps[0] < 0.03 && gaps[0] < gaps[2] && gaps[2] < gaps[3], "{gaps:?}");
        let valley = KinkedValley { left: 1.0, right: 1.0 };
        let config = Config { valley, num_steps: 1000, burn_in: 0, num_pairs: 4, ..Config::smoke() };
        assert_eq!(run(&config).unwrap().over_prediction, None);
    }

    #[test]
    fn settings_that_make_no_experiment_are_refused_by_name() {
        let refused = |config: Config| run(&config).unwrap_err().to_string();
        assert!(refused(Config { num_pairs: 1, ..Config::smoke() }).starts_with("num_pairs"));
        assert!(refused(Config { step_sizes: vec![0.1, 0.1], ..Config::smoke() }).starts_with("step_sizes"));
        let valley = KinkedValley { left: -1.0, right: 1.0 };
        assert!(refused(Config { valley, ..Config::smoke() }).starts_with("valley.left"));
    }
}
