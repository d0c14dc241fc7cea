//! The averages of one trajectory against PyTorch's and against their definitions, in f64, within 1e-12.

mod common;

use polder_optim::Optimizer as _;
use std::collections::BTreeMap;
use std::num::{NonZeroU64, NonZeroUsize};

use common::{Golden, START, assert_close, golden, objective};
use polder_optim::{AverageConfig, Averages, Momentum, Sgd, SgdConfig};
use serde::Deserialize;

#[derive(Deserialize)]
struct AveragesCase {
    start: u64,
    decay: f64,
    every: NonZeroU64,
    length: NonZeroUsize,
    momentum: f64,
    recorded: Vec<RecordedAverages>,
}

#[derive(Deserialize)]
struct RecordedAverages {
    step: u64,
    averages: BTreeMap<String, Vec<f64>>,
}

impl AveragesCase {
    fn averages(&self) -> Averages<Vec<f64>> {
        let Self { start, decay, every, length, .. } = *self;
        let configs = [
            ("uniform", AverageConfig::Tail { start }),
            ("ema", AverageConfig::Ema { start, decay }),
            ("corrected_ema", AverageConfig::CorrectedEma { start, decay }),
            ("swa", AverageConfig::Swa { start, every }),
            ("window", AverageConfig::Window { start, every, length }),
        ];
        Averages::new(configs.map(|(name, config)| (name.to_owned(), config)).to_vec()).unwrap()
    }
}

#[test]
fn averages_agree_with_pytorch_and_with_their_definitions() {
    let Golden { learning_rate, cases }: Golden<AveragesCase> = golden(include_str!("golden/averages.json"));
    for case in &cases {
        let momentum = Momentum::HeavyBall { coefficient: case.momentum, dampening: 0.0 };
        let mut sgd = Sgd::new(SgdConfig { momentum, ..SgdConfig::default() }).unwrap();
        let mut averages = case.averages();
        let (mut iterate, mut gradient) = (START.to_vec(), vec![0.0; 6]);
        let mut num_compared = 0;
        for step in 0..50 {
            sgd.step(&mut objective, &mut iterate, &mut gradient, learning_rate).unwrap();
            averages.update(step, &iterate);
            for recorded in case.recorded.iter().filter(|recorded| recorded.step == step + 1) {
                assert_eq!(recorded.averages.len(), 5);
                for (name, expected) in &recorded.averages {
                    let place = format!("{name} at step {} from {}", recorded.step, case.start);
                    assert_close(averages.get(name).unwrap(), expected, &place);
                }
                num_compared += 1;
            }
        }
        assert_eq!(num_compared, case.recorded.len());
        assert!(num_compared > 4);
    }
}
