//! Parameter counts of papers' networks: exact.

use polder_models::{Architecture, Network, Precision};
use tch::Device;

fn check(name: &str, num_classes: usize, expected: u64) {
    let architecture: Architecture = name.parse().unwrap();
    let network = Network::new(architecture, num_classes, 0, Precision::F32, Device::Cpu).unwrap();
    assert_eq!(network.num_parameters(), expected, "{name} with {num_classes} classes");
}

/// Nitanda et al.'s released code: ResNet-50, ResNet-18 and WRN28_10 with its five units per group.
#[test]
fn networks_of_the_released_code() {
    check("resnet-50", 10, 23_520_842);
    check("resnet-50", 100, 23_705_252);
    check("resnet-18", 10, 11_173_962);
    check("resnet-18", 100, 11_220_132);
    check("wrn28-10-released", 10, 46_160_474);
    check("wrn28-10-released", 100, 46_218_164);
}

/// Zagoruyko and Komodakis (2016) and the small networks of Smith et al. (2021).
#[test]
fn wide_resnets() {
    check("wrn-28-10", 10, 36_479_194);
    check("wrn-28-10", 100, 36_536_884);
    check("wrn-16-4", 10, 2_748_890);
    check("wrn-10-1", 10, 77_850);
}

/// The deeper ResNets have no published count; theirs follow from torchvision's ResNet (21,797,672, 44,549,160 and
/// 60,192,808 for 1,000 classes) by exchanging the 7x7 stem for a 3x3 one and the linear layer.
#[test]
fn deeper_resnets() {
    let stem = 64 * 3 * (49 - 9);
    let linear = |features: u64| (features + 1) * (1000 - 10);
    check("resnet-34", 10, 21_797_672 - stem - linear(512));
    check("resnet-101", 10, 44_549_160 - stem - linear(2048));
    check("resnet-152", 10, 60_192_808 - stem - linear(2048));
}
