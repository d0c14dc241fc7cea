//! The curvature of a network of the papers against PyTorch's and PyHessian's, made by golden/hessian.py.
//!
//! Eigenvalues are f64 there; here passes compute in f32 on the same weights, images and statistics, and 1e-4 is the bound. Random
//! estimates are compared within four of their standard errors. A network small enough for its whole Hessian is in
//! src/loss_surface/small_network.rs.

mod hashed;

use polder_optim::Optimizer as _;
use std::path::Path;

use hashed::{hash_weights, hashed_images};
use polder_models::{Architecture, Arithmetic, FlatParameters, LossSurface, Network, Precision};
use polder_optim::sharpness::{
    HessianAt, HutchinsonConfig, Lanczos, LanczosConfig, LossOracle, Moments, StoppingRule, asymmetry,
    hutchinson_trace,
};
use polder_optim::{Objective, OptimError, Point, Sam, SamConfig, SgdConfig, Vector};
use serde::Deserialize;
use tch::{Device, Tensor};

#[derive(Deserialize)]
struct Golden {
    wrn_10_1: WideResNet,
}

#[derive(Deserialize)]
struct WideResNet {
    loss: f64,
    largest: Vec<f64>,
    pyhessian: PyHessian,
}

#[derive(Deserialize)]
struct PyHessian {
    trace_samples: Vec<f64>,
    largest: f64,
}

fn golden() -> WideResNet {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/hessian.json");
    serde_json::from_slice::<Golden>(&std::fs::read(path).unwrap()).unwrap().wrn_10_1
}

fn network(precision: Precision) -> Network {
    tch::set_num_threads(1); // Images this small are slower on several.
    let architecture: Architecture = "wrn-10-1".parse().unwrap();
    let network = Network::new(architecture, 10, 0, precision, Device::Cpu).unwrap();
    hash_weights(&network);
    network
}

fn images() -> (Tensor, Tensor) {
    let labels: Vec<i64> = (0..8).map(|i| (2 * i + 1) % 10).collect();
    (hashed_images([8, 3, 8, 8]), Tensor::from_slice(&labels))
}

fn close(found: f64, expected: f64, relative: f64) {
    assert!((found - expected).abs() <= relative * expected.abs(), "found {found}, expected {expected}");
}

#[test]
fn trace_and_largest_eigenvalues_are_pytorchs_and_pyhessians() {
    let (golden, (images, labels)) = (golden(), images());
    // The surface computes in f32 whatever the network trains in.
    let network = network(Precision::Bf16);
    let at = network.parameters();
    let mut surface = LossSurface::new(&network, &images, &labels, 4, Arithmetic::F32).unwrap();
    surface.refresh(&at, &images).unwrap();
    close(surface.loss(&at).unwrap(), golden.loss, 1e-5);

    let config = HutchinsonConfig { stopping: StoppingRule::exactly(24), ..HutchinsonConfig::default() };
    let mut hessian = HessianAt::new(&mut surface, &at);
    let trace = hutchinson_trace(&mut hessian, &at, config).unwrap();
    let mut theirs = Moments::default();
    golden.pyhessian.trace_samples.iter().for_each(|sample| theirs.push(*sample));
    let together = theirs.standard_error().hypot(trace.standard_error);
    assert!((trace.mean - theirs.mean).abs() < 4.0 * together, "{trace:?} {theirs:?}");

    let config = LanczosConfig { largest: 2, tolerance: 3e-3, ..LanczosConfig::default() };
    let spectrum = Lanczos::new(&at, config).unwrap().run(&mut hessian).unwrap();
    for (found, exact) in spectrum.largest.iter().zip(&golden.largest) {
        close(found.value, *exact, 1e-4);
        assert!(found.converged, "{}", found.residual);
    }
    // Power iteration stops at its own tolerance, below the eigenvalue.
    close(spectrum.largest[0].value, golden.pyhessian.largest, 1e-3);
    assert!(asymmetry(&mut hessian, &at, 1).unwrap() < 1e-6);
}

/// The same, by hand: each part on its own, at its own perturbed weights, weighed by its share.
#[test]
fn a_sam_step_of_micro_batches_is_the_mean_of_their_perturbed_gradients() {
    let (images, labels) = images();
    let rho = 0.05;
    let split = network(Precision::F32);
    let mut config = SamConfig::new(rho, SgdConfig::default());
    config.num_micro_batches = 3.try_into().unwrap();
    let mut objective =
        polder_models::MinibatchObjective::new(&split, images.shallow_clone(), labels.shallow_clone())
            .measuring_ascent();
    let loss = Sam::new(config)
        .unwrap()
        .step(&mut objective, &mut split.parameters(), &mut split.gradient(), 1.0)
        .unwrap();
    let ascent = objective.effective_ascent().unwrap();
    assert!((ascent - rho).abs() < 1e-3 * rho, "{ascent}");

    let whole = network(Precision::F32);
    let start = copy(&whole.parameters());
    let (mut sum, mut mean_loss, mut num_wrong) = (start.zeros_like(), 0.0, 0);
    for (from, to) in [(0, 2), (2, 5), (5, 8)] {
        let len = to - from;
        let part = || {
            let (images, labels) = (images.narrow(0, from, len), labels.narrow(0, from, len));
            polder_models::MinibatchObjective::new(&whole, images, labels)
        };
        let (mut weights, mut gradient) = (whole.parameters(), whole.gradient());
        let at_iterate = part().gradient(&weights, Point::Iterate, &mut gradient).unwrap();
        mean_loss += len as f64 / 8.0 * at_iterate.mean_loss.double_value(&[]);
        num_wrong += at_iterate.num_wrong.int64_value(&[]);
        let norm = gradient.norm();
        weights.axpy(rho / norm, &copy(&gradient));
        part().gradient(&weights, Point::Perturbed, &mut gradient).unwrap();
        sum.axpy(len as f64 / 8.0, &gradient);
        weights.copy_from(&start);
    }
    close(loss.mean_loss.double_value(&[]), mean_loss, 1e-6);
    assert_eq!(loss.num_wrong.int64_value(&[]), num_wrong);
    let mut step = copy(&split.parameters());
    step.axpy(-1.0, &start);
    step.axpy(1.0, &sum);
    assert!(step.norm() < 1e-5 * sum.norm(), "{:e} of {:e}", step.norm(), sum.norm());
}

#[test]
fn more_micro_batches_than_images_are_refused() {
    let (images, labels) = images();
    let network = network(Precision::F32);
    let mut objective = polder_models::MinibatchObjective::new(&network, images, labels);
    let (weights, mut gradient) = (network.parameters(), network.gradient());
    let error = objective.micro_gradient(0, 9, &weights, Point::Iterate, &mut gradient).unwrap_err();
    assert!(matches!(error, OptimError::NoMicroBatches { of: 9 }), "{error}");
}

fn copy(of: &FlatParameters) -> FlatParameters {
    let mut copy = of.zeros_like();
    copy.copy_from(of);
    copy
}
