//! Experiment D1: bias and variance of SAM against gradient descent on least squares, in closed form and measured.
//!
//! The theory (the setting and the trade-off are those of Behdin and Mazumder (2023), arXiv:2302.11836, v1 and v2; the formulas are this
//! project's own derivation): un-normalised SAM on `|X w - y|^2 / 2` is gradient descent that takes every eigenvalue `d` of `X^T X` for
//! `d (1 + rho d)`. With `c = 1 - eta d (1 + rho d)` the estimate after k steps has the squared bias `sum of beta_i^2 c_i^(2 k)` and the
//! variance `sum of (sigma^2 / d_i) (1 - c_i^k)^2`. A larger rho makes every `c` smaller: as long as none is negative, SAM has at every
//! step at most the bias of gradient descent and at least its variance. Which of the two counts for more is a matter of the signal.

mod config;
pub(super) mod problem;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::agreement::Agreement;
use crate::draws::{Draws, Purpose};
use crate::error::TheoryError;
use crate::sam::bias_variance::{BiasVarianceCurve, curves};
use crate::sam::least_squares::problem::{ErrorNorm, LeastSquares, power_law_design};
use crate::sam::spectral_filter::{SpectralFilter, logarithmic_steps};
use crate::sam::trade_off::TradeOff;

pub use config::{Config, Grid};

/// Parts of the experiment that draw; grid points draw as this and the next parts.
const GRID_PART: u64 = 2;

/// The result of experiment D1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The settings it was run with.
    pub config: Config,
    /// The problem of the table: gradient descent, then SAM. Errors of the parameters.
    pub high_signal: Vec<BiasVarianceCurve>,
    /// The same with weak coefficients.
    pub low_signal: Vec<BiasVarianceCurve>,
    /// Whether the Monte Carlo estimates of both agree with the closed form.
    pub table_agreement: Agreement,
    /// What SAM does to bias and variance where the signal is strong. Where it is weak the bias drowns in the variance.
    pub table_trade_off: Option<TradeOff>,
    /// The random problems.
    pub grid: Vec<GridPoint>,
    /// Whether all their Monte Carlo estimates agree with the closed form.
    pub grid_agreement: Agreement,
    /// What SAM does to bias and variance on all of them.
    pub grid_trade_off: Option<TradeOff>,
}

/// One random problem.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GridPoint {
    /// The number of features.
    pub num_features: usize,
    /// `|X beta|^2 / (n sigma^2)`.
    pub signal_to_noise: f64,
    /// sigma.
    pub noise_sd: f64,
    /// The largest eigenvalue of `X^T X`.
    pub top_eigenvalue: f64,
    /// The step size.
    pub step_size: f64,
    /// Errors of the parameters: gradient descent, then SAM with every radius.
    pub parameters: Vec<BiasVarianceCurve>,
    /// Errors of the predictions.
    pub predictions: Vec<BiasVarianceCurve>,
}

/// Runs experiment D1 on all threads of the current rayon pool. Equal settings give equal results, whatever the number of threads.
///
/// All simulated steps are those of [`polder_optim::Sam`] with [`polder_optim::Ascent::Unnormalized`].
///
/// # Errors
/// [`TheoryError::InvalidSetting`], naming the setting; also for a step size that does not converge.
///
/// # Source
/// `LeastSquares`; the settings of the grid are this project's own.
pub fn run(config: &Config) -> Result<Report, TheoryError> {
    config.validate()?;
    let Config { step_size, rho, .. } = *config;
    let table = |coefficients: &[f64], part| {
        let problem = LeastSquares::diagonal(&config.eigenvalues, coefficients.to_vec(), config.noise_sd)?;
        let run = Run {
            problem: &problem,
            step_size,
            rhos: vec![0.0, rho],
            steps: config.steps.clone(),
            num_replicates: config.num_replicates,
            purpose: Purpose { seed: config.seed, experiment: "D1", part, replicate: 0 },
        };
        Ok::<_, TheoryError>(run.curves(&[ErrorNorm::Parameters])?.remove(0))
    };
    let mut grid = Vec::new();
    for &num_features in &config.grid.num_features {
        for &ratio in &config.grid.signal_to_noise {
            grid.push(grid_point(config, num_features, ratio, GRID_PART + grid.len() as u64)?);
        }
    }
    let high_signal = table(&config.coefficients, 0)?;
    let low_signal = table(&config.low_signal_coefficients, 1)?;
    let in_grid = grid.iter().flat_map(|point| point.parameters.iter().chain(&point.predictions));
    let families = grid.iter().flat_map(|point| [point.parameters.as_slice(), &point.predictions]);
    Ok(Report {
        config: config.clone(),
        table_agreement: Agreement::of_curves(high_signal.iter().chain(&low_signal), config.num_replicates),
        grid_agreement: Agreement::of_curves(in_grid, config.grid.num_replicates),
        table_trade_off: TradeOff::of([high_signal.as_slice()], config.num_replicates),
        grid_trade_off: TradeOff::of(families, config.grid.num_replicates),
        high_signal,
        low_signal,
        grid,
    })
}

fn grid_point(config: &Config, num_features: usize, ratio: f64, part: u64) -> Result<GridPoint, TheoryError> {
    let grid = &config.grid;
    let purpose = Purpose { seed: config.seed, experiment: "D1", part, replicate: 0 };
    // Problems of one size share their design and coefficients, so that ratios are compared on equal terms.
    let shared = Purpose { part: u64::MAX, replicate: num_features as u64, ..purpose };
    let mut draws = Draws::new(shared);
    let design = power_law_design(grid.num_examples, num_features, grid.decay, &mut draws);
    let coefficients = draws.normals(num_features);
    let power: f64 =
        design.times(&coefficients).iter().map(|x| x * x).sum::<f64>() / grid.num_examples as f64;
    let noise_sd = (power / ratio).sqrt();
    let problem = LeastSquares::new(design, coefficients, noise_sd)?;
    let top_eigenvalue = problem.eigen.values[0];
    let step_size = grid.step_share / top_eigenvalue;
    let run = Run {
        problem: &problem,
        step_size,
        rhos: std::iter::once(0.0)
            .chain(grid.rho_shares.iter().map(|share| share / top_eigenvalue))
            .collect(),
        steps: logarithmic_steps(grid.num_steps, grid.num_points),
        num_replicates: grid.num_replicates,
        purpose,
    };
    let mut both = run.curves(&[ErrorNorm::Parameters, ErrorNorm::Predictions])?;
    let predictions = both.pop().unwrap_or_default();
    let parameters = both.pop().unwrap_or_default();
    Ok(GridPoint {
        num_features,
        signal_to_noise: ratio,
        noise_sd,
        top_eigenvalue,
        step_size,
        parameters,
        predictions,
    })
}

/// One problem with everything that is run on it.
struct Run<'a> {
    problem: &'a LeastSquares,
    step_size: f64,
    rhos: Vec<f64>,
    steps: Vec<u64>,
    num_replicates: u64,
    purpose: Purpose,
}

impl Run<'_> {
    /// For every norm the curves of all radii.
    fn curves(&self, norms: &[ErrorNorm]) -> Result<Vec<Vec<BiasVarianceCurve>>, TheoryError> {
        let filter = |rho| SpectralFilter { step_size: self.step_size, rho };
        for &rho in &self.rhos {
            filter(rho).validate(self.problem.eigen.values[0])?;
        }
        let estimates: Vec<Vec<Vec<Vec<f64>>>> = (0..self.num_replicates)
            .into_par_iter()
            .map(|replicate| {
                let labels = self.problem.labels(&mut Draws::new(Purpose { replicate, ..self.purpose }));
                self.rhos
                    .iter()
                    .map(|&rho| self.problem.fit(&filter(rho), &labels, &self.steps))
                    .collect::<Result<_, _>>()
            })
            .collect::<Result<_, TheoryError>>()?;
        let of_norm = |norm: &ErrorNorm| {
            let errors: Vec<Vec<Vec<Vec<f64>>>> = estimates
                .par_iter()
                .map(|radii| {
                    radii
                        .iter()
                        .map(|path| path.iter().map(|w| self.problem.error(w, *norm)).collect())
                        .collect()
                })
                .collect();
            let theory =
                |radius: usize, step| self.problem.closed_form(&filter(self.rhos[radius]), step, *norm);
            curves(&self.rhos, &self.steps, theory, &errors)
        };
        Ok(norms.iter().map(of_norm).collect())
    }
}
