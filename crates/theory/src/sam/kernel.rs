//! Experiment D2: bias and variance of SAM against gradient descent in kernel regression, at the examples and at new points.
//!
//! The theory (the question is that of Behdin and Mazumder (2023), arXiv:2302.11836; the formulas are this project's own derivation): with
//! the Gram matrix K, SAM in the kernel's function space moves the coefficients of the fit as `a <- a - eta (I + rho K)(K a - y)`. At the
//! examples this is [experiment D1](crate::sam::least_squares::run) in the eigenbasis of K. At other points bias and variance have closed forms as well, but
//! the components of different eigenvectors mix there, and neither need be ordered.

mod problem;

use std::f64::consts::PI;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::agreement::Agreement;
use crate::draws::{Draws, Purpose};
use crate::error::TheoryError;
use crate::matrix::Matrix;
use crate::sam::bias_variance::{BiasVarianceCurve, curves};
use crate::sam::kernel::problem::{GaussianKernel, KernelRegression};
use crate::sam::spectral_filter::{SpectralFilter, logarithmic_steps};
use crate::sam::trade_off::TradeOff;
use crate::setting::{at_least_1, at_least_2, positive};

/// One kernel regression.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Problem {
    /// The dimension of the inputs, at least 1.
    pub dimension: usize,
    /// The kernel's bandwidth, above 0.
    pub bandwidth: f64,
}

/// The settings of experiment D2.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The seed of points and noise.
    pub seed: u64,
    /// The problems.
    pub problems: Vec<Problem>,
    /// Examples per problem, at least 1; inputs are uniform on `[0, 1]` in every coordinate.
    pub num_examples: usize,
    /// Test points per problem, at least 1.
    pub num_test_points: usize,
    /// The signal-to-noise ratio: the mean square of the signal at the examples over the variance of the noise; above 0.
    pub signal_to_noise: f64,
    /// Radii of SAM in units of 1 over the largest eigenvalue; gradient descent comes on top.
    pub rho_shares: Vec<f64>,
    /// The step size in units of 1 over the largest eigenvalue.
    pub step_share: f64,
    /// Steps of every run.
    pub num_steps: u64,
    /// Recorded steps, evenly spaced on a logarithmic axis.
    pub num_points: usize,
    /// Replicates per problem, at least 2.
    pub num_replicates: u64,
}

impl Default for Config {
    /// The desk scale.
    fn default() -> Self {
        Self {
            seed: 0,
            problems: vec![
                Problem { dimension: 1, bandwidth: 0.1 },
                Problem { dimension: 10, bandwidth: 1.0 },
            ],
            num_examples: 100,
            num_test_points: 200,
            signal_to_noise: 5.0,
            rho_shares: vec![0.1, 0.3, 1.0],
            step_share: 0.4,
            num_steps: 400,
            num_points: 20,
            num_replicates: 60,
        }
    }
}

impl Config {
    /// Seconds: few examples, replicates and steps.
    pub fn smoke() -> Self {
        Self {
            num_examples: 30,
            num_test_points: 40,
            num_steps: 60,
            num_points: 10,
            num_replicates: 20,
            ..Self::default()
        }
    }

    /// Long curves and many replicates.
    pub fn paper() -> Self {
        Self {
            num_steps: 10_000,
            num_points: 40,
            num_replicates: 200,
            num_test_points: 1000,
            ..Self::default()
        }
    }

    fn validate(&self) -> Result<(), TheoryError> {
        at_least_1(self.problems.iter().map(|problem| ("dimension", problem.dimension as u64)))?;
        positive(self.problems.iter().map(|problem| ("bandwidth", problem.bandwidth)))?;
        at_least_1([
            ("num_examples", self.num_examples as u64),
            ("num_test_points", self.num_test_points as u64),
            ("num_steps", self.num_steps),
        ])?;
        at_least_2([("num_replicates", self.num_replicates)])?;
        positive([("signal_to_noise", self.signal_to_noise)])
    }
}

/// The result of experiment D2.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The settings it was run with.
    pub config: Config,
    /// One per problem.
    pub cells: Vec<ProblemReport>,
    /// Whether all Monte Carlo estimates agree with the closed form.
    pub agreement: Agreement,
    /// What SAM does to bias and variance at the examples. At other points the eigenvectors of the Gram matrix are not orthogonal, and
    /// neither order need hold.
    pub trade_off: Option<TradeOff>,
}

/// What became of one problem.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProblemReport {
    /// The problem.
    pub problem: Problem,
    /// The standard deviation of the noise.
    pub noise_sd: f64,
    /// The eigenvalues of the Gram matrix, descending.
    pub eigenvalues: Vec<f64>,
    /// The step size.
    pub step_size: f64,
    /// Mean squared errors at the examples, against the noise-free values: gradient descent, then SAM with every radius.
    pub training: Vec<BiasVarianceCurve>,
    /// Mean squared errors at the test points.
    pub test: Vec<BiasVarianceCurve>,
}

/// Runs experiment D2 on all threads of the current rayon pool. Equal settings give equal results, whatever the number of threads.
///
/// The function to be learned is `sin(2 pi s) + cos(pi s) / 2` of the mean `s` of the coordinates, stretched about 1/2 by the root of
/// the dimension so that it varies as much in any.
///
/// # Errors
/// [`TheoryError::InvalidSetting`], naming the setting; also for a step size that does not converge.
///
/// # Source
/// `KernelRegression`; the settings are this project's own.
pub fn run(config: &Config) -> Result<Report, TheoryError> {
    config.validate()?;
    let cells: Vec<ProblemReport> = config
        .problems
        .iter()
        .enumerate()
        .map(|(index, problem)| problem_report(config, index as u64, *problem))
        .collect::<Result<_, _>>()?;
    let curves = cells.iter().flat_map(|cell| cell.training.iter().chain(&cell.test));
    let agreement = Agreement::of_curves(curves, config.num_replicates);
    let trade_off = TradeOff::of(cells.iter().map(|cell| cell.training.as_slice()), config.num_replicates);
    Ok(Report { config: config.clone(), cells, agreement, trade_off })
}

/// Error vectors of one replicate: for every radius, for every recorded step.
type Errors = Vec<Vec<Vec<f64>>>;

fn problem_report(config: &Config, part: u64, settings: Problem) -> Result<ProblemReport, TheoryError> {
    let Problem { dimension, bandwidth } = settings;
    let purpose = Purpose { seed: config.seed, experiment: "D2", part, replicate: 0 };
    let mut draws = Draws::new(Purpose { replicate: u64::MAX, ..purpose });
    let mut points = |count| {
        let points = Matrix::from_fn(count, dimension, |_, _| draws.uniform(0.0, 1.0));
        let values: Vec<f64> = (0..count).map(|i| target(points.row(i))).collect();
        (points, values)
    };
    let (examples, signal) = points(config.num_examples);
    let (test_points, test_signal) = points(config.num_test_points);
    let power = signal.iter().map(|f| f * f).sum::<f64>() / signal.len() as f64;
    let noise_sd = (power / config.signal_to_noise).sqrt();
    let kernel = GaussianKernel { bandwidth };
    let problem = KernelRegression::new(kernel, (&examples, signal), (&test_points, test_signal), noise_sd)?;

    let top = problem.eigen.values[0];
    let step_size = config.step_share / top;
    let rhos: Vec<f64> =
        std::iter::once(0.0).chain(config.rho_shares.iter().map(|share| share / top)).collect();
    let filters: Vec<SpectralFilter> = rhos.iter().map(|&rho| SpectralFilter { step_size, rho }).collect();
    filters.iter().try_for_each(|filter| filter.validate(top))?;
    let steps = logarithmic_steps(config.num_steps, config.num_points);

    let replicate = |replicate| -> Result<(Errors, Errors), TheoryError> {
        let mut draws = Draws::new(Purpose { replicate, ..purpose });
        let labels = problem.labels(&draws.normals(config.num_examples));
        let (mut training, mut test) = (Vec::new(), Vec::new());
        for filter in &filters {
            let fitted = problem.fit(filter, &labels, &steps)?;
            let (at_examples, at_tests) = fitted.iter().map(|alpha| problem.errors(alpha)).unzip();
            training.push(at_examples);
            test.push(at_tests);
        }
        Ok((training, test))
    };
    let errors: Vec<(Errors, Errors)> =
        (0..config.num_replicates).into_par_iter().map(replicate).collect::<Result<_, _>>()?;
    let (training, test): (Vec<Errors>, Vec<Errors>) = errors.into_iter().unzip();
    Ok(ProblemReport {
        problem: settings,
        noise_sd,
        eigenvalues: problem.eigen.values.clone(),
        step_size,
        training: curves(&rhos, &steps, |i, step| problem.training_error(&filters[i], step), &training),
        test: curves(&rhos, &steps, |i, step| problem.test_error(&filters[i], step), &test),
    })
}

/// The function to be learned.
fn target(x: &[f64]) -> f64 {
    let d = x.len() as f64;
    let s = 0.5 + d.sqrt() * (x.iter().sum::<f64>() / d - 0.5);
    (2.0 * PI * s).sin() + 0.5 * (PI * s).cos()
}
