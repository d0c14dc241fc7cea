//! Experiment D4: one-hidden-layer students of a teacher with label noise, trained by gradient descent and by SAM.
//!
//! What is asked (Behdin and Mazumder (2023), arXiv:2302.11836, v3): whether SAM ends in less sharp solutions, by the largest eigenvalue
//! and the trace of the Hessian, and predicts better. There is no closed form; the comparison is paired, student by student.

mod config;
mod network;

use polder_optim::Optimizer as _;
use polder_optim::sharpness::{
    HessianAt, HutchinsonConfig, Lanczos, LanczosConfig, StoppingRule, hutchinson_trace,
};
use polder_optim::{Sam, SamConfig, SgdConfig};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::draws::{Draws, Purpose};
use crate::error::TheoryError;
use crate::matrix::Matrix;
use crate::sam::spectral_filter::logarithmic_steps;
use crate::sam::students::network::{OneHiddenLayer, SquaredLoss};
use polder_stats::Estimate;

pub use config::Config;

/// The result of experiment D4.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The settings it was run with.
    pub config: Config,
    /// The recorded steps, ascending.
    pub rows: Vec<Row>,
    /// The lowest test error over the recorded steps of every run: what stopping at the best of them gives.
    pub best_test_error: Comparison,
    /// The largest eigenvalue of the Hessian of the training loss after the last step.
    pub top_eigenvalue: Comparison,
    /// Its trace after the last step.
    pub trace: Comparison,
    /// Every replicate by itself.
    pub replicates: Vec<Replicate>,
}

/// Both students of one replicate.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Replicate {
    /// Trained by gradient descent.
    pub gradient_descent: Student,
    /// Trained by SAM.
    pub sam: Student,
}

/// What became of one student.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Student {
    /// The lowest test error over the recorded steps.
    pub best_test_error: f64,
    /// The largest eigenvalue of the Hessian after the last step.
    pub top_eigenvalue: f64,
    /// Its trace.
    pub trace: f64,
}

/// A quantity under gradient descent and under SAM.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// Under gradient descent.
    pub gradient_descent: Estimate,
    /// Under SAM.
    pub sam: Estimate,
    /// SAM minus gradient descent, paired: both start at one student and see the same examples.
    pub difference: Estimate,
}

/// One recorded step.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The number of steps made.
    pub step: u64,
    /// The mean squared distance from the teacher at the test points, in units of the variance of the teacher's outputs.
    pub test_error: Comparison,
    /// The training loss, half the mean squared distance from the noisy labels.
    pub training_loss: Comparison,
}

/// One run of one student.
struct Run {
    test_errors: Vec<f64>,
    training_losses: Vec<f64>,
    student: Student,
}

/// Runs experiment D4 on all threads of the current rayon pool. Equal settings give equal results, whatever the number of threads.
///
/// A replicate draws a teacher, examples, noise and one initial student, which gradient descent and SAM train on all examples at once.
/// Outputs of every teacher are scaled to variance 1 over the test points. Curvature is measured by [`Lanczos`] and Hutchinson's
/// estimator through exact Hessian-vector products.
///
/// # Errors
/// [`TheoryError::InvalidSetting`], naming the setting; [`TheoryError::Diverged`] if a loss leaves the finite numbers.
///
/// # Source
/// The question is that of Behdin and Mazumder (2023), arXiv:2302.11836, v3, on one-hidden-layer networks; network, settings and
/// measures are this project's own.
pub fn run(config: &Config) -> Result<Report, TheoryError> {
    config.validate()?;
    let steps = logarithmic_steps(config.num_steps, config.num_points);
    let pairs: Vec<(Run, Run)> = (0..config.num_replicates)
        .into_par_iter()
        .map(|replicate| pair(config, &steps, replicate))
        .collect::<Result<_, _>>()?;
    let compare = |quantity: &dyn Fn(&Run) -> f64| {
        let gd: Vec<f64> = pairs.iter().map(|(gd, _)| quantity(gd)).collect();
        let sam: Vec<f64> = pairs.iter().map(|(_, sam)| quantity(sam)).collect();
        let differences: Vec<f64> = sam.iter().zip(&gd).map(|(sam, gd)| sam - gd).collect();
        Comparison {
            gradient_descent: Estimate::of_mean(&gd),
            sam: Estimate::of_mean(&sam),
            difference: Estimate::of_mean(&differences),
        }
    };
    let row = |(index, &step): (usize, &u64)| Row {
        step,
        test_error: compare(&|run| run.test_errors[index]),
        training_loss: compare(&|run| run.training_losses[index]),
    };
    Ok(Report {
        config: config.clone(),
        rows: steps.iter().enumerate().map(row).collect(),
        best_test_error: compare(&|run| run.student.best_test_error),
        top_eigenvalue: compare(&|run| run.student.top_eigenvalue),
        trace: compare(&|run| run.student.trace),
        replicates: pairs
            .iter()
            .map(|(gd, sam)| Replicate { gradient_descent: gd.student, sam: sam.student })
            .collect(),
    })
}

/// Everything that the two runs of a replicate share.
struct Problem {
    student: OneHiddenLayer,
    start: Vec<f64>,
    inputs: Matrix,
    labels: Vec<f64>,
    test_inputs: Matrix,
    truth: Vec<f64>,
    /// The seed of probes and start vectors.
    seed: u64,
}

impl Problem {
    fn draw(config: &Config, replicate: u64) -> Self {
        let mut draws = Draws::new(Purpose { seed: config.seed, experiment: "D4", part: 0, replicate });
        let d = config.num_inputs;
        let mut points = |count: usize| {
            let x = draws.normals(d * count);
            Matrix::from_fn(d, count, |i, j| x[i * count + j])
        };
        let (inputs, test_inputs) = (points(config.num_examples), points(config.num_test_points));
        let teacher = OneHiddenLayer { num_inputs: d, num_units: config.teacher_units };
        let parameters = teacher.random(1.0, &mut draws);
        let (mut labels, mut truth) =
            (teacher.outputs(&parameters, &inputs), teacher.outputs(&parameters, &test_inputs));
        let mean = truth.iter().sum::<f64>() / truth.len() as f64;
        let variance = truth.iter().map(|f| (f - mean).powi(2)).sum::<f64>() / truth.len() as f64;
        // A single test point has no variance to divide by.
        let scale = if variance > 0.0 { 1.0 / variance.sqrt() } else { 1.0 };
        labels.iter_mut().chain(&mut truth).for_each(|f| *f *= scale);
        for (label, z) in labels.iter_mut().zip(draws.normals(config.num_examples)) {
            *label += config.noise_share * z;
        }
        let student = OneHiddenLayer { num_inputs: d, num_units: config.student_units };
        let start = student.random(config.initial_scale, &mut draws);
        Self { student, start, inputs, labels, test_inputs, truth, seed: draws.word() }
    }

    fn test_error(&self, parameters: &[f64]) -> f64 {
        let outputs = self.student.outputs(parameters, &self.test_inputs);
        outputs.iter().zip(&self.truth).map(|(f, y)| (f - y).powi(2)).sum::<f64>() / self.truth.len() as f64
    }

    fn run(&self, config: &Config, rho: f64, steps: &[u64], replicate: u64) -> Result<Run, TheoryError> {
        let settings =
            SamConfig { ascent: config.ascent.clone(), ..SamConfig::new(rho, SgdConfig::default()) };
        let mut sam = Sam::new(settings)?;
        let mut loss = SquaredLoss::new(self.student, &self.inputs, &self.labels);
        let (mut w, mut gradient) = (self.start.clone(), vec![0.0; self.start.len()]);
        let (mut test_errors, mut training_losses) = (Vec::new(), Vec::new());
        let mut done = 0;
        for &step in steps {
            for _ in done..step {
                sam.step(&mut loss, &mut w, &mut gradient, config.step_size)?;
            }
            done = step;
            let training_loss = loss.loss(&w);
            if !training_loss.is_finite() {
                return Err(TheoryError::Diverged { step_size: config.step_size, replicate });
            }
            training_losses.push(training_loss);
            test_errors.push(self.test_error(&w));
        }
        let mut hessian = HessianAt::new(loss, &w);
        let lanczos = LanczosConfig { seed: self.seed, ..LanczosConfig::default() };
        let top_eigenvalue = Lanczos::new(&w, lanczos)?.run(&mut hessian)?.largest[0].value;
        let stopping = StoppingRule::exactly(config.num_probes);
        let probes = HutchinsonConfig { seed: self.seed, stopping, ..HutchinsonConfig::default() };
        let trace = hutchinson_trace(&mut hessian, &w, probes)?.mean;
        let best_test_error = test_errors.iter().copied().fold(f64::INFINITY, f64::min);
        let student = Student { best_test_error, top_eigenvalue, trace };
        Ok(Run { test_errors, training_losses, student })
    }
}

fn pair(config: &Config, steps: &[u64], replicate: u64) -> Result<(Run, Run), TheoryError> {
    let problem = Problem::draw(config, replicate);
    Ok((problem.run(config, 0.0, steps, replicate)?, problem.run(config, config.rho, steps, replicate)?))
}
