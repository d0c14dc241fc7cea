//! SGD, SAM and the averages of one trajectory against PyTorch in f64: 50 steps from golden/optim.py, within 1e-12.

mod common;

use std::ops::Range;

use common::{START, assert_close, golden, objective};
use polder_optim::{
    AverageConfig, Averages, DecayOn, Momentum, Optimizer, Sam, SamConfig, Sgd, SgdConfig, WeightDecay,
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden<C> {
    learning_rate: f64,
    cases: Vec<C>,
}

#[derive(Debug, Deserialize)]
struct StepCase {
    rho: Option<f64>,
    momentum: f64,
    dampening: f64,
    nesterov: bool,
    weight_decay: f64,
    ranges: Option<Vec<(usize, usize)>>,
    recorded: Vec<RecordedStep>,
}

#[derive(Debug, Deserialize)]
struct RecordedStep {
    step: usize,
    loss: f64,
    iterate: Vec<f64>,
}

impl StepCase {
    fn base(&self) -> SgdConfig {
        let momentum = if self.nesterov {
            Momentum::Nesterov { coefficient: self.momentum }
        } else {
            Momentum::HeavyBall { coefficient: self.momentum, dampening: self.dampening }
        };
        let ranges = |ranges: &Vec<(usize, usize)>| -> Vec<Range<usize>> {
            ranges.iter().map(|&(start, end)| start..end).collect()
        };
        let on = self.ranges.as_ref().map_or(DecayOn::All, |found| DecayOn::Ranges(ranges(found)));
        let weight_decay = WeightDecay { coefficient: self.weight_decay, on };
        SgdConfig { momentum, weight_decay, clip_norm: None }
    }

    fn describe(&self, step: usize) -> String {
        format!("step {step} of rho {:?} over {:?}", self.rho, self.base())
    }

    fn check(&self, mut optimizer: Optimizer<Vec<f64>>, learning_rate: f64) {
        let (mut iterate, mut gradient) = (START.to_vec(), vec![0.0; 6]);
        let losses: Vec<(f64, Vec<f64>)> = (0..50)
            .map(|_| {
                let loss =
                    optimizer.step(&mut objective, &mut iterate, &mut gradient, learning_rate).unwrap();
                (loss, iterate.clone())
            })
            .collect();
        for recorded in &self.recorded {
            let (loss, iterate) = &losses[recorded.step - 1];
            let case = self.describe(recorded.step);
            assert_close(&[*loss], &[recorded.loss], &case);
            assert_close(iterate, &recorded.iterate, &case);
        }
        assert_eq!(self.recorded.last().map(|recorded| recorded.step), Some(50));
    }
}

#[test]
fn sgd_agrees_with_pytorch_under_every_combination_of_settings() {
    let golden: Golden<StepCase> = golden(include_str!("golden/sgd.json"));
    assert_eq!(golden.cases.len(), 11);
    for case in &golden.cases {
        case.check(Sgd::new(case.base()).unwrap().into(), golden.learning_rate);
    }
}

#[test]
fn no_momentum_and_a_momentum_of_zero_are_the_same() {
    let golden: Golden<StepCase> = golden(include_str!("golden/sgd.json"));
    for case in golden.cases.iter().filter(|case| case.momentum == 0.0) {
        let config = SgdConfig { momentum: Momentum::None, ..case.base() };
        case.check(Sgd::new(config).unwrap().into(), golden.learning_rate);
    }
}

#[test]
fn sam_agrees_with_the_reference_over_every_base_optimizer() {
    let golden: Golden<StepCase> = golden(include_str!("golden/sam.json"));
    assert_eq!(golden.cases.len(), 20);
    for case in &golden.cases {
        let config = SamConfig::new(case.rho.unwrap(), case.base());
        case.check(Sam::new(config).unwrap().into(), golden.learning_rate);
    }
}

#[derive(Deserialize)]
struct AveragesCase {
    start: u64,
    decay: f64,
    momentum: f64,
    recorded: Vec<RecordedAverages>,
}

#[derive(Deserialize)]
struct RecordedAverages {
    step: u64,
    uniform: Vec<f64>,
    ema: Vec<f64>,
}

#[test]
fn averages_agree_with_pytorch() {
    let golden: Golden<AveragesCase> = golden(include_str!("golden/averages.json"));
    for case in &golden.cases {
        let momentum = Momentum::HeavyBall { coefficient: case.momentum, dampening: 0.0 };
        let mut sgd = Sgd::new(SgdConfig { momentum, ..SgdConfig::default() }).unwrap();
        let mut averages = Averages::new(vec![
            ("uniform".to_owned(), AverageConfig::Tail { start: case.start }),
            ("ema".to_owned(), AverageConfig::Ema { start: case.start, decay: case.decay }),
        ])
        .unwrap();
        let (mut iterate, mut gradient) = (START.to_vec(), vec![0.0; 6]);
        let mut recorded = case.recorded.iter();
        for step in 0..50 {
            sgd.step(&mut objective, &mut iterate, &mut gradient, golden.learning_rate).unwrap();
            averages.update(step, &iterate);
            if case.recorded.iter().any(|recorded| recorded.step == step + 1) {
                let expected = recorded.next().unwrap();
                let name = format!("step {} from {}", expected.step, case.start);
                assert_close(averages.get("uniform").unwrap(), &expected.uniform, &name);
                assert_close(averages.get("ema").unwrap(), &expected.ema, &name);
            }
        }
        assert!(recorded.next().is_none());
    }
}
