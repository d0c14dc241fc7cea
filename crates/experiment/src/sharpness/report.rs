//! All that one command found out about a run.

use super::measurement::Measurement;
use super::measurement_spec::{Measure, Subset};

/// All answers of one command.
#[derive(Debug)]
pub struct SharpnessReport {
    pub run: String,
    pub network: String,
    pub dataset: String,
    pub num_parameters: u64,
    pub subset: Subset,
    /// By checkpoint, the oldest first.
    pub stages: Vec<StageReport>,
    /// False after an interrupt.
    pub is_complete: bool,
}

/// The answers about the weights at one checkpoint.
#[derive(Debug)]
pub struct StageReport {
    pub epoch: u64,
    pub step: u64,
    /// By weights.
    pub of_one: Vec<OfOne>,
    /// With the names of the ends.
    pub lines: Vec<(Vec<String>, Measurement)>,
    /// With the names of the corners.
    pub planes: Vec<(Vec<String>, Measurement)>,
}

/// The answers about one set of weights.
#[derive(Debug)]
pub struct OfOne {
    pub name: String,
    /// Euclidean norm.
    pub norm: f64,
    pub answers: Vec<Measurement>,
}

impl StageReport {
    /// Files `answer` under the weights called `names`.
    pub fn add(&mut self, names: Vec<String>, answer: Measurement) {
        match answer.question.measure {
            Measure::Line { .. } => self.lines.push((names, answer)),
            Measure::Plane { .. } => self.planes.push((names, answer)),
            _ => {
                if let Some(of_one) = self.of_one.iter_mut().find(|of_one| of_one.name == names[0]) {
                    of_one.answers.push(answer);
                }
            }
        }
    }
}
