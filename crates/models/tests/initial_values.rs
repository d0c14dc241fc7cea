//! The laws that initial values follow, and what follows from them.

use polder_models::{Architecture, BatchNormMode, MinibatchLoss, Network, Precision};
use tch::{Device, Kind, Tensor};

fn network(name: &str) -> Network {
    let architecture: Architecture = name.parse().unwrap();
    Network::new(architecture, 10, 5, Precision::F32, Device::Cpu).unwrap()
}

fn moments(tensor: &Tensor) -> (f64, f64) {
    let tensor = tensor.to_kind(Kind::Double);
    (tensor.mean(Kind::Double).double_value(&[]), tensor.std(false).double_value(&[]))
}

/// Checks mean and deviation against five standard errors of each, those of a normal law.
fn check(network: &Network, parameter: &str, deviation: f64) {
    let tensor = &network.named_tensors().unwrap()[parameter];
    let (mean, found) = moments(tensor);
    let error = 5.0 * deviation / (tensor.numel() as f64).sqrt();
    assert!(
        mean.abs() < error && (found - deviation).abs() < error,
        "{parameter}: {mean} {found} {deviation}"
    );
}

#[test]
fn deviations_are_those_that_each_family_states() {
    let wide = network("wrn-16-2");
    check(&wide, "f.2_block.block.0.block.4_convolution.weight", (0.4 / f64::from(64 * 9)).sqrt());
    check(&wide, "f.2_block.block.0.downsample.weight", (0.4_f64 / 64.0).sqrt());
    let pyramid = network("pyramidnet-20-9");
    check(&pyramid, "layer2.1.conv2.weight", (2.0 / f64::from(22 * 9)).sqrt());
    check(&pyramid, "layer2.1.conv3.weight", (2.0_f64 / 88.0).sqrt());
    // U(-b, b) has the deviation b / sqrt(3), and less error in it than a normal law.
    check(&pyramid, "fc.weight", (1.0_f64 / 100.0 / 3.0).sqrt());
    let skipinit = network("wrn-16-2-skipinit");
    check(&skipinit, "group2.0.conv1.weight", (2.0 / f64::from(32 * 9)).sqrt());
    check(&network("mlp-48-16x2"), "fc1.weight", (1.0_f64 / 48.0 / 3.0).sqrt());
}

/// Whatever the residual branches hold, they are silent at the start, and only their scalars have a gradient.
#[test]
fn without_bn_a_network_starts_as_its_shortcuts() {
    let network = network("wrn-16-2-skipinit");
    let images = Tensor::from_slice(
        &(0..2 * 3072).map(|i| ((i * 7919) % 2001) as f32 / 1000.0 - 1.0).collect::<Vec<_>>(),
    )
    .view([2, 3, 32, 32]);
    let logits = || network.forward(&images, BatchNormMode::Train).unwrap();
    let before = logits();
    let labels = Tensor::from_slice(&[1_i64, 8]);
    network.backward(&MinibatchLoss::of(&before, &labels).unwrap().mean_loss).unwrap();
    for (name, gradient) in network.gradient().named().unwrap() {
        let in_branch = name.contains(".conv");
        assert_eq!(gradient.abs().max().double_value(&[]) == 0.0, in_branch, "{name}");
    }
    for (name, mut weight) in network.parameters().named().unwrap() {
        if name.contains(".conv") {
            let _ = tch::no_grad(|| weight.fill_(3.0));
        }
    }
    assert_eq!(logits(), before);
}
