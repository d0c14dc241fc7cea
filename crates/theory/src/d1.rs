//! Experiment D1: bias and variance of SAM against gradient descent on least squares, in closed form and measured.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::agreement::Agreement;
use crate::bias_variance::{BiasVarianceCurve, curves};
use crate::draws::{Draws, Purpose};
use crate::error::TheoryError;
use crate::least_squares::{ErrorNorm, LeastSquares, power_law_design};
use crate::spectral_filter::{SpectralFilter, logarithmic_steps};

/// Parts of the experiment that draw; grid cells draw as this and the next parts.
const GRID_PART: u64 = 2;

/// The settings of experiment D1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct D1Config {
    /// The seed of designs and noise.
    pub seed: u64,
    /// The eigenvalues of the problem of the table, all above 0.
    pub eigenvalues: Vec<f64>,
    /// Its coefficients in the eigenbasis, where the signal is strong.
    pub coefficients: Vec<f64>,
    /// Other coefficients, where it is weak.
    pub low_signal_coefficients: Vec<f64>,
    /// The standard deviation of its label noise.
    pub noise_sd: f64,
    /// Its step size.
    pub step_size: f64,
    /// Its radius of SAM.
    pub rho: f64,
    /// Its recorded steps, ascending.
    pub steps: Vec<u64>,
    /// Its replicates, at least 2.
    pub num_replicates: u64,
    /// Larger random problems.
    pub grid: D1Grid,
}

/// Random problems: every number of features with every signal-to-noise ratio.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct D1Grid {
    /// Examples per problem.
    pub num_examples: usize,
    /// Numbers of features.
    pub num_features: Vec<usize>,
    /// Features have the covariance `diag(j^-decay)`.
    pub decay: f64,
    /// Signal-to-noise ratios, `|X beta|^2 / (n sigma^2)`, all above 0.
    pub signal_to_noise: Vec<f64>,
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

impl Default for D1Grid {
    fn default() -> Self {
        Self {
            num_examples: 100,
            num_features: vec![50, 200],
            decay: 1.0,
            signal_to_noise: vec![1.0, 5.0, 20.0],
            rho_shares: vec![0.1, 0.3, 1.0],
            step_share: 0.4,
            num_steps: 200,
            num_points: 20,
            num_replicates: 40,
        }
    }
}

impl Default for D1Config {
    /// The desk scale.
    fn default() -> Self {
        Self {
            seed: 0,
            eigenvalues: vec![5.0, 1.0, 0.2, 0.05],
            coefficients: vec![1.0, -1.0, 2.0, 0.5],
            low_signal_coefficients: vec![0.05, -0.05, 0.1, 0.02],
            noise_sd: 0.7,
            step_size: 0.05,
            rho: 0.3,
            steps: vec![1, 5, 20, 50, 100, 500],
            num_replicates: 10_000,
            grid: D1Grid::default(),
        }
    }
}

impl D1Config {
    /// Seconds: few replicates and one small random problem.
    pub fn smoke() -> Self {
        let grid = D1Grid {
            num_examples: 30,
            num_features: vec![20],
            signal_to_noise: vec![5.0],
            num_steps: 60,
            num_points: 10,
            num_replicates: 20,
            ..D1Grid::default()
        };
        Self { num_replicates: 500, grid, ..Self::default() }
    }

    /// The default.
    pub fn desk() -> Self {
        Self::default()
    }

    /// The settings of the paper's experiment as this project reconstructs it: 100 replicates and long curves.
    pub fn paper() -> Self {
        let grid = D1Grid { num_steps: 2000, num_points: 40, num_replicates: 100, ..D1Grid::default() };
        Self { num_replicates: 100_000, grid, ..Self::default() }
    }

    fn validate(&self) -> Result<(), TheoryError> {
        for (setting, num_replicates) in
            [("num_replicates", self.num_replicates), ("grid.num_replicates", self.grid.num_replicates)]
        {
            if num_replicates < 2 {
                return Err(TheoryError::setting(setting, &num_replicates, "at least 2"));
            }
        }
        if !self.steps.is_sorted_by(|a, b| a < b) || self.steps.is_empty() {
            return Err(TheoryError::setting(
                "steps",
                &format!("{:?}", self.steps),
                "one or more, ascending",
            ));
        }
        let D1Grid { num_examples, num_steps, num_features, signal_to_noise, decay, .. } = &self.grid;
        if *num_examples == 0 || num_features.contains(&0) {
            return Err(TheoryError::setting("grid.num_examples and grid.num_features", &0, "at least 1"));
        }
        if *num_steps == 0 {
            return Err(TheoryError::setting("grid.num_steps", num_steps, "at least 1"));
        }
        if !decay.is_finite() {
            return Err(TheoryError::setting("grid.decay", decay, "a finite number"));
        }
        match signal_to_noise.iter().find(|ratio| !(ratio.is_finite() && **ratio > 0.0)) {
            Some(bad) => Err(TheoryError::setting("grid.signal_to_noise", bad, "finite numbers above 0")),
            None => Ok(()),
        }
    }
}

/// The result of experiment D1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct D1Report {
    /// The settings it was run with.
    pub config: D1Config,
    /// The problem of the table: gradient descent, then SAM. Errors of the parameters.
    pub high_signal: Vec<BiasVarianceCurve>,
    /// The same with weak coefficients.
    pub low_signal: Vec<BiasVarianceCurve>,
    /// Whether the Monte Carlo estimates of both agree with the closed form.
    pub table_agreement: Agreement,
    /// The random problems.
    pub grid: Vec<D1Cell>,
    /// Whether all their Monte Carlo estimates agree with the closed form.
    pub grid_agreement: Agreement,
}

/// One random problem.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct D1Cell {
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
/// [`LeastSquares`]; the settings of the grid are this project's own.
pub fn d1(config: &D1Config) -> Result<D1Report, TheoryError> {
    config.validate()?;
    let D1Config { step_size, rho, .. } = *config;
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
            grid.push(cell(config, num_features, ratio, GRID_PART + grid.len() as u64)?);
        }
    }
    let high_signal = table(&config.coefficients, 0)?;
    let low_signal = table(&config.low_signal_coefficients, 1)?;
    let in_grid = grid.iter().flat_map(|cell| cell.parameters.iter().chain(&cell.predictions));
    Ok(D1Report {
        config: config.clone(),
        table_agreement: Agreement::of_curves(high_signal.iter().chain(&low_signal), config.num_replicates),
        grid_agreement: Agreement::of_curves(in_grid, config.grid.num_replicates),
        high_signal,
        low_signal,
        grid,
    })
}

fn cell(config: &D1Config, num_features: usize, ratio: f64, part: u64) -> Result<D1Cell, TheoryError> {
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
    let top_eigenvalue = problem.eigenvalues()[0];
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
    Ok(D1Cell {
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
            filter(rho).validate(self.problem.eigenvalues()[0])?;
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
