//! A small convolutional network in candle, fed by polder-data.
//!
//! ```sh
//! cargo run --release --package polder-example-candle
//! ```

use candle_core::{Device, Error, Result, Tensor, Var};
use candle_nn::{Optimizer, SGD, loss};
use polder_data::{Augmentation, Generated, GeneratedConfig, ImageShape, Loader, Minibatch, Normalization};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const CLASSES: usize = 4;
const FILTERS: usize = 12;

fn main() -> Result<()> {
    for (epoch, loss) in train(4)?.iter().enumerate() {
        println!("epoch {epoch}: mean loss {loss:.3}");
    }
    Ok(())
}

/// A minibatch as candle's tensors: one copy, out of the buffer that the loader uses again.
fn to_tensors(minibatch: &Minibatch, device: &Device) -> Result<(Tensor, Tensor)> {
    let images = Tensor::from_slice(minibatch.values(), minibatch.images().dim(), device)?;
    let labels = Tensor::from_slice(minibatch.labels(), minibatch.len(), device)?;
    Ok((images, labels))
}

/// Two convolutions, the mean over the image, a linear layer.
struct Network {
    first: Var,
    second: Var,
    linear: Var,
}

impl Network {
    /// Weights of a seed, at the scale of He et al. (2015).
    fn new(seed: u64, device: &Device) -> Result<Self> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut draw = |shape: &[usize], fan_in: usize| {
            let bound = (6.0 / fan_in as f32).sqrt();
            let values = (0..shape.iter().product()).map(|_| rng.random_range(-bound..bound)).collect();
            Var::from_vec::<_, f32>(values, shape, device)
        };
        Ok(Network {
            first: draw(&[FILTERS, 3, 3, 3], 27)?,
            second: draw(&[2 * FILTERS, FILTERS, 3, 3], 9 * FILTERS)?,
            linear: draw(&[2 * FILTERS, CLASSES], 2 * FILTERS)?,
        })
    }

    /// Logits (N, K) of images (N, 3, H, W).
    fn forward(&self, images: &Tensor) -> Result<Tensor> {
        let hidden = images.conv2d(&self.first, 1, 2, 1, 1)?.relu()?;
        let hidden = hidden.conv2d(&self.second, 1, 2, 1, 1)?.relu()?;
        hidden.mean((2, 3))?.matmul(&self.linear)
    }
}

/// Trains for some epochs; returns the mean loss of each.
fn train(epochs: u64) -> Result<Vec<f32>> {
    let device = Device::Cpu;
    let shape = ImageShape { channels: 3, height: 16, width: 16 };
    let config =
        GeneratedConfig { num_images: 512, num_classes: CLASSES, shape, shift: 2, ..Default::default() };
    let loader = Loader::builder(Generated::new(config).map_err(Error::wrap)?)
        .batch_size(64)
        .seed(1)
        .augmentation(Augmentation::none(Normalization::GENERATED))
        .build::<f32>()
        .map_err(Error::wrap)?;
    let network = Network::new(1, &device)?;
    let variables = [&network.first, &network.second, &network.linear].map(Var::clone);
    let mut sgd = SGD::new(variables.to_vec(), 0.1)?;
    let mut losses = Vec::new();
    for epoch in 0..epochs {
        let mut sum = 0.0;
        for minibatch in loader.epoch(epoch).map_err(Error::wrap)? {
            let (images, labels) = to_tensors(&minibatch.map_err(Error::wrap)?, &device)?;
            let loss = loss::cross_entropy(&network.forward(&images)?, &labels)?;
            sgd.backward_step(&loss)?;
            sum += loss.to_scalar::<f32>()?;
        }
        losses.push(sum / loader.steps_per_epoch() as f32);
    }
    Ok(losses)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_loss_falls() {
        let losses = super::train(5).unwrap();
        assert!(losses[4] < 0.8 * losses[0], "{losses:?}");
    }
}
