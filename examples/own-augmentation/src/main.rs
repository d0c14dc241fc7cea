//! A step of augmentation of one's own, applied before the crop and the flip that the loader knows.
//!
//! ```sh
//! cargo run --release --package polder-example-own-augmentation
//! ```

use polder_data::{
    Augment, AugmentRng, Augmentation, DataError, Generated, GeneratedConfig, Loader, Normalization, Sample,
};

fn main() -> Result<(), DataError> {
    let loader = loader(2)?;
    for epoch in 0..3 {
        println!("epoch {epoch}: mean of all values {:.4}", mean(&loader, epoch)?);
    }
    Ok(())
}

/// Scales the contrast of each channel around its middle, by a factor that is uniform on `1 - by..1 + by`.
struct Contrast {
    by: f64,
}

impl Augment for Contrast {
    fn apply(&self, image: &mut [u8], sample: &Sample, draws: &mut AugmentRng) {
        let plane = sample.shape.height * sample.shape.width;
        for channel in image.chunks_exact_mut(plane) {
            let factor = 1.0 + self.by * (2.0 * draws.unit() - 1.0);
            for value in channel {
                *value = (128.0 + factor * (f64::from(*value) - 128.0)).round().clamp(0.0, 255.0) as u8;
            }
        }
    }
}

/// Turns an image upside down with probability 1/2, but only those of class 0, which has no top.
struct UpsideDown;

impl Augment for UpsideDown {
    fn apply(&self, image: &mut [u8], sample: &Sample, draws: &mut AugmentRng) {
        if sample.label == 0 && draws.happens(0.5) {
            let (height, width) = (sample.shape.height, sample.shape.width);
            for channel in image.chunks_exact_mut(height * width) {
                let (upper, lower) = channel.split_at_mut(height / 2 * width);
                for (row, mirrored) in upper.chunks_exact_mut(width).zip(lower.rchunks_exact_mut(width)) {
                    row.swap_with_slice(mirrored);
                }
            }
        }
    }
}

fn loader(workers: usize) -> Result<Loader<f32>, DataError> {
    let config = GeneratedConfig { num_images: 256, ..GeneratedConfig::default() };
    Loader::builder(Generated::new(config)?)
        .batch_size(64)
        .seed(1)
        .step(Contrast { by: 0.4 })
        .step(UpsideDown)
        .augmentation(Augmentation::crop_flip_cutout(Normalization::GENERATED))
        .workers(workers)
        .build()
}

/// Mean of all values of an epoch, summed in its order.
fn mean(loader: &Loader<f32>, epoch: u64) -> Result<f64, DataError> {
    let (mut sum, mut count) = (0.0, 0);
    for minibatch in loader.epoch(epoch)? {
        let minibatch = minibatch?;
        sum += minibatch.values().iter().map(|&value| f64::from(value)).sum::<f64>();
        count += minibatch.values().len();
    }
    Ok(sum / count as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bits(workers: usize, epoch: u64) -> Vec<u32> {
        let epoch = loader(workers).unwrap().epoch(epoch).unwrap();
        let values = |minibatch: Result<polder_data::Minibatch, DataError>| {
            minibatch.unwrap().values().iter().map(|value| value.to_bits()).collect::<Vec<_>>()
        };
        epoch.flat_map(values).collect()
    }

    #[test]
    fn own_steps_give_the_same_bytes_for_any_number_of_workers() {
        assert_eq!(bits(1, 0), bits(3, 0));
    }

    #[test]
    fn an_image_is_changed_differently_in_every_epoch() {
        let loader = loader(1).unwrap();
        assert_ne!(mean(&loader, 0).unwrap().to_bits(), mean(&loader, 1).unwrap().to_bits());
    }
}
