//! A network and an optimizer of your own, trained on generated images: each is one file, and nothing of Polder is edited.
//!
//! `cargo run --release --package polder-example-custom-method`

use std::error::Error;

use polder_data::{Augmentation, Generated, GeneratedConfig, Layout, Loader, Normalization};
use polder_example_custom_method::lookahead::Lookahead;
use polder_example_custom_method::plain_net::PlainNet;
use polder_models::{MinibatchObjective, Module, Network, Precision, input, input::ChannelOrder};
use polder_optim::{Momentum, Optimizer as _, SgdConfig};
use tch::Device;

const NUM_CLASSES: i64 = 10;

/// The mean training loss of each epoch.
fn train(precision: Precision, num_epochs: u64) -> Result<Vec<f64>, Box<dyn Error>> {
    let describe = |builder: &mut polder_models::Builder| -> Box<dyn Module> {
        Box::new(PlainNet::new(builder, 8, NUM_CLASSES))
    };
    let network = Network::describe("plain-8", describe, 0, precision, Device::Cpu)?;
    let images = Generated::new(GeneratedConfig { num_images: 640, ..GeneratedConfig::default() })?;
    let loader = Loader::builder(images)
        .batch_size(64)
        .augmentation(Augmentation::none(Normalization::GENERATED))
        .layout(Layout::Nhwc) // What convolutions read.
        .build::<f32>()?;
    let (mut weights, mut gradient) = (network.parameters(), network.gradient());
    let momentum = Momentum::HeavyBall { coefficient: 0.9, dampening: 0.0 };
    let mut optimizer = Lookahead::new(SgdConfig { momentum, ..SgdConfig::default() }, 5, 0.5)?;
    let mut losses = Vec::new();
    for epoch in 0..num_epochs {
        let (mut sum, mut steps) = (0.0, 0.0);
        for minibatch in loader.epoch(epoch)? {
            let minibatch = minibatch?;
            let (n, h, w, c) = minibatch.images().dim();
            let (images, labels) = input::minibatch(
                minibatch.values(),
                [n, c, h, w],
                ChannelOrder::Last,
                minibatch.labels(),
                Device::Cpu,
            )?;
            let mut objective = MinibatchObjective::new(&network, images, labels);
            let loss = optimizer.step(&mut objective, &mut weights, &mut gradient, 0.1)?;
            sum += loss.mean_loss.double_value(&[]);
            steps += 1.0;
        }
        losses.push(sum / steps);
    }
    Ok(losses)
}

fn main() -> Result<(), Box<dyn Error>> {
    for (epoch, loss) in train(Precision::F32, 3)?.into_iter().enumerate() {
        println!("epoch {}: loss {loss:.3}", epoch + 1);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use polder_optim::{OptimError, Point, Resumable as _};

    use super::*;

    #[test]
    fn the_network_has_its_parameters_and_learns_in_either_precision() {
        for precision in [Precision::F32, Precision::Bf16] {
            let losses = train(precision, 3).unwrap();
            assert!(losses[2] < 0.9 * losses[0], "{precision:?}: {losses:?}");
        }
    }

    /// SGD goes from 1 to 0.9 to 0.81, and half of the way from 1 is 0.905.
    #[test]
    fn lookahead_takes_half_of_the_way_on_a_parabola_and_continues_to_the_bit() -> Result<(), OptimError> {
        let mut parabola = |w: &f64, _at: Point, gradient: &mut f64| {
            *gradient = *w;
            Ok(0.5 * w * w)
        };
        let mut lookahead = Lookahead::new(SgdConfig::default(), 2, 0.5)?;
        let (mut w, mut gradient) = (1.0, 0.0);
        for _ in 0..2 {
            lookahead.step(&mut parabola, &mut w, &mut gradient, 0.1)?;
        }
        assert!((w - 0.905_f64).abs() < 1e-12);

        let mut continued = Lookahead::new(SgdConfig::default(), 2, 0.5)?;
        continued.restore(lookahead.state().save())?;
        let mut other = w;
        for _ in 0..3 {
            lookahead.step(&mut parabola, &mut w, &mut gradient, 0.1)?;
            continued.step(&mut parabola, &mut other, &mut gradient, 0.1)?;
        }
        assert_eq!(w.to_bits(), other.to_bits());
        Ok(())
    }
}
