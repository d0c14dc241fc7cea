//! SGD against PyTorch in f64: 50 steps from golden/optim.py under every combination of settings, within 1e-12.

mod common;

use common::{Golden, SgdCase, golden};
use polder_optim::{Momentum, Sgd, SgdConfig};

fn cases() -> Golden<SgdCase> {
    golden(include_str!("golden/sgd.json"))
}

#[test]
fn sgd_agrees_with_pytorch_under_every_combination_of_settings() {
    let Golden { learning_rate, cases } = cases();
    // Ten combinations of momentum, dampening, Nesterov and decay; one with ranges; the ten under two norms to clip at.
    assert_eq!(cases.len(), 31);
    for case in &cases {
        case.check(Sgd::new(case.config()).unwrap(), learning_rate, "SGD");
    }
}

#[test]
fn no_momentum_and_a_momentum_of_zero_are_the_same() {
    let Golden { learning_rate, cases } = cases();
    for case in cases.iter().filter(|case| case.momentum == 0.0) {
        let config = SgdConfig { momentum: Momentum::None, ..case.config() };
        case.check(Sgd::new(config).unwrap(), learning_rate, "SGD without momentum");
    }
}
