//! Softmax regression with nothing but ndarray: the classes of generated images from their pixels.
//!
//! ```sh
//! cargo run --release --package polder-example-ndarray-softmax
//! ```

use ndarray::{Array2, ArrayView2, Axis};
use polder_data::{
    Augmentation, DataError, Dataset, Generated, GeneratedConfig, ImageShape, Loader, Minibatch,
    Normalization, Order, Split,
};

const LEARNING_RATE: f32 = 0.02;
const CLASSES: usize = 4;

fn main() -> Result<(), DataError> {
    let weights = train(8)?;
    println!("test accuracy: {:.1} %", 100.0 * accuracy(&weights)?);
    Ok(())
}

/// Small images whose classes are hardly shifted: a linear model can tell them apart.
fn images(split: Split) -> Result<Generated, DataError> {
    let shape = ImageShape { channels: 3, height: 16, width: 16 };
    Generated::new(GeneratedConfig {
        num_images: 2000,
        num_classes: CLASSES,
        shape,
        shift: 1,
        split,
        ..GeneratedConfig::default()
    })
}

/// Weights (C * H * W, K) after some epochs of SGD from zero.
fn train(epochs: u64) -> Result<Array2<f32>, DataError> {
    let images = images(Split::Train)?;
    let mut weights = Array2::<f32>::zeros((images.shape().num_values(), CLASSES));
    let loader = Loader::builder(images)
        .batch_size(100)
        .seed(1)
        .augmentation(Augmentation::none(Normalization::GENERATED))
        .build::<f32>()?;
    for epoch in 0..epochs {
        let mut loss = 0.0;
        for minibatch in loader.epoch(epoch)? {
            loss += step(&mut weights, &minibatch?);
        }
        println!("epoch {epoch}: mean loss {:.3}", loss / loader.steps_per_epoch() as f32);
    }
    Ok(weights)
}

/// The minibatch's own memory as a matrix (N, C * H * W): nothing is copied.
fn rows(minibatch: &Minibatch) -> ArrayView2<'_, f32> {
    let shape = (minibatch.len(), minibatch.shape().num_values());
    ArrayView2::from_shape(shape, minibatch.values()).expect("a minibatch holds whole images")
}

/// One step of SGD; returns the mean cross-entropy before it.
fn step(weights: &mut Array2<f32>, minibatch: &Minibatch) -> f32 {
    let inputs = rows(minibatch);
    // Logits first, then their softmax, then the derivative of the loss by the logits.
    let mut residuals = inputs.dot(weights);
    let mut loss = 0.0;
    for (mut row, &label) in residuals.axis_iter_mut(Axis(0)).zip(minibatch.labels()) {
        let largest = row.fold(f32::NEG_INFINITY, |largest, &logit| largest.max(logit));
        row.mapv_inplace(|logit| (logit - largest).exp());
        row /= row.sum();
        loss -= row[label as usize].ln();
        row[label as usize] -= 1.0;
    }
    let scale = LEARNING_RATE / minibatch.len() as f32;
    weights.scaled_add(-scale, &inputs.t().dot(&residuals));
    loss / minibatch.len() as f32
}

/// Fraction of the test images whose largest logit is that of their class.
fn accuracy(weights: &Array2<f32>) -> Result<f64, DataError> {
    let loader = Loader::builder(images(Split::Test)?)
        .order(Order::Sequential)
        .augmentation(Augmentation::none(Normalization::GENERATED))
        .build::<f32>()?;
    let (mut correct, mut seen) = (0, 0);
    for minibatch in loader.epoch(0)? {
        let minibatch = minibatch?;
        let logits = rows(&minibatch).dot(weights);
        for (row, &label) in logits.axis_iter(Axis(0)).zip(minibatch.labels()) {
            correct += usize::from(row.iter().all(|&logit| logit <= row[label as usize]));
        }
        seen += minibatch.len();
    }
    Ok(f64::from(correct as u32) / seen as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_linear_model_learns_the_generated_classes() {
        let accuracy = accuracy(&train(5).unwrap()).unwrap();
        assert!(accuracy > 0.8, "{accuracy}, where guessing gives 0.25");
    }
}
