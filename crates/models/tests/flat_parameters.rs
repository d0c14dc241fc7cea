//! The arena as a vector, as the memory of a network, and as the subject of optimizers.

use polder_models::{
    Architecture, BatchNormMode, MinibatchObjective, Network, Precision, SwappedWeights, input,
};
use polder_optim::Optimizer as _;
use polder_optim::RandomVector as _;
use polder_optim::VectorBytes;
use polder_optim::{
    Entries, Momentum, Objective, OptimError, Point, Sam, SamConfig, Sgd, SgdConfig, Vector, WeightDecay,
};
use tch::{Device, Kind, Tensor};

fn network(precision: Precision) -> Network {
    let architecture: Architecture = "wrn-10-1".parse().unwrap();
    Network::new(architecture, 10, 5, precision, Device::Cpu).unwrap()
}

fn minibatch(seed: u32) -> (Tensor, Tensor) {
    let pixels: Vec<f32> =
        (0..8 * 3072_u32).map(|i| ((i * 7919 + seed * 104_729) % 2001) as f32 / 1000.0 - 1.0).collect();
    let labels: Vec<i64> = (0..8).map(|i| (i * 3 + i64::from(seed)) % 10).collect();
    input::minibatch(&pixels, [8, 3, 32, 32], input::ChannelOrder::First, &labels, Device::Cpu).unwrap()
}

fn sgd_config() -> SgdConfig {
    let momentum = Momentum::HeavyBall { coefficient: 0.9, dampening: 0.0 };
    SgdConfig { momentum, weight_decay: WeightDecay { coefficient: 5e-4, on: Entries::All }, clip_norm: None }
}

fn values(vector: &impl VectorBytes) -> Vec<f32> {
    vector.to_bytes().chunks_exact(4).map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap())).collect()
}

/// f32 twins of the f64 reference differ by rounding only.
fn close(found: &[f32], expected: &[f64]) -> bool {
    found.len() == expected.len()
        && found.iter().zip(expected).all(|(a, b)| (f64::from(*a) - b).abs() <= 1e-5 * (1.0 + b.abs()))
}

#[test]
fn arena_arithmetic_equals_that_of_plain_vectors() {
    let network = network(Precision::F32);
    let (mut a, mut b) = (network.parameters().zeros_like(), network.parameters().zeros_like());
    a.fill_normal(1);
    b.fill_normal(2);
    let as_f64 = |arena: &_| values(arena).into_iter().map(f64::from).collect::<Vec<f64>>();
    let (mut x, mut y) = (as_f64(&a), as_f64(&b));
    let both = [
        (|v, w| v.axpy(0.3, w)) as fn(&mut polder_models::FlatParameters, &polder_models::FlatParameters),
        |v, w| v.axpby(0.3, w, -0.7),
        |v, w| v.lerp(w, 0.25),
        |v, w| v.mul(w),
        |v, w| v.axpy_range(2.0, w, 16..1000),
        |v, _| v.scale(-1.5),
    ];
    let reference = [
        (|v, w| v.axpy(0.3, w)) as fn(&mut Vec<f64>, &Vec<f64>),
        |v, w| v.axpby(0.3, w, -0.7),
        |v, w| v.lerp(w, 0.25),
        |v, w| v.mul(w),
        |v, w| v.axpy_range(2.0, w, 16..1000),
        |v, _| v.scale(-1.5),
    ];
    for (index, (arena, plain)) in both.into_iter().zip(reference).enumerate() {
        arena(&mut a, &b);
        plain(&mut x, &y);
        assert!(close(&values(&a), &x), "operation {index}");
    }
    assert!((a.dot(&b) - x.dot(&y)).abs() < 1e-2 && (a.norm() - x.norm()).abs() < 1e-3);
    assert!((a.norm_range(16..1000) - x.norm_range(16..1000)).abs() < 1e-4);
    b.copy_from(&a);
    y.copy_from(&x);
    assert_eq!(values(&b), values(&a));
    b.fill(2.0);
    assert_eq!(b.dot(&b), 4.0 * network.num_parameters() as f64, "padding between parameters stays zero");
    b.fill_rademacher(3);
    assert_eq!(b.dot(&b), network.num_parameters() as f64);
    // The same directions as on a plain vector of this length.
    for is_normal in [true, false] {
        let mut plain = vec![0.0; b.dim()];
        if is_normal {
            b.fill_normal(3);
            plain.fill_normal(3);
        } else {
            b.fill_rademacher(3);
            plain.fill_rademacher(3);
        }
        let filled = values(&b);
        assert!(b.ranges().flatten().all(|place| filled[place] == plain[place] as f32));
    }
    let bytes = a.to_bytes();
    b.copy_from_bytes(&bytes).unwrap();
    assert_eq!(b.to_bytes(), bytes);
    assert!(b.copy_from_bytes(&bytes[4..]).is_err());
}

#[test]
fn leaves_still_alias_the_arena_after_training_steps() {
    for precision in [Precision::F32, Precision::Bf16] {
        let network = network(precision);
        assert!(network.leaves_alias_arena());
        let (mut weights, mut gradient) = (network.parameters(), network.gradient());
        let mut sam = Sam::new(SamConfig::new(0.05, sgd_config())).unwrap();
        for seed in 0..2 {
            let (images, labels) = minibatch(seed);
            let mut objective = MinibatchObjective::new(&network, images, labels).measuring_ascent();
            sam.step(&mut objective, &mut weights, &mut gradient, 0.1).unwrap();
            let ascent = objective.effective_ascent().unwrap();
            // In f32 the ascent arrives whole; bf16 keeps the order of magnitude.
            let low = if precision == Precision::F32 { 0.0499 } else { 0.01 };
            assert!((low..0.15).contains(&ascent), "{precision:?}: {ascent}");
        }
        assert!(network.leaves_alias_arena());
    }
}

#[test]
fn a_sam_step_moves_running_statistics_once() {
    let (images, labels) = minibatch(1);
    let (plain, sam) = (network(Precision::F32), network(Precision::F32));
    let _ = plain.forward(&images, BatchNormMode::Train).unwrap();
    let mut optimizer = Sam::new(SamConfig::new(0.5, sgd_config())).unwrap();
    let mut objective = MinibatchObjective::new(&sam, images, labels);
    optimizer.step(&mut objective, &mut sam.parameters(), &mut sam.gradient(), 0.1).unwrap();
    assert_eq!(plain.running_statistics(), sam.running_statistics());
}

/// The same steps by hand, each parameter on its own.
#[test]
fn an_sgd_step_on_the_arena_is_the_step_of_every_parameter() {
    let network = network(Precision::F32);
    let (mut weights, mut gradient) = (network.parameters(), network.gradient());
    let mut velocity: Option<Vec<f64>> = None;
    let mut sgd = Sgd::new(sgd_config()).unwrap();
    for seed in 0..3 {
        let (images, labels) = minibatch(seed);
        let before: Vec<f64> = values(&weights).into_iter().map(f64::from).collect();
        let mut objective = MinibatchObjective::new(&network, images, labels);
        objective.gradient(&network.parameters(), Point::Iterate, &mut gradient).unwrap();
        let decayed: Vec<f64> =
            values(&gradient).into_iter().zip(&before).map(|(g, w)| f64::from(g) + 5e-4 * w).collect();
        let moved: Vec<f64> = match &velocity {
            None => decayed,
            Some(velocity) => velocity.iter().zip(&decayed).map(|(v, g)| 0.9 * v + g).collect(),
        };
        let expected: Vec<f64> = before.iter().zip(&moved).map(|(w, v)| w - 0.1 * v).collect();
        velocity = Some(moved);
        sgd.step(&mut objective, &mut weights, &mut gradient, 0.1).unwrap();
        assert!(close(&values(&weights), &expected), "step {seed}");
    }
}

#[test]
fn a_gradient_at_a_foreign_vector_is_refused() {
    let network = network(Precision::F32);
    let (images, labels) = minibatch(0);
    let mut objective = MinibatchObjective::new(&network, images, labels);
    let elsewhere = network.parameters().zeros_like();
    let error = objective.gradient(&elsewhere, Point::Iterate, &mut network.gradient()).unwrap_err();
    assert!(matches!(error, OptimError::Objective { .. }));
}

/// Running statistics after a refresh are the plain mean over minibatches, and everything is put back at the end.
#[test]
fn a_refresh_averages_over_minibatches_and_is_undone() {
    let network = network(Precision::F32);
    let mut average = network.parameters().zeros_like();
    average.copy_from(&network.parameters());
    average.scale(0.5);
    let (weights, statistics) = (network.parameters().to_bytes(), network.running_statistics().copy());
    let one = |seed| {
        let swapped = SwappedWeights::new(&network, &average).unwrap();
        let minibatches = [Ok::<_, polder_models::ModelError>(minibatch(seed).0)];
        assert_eq!(swapped.refresh(minibatches).unwrap(), 1);
        network.running_statistics().copy()
    };
    let mean = (one(0) + one(1) + one(2)) / 3.0;
    let swapped = SwappedWeights::new(&network, &average).unwrap();
    swapped.refresh((0..3).map(|seed| Ok::<_, polder_models::ModelError>(minibatch(seed).0))).unwrap();
    let difference = (network.running_statistics() - mean).abs().max().double_value(&[]);
    assert!(difference < 1e-5, "{difference:e}");
    drop(swapped);
    assert_eq!(network.parameters().to_bytes(), weights);
    assert_eq!(network.running_statistics(), statistics);
}

#[test]
fn initial_weights_are_those_of_the_seed() {
    let architecture: Architecture = "wrn-10-1".parse().unwrap();
    let weights = |seed, precision| {
        Network::new(architecture, 10, seed, precision, Device::Cpu).unwrap().parameters().to_bytes()
    };
    assert_eq!(weights(5, Precision::F32), weights(5, Precision::Bf16));
    assert_ne!(weights(5, Precision::F32), weights(6, Precision::F32));
    let stem =
        network(Precision::F32).named_tensors().unwrap()["f.0_convolution.weight"].to_kind(Kind::Double);
    // N(0, 0.4 / fan_out) with fan_out 16 * 9: 432 draws give the deviation to some 4 %.
    assert!((stem.std(true).double_value(&[]) / (0.4_f64 / 144.0).sqrt() - 1.0).abs() < 0.12);
}
