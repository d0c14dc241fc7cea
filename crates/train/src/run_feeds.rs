//! The loaders of a run: which images, in which order, augmented how.

use std::sync::Arc;

use polder_data::{Augmentation, Border, Crop, Flip, Loader, LoaderBuilder, Order};
use polder_experiment::config::{AugmentationName, RunConfig};
use polder_experiment::images::Images;
use tch::Device;

use crate::feed::Feed;

/// The same images are sampled in every run, whatever its seed.
const SAMPLE_SEED: u64 = 0;

/// Images evaluated at a time.
const EVALUATION_BATCH: usize = 500;

/// How a loader works; changes no byte of what it hands out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoaderOptions {
    /// Augmentation threads, at least 1.
    pub workers: usize,
    /// Minibatches that each worker may finish ahead of the consumer, at least 1.
    pub prefetch: usize,
}

impl Default for LoaderOptions {
    fn default() -> Self {
        Self { workers: 1, prefetch: 2 }
    }
}

impl LoaderOptions {
    fn applied(self, loader: LoaderBuilder) -> LoaderBuilder {
        loader.workers(self.workers).prefetch_per_worker(self.prefetch)
    }
}

impl Feed {
    /// The training split of a run, shuffled and augmented.
    pub fn training(
        images: &Images,
        config: &RunConfig,
        options: LoaderOptions,
        device: Device,
    ) -> anyhow::Result<Self> {
        let augmentation = match config.data.augmentation {
            AugmentationName::CropFlipCutout => Augmentation::crop_flip_cutout(images.normalization),
            AugmentationName::CropFlip => Augmentation {
                crop: Some(Crop { padding: 4, border: Border::Zero }),
                flip: Some(Flip::Random { probability: 0.5 }),
                ..Augmentation::none(images.normalization)
            },
            AugmentationName::None => Augmentation::none(images.normalization),
        };
        let loader = Loader::builder(Arc::clone(&images.train))
            .batch_size(config.training.batch_size)
            .seed(config.seed)
            .augmentation(augmentation)
            .layout(images.layout);
        Self::new(options.applied(loader), images.normalization, device)
    }

    /// The test split in its own order, normalised only.
    pub fn testing(images: &Images, options: LoaderOptions, device: Device) -> anyhow::Result<Self> {
        let loader = Loader::builder(Arc::clone(&images.test))
            .batch_size(EVALUATION_BATCH)
            .order(Order::Sequential)
            .augmentation(Augmentation::none(images.normalization))
            .layout(images.layout);
        Self::new(options.applied(loader), images.normalization, device)
    }

    /// The test split, or the training split, without augmentation, in an order that is the same in every run: its first images are
    /// a fair sample.
    pub fn sample(images: &Images, test: bool, device: Device) -> anyhow::Result<Self> {
        let loader = Loader::builder(Arc::clone(if test { &images.test } else { &images.train }))
            .batch_size(EVALUATION_BATCH)
            .seed(SAMPLE_SEED)
            .augmentation(Augmentation::none(images.normalization));
        Self::new(loader, images.normalization, device)
    }
}
