//! The settings of experiment D1.

use serde::{Deserialize, Serialize};

use crate::error::TheoryError;
use crate::setting::{at_least_1, at_least_2, check, finite, positive};

/// The settings of experiment D1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
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
    pub grid: Grid,
}

/// Random problems: every number of features with every signal-to-noise ratio.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Grid {
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

impl Default for Grid {
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

impl Default for Config {
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
            steps: vec![1, 2, 3, 5, 7, 10, 14, 20, 28, 38, 50, 70, 100, 150, 220, 330, 500],
            num_replicates: 10_000,
            grid: Grid::default(),
        }
    }
}

impl Config {
    /// Seconds: few replicates and one small random problem.
    pub fn smoke() -> Self {
        let grid = Grid {
            num_examples: 30,
            num_features: vec![20],
            signal_to_noise: vec![5.0],
            num_steps: 60,
            num_points: 10,
            num_replicates: 20,
            ..Grid::default()
        };
        Self { num_replicates: 4000, grid, ..Self::default() }
    }

    /// The settings of the paper's experiment as this project reconstructs it: 100 replicates and long curves.
    pub fn paper() -> Self {
        let grid = Grid { num_steps: 2000, num_points: 40, num_replicates: 100, ..Grid::default() };
        Self { num_replicates: 100_000, grid, ..Self::default() }
    }

    pub(super) fn validate(&self) -> Result<(), TheoryError> {
        let Grid { num_examples, num_steps, num_features, signal_to_noise, decay, .. } = &self.grid;
        at_least_2([
            ("num_replicates", self.num_replicates),
            ("grid.num_replicates", self.grid.num_replicates),
        ])?;
        let ascending = self.steps.is_sorted_by(|a, b| a < b) && !self.steps.is_empty();
        check(ascending, "steps", &format!("{:?}", self.steps), "one or more, ascending")?;
        let counts = std::iter::once(num_examples).chain(num_features);
        at_least_1(counts.map(|count| ("grid.num_examples and grid.num_features", *count as u64)))?;
        at_least_1([("grid.num_steps", *num_steps)])?;
        finite("grid.decay", *decay)?;
        positive(signal_to_noise.iter().map(|ratio| ("grid.signal_to_noise", *ratio)))
    }
}
