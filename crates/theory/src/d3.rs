//! Experiment D3: minibatch SAM regularises at least as strongly as full-batch SAM.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::agreement::Agreement;
use crate::bias_variance::{BiasVarianceEstimate, deviation};
use crate::draws::{Draws, Purpose};
use crate::error::TheoryError;
use crate::fit::Estimate;
use crate::least_squares::power_law_design;
use crate::matrix::dot;
use crate::spectral_filter::logarithmic_steps;
use crate::stochastic_sam::MinibatchSam;
use crate::symmetric_eigen::SymmetricEigen;

/// The part that draws the design; minibatches of size b draw as parts 2 b and 2 b + 1.
const DESIGN: u64 = 0;

/// The settings of experiment D3.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct D3Config {
    /// The seed of the design and the minibatches.
    pub seed: u64,
    /// Examples, at least 2.
    pub num_examples: usize,
    /// Features, at least 1.
    pub num_features: usize,
    /// Features have the covariance `diag(j^-decay)`.
    pub decay: f64,
    /// Batch sizes, from 1 to the number of examples; the full batch comes on top.
    pub batch_sizes: Vec<usize>,
    /// The radius in units of 1 over the largest eigenvalue of H; above 0.
    pub rho_share: f64,
    /// The step size in units of the one at which no step on any minibatch overshoots; above 0 and at most 1.
    pub step_share: f64,
    /// Steps of every run.
    pub num_steps: u64,
    /// Recorded steps, evenly spaced on a logarithmic axis.
    pub num_points: usize,
    /// Runs per batch size, at least 2.
    pub num_replicates: u64,
    /// All minibatches are enumerated where there are at most so many.
    pub max_enumerated: u64,
    /// Random minibatches for the mean trace, at least 2.
    pub num_minibatches: u64,
}

impl Default for D3Config {
    /// The desk scale.
    fn default() -> Self {
        Self {
            seed: 0,
            num_examples: 16,
            num_features: 6,
            decay: 1.0,
            batch_sizes: vec![1, 2, 4, 8],
            rho_share: 1.0,
            step_share: 1.0,
            num_steps: 400,
            num_points: 20,
            num_replicates: 1000,
            max_enumerated: 20_000,
            num_minibatches: 10_000,
        }
    }
}

impl D3Config {
    /// Few runs.
    pub fn smoke() -> Self {
        Self { num_steps: 300, num_points: 8, num_replicates: 100, num_minibatches: 1000, ..Self::default() }
    }

    /// The default.
    pub fn desk() -> Self {
        Self::default()
    }

    /// More examples than can be enumerated at the middle batch sizes, and more runs.
    pub fn paper() -> Self {
        Self {
            num_examples: 100,
            num_features: 20,
            batch_sizes: vec![1, 2, 4, 8, 16, 32, 64],
            num_steps: 4000,
            ..Self::default()
        }
    }

    fn validate(&self) -> Result<(), TheoryError> {
        if self.num_examples < 2 || self.num_features == 0 {
            let found = format!("{} and {}", self.num_examples, self.num_features);
            let expected = "at least 2 and at least 1";
            return Err(TheoryError::setting("num_examples and num_features", &found, expected));
        }
        if let Some(bad) = self.batch_sizes.iter().find(|b| !(1..=self.num_examples).contains(*b)) {
            return Err(TheoryError::setting("batch_sizes", bad, "from 1 to the number of examples"));
        }
        for (setting, found) in
            [("num_replicates", self.num_replicates), ("num_minibatches", self.num_minibatches)]
        {
            if found < 2 {
                return Err(TheoryError::setting(setting, &found, "at least 2"));
            }
        }
        if self.num_steps == 0 {
            return Err(TheoryError::setting("num_steps", &0, "at least 1"));
        }
        if !(self.rho_share.is_finite() && self.rho_share > 0.0) {
            return Err(TheoryError::setting("rho_share", &self.rho_share, "a finite number above 0"));
        }
        if !(self.step_share > 0.0 && self.step_share <= 1.0) {
            return Err(TheoryError::setting("step_share", &self.step_share, "above 0 and at most 1"));
        }
        if !self.decay.is_finite() {
            return Err(TheoryError::setting("decay", &self.decay, "a finite number"));
        }
        Ok(())
    }
}

/// The result of experiment D3.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct D3Report {
    /// The settings it was run with.
    pub config: D3Config,
    /// The radius.
    pub rho: f64,
    /// The step size, one for all batch sizes.
    pub step_size: f64,
    /// The trace of `H^2`.
    pub full_batch_trace: f64,
    /// One row per batch size, ascending; the last is the full batch.
    pub rows: Vec<D3Row>,
    /// Whether the measured traces agree with the closed form.
    pub trace_agreement: Agreement,
    /// Whether the measured biases agree with the closed form.
    pub bias_agreement: Agreement,
}

/// One batch size of experiment D3.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct D3Row {
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
    pub bias: Vec<D3Bias>,
}

/// The squared bias of SAM after some steps.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct D3Bias {
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

impl D3Bias {
    /// The distance of the measurement from the closed form, in standard errors.
    pub fn deviation(&self) -> f64 {
        deviation(&self.measured_training, self.training)
    }
}

impl D3Row {
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
/// [`MinibatchSam`]; the settings are this project's own.
pub fn d3(config: &D3Config) -> Result<D3Report, TheoryError> {
    config.validate()?;
    let purpose = |part| Purpose { seed: config.seed, experiment: "D3", part, replicate: 0 };
    let mut draws = Draws::new(purpose(DESIGN));
    let design = power_law_design(config.num_examples, config.num_features, config.decay, &mut draws);
    let problem = MinibatchSam::new(design, draws.normals(config.num_features))?;
    let top = SymmetricEigen::of(problem.hessian())?.values[0];
    let rho = config.rho_share / top;
    let mut batch_sizes = config.batch_sizes.clone();
    batch_sizes.push(config.num_examples);
    batch_sizes.sort_unstable();
    batch_sizes.dedup();
    let sharpest = problem.largest_curvature(batch_sizes[0]);
    let step_size = config.step_share / (sharpest * (1.0 + rho * sharpest));
    let rows: Vec<D3Row> = batch_sizes
        .iter()
        .map(|&batch_size| row(config, &problem, batch_size, (step_size, rho)))
        .collect::<Result<_, _>>()?;
    let largest = |deviations: &mut dyn Iterator<Item = f64>| deviations.fold(0.0, f64::max);
    let trace = largest(&mut rows.iter().map(D3Row::trace_deviation));
    let bias = largest(&mut rows.iter().flat_map(|row| &row.bias).map(D3Bias::deviation));
    let num_biases = rows.iter().map(|row| row.bias.len()).sum();
    Ok(D3Report {
        config: config.clone(),
        rho,
        step_size,
        full_batch_trace: problem.hessian_square().trace(),
        trace_agreement: Agreement::new(trace, rows.len(), config.num_minibatches),
        bias_agreement: Agreement::new(bias, num_biases, config.num_replicates),
        rows,
    })
}

fn row(
    config: &D3Config,
    problem: &MinibatchSam,
    batch_size: usize,
    settings: (f64, f64),
) -> Result<D3Row, TheoryError> {
    let purpose = |part: u64, replicate| Purpose {
        seed: config.seed,
        experiment: "D3",
        part: 2 * batch_size as u64 + part,
        replicate,
    };
    let (law, square) = (problem.mean_square(batch_size), problem.hessian_square());
    let smallest = |excess| -> Result<f64, TheoryError> {
        Ok(SymmetricEigen::of(&excess)?.values.last().copied().unwrap_or(0.0) / square.trace())
    };
    let (mut enumeration_error, mut smallest_excess_unscaled) = (None, None);
    if num_subsets(config.num_examples, batch_size) <= config.max_enumerated as f64 {
        let factor = config.num_examples as f64 / batch_size as f64;
        let difference = problem.enumerated_mean_square(batch_size, factor).combine(1.0, &law, -1.0);
        let largest = difference.entries().iter().fold(0.0, |largest: f64, x| largest.max(x.abs()));
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
            D3Bias {
                step,
                isotropic: effective.iter().map(|l| (1.0 - step_size * l).powf(2.0 * step as f64)).sum(),
                training: dot(&training, &training),
                measured_training: BiasVarianceEstimate::of_errors(&errors).bias_squared,
            }
        })
        .collect();
    Ok(D3Row {
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
