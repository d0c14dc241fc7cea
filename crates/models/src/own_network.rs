//! The network of the book's chapter on a network of one's own: it compiles, has the parameters that it should, and learns.

#[path = "../../../docs/own-network/plain_net.rs"]
mod plain_net;

use polder_optim::Optimizer as _;
use polder_optim::{Sgd, SgdConfig};
use tch::Device;

use self::plain_net::PlainNet;
use crate::layers::Builder;
use crate::{MinibatchObjective, Network, Precision, input};

fn network(precision: Precision) -> Network {
    let mut builder = Builder::default();
    let module = Box::new(PlainNet::new(&mut builder, 4, 10));
    // A network carries the name of an architecture; any will do.
    let architecture = "wrn-10-1".parse().unwrap();
    Network::of_module(architecture, module, builder, 0, precision, Device::Cpu).unwrap()
}

/// Convolutions 3-4-8-16 of 3 x 3, a scale and a shift for each of their channels, and 16 x 10 weights with 10 biases.
#[test]
fn the_network_of_the_book_has_its_parameters() {
    let convolutions = 9 * (3 * 4 + 4 * 8 + 8 * 16);
    let (norms, linear) = (2 * (4 + 8 + 16), 16 * 10 + 10);
    assert_eq!(network(Precision::F32).num_parameters(), convolutions + norms + linear);
}

#[test]
fn the_network_of_the_book_learns_in_either_precision() {
    for precision in [Precision::F32, Precision::Bf16] {
        let network = network(precision);
        let (mut weights, mut gradient) = (network.parameters(), network.gradient());
        let mut sgd = Sgd::new(SgdConfig::default()).unwrap();
        let pixels: Vec<f32> =
            (0_u8..=255).cycle().take(2 * 3 * 8 * 8).map(|pixel| f32::from(pixel) / 255.0).collect();
        let (images, labels) = input::minibatch(&pixels, [2, 3, 8, 8], &[3, 7], Device::Cpu).unwrap();
        let losses: Vec<f64> = (0..5)
            .map(|_| {
                let mut objective =
                    MinibatchObjective::new(&network, images.shallow_clone(), labels.shallow_clone());
                let step = sgd.step(&mut objective, &mut weights, &mut gradient, 0.1).unwrap();
                step.mean_loss.double_value(&[])
            })
            .collect();
        assert!(losses[4] < 0.8 * losses[0], "{precision:?}: {losses:?}");
    }
}
