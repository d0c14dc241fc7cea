//! The settings of experiment D4.

use polder_optim::Ascent;
use serde::{Deserialize, Serialize};

use crate::error::TheoryError;
use crate::setting::{at_least_1, at_least_2, not_negative, positive};

/// The settings of experiment D4.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The seed of teachers, examples, noise and initial students.
    pub seed: u64,
    /// Inputs, at least 1; standard normal.
    pub num_inputs: usize,
    /// Hidden units of the teacher, at least 1.
    pub teacher_units: usize,
    /// Hidden units of the students, at least 1.
    pub student_units: usize,
    /// Examples, at least 1.
    pub num_examples: usize,
    /// Test points, at least 1; their labels are without noise.
    pub num_test_points: usize,
    /// The standard deviation of the label noise in units of that of the teacher's outputs; at least 0.
    pub noise_share: f64,
    /// The standard deviation of the initial outputs of a student, about; above 0.
    pub initial_scale: f64,
    /// The step size, above 0.
    pub step_size: f64,
    /// The radius of SAM, above 0.
    pub rho: f64,
    /// How SAM ascends.
    pub ascent: Ascent,
    /// Steps of every run.
    pub num_steps: u64,
    /// Recorded steps, evenly spaced on a logarithmic axis.
    pub num_points: usize,
    /// Replicates, at least 2, each with a teacher of its own.
    pub num_replicates: u64,
    /// Probes of every trace, at least 2.
    pub num_probes: u64,
}

impl Default for Config {
    /// The desk scale.
    fn default() -> Self {
        Self {
            seed: 0,
            num_inputs: 10,
            teacher_units: 4,
            student_units: 50,
            num_examples: 100,
            num_test_points: 1000,
            noise_share: 0.5,
            initial_scale: 1.0,
            step_size: 0.05,
            rho: 0.5,
            ascent: Ascent::Normalized,
            num_steps: 1500,
            num_points: 16,
            num_replicates: 12,
            num_probes: 100,
        }
    }
}

impl Config {
    /// Few steps and replicates of small students.
    pub fn smoke() -> Self {
        Self {
            student_units: 20,
            num_test_points: 300,
            num_steps: 300,
            num_points: 8,
            num_replicates: 8,
            num_probes: 30,
            ..Self::default()
        }
    }

    /// Wider students, longer runs, more replicates.
    pub fn paper() -> Self {
        Self {
            student_units: 200,
            num_steps: 20_000,
            num_points: 30,
            num_replicates: 50,
            num_probes: 400,
            ..Self::default()
        }
    }

    pub(super) fn validate(&self) -> Result<(), TheoryError> {
        at_least_1([
            ("num_inputs", self.num_inputs as u64),
            ("teacher_units", self.teacher_units as u64),
            ("student_units", self.student_units as u64),
            ("num_examples", self.num_examples as u64),
            ("num_test_points", self.num_test_points as u64),
            ("num_steps", self.num_steps),
        ])?;
        at_least_2([("num_replicates", self.num_replicates), ("num_probes", self.num_probes)])?;
        positive([("initial_scale", self.initial_scale), ("step_size", self.step_size), ("rho", self.rho)])?;
        not_negative("noise_share", self.noise_share)
    }
}
