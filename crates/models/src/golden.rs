//! The networks in f64 against PyTorch in f64, to the last digits; the values are made by golden/models.py.
//!
//! Logits, loss, every gradient, BN statistics after the pass, and logits in evaluation. The bound is 1e-11, some 1e5
//! roundings; 1e-8 for ResNet-50, whose BN layers amplify rounding on the way back by 1e6 (in f32 from 6e-8 to 4 %).
//! What trains is the same code at f32 and bf16 leaves: tests/golden.rs.

#[path = "../tests/expected/mod.rs"]
mod expected;
#[path = "../tests/hashed/values.rs"]
mod hashed;

use tch::{Device, Kind, Tensor};

use self::expected::{Golden, LABELS, relative};
use self::hashed::hashed_parameter;
use crate::builder::Builder;
use crate::forward::{BatchNormMode, Pass};
use crate::objective::MinibatchLoss;
use polder_architecture::Architecture;

fn check(name: &str, bound: f64) {
    let golden = Golden::read(name);
    let architecture: Architecture = name.parse().unwrap();
    assert_eq!(architecture.num_parameters(10), golden.parameters);
    let mut builder = Builder::default();
    let module = crate::build::build(architecture, &mut builder, 10);
    let names: Vec<&String> = builder.parameters.iter().map(|declaration| &declaration.name).collect();
    let leaves: Vec<Tensor> = builder
        .parameters
        .iter()
        .map(|d| hashed_parameter(&d.name, &d.shape).to_kind(Kind::Double).set_requires_grad(true))
        .collect();
    let running: Vec<(Tensor, Tensor)> = builder
        .batch_norms
        .iter()
        .map(|&(_, channels)| {
            let kind = (Kind::Double, Device::Cpu);
            (Tensor::zeros([channels], kind), Tensor::ones([channels], kind))
        })
        .collect();
    let images = golden.images().to_kind(Kind::Double);
    let pass = |mode| module.forward(&Pass::new(&leaves, &running, mode), &images).unwrap();
    let bounded = |what: &str, error: f64| assert!(error < bound, "{name} {what}: {error:e}");

    let logits = pass(BatchNormMode::Train);
    let loss = MinibatchLoss::of(&logits, &Tensor::from_slice(&LABELS)).unwrap().mean_loss;
    loss.backward();
    bounded("logits", relative(&logits, &golden.logits));
    bounded("loss", (loss.double_value(&[]) / golden.loss - 1.0).abs());
    assert_eq!(names.len(), golden.gradients.len());
    for (key, leaf) in names.into_iter().zip(&leaves) {
        bounded(&format!("gradient of {key}"), golden.gradient_error(key, &leaf.grad()));
    }
    assert_eq!(2 * running.len(), golden.running.len());
    for ((layer, _), (mean, var)) in builder.batch_norms.iter().zip(&running) {
        for (part, found) in [("running_mean", mean), ("running_var", var)] {
            let key = format!("{layer}.{part}");
            bounded(&key, golden.running[&key].error(&key, found, 0.0));
        }
    }
    bounded("logits in evaluation", relative(&pass(BatchNormMode::Evaluate), &golden.evaluated));
}

#[test]
fn resnets_are_those_of_pytorch_in_f64() {
    check("resnet-18", 1e-11);
    check("resnet-50", 1e-8);
}

#[test]
fn wide_resnets_are_those_of_pytorch_in_f64() {
    for name in ["wrn-10-1", "wrn-16-2", "wrn-16-2-skipinit"] {
        check(name, 1e-11);
    }
}

/// Alpha is such that widths fall on halves, which Python rounds to even.
#[test]
fn a_pyramid_net_is_that_of_pytorch_in_f64() {
    check("pyramidnet-20-9", 1e-11);
}

/// On images of three channels, so that the order of the flattened values shows.
#[test]
fn a_perceptron_is_that_of_pytorch_in_f64() {
    check("mlp-48-16x2", 1e-12);
}
