//! Experiment D3: minibatch SAM regularises at least as strongly as full-batch SAM.
//!
//! The theory (this project's own derivation in the setting of Behdin and Mazumder (2023), arXiv:2302.11836): on minibatches S whose Hessian
//! `H_S` is scaled to be unbiased, the mean error contracts by `I - eta (H + rho E[H_S^2])`, and `E[H_S^2]` is at least `H^2` in the order
//! of symmetric matrices. Without the scaling it need not be.

mod closed_form;
mod config;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::agreement::Agreement;
use crate::draws::{Draws, Purpose};
use crate::error::TheoryError;
use crate::matrix::dot;
use crate::sam::bias_variance::{BiasVarianceEstimate, deviation};
use crate::sam::least_squares::problem::power_law_design;
use crate::sam::minibatch::closed_form::MinibatchSam;
use crate::sam::spectral_filter::logarithmic_steps;
use crate::symmetric_eigen::SymmetricEigen;
use polder_stats::{Estimate, bonferroni};

pub use config::Config;

/// The part that draws the design; minibatches of size b draw as parts 2 b and 2 b + 1.
const DESIGN: u64 = 0;

/// The result of experiment D3.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The settings it was run with.
    pub config: Config,
    /// The radius.
    pub rho: f64,
    /// The step size, one for all batch sizes.
    pub step_size: f64,
    /// The trace of `H^2`.
    pub full_batch_trace: f64,
    /// One row per batch size, ascending; the last is the full batch.
    pub rows: Vec<Row>,
    /// The smallest measured trace of `E[H_S^2]` of a batch that is not full, over that of `H^2`; its interval holds the smallest true
    /// ratio. None if there is no such batch.
    pub smallest_trace_ratio: Option<Estimate>,
    /// Whether the measured traces agree with the closed form.
    pub trace_agreement: Agreement,
    /// Whether the measured biases agree with the closed form.
    pub bias_agreement: Agreement,
}

/// One batch size of experiment D3.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The batch size.
    pub batch_size: usize,
    /// The trace of `E[H_S^2]` in closed form.
    pub trace: f64,
    /// The same over random minibatches.
    pub measured_trace: Estimate,
    /// The largest entry of the difference between closed form and enumeration over all minibatches, in units of the trace; none
    /// where there are too many.
    pub enumeration_error: Option<f64>,
    /// The smallest eigenvalue of `E[H_S^2] - H^2`, in units of the trace of `H^2`: not below 0 but for rounding.
    pub smallest_excess: f64,
    /// The same without the factor `n / |S|` in `H_S`, where it is negative; none where there are too many minibatches.
    pub smallest_excess_unscaled: Option<f64>,
    /// The eigenvalues of the expected effective Hessian, descending: each is at least that of the full batch.
    pub effective_eigenvalues: Vec<f64>,
    /// The squared bias over the steps.
    pub bias: Vec<Bias>,
}

/// The squared bias of SAM after some steps.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bias {
    /// The number of steps made.
    pub step: u64,
    /// The squared bias of the parameters for random coefficients, each of mean 0 and variance 1, averaged over them: never above
    /// that of the full batch.
    pub isotropic: f64,
    /// The squared bias at the examples, `|X (E w - beta)|^2 / n`, for the coefficients of the runs.
    pub training: f64,
    /// The same measured over the runs.
    pub measured_training: Estimate,
}

impl Bias {
    /// The distance of the measurement from the closed form, in standard errors.
    pub fn deviation(&self) -> f64 {
        deviation(&self.measured_training, self.training)
    }
}

impl Row {
    /// The distance of the measured trace from the closed form, in standard errors.
    pub fn trace_deviation(&self) -> f64 {
        deviation(&self.measured_trace, self.trace)
    }
}

/// Runs experiment D3 on all threads of the current rayon pool. Equal settings give equal results, whatever the number of threads.
///
/// There is no label noise: what is left after k steps is bias. Its average over isotropic coefficients is the sum of
/// `(1 - eta l_i)^(2k)` over the eigenvalues `l_i` of the effective Hessian, none of which is below that of the full batch because the
/// matrices are ordered; with a step size that overshoots nowhere, neither is the sum above it. For a single vector of coefficients the
/// order need not hold at every step, because the matrices do not commute.
///
/// # Errors
/// [`TheoryError::InvalidSetting`], naming the setting.
///
/// # Source
/// `MinibatchSam`; the settings are this project's own.
pub fn run(config: &Config) -> Result<Report, TheoryError> {
    config.validate()?;
    let purpose = |part| Purpose { seed: config.seed, experiment: "D3", part, replicate: 0 };
    let mut draws = Draws::new(purpose(DESIGN));
    let design = power_law_design(config.num_examples, config.num_features, config.decay, &mut draws);
    let problem = MinibatchSam::new(design, draws.normals(config.num_features));
    let top = SymmetricEigen::of(&problem.hessian)?.values[0];
    let rho = config.rho_share / top;
    let mut batch_sizes = config.batch_sizes.clone();
    batch_sizes.push(config.num_examples);
    batch_sizes.sort_unstable();
    batch_sizes.dedup();
    let sharpest = problem.largest_curvature(batch_sizes[0]);
    let step_size = config.step_share / (sharpest * (1.0 + rho * sharpest));
    let rows: Vec<Row> = batch_sizes
        .iter()
        .map(|&batch_size| row(config, &problem, batch_size, (step_size, rho)))
        .collect::<Result<_, _>>()?;
    let largest = |deviations: &mut dyn Iterator<Item = f64>| deviations.fold(0.0, f64::max);
    let trace = largest(&mut rows.iter().map(Row::trace_deviation));
    let bias = largest(&mut rows.iter().flat_map(|row| &row.bias).map(Bias::deviation));
    let num_biases = rows.iter().map(|row| row.bias.len()).sum();
    let full_batch_trace = problem.hessian_square.trace();
    let ratio =
        |estimate: &Estimate| (estimate.value / full_batch_trace, estimate.standard_error / full_batch_trace);
    let minibatches = rows.iter().filter(|row| row.batch_size < config.num_examples);
    let ratios: Vec<(f64, f64)> = minibatches.map(|row| ratio(&row.measured_trace)).collect();
    Ok(Report {
        config: config.clone(),
        rho,
        step_size,
        full_batch_trace,
        smallest_trace_ratio: polder_stats::smallest(
            &ratios,
            bonferroni(config.num_minibatches, ratios.len()),
        ),
        trace_agreement: Agreement::new(trace, rows.len(), config.num_minibatches),
        bias_agreement: Agreement::new(bias, num_biases, config.num_replicates),
        rows,
    })
}

fn row(
    config: &Config,
    problem: &MinibatchSam,
    batch_size: usize,
    settings: (f64, f64),
) -> Result<Row, TheoryError> {
    let purpose = |part: u64, replicate| Purpose {
        seed: config.seed,
        experiment: "D3",
        part: 2 * batch_size as u64 + part,
        replicate,
    };
    let (law, square) = (problem.mean_square(batch_size), &problem.hessian_square);
    let smallest = |excess| -> Result<f64, TheoryError> {
        Ok(SymmetricEigen::of(&excess)?.values.last().copied().unwrap_or(0.0) / square.trace())
    };
    let (mut enumeration_error, mut smallest_excess_unscaled) = (None, None);
    if num_subsets(config.num_examples, batch_size) <= config.max_enumerated as f64 {
        let factor = config.num_examples as f64 / batch_size as f64;
        let difference = problem.enumerated_mean_square(batch_size, factor).combine(1.0, &law, -1.0);
        let largest = difference.entries.iter().fold(0.0, |largest: f64, x| largest.max(x.abs()));
        enumeration_error = Some(largest / law.trace());
        let unscaled = problem.enumerated_mean_square(batch_size, 1.0);
        smallest_excess_unscaled = Some(smallest(unscaled.combine(1.0, square, -1.0))?);
    }
    let traces: Vec<f64> = (0..config.num_minibatches)
        .into_par_iter()
        .map(|replicate| problem.sampled_trace(batch_size, &mut Draws::new(purpose(0, replicate))))
        .collect();

    let steps = logarithmic_steps(config.num_steps, config.num_points);
    let runs: Vec<Vec<Vec<f64>>> = (0..config.num_replicates)
        .into_par_iter()
        .map(|replicate| {
            let mut draws = Draws::new(purpose(1, replicate));
            let errors = problem.run(batch_size, settings, &steps, &mut draws)?;
            Ok(errors.iter().map(|error| problem.at_examples(error)).collect())
        })
        .collect::<Result<_, TheoryError>>()?;
    let (step_size, rho) = settings;
    let effective = SymmetricEigen::of(&problem.effective_hessian(batch_size, rho))?.values;
    let mean_errors = problem.mean_errors(batch_size, settings, &steps);
    let bias = steps
        .iter()
        .enumerate()
        .map(|(index, &step)| {
            let errors: Vec<&[f64]> = runs.iter().map(|run| run[index].as_slice()).collect();
            let training = problem.at_examples(&mean_errors[index]);
            Bias {
                step,
                isotropic: effective.iter().map(|l| (1.0 - step_size * l).powf(2.0 * step as f64)).sum(),
                training: dot(&training, &training),
                measured_training: BiasVarianceEstimate::of_errors(&errors).bias_squared,
            }
        })
        .collect();
    Ok(Row {
        batch_size,
        trace: law.trace(),
        measured_trace: Estimate::of_mean(&traces),
        enumeration_error,
        smallest_excess: smallest(law.combine(1.0, square, -1.0))?,
        smallest_excess_unscaled,
        effective_eigenvalues: effective,
        bias,
    })
}

/// n choose b, as far as f64 counts.
fn num_subsets(n: usize, b: usize) -> f64 {
    (0..b).map(|i| (n - i) as f64 / (i + 1) as f64).product()
}
