//! Random settings and vectors for the property tests, drawn from a fixed seed, so that a failure repeats.

use std::num::{NonZeroU64, NonZeroUsize};

use polder_optim::{
    Ascent, AscentDecay, Entries, EulerSteps, EulerStepsConfig, GradientPenalty, GradientPenaltyConfig,
    Momentum, Optimizer, Sam, SamConfig, Sgd, SgdConfig, WeightDecay,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::CoupledQuartic;

pub(crate) fn fixed_cases() -> ProptestConfig {
    ProptestConfig { rng_seed: RngSeed::Fixed(2), failure_persistence: None, ..ProptestConfig::default() }
}

/// The entries of a point or a gradient.
pub(crate) fn entries() -> impl Strategy<Value = Vec<f64>> {
    vec(-2.0..2.0_f64, 6)
}

pub(crate) fn momentum() -> impl Strategy<Value = Momentum> {
    prop_oneof![
        Just(Momentum::None),
        (0.0..0.99, 0.0..1.0)
            .prop_map(|(coefficient, dampening)| Momentum::HeavyBall { coefficient, dampening }),
        (0.01..0.99).prop_map(|coefficient| Momentum::Nesterov { coefficient }),
    ]
}

fn which() -> impl Strategy<Value = Entries> {
    prop_oneof![Just(Entries::All), Just(Entries::Ranges(vec![0..2, 4..6])), Just(Entries::Ranges(vec![])),]
}

pub(crate) fn sgd_config() -> impl Strategy<Value = SgdConfig> {
    let clip_norm = prop_oneof![2 => Just(None), 1 => (0.1..10.0_f64).prop_map(Some)];
    (momentum(), prop_oneof![Just(0.0), 0.0..0.1], which(), clip_norm).prop_map(
        |(momentum, coefficient, on, clip_norm)| SgdConfig {
            momentum,
            weight_decay: WeightDecay { coefficient, on },
            clip_norm,
        },
    )
}

/// SAM in any of its variants, at a radius between 0.001 and 0.5.
pub(crate) fn sam_config() -> impl Strategy<Value = SamConfig> {
    let ascent = prop_oneof![
        Just(Ascent::Normalized),
        Just(Ascent::Unnormalized),
        (0.0..0.5, which()).prop_map(|(eta, on)| Ascent::Adaptive { eta, on }),
    ];
    let decay = prop_oneof![Just(AscentDecay::Outside), Just(AscentDecay::Inside)];
    (0.001..0.5_f64, ascent, decay, 1..3_usize, 1..4_u64, sgd_config()).prop_map(
        |(rho, ascent, weight_decay, num_micro_batches, every, base)| SamConfig {
            rho: if ascent == Ascent::Unnormalized { rho / 50.0 } else { rho },
            ascent,
            weight_decay,
            num_micro_batches: NonZeroUsize::new(num_micro_batches).unwrap(),
            every: NonZeroU64::new(every).unwrap(),
            base,
        },
    )
}

/// The settings of any of the optimizers.
#[derive(Clone, Debug)]
pub(crate) enum AnyConfig {
    Sgd(SgdConfig),
    Sam(SamConfig),
    EulerSteps(EulerStepsConfig),
    GradientPenalty(GradientPenaltyConfig),
}

impl AnyConfig {
    pub(crate) fn build(&self) -> Box<dyn Optimizer<Vec<f64>, CoupledQuartic>> {
        match self.clone() {
            Self::Sgd(config) => Box::new(Sgd::new(config).unwrap()),
            Self::Sam(config) => Box::new(Sam::new(config).unwrap()),
            Self::EulerSteps(config) => Box::new(EulerSteps::new(config).unwrap()),
            Self::GradientPenalty(config) => Box::new(GradientPenalty::new(config).unwrap()),
        }
    }
}

pub(crate) fn any_config() -> impl Strategy<Value = AnyConfig> {
    prop_oneof![
        sgd_config().prop_map(AnyConfig::Sgd),
        sam_config().prop_map(AnyConfig::Sam),
        (1..4_u64, sgd_config()).prop_map(|(n, base)| {
            AnyConfig::EulerSteps(EulerStepsConfig { per_minibatch: NonZeroU64::new(n).unwrap(), base })
        }),
        (0.0..0.1_f64, sgd_config())
            .prop_map(|(lambda, base)| AnyConfig::GradientPenalty(GradientPenaltyConfig { lambda, base })),
    ]
}

/// Steps on the coupled quartic; the learning rate is small enough for every setting above.
pub(crate) fn run(
    optimizer: &mut dyn Optimizer<Vec<f64>, CoupledQuartic>,
    iterate: &mut Vec<f64>,
    num_steps: usize,
) {
    let (mut objective, mut gradient) = (CoupledQuartic::default(), vec![0.0; iterate.len()]);
    for _ in 0..num_steps {
        optimizer.step(&mut objective, iterate, &mut gradient, 0.01).unwrap();
    }
}

/// What remains of `start` after `num_steps` of a new optimizer.
pub(crate) fn end_of(config: &AnyConfig, start: &[f64], num_steps: usize) -> Vec<f64> {
    let mut iterate = start.to_vec();
    run(&mut config.build(), &mut iterate, num_steps);
    iterate
}

pub(crate) fn bits(values: &[f64]) -> Vec<u64> {
    values.iter().map(|value| value.to_bits()).collect()
}
