//! Schedules against PyTorch's at every time, within 1e-12.

mod common;

use common::{assert_close, golden};
use polder_optim::Schedule;
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    learning_rate: f64,
    multi_step: Vec<MultiStepCase>,
    cosine: Vec<CosineCase>,
    warm_up: Vec<WarmUpCase>,
    warm_up_cosine: Vec<WarmUpCosineCase>,
    swa: Vec<SwaCase>,
}

#[derive(Deserialize)]
struct MultiStepCase {
    milestones: Vec<u64>,
    factor: f64,
    values: Vec<f64>,
}

#[derive(Deserialize)]
struct CosineCase {
    floor: f64,
    period: u64,
    values: Vec<f64>,
}

#[derive(Deserialize)]
struct WarmUpCase {
    factor: f64,
    duration: u64,
    milestones: Vec<u64>,
    decay: f64,
    values: Vec<f64>,
}

#[derive(Deserialize)]
struct WarmUpCosineCase {
    factor: f64,
    duration: u64,
    period: u64,
    values: Vec<f64>,
}

#[derive(Deserialize)]
struct SwaCase {
    period: u64,
    start: u64,
    duration: u64,
    learning_rate: f64,
    values: Vec<f64>,
}

fn check(schedule: &Schedule, expected: &[f64]) {
    schedule.validate().unwrap();
    let found: Vec<f64> = (0..expected.len()).map(|t| schedule.at(t as u64)).collect();
    assert_close(&found, expected, &format!("{schedule:?}"));
}

#[test]
fn schedules_agree_with_pytorch() {
    let golden: Golden = golden(include_str!("golden/schedules.json"));
    let learning_rate = golden.learning_rate;
    for MultiStepCase { milestones, factor, values } in golden.multi_step {
        assert_eq!(values.len(), 100);
        check(&Schedule::MultiStep { learning_rate, milestones, factor }, &values);
    }
    for CosineCase { floor, period, values } in golden.cosine {
        assert_eq!(values.len() as u64, period + 1);
        check(&Schedule::Cosine { learning_rate, floor, period }, &values);
    }
    for WarmUpCase { factor, duration, milestones, decay, values } in golden.warm_up {
        let then = Box::new(Schedule::MultiStep { learning_rate, milestones, factor: decay });
        check(&Schedule::WarmUp { factor, duration, then }, &values);
    }
    for WarmUpCosineCase { factor, duration, period, values } in golden.warm_up_cosine {
        let then = Box::new(Schedule::Cosine { learning_rate, floor: 0.0, period });
        check(&Schedule::WarmUp { factor, duration, then }, &values);
    }
    assert_eq!(golden.swa.len(), 4);
    for SwaCase { period, start, duration, learning_rate: averaging, values } in golden.swa {
        let before = Box::new(Schedule::Cosine { learning_rate, floor: 0.0, period });
        check(&Schedule::Swa { before, start, duration, learning_rate: averaging }, &values);
    }
}
