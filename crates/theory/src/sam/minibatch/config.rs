//! The settings of experiment D3.

use serde::{Deserialize, Serialize};

use crate::error::TheoryError;
use crate::setting::{at_least_1, at_least_2, check, finite, positive};

/// The settings of experiment D3.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
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

impl Default for Config {
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

impl Config {
    /// Few runs.
    pub fn smoke() -> Self {
        Self { num_steps: 300, num_points: 8, num_replicates: 100, num_minibatches: 1000, ..Self::default() }
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

    pub(super) fn validate(&self) -> Result<(), TheoryError> {
        let found = format!("{} and {}", self.num_examples, self.num_features);
        let holds = self.num_examples >= 2 && self.num_features >= 1;
        check(holds, "num_examples and num_features", &found, "at least 2 and at least 1")?;
        for size in &self.batch_sizes {
            let holds = (1..=self.num_examples).contains(size);
            check(holds, "batch_sizes", size, "from 1 to the number of examples")?;
        }
        at_least_2([("num_replicates", self.num_replicates), ("num_minibatches", self.num_minibatches)])?;
        at_least_1([("num_steps", self.num_steps)])?;
        positive([("rho_share", self.rho_share)])?;
        let holds = self.step_share > 0.0 && self.step_share <= 1.0;
        check(holds, "step_share", &self.step_share, "above 0 and at most 1")?;
        finite("decay", self.decay)
    }
}
