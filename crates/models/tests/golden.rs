//! Forward, loss, gradient and BN statistics against PyTorch in f64; the values are made by golden/models.py.
//!
//! Both sides start from the same f32 weights. The network under test computes in f32 (unit roundoff 6e-8): through
//! tens of layers, and gradients summed over 1,024 positions of 4 images, relative errors of some 1e-5 are expected,
//! and 2e-4 of the largest value in a tensor is the bound. Going back through the 53 BN layers of ResNet-50, which
//! normalise over as few as 64 values, amplifies rounding: PyTorch's own f32 gradients are up to 3.7 % away from its f64
//! ones there, so 15 % bounds them, and 2e-3 the forward pass. bf16 (unit roundoff 4e-3) amplifies alike: 25 %. A
//! gradient that is lost, doubled or of another weight is off by 100 %.

use std::collections::BTreeMap;
use std::path::Path;

use polder_models::{Architecture, BatchNormMode, MinibatchLoss, Network, Precision};
use serde::Deserialize;
use tch::{Device, Kind, Tensor};

#[derive(Deserialize)]
struct Golden {
    parameters: u64,
    logits: Vec<f64>,
    loss: f64,
    gradients: BTreeMap<String, GoldenGradient>,
    running: BTreeMap<String, Vec<f64>>,
    evaluated: Vec<f64>,
}

#[derive(Deserialize)]
struct GoldenGradient {
    norm: f64,
    probe: f64,
    first: Vec<f64>,
}

/// Values on [-1, 1): the same integer hash as in golden/models.py.
fn hashed(name: &str, len: usize) -> Vec<f64> {
    let phase: u64 = name.bytes().zip(1..).map(|(byte, i)| i * u64::from(byte)).sum();
    let mask = 0xFFFF_FFFF;
    let value = |j: u64| {
        let mut h = (j * 2_654_435_761 + phase * 40_503) & mask;
        for (shift, factor) in [(15, 2_246_822_519), (13, 3_266_489_917)] {
            h = ((h ^ (h >> shift)) * factor) & mask;
        }
        (h ^ (h >> 16)) as f64 / 2.0_f64.powi(31) - 1.0
    };
    (0..len as u64).map(value).collect()
}

fn to_f64(tensor: &Tensor) -> Vec<f64> {
    Vec::try_from(&tensor.to_kind(Kind::Double).contiguous().view(-1)).unwrap()
}

fn network(name: &str, precision: Precision) -> Network {
    let architecture: Architecture = name.parse().unwrap();
    let network = Network::new(architecture, 10, 0, precision, Device::Cpu).unwrap();
    for (key, mut parameter) in network.parameters().named().unwrap() {
        let size = parameter.size();
        let fan_in: i64 = size[1..].iter().product();
        let values: Vec<f32> = hashed(&key, parameter.numel())
            .into_iter()
            .map(|value| match size.len() {
                1 if key.ends_with("weight") => 1.0 + 0.2 * value,
                1 => 0.1 * value,
                _ => value * 1.5 / (fan_in as f64).sqrt(),
            })
            .map(|value| value as f32)
            .collect();
        tch::no_grad(|| parameter.copy_(&Tensor::from_slice(&values).view(size.as_slice())));
    }
    network
}

/// The largest difference, as a fraction of the largest expected value.
fn relative(found: &[f64], expected: &[f64]) -> f64 {
    assert_eq!(found.len(), expected.len());
    let largest = expected.iter().fold(1e-12_f64, |max, value| max.max(value.abs()));
    found.iter().zip(expected).map(|(a, b)| (a - b).abs() / largest).fold(0.0, f64::max)
}

/// Bounds on relative errors.
struct Tolerance {
    forward: f64,
    gradient: f64,
}

const F32: Tolerance = Tolerance { forward: 2e-4, gradient: 2e-4 };
const F32_DEEP: Tolerance = Tolerance { forward: 2e-3, gradient: 0.15 };
const BF16: Tolerance = Tolerance { forward: 0.25, gradient: 0.25 };

fn check(name: &str, precision: Precision, tolerance: &Tolerance) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/{name}.json"));
    let golden: Golden = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let network = network(name, precision);
    assert_eq!(network.num_parameters(), golden.parameters);
    let pixels: Vec<f32> = hashed("images", 4 * 3 * 32 * 32).into_iter().map(|value| value as f32).collect();
    let images = Tensor::from_slice(&pixels).view([4, 3, 32, 32]);
    let labels = Tensor::from_slice(&[3_i64, 0, 7, 9]);

    let logits = network.forward(&images, BatchNormMode::Train).unwrap();
    let loss = MinibatchLoss::of(&logits, &labels).unwrap().mean_loss;
    network.backward(&loss).unwrap();
    let bounded = |what: &str, error: f64| assert!(error < tolerance.forward, "{name} {what}: {error:e}");
    let gradient_bounded =
        |what: &str, error: f64| assert!(error < tolerance.gradient, "{name} {what}: {error:e}");
    bounded("logits", relative(&to_f64(&logits), &golden.logits));
    bounded("loss", (loss.double_value(&[]) / golden.loss - 1.0).abs());
    let total = golden.gradients.values().map(|g| g.norm.powi(2)).sum::<f64>().sqrt();
    for (key, gradient) in network.gradient().named().unwrap() {
        let expected = &golden.gradients[&key];
        let found = to_f64(&gradient);
        let norm = found.iter().map(|g| g * g).sum::<f64>().sqrt();
        let probe: f64 =
            found.iter().zip(hashed(&format!("{key}.probe"), found.len())).map(|(g, p)| g * p).sum();
        // Relative to the tensor, with a floor of a thousandth of the whole gradient for tensors that hardly matter.
        let scale = expected.norm.max(1e-3 * total);
        gradient_bounded(&format!("gradient norm of {key}"), (norm - expected.norm).abs() / scale);
        gradient_bounded(&format!("gradient probe of {key}"), (probe - expected.probe).abs() / scale);
        for (a, b) in found.iter().zip(&expected.first) {
            gradient_bounded(&format!("first gradients of {key}"), (a - b).abs() / scale);
        }
    }
    let tensors = network.named_tensors().unwrap();
    for (key, expected) in &golden.running {
        bounded(key, relative(&to_f64(&tensors[key])[..expected.len()], expected));
    }
    let evaluated = tch::no_grad(|| network.forward(&images, BatchNormMode::Evaluate)).unwrap();
    bounded("logits in evaluation", relative(&to_f64(&evaluated), &golden.evaluated));
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
fn bf16_stays_near_f32() {
    check("wrn-10-1", Precision::Bf16, &BF16);
}
