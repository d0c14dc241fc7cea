//! A small convolutional network in tch, fed by polder-data: bytes go to the device, which normalises them.
//!
//! ```sh
//! cargo xtask setup   # libtorch
//! cargo run --release --package polder-example-tch
//! ```

use std::error::Error;

use polder_data::{Augmentation, Generated, GeneratedConfig, ImageShape, Loader, Minibatch, Normalization};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tch::{Device, Kind, Tensor, no_grad};

const CLASSES: i64 = 4;
const FILTERS: i64 = 12;
const LEARNING_RATE: f64 = 0.1;

fn main() -> Result<(), Box<dyn Error>> {
    for (epoch, loss) in train(4)?.iter().enumerate() {
        println!("epoch {epoch}: mean loss {loss:.3}");
    }
    Ok(())
}

/// A minibatch as tensors on the device: one copy of a quarter of the bytes that `f32` would take.
fn to_tensors(minibatch: &Minibatch<u8>, device: Device) -> Result<(Tensor, Tensor), tch::TchError> {
    let shape: Vec<i64> = minibatch.images().shape().iter().map(|&extent| extent as i64).collect();
    let images = Tensor::f_from_data_size(minibatch.values(), &shape, Kind::Uint8)?.f_to_device(device)?;
    Ok((images, Tensor::from_slice(minibatch.labels()).f_to_device(device)?))
}

/// The formula of `Normalization`, per channel.
fn normalize(images: &Tensor, normalization: Normalization) -> Result<Tensor, tch::TchError> {
    let per_channel = |values: [f32; 3]| Tensor::from_slice(&values).view([1, 3, 1, 1]).to(images.device());
    images
        .f_to_kind(Kind::Float)?
        .f_divide_scalar(255.0)?
        .f_sub(&per_channel(normalization.mean))?
        .f_div(&per_channel(normalization.std))
}

/// Weights of a seed, at the scale of He et al. (2015): two convolutions and a linear layer.
fn weights(seed: u64, device: Device) -> [Tensor; 3] {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut draw = |shape: &[i64], fan_in: i64| {
        let bound = (6.0 / fan_in as f32).sqrt();
        let values: Vec<f32> = (0..shape.iter().product()).map(|_| rng.random_range(-bound..bound)).collect();
        Tensor::from_slice(&values).view(shape).to(device).set_requires_grad(true)
    };
    [
        draw(&[FILTERS, 3, 3, 3], 27),
        draw(&[2 * FILTERS, FILTERS, 3, 3], 9 * FILTERS),
        draw(&[2 * FILTERS, CLASSES], 2 * FILTERS),
    ]
}

/// Logits (N, K) of images (N, 3, H, W).
fn forward([first, second, linear]: &[Tensor; 3], images: &Tensor) -> Result<Tensor, tch::TchError> {
    let hidden = images.f_conv2d(first, None::<Tensor>, [2, 2], [1, 1], [1, 1], 1)?.f_relu()?;
    let hidden = hidden.f_conv2d(second, None::<Tensor>, [2, 2], [1, 1], [1, 1], 1)?.f_relu()?;
    hidden.f_mean_dim([2_i64, 3].as_slice(), false, Kind::Float)?.f_matmul(linear)
}

/// Trains for some epochs; returns the mean loss of each.
fn train(epochs: u64) -> Result<Vec<f64>, Box<dyn Error>> {
    let device = Device::cuda_if_available();
    let shape = ImageShape { channels: 3, height: 16, width: 16 };
    let config = GeneratedConfig {
        num_images: 512,
        num_classes: CLASSES as usize,
        shape,
        shift: 2,
        ..GeneratedConfig::default()
    };
    let augmentation = Augmentation::none(Normalization::GENERATED);
    let loader = Loader::builder(Generated::new(config)?)
        .batch_size(64)
        .seed(1)
        .augmentation(augmentation)
        .build::<u8>()?;
    let mut weights = weights(1, device);
    let mut losses = Vec::new();
    for epoch in 0..epochs {
        let mut sum = 0.0;
        for minibatch in loader.epoch(epoch)? {
            let (images, labels) = to_tensors(&minibatch?, device)?;
            let images = normalize(&images, augmentation.normalization)?;
            let loss = forward(&weights, &images)?.cross_entropy_for_logits(&labels);
            let gradients = Tensor::f_run_backward(&[&loss], &weights, false, false)?;
            no_grad(|| {
                for (weight, gradient) in weights.iter_mut().zip(gradients) {
                    *weight -= gradient * LEARNING_RATE;
                }
            });
            sum += f64::try_from(&loss)?;
        }
        losses.push(sum / loader.steps_per_epoch() as f64);
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
