//! Parameters, multiply-accumulates and names of all networks of the papers: exact.

use std::path::Path;

use polder_models::{Architecture, Network, Precision, tensor_shapes};
use serde::Deserialize;
use tch::Device;

fn architecture(name: &str) -> Architecture {
    name.parse().unwrap()
}

fn check_parameters(name: &str, num_classes: usize, expected: u64) {
    assert_eq!(architecture(name).num_parameters(num_classes), expected, "{name} with {num_classes} classes");
}

/// Nitanda et al.'s released code: ResNet-50, ResNet-18, WRN28_10 with its five units per group, PyramidNet.
#[test]
fn networks_of_the_released_code() {
    check_parameters("resnet-50", 10, 23_520_842);
    check_parameters("resnet-50", 100, 23_705_252);
    check_parameters("resnet-18", 10, 11_173_962);
    check_parameters("resnet-18", 100, 11_220_132);
    check_parameters("wrn28-10-released", 10, 46_160_474);
    check_parameters("wrn28-10-released", 100, 46_218_164);
    check_parameters("pyramidnet-272-200", 10, 26_210_842);
    check_parameters("pyramidnet-272-200", 100, 26_288_692);
}

/// Zagoruyko and Komodakis (2016) and the small networks of Smith et al. (2021): without the 480 scales and shifts of BN
/// and with three scalars a WRN-10-1 has 77,373.
#[test]
fn wide_resnets() {
    check_parameters("wrn-28-10", 10, 36_479_194);
    check_parameters("wrn-28-10", 100, 36_536_884);
    check_parameters("wrn-16-4", 10, 2_748_890);
    check_parameters("wrn-10-1", 10, 77_850);
    check_parameters("wrn-10-1-skipinit", 10, 77_373);
}

/// The deeper ResNets have no published count; theirs follow from torchvision's ResNet (21,797,672, 44,549,160 and
/// 60,192,808 for 1,000 classes) by exchanging the 7x7 stem for a 3x3 one and the linear layer.
#[test]
fn deeper_resnets() {
    let stem = 64 * 3 * (49 - 9);
    let linear = |features: u64| (features + 1) * (1000 - 10);
    check_parameters("resnet-34", 10, 21_797_672 - stem - linear(512));
    check_parameters("resnet-101", 10, 44_549_160 - stem - linear(2048));
    check_parameters("resnet-152", 10, 60_192_808 - stem - linear(2048));
}

#[test]
fn a_perceptron_has_the_weights_and_biases_of_its_name() {
    check_parameters("mlp-784-1000x2", 10, 784 * 1000 + 1000 * 1000 + 1000 * 10 + 1000 + 1000 + 10);
    let macs = architecture("mlp-784-1000x2").macs(10, [1, 28, 28]).unwrap();
    assert_eq!(macs, 784 * 1000 + 1000 * 1000 + 1000 * 10);
}

#[derive(Deserialize)]
struct Size {
    name: String,
    classes: usize,
    images: [usize; 3],
    parameters: u64,
    macs: u64,
    tensors: usize,
    hash: String,
}

/// The 64-bit FNV-1a hash.
fn fnv1a(text: &str) -> String {
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    });
    format!("{hash:016x}")
}

/// Counted by PyTorch in golden/network_sizes.py.
#[test]
fn all_sizes_and_names_are_those_of_pytorch() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/network-sizes.json");
    let sizes: Vec<Size> = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    assert!(sizes.len() > 20);
    for size in sizes {
        let architecture = architecture(&size.name);
        check_parameters(&size.name, size.classes, size.parameters);
        assert_eq!(architecture.macs(size.classes, size.images).unwrap(), size.macs, "{}", size.name);
        let shapes = tensor_shapes(architecture, size.classes);
        assert_eq!(shapes.len(), size.tensors, "{}", size.name);
        let lines: Vec<String> = shapes.iter().map(|(name, shape)| format!("{name} {shape:?}")).collect();
        assert_eq!(fnv1a(&lines.join("\n")), size.hash, "{}: {lines:#?}", size.name);
    }
}

#[test]
fn multiply_accumulates_follow_the_images() {
    let resnet = architecture("resnet-18");
    let macs = |size| resnet.macs(10, [3, size, size]).unwrap();
    let linear = 512 * 10;
    assert_eq!(macs(64) - linear, 4 * (macs(32) - linear));
    assert!(resnet.macs(10, [1, 32, 32]).is_err());
}

#[test]
fn a_network_has_the_size_and_the_names_of_its_description() {
    for name in ["wrn-10-1", "wrn-10-1-skipinit", "pyramidnet-11-9", "mlp-48-16x2"] {
        let network = Network::new(architecture(name), 7, 0, Precision::F32, Device::Cpu).unwrap();
        assert_eq!(network.num_parameters(), architecture(name).num_parameters(7), "{name}");
        let tensors = network.named_tensors().unwrap();
        let shapes = tensors.into_iter().map(|(name, tensor)| (name, tensor.size())).collect();
        assert_eq!(tensor_shapes(architecture(name), 7), shapes, "{name}");
    }
}
