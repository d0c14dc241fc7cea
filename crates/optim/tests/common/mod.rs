//! The objective that golden/optim.py defines a second time, and the golden files it wrote.
#![allow(dead_code, reason = "every test binary uses a part of it")]

pub(crate) mod strategies;

use std::ops::Range;

use polder_optim::{
    Entries, HessianVector, Momentum, Objective, OptimError, Optimizer, Point, SgdConfig, Vector, WeightDecay,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// Where every golden trajectory starts.
pub(crate) const START: [f64; 6] = [1.5, -1.0, 0.5, -0.25, 2.0, -1.75];

const QUARTIC: [f64; 6] = [0.5, 0.25, 1.0, 0.75, 0.125, 0.375];
const COUPLING: [f64; 6] = [1.0, 0.5, 2.0, 0.25, 1.5, 0.75];
const LOGISTIC: [f64; 6] = [1.0, -2.0, 0.5, 3.0, -1.5, 2.5];
/// The terms of the loss that form each of two micro-batches, as if every term were an example.
const MICRO_BATCHES: [Range<usize>; 2] = [0..2, 2..6];

/// The sum over the chosen terms of `q_i w_i^4 / 4 + c_i (w_i - w_{i+1})^2 / 2 + log(1 + exp(l_i w_i))`, with `w_6 = w_0`, and its
/// gradient.
fn quartic_terms(w: &[f64], terms: Range<usize>, gradient: &mut [f64]) -> f64 {
    let mut loss = 0.0;
    gradient.fill(0.0);
    for i in terms {
        let next = (i + 1) % 6;
        let difference = w[i] - w[next];
        let exp = (LOGISTIC[i] * w[i]).exp();
        loss += QUARTIC[i] * w[i].powi(4) / 4.0 + COUPLING[i] * difference * difference / 2.0 + exp.ln_1p();
        gradient[i] += QUARTIC[i] * w[i].powi(3) + COUPLING[i] * difference + LOGISTIC[i] * exp / (1.0 + exp);
        gradient[next] -= COUPLING[i] * difference;
    }
    loss
}

/// All terms of the loss, as an objective.
#[allow(clippy::ptr_arg, clippy::unnecessary_wraps, reason = "this is the signature of an objective")]
pub(crate) fn objective(w: &Vec<f64>, _at: Point, gradient: &mut Vec<f64>) -> Result<f64, OptimError> {
    Ok(quartic_terms(w, 0..6, gradient))
}

/// The same objective with its Hessian and its two micro-batches; a closure can have neither.
#[derive(Debug, Default)]
pub(crate) struct CoupledQuartic {
    /// The loss of the micro-batches so far.
    loss: f64,
}

impl Objective<Vec<f64>> for CoupledQuartic {
    type Loss = f64;

    fn gradient(
        &mut self,
        parameters: &Vec<f64>,
        at: Point,
        gradient: &mut Vec<f64>,
    ) -> Result<f64, OptimError> {
        objective(parameters, at, gradient)
    }

    fn micro_gradient(
        &mut self,
        part: usize,
        of: usize,
        parameters: &Vec<f64>,
        at: Point,
        gradient: &mut Vec<f64>,
    ) -> Result<f64, OptimError> {
        if of != 2 {
            return Err(OptimError::NoMicroBatches { of });
        }
        let loss = quartic_terms(parameters, MICRO_BATCHES[part].clone(), gradient);
        let share = self.micro_share(part, of);
        gradient.scale(1.0 / share);
        if at == Point::Iterate {
            self.loss = if part == 0 { loss } else { self.loss + loss };
        }
        Ok(self.loss)
    }

    fn micro_share(&self, part: usize, _of: usize) -> f64 {
        MICRO_BATCHES[part].len() as f64 / 6.0
    }
}

impl HessianVector<Vec<f64>> for CoupledQuartic {
    fn hessian_vector_product(
        &mut self,
        parameters: &Vec<f64>,
        vector: &Vec<f64>,
        out: &mut Vec<f64>,
    ) -> Result<(), OptimError> {
        out.fill(0.0);
        for i in 0..6 {
            let next = (i + 1) % 6;
            let sigmoid = 1.0 / (1.0 + (-LOGISTIC[i] * parameters[i]).exp());
            let own =
                3.0 * QUARTIC[i] * parameters[i].powi(2) + LOGISTIC[i].powi(2) * sigmoid * (1.0 - sigmoid);
            out[i] += own * vector[i] + COUPLING[i] * (vector[i] - vector[next]);
            out[next] += COUPLING[i] * (vector[next] - vector[i]);
        }
        Ok(())
    }
}

/// Reads one golden file.
pub(crate) fn golden<T: DeserializeOwned>(text: &str) -> T {
    serde_json::from_str(text).expect("golden files are written by golden/optim.py")
}

/// A golden file of trajectories.
#[derive(Deserialize)]
pub(crate) struct Golden<C> {
    pub(crate) learning_rate: f64,
    pub(crate) cases: Vec<C>,
}

/// The settings of `torch.optim.SGD`, and the trajectory that it made.
#[derive(Debug, Deserialize)]
pub(crate) struct SgdCase {
    pub(crate) momentum: f64,
    dampening: f64,
    nesterov: bool,
    weight_decay: f64,
    ranges: Option<Vec<(usize, usize)>>,
    clip_norm: Option<f64>,
    recorded: Vec<RecordedStep>,
}

#[derive(Debug, Deserialize)]
struct RecordedStep {
    step: usize,
    loss: f64,
    iterate: Vec<f64>,
}

impl SgdCase {
    /// The same settings for [`polder_optim::Sgd`].
    pub(crate) fn config(&self) -> SgdConfig {
        let momentum = if self.nesterov {
            Momentum::Nesterov { coefficient: self.momentum }
        } else {
            Momentum::HeavyBall { coefficient: self.momentum, dampening: self.dampening }
        };
        let on = self.ranges.as_ref().map_or(Entries::All, |found| {
            Entries::Ranges(found.iter().map(|&(start, end)| start..end).collect())
        });
        let weight_decay = WeightDecay { coefficient: self.weight_decay, on };
        SgdConfig { momentum, weight_decay, clip_norm: self.clip_norm }
    }

    /// Makes 50 steps and compares every recorded one.
    pub(crate) fn check(
        &self,
        mut optimizer: impl Optimizer<Vec<f64>, CoupledQuartic>,
        learning_rate: f64,
        case: &str,
    ) {
        let (mut iterate, mut gradient) = (START.to_vec(), vec![0.0; 6]);
        let mut objective = CoupledQuartic::default();
        let steps: Vec<(f64, Vec<f64>)> = (0..50)
            .map(|_| {
                let loss =
                    optimizer.step(&mut objective, &mut iterate, &mut gradient, learning_rate).unwrap();
                (loss, iterate.clone())
            })
            .collect();
        for recorded in &self.recorded {
            let (loss, iterate) = &steps[recorded.step - 1];
            let case = format!("step {} of {case} over {:?}", recorded.step, self.config());
            assert_close(&[*loss], &[recorded.loss], &case);
            assert_close(iterate, &recorded.iterate, &case);
        }
        assert_eq!(self.recorded.last().map(|recorded| recorded.step), Some(50));
    }
}

/// Asserts that two vectors agree within 1e-12, absolutely or relative to the larger entry.
///
/// Both sides compute in f64 with another order of operations, and no golden trajectory amplifies rounding by more than a factor
/// of ten: some 1e-15 remain.
#[track_caller]
pub(crate) fn assert_close(found: &[f64], expected: &[f64], case: &str) {
    assert_eq!(found.len(), expected.len(), "{case}");
    for (found, expected) in found.iter().zip(expected) {
        let tolerance = 1e-12 * expected.abs().max(1.0);
        assert!((found - expected).abs() <= tolerance, "{case}: found {found}, expected {expected}");
    }
}
