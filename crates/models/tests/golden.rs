//! Forward, loss, gradient and BN statistics against PyTorch in f64; the values are made by golden/models.py.
//!
//! Both sides start from the same f32 weights. The network under test computes in f32 (unit roundoff 6e-8): through
//! tens of layers, and gradients summed over 1,024 positions of 4 images, relative errors of some 1e-5 are expected,
//! and 2e-4 of the largest value in a tensor is the bound. Going back through the 53 BN layers of ResNet-50, which
//! normalise over as few as 64 values, amplifies rounding: PyTorch's own f32 gradients are up to 4.3 % away from its f64
//! ones there, so 15 % bounds them, and 2e-3 the forward pass. Without BN nothing amplifies: 2e-5. bf16 (unit roundoff
//! 4e-3) amplifies alike: 25 %. A gradient that is lost, doubled or of another weight is off by 100 %. That the networks
//! are the same to the last digit is shown in f64 by src/golden.rs.

mod expected;
mod hashed;

use std::collections::BTreeSet;

use polder_models::{Architecture, BatchNormMode, Checkpoint, MinibatchLoss, Network, Precision};
use tch::{Device, Tensor};

use expected::{Golden, LABELS, relative};
use hashed::hash_weights;

fn network(name: &str, seed: u64, precision: Precision) -> Network {
    let architecture: Architecture = name.parse().unwrap();
    Network::new(architecture, 10, seed, precision, Device::Cpu).unwrap()
}

/// Bounds on relative errors.
struct Tolerance {
    forward: f64,
    gradient: f64,
}

const F32: Tolerance = Tolerance { forward: 2e-4, gradient: 2e-4 };
const F32_DEEP: Tolerance = Tolerance { forward: 2e-3, gradient: 0.15 };
const F32_WITHOUT_BN: Tolerance = Tolerance { forward: 2e-5, gradient: 2e-5 };
const BF16: Tolerance = Tolerance { forward: 0.25, gradient: 0.25 };

fn check(name: &str, precision: Precision, tolerance: &Tolerance) {
    let golden = Golden::read(name);
    let network = network(name, 0, precision);
    hash_weights(&network);
    assert_eq!(network.num_parameters(), golden.parameters);
    let (images, labels) = (golden.images(), Tensor::from_slice(&LABELS));

    let logits = network.forward(&images, BatchNormMode::Train).unwrap();
    let loss = MinibatchLoss::of(&logits, &labels).unwrap().mean_loss;
    network.backward(&loss).unwrap();
    let bounded = |what: &str, error: f64, bound: f64| assert!(error < bound, "{name} {what}: {error:e}");
    bounded("logits", relative(&logits, &golden.logits), tolerance.forward);
    bounded("loss", (loss.double_value(&[]) / golden.loss - 1.0).abs(), tolerance.forward);
    let gradients = network.gradient().named().unwrap();
    assert_eq!(gradients.len(), golden.gradients.len());
    for (key, gradient) in gradients {
        let error = golden.gradient_error(&key, &gradient);
        bounded(&format!("gradient of {key}"), error, tolerance.gradient);
    }
    let tensors = network.named_tensors().unwrap();
    assert_eq!(tensors.len(), golden.gradients.len() + golden.running.len());
    for (key, expected) in &golden.running {
        bounded(key, expected.error(key, &tensors[key], 0.0), tolerance.forward);
    }
    let evaluated = tch::no_grad(|| network.forward(&images, BatchNormMode::Evaluate)).unwrap();
    bounded("logits in evaluation", relative(&evaluated, &golden.evaluated), tolerance.forward);
}

#[test]
fn a_resnet_of_basic_blocks_agrees_with_pytorch() {
    check("resnet-18", Precision::F32, &F32);
}

#[test]
fn a_resnet_of_bottlenecks_agrees_with_pytorch() {
    check("resnet-50", Precision::F32, &F32_DEEP);
}

#[test]
fn wide_resnets_agree_with_pytorch() {
    check("wrn-10-1", Precision::F32, &F32);
    check("wrn-16-2", Precision::F32, &F32);
}

#[test]
fn a_wide_resnet_without_bn_agrees_with_pytorch() {
    check("wrn-16-2-skipinit", Precision::F32, &F32_WITHOUT_BN);
}

#[test]
fn a_pyramid_net_agrees_with_pytorch() {
    check("pyramidnet-20-9", Precision::F32, &F32);
}

#[test]
fn a_perceptron_agrees_with_pytorch() {
    check("mlp-48-16x2", Precision::F32, &F32_WITHOUT_BN);
}

#[test]
fn bf16_stays_near_f32() {
    for name in ["wrn-10-1", "wrn-16-2-skipinit", "mlp-48-16x2"] {
        check(name, Precision::Bf16, &BF16);
    }
}

/// What golden/load_checkpoint.py does for any checkpoint, without Python: the file's names are those of PyTorch's
/// `state_dict`, and a network loaded from it has PyTorch's logits.
#[test]
fn a_checkpoint_holds_what_pytorch_needs_for_the_same_logits() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["resnet-18", "wrn-16-2", "wrn-16-2-skipinit", "pyramidnet-20-9", "mlp-48-16x2"] {
        let golden = Golden::read(name);
        let trained = network(name, 0, Precision::F32);
        hash_weights(&trained);
        let _ = tch::no_grad(|| trained.forward(&golden.images(), BatchNormMode::Train)).unwrap();
        let mut checkpoint = Checkpoint::default();
        checkpoint.add_network(&trained).unwrap();
        let path = folder.path().join(format!("{name}.safetensors"));
        checkpoint.write(&path).unwrap();

        let read = Checkpoint::read(&path).unwrap();
        let names: BTreeSet<&String> = read.tensors.keys().collect();
        assert_eq!(names, golden.gradients.keys().chain(golden.running.keys()).collect(), "{name}");
        let loaded = network(name, 1, Precision::F32);
        read.load_network(&loaded).unwrap();
        let logits = tch::no_grad(|| loaded.forward(&golden.images(), BatchNormMode::Evaluate)).unwrap();
        let error = relative(&logits, &golden.evaluated);
        assert!(error < F32.forward, "{name}: {error:e}");
    }
}
