//! A network of two layers in burn, fed by polder-data.
//!
//! It names `burn-tensor` rather than `burn`, to compile less; in a program that uses `burn`, the same names are in
//! `burn::tensor`. The device may as well be a GPU: only `Device::flex()` would change.
//!
//! ```sh
//! cargo run --release --package polder-example-burn
//! ```

use burn_tensor::{Device, Int, Tensor, TensorData, activation, loss};
use polder_data::{
    Augmentation, DataError, Generated, GeneratedConfig, ImageShape, Loader, Minibatch, Normalization,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const SHAPE: ImageShape = ImageShape { channels: 3, height: 16, width: 16 };
const CLASSES: usize = 4;
const HIDDEN: usize = 32;
const LEARNING_RATE: f32 = 0.05;

fn main() -> Result<(), DataError> {
    for (epoch, loss) in train(4)?.iter().enumerate() {
        println!("epoch {epoch}: mean loss {loss:.3}");
    }
    Ok(())
}

/// A minibatch as burn's tensors: one copy, out of the buffer that the loader uses again.
fn to_tensors(minibatch: &Minibatch, device: &Device) -> (Tensor<4>, Tensor<1, Int>) {
    let (num_images, channels, height, width) = minibatch.images().dim();
    let images = TensorData::new(minibatch.values().to_vec(), [num_images, channels, height, width]);
    let labels = TensorData::new(minibatch.labels().to_vec(), [num_images]);
    (Tensor::from_data(images, device), Tensor::from_data(labels, device))
}

/// A weight matrix of a seed, at the scale of He et al. (2015).
fn draw(seed: u64, [rows, columns]: [usize; 2], device: &Device) -> Tensor<2> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let bound = (6.0 / rows as f32).sqrt();
    let values: Vec<f32> = (0..rows * columns).map(|_| rng.random_range(-bound..bound)).collect();
    Tensor::from_data(TensorData::new(values, [rows, columns]), device).require_grad()
}

/// Trains for some epochs; returns the mean loss of each.
fn train(epochs: u64) -> Result<Vec<f32>, DataError> {
    let config = GeneratedConfig {
        num_images: 512,
        num_classes: CLASSES,
        shape: SHAPE,
        shift: 1,
        ..GeneratedConfig::default()
    };
    let loader = Loader::builder(Generated::new(config)?)
        .batch_size(64)
        .seed(1)
        .augmentation(Augmentation::none(Normalization::GENERATED))
        .build::<f32>()?;
    let device = Device::flex().autodiff();
    let mut weights = [draw(1, [SHAPE.num_values(), HIDDEN], &device), draw(2, [HIDDEN, CLASSES], &device)];
    let mut losses = Vec::new();
    for epoch in 0..epochs {
        let mut sum = 0.0;
        for minibatch in loader.epoch(epoch)? {
            let (images, labels) = to_tensors(&minibatch?, &device);
            let hidden = activation::relu(images.flatten::<2>(1, 3).matmul(weights[0].clone()));
            let logits = hidden.matmul(weights[1].clone());
            let loss = loss::cross_entropy_with_logits(logits, labels.one_hot::<2>(CLASSES).float());
            let mut gradients = loss.backward();
            weights = weights.map(|weight| {
                let gradient = weight.grad_remove(&mut gradients).expect("every weight takes part");
                (weight.inner() - gradient.inner() * LEARNING_RATE).autodiff().require_grad()
            });
            sum += loss.into_scalar::<f32>();
        }
        losses.push(sum / loader.steps_per_epoch() as f32);
    }
    Ok(losses)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_loss_falls() {
        let losses = super::train(4).unwrap();
        assert!(losses[3] < 0.8 * losses[0], "{losses:?}");
    }
}
