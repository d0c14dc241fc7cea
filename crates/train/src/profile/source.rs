//! The images that are profiled, and loaders of them in any setting.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, anyhow};
use polder_data::{
    Augmentation, Dataset, DatasetKind, FirstN, Generated, GeneratedConfig, Loader, Normalization, Split,
    Statistics, bf16,
};

use polder_experiment::profile::setting::{Format, Setting};

/// The name of the data set that needs no file.
pub const GENERATED: &str = "generated";

/// 30 MB: more than a processor's cache.
const GENERATED_IMAGES: usize = 10_000;

/// A training split and the recipe of its augmentation: crop, flip, cutout, normalisation, as in the papers.
pub struct Source {
    pub name: String,
    pub dataset: Arc<dyn Dataset>,
    pub normalization: Normalization,
}

/// A loader of minibatches in one of the formats.
pub enum AnyLoader {
    U8(Loader<u8>),
    F32(Loader<f32>),
    Bf16(Loader<bf16>),
}

impl Source {
    /// Every name that [`open`](Self::open) knows.
    pub fn names() -> impl Iterator<Item = &'static str> {
        DatasetKind::ALL.into_iter().map(DatasetKind::name).chain([GENERATED])
    }

    /// The training split of `name` under `dir`, or the first `images` of it.
    ///
    /// # Errors
    /// If it is not there, or has fewer images: path and remedy are named.
    pub fn open(name: &str, dir: &Path, images: Option<usize>) -> anyhow::Result<Self> {
        let name = name.to_owned();
        if name == GENERATED {
            let config = GeneratedConfig {
                num_images: images.unwrap_or(GENERATED_IMAGES),
                ..GeneratedConfig::default()
            };
            let dataset = Arc::new(Generated::new(config)?);
            return Ok(Self { name, dataset, normalization: Normalization::GENERATED });
        }
        let kind: DatasetKind = name.parse()?;
        let mapped = polder_data::open(kind, Split::Train, dir)
            .map_err(|error| anyhow!("{error}; `--dataset generated` needs no file"))?;
        let dataset: Arc<dyn Dataset> = match images {
            Some(images) => Arc::new(FirstN::new(mapped, images).context("`--images`")?),
            None => Arc::new(mapped),
        };
        Ok(Self { name, dataset, normalization: kind.normalization() })
    }

    /// A loader of these images.
    pub fn loader(&self, setting: &Setting) -> anyhow::Result<AnyLoader> {
        let builder = Loader::builder(Arc::clone(&self.dataset))
            .batch_size(setting.batch_size)
            .augmentation(Augmentation::papers(self.normalization))
            .workers(setting.workers)
            .queue(setting.queue);
        Ok(match setting.format {
            Format::U8 => AnyLoader::U8(builder.build()?),
            Format::F32 => AnyLoader::F32(builder.build()?),
            Format::Bf16 => AnyLoader::Bf16(builder.build()?),
        })
    }
}

impl AnyLoader {
    /// Where the time of the loader went so far.
    pub fn statistics(&self) -> Statistics {
        match self {
            Self::U8(loader) => loader.statistics(),
            Self::F32(loader) => loader.statistics(),
            Self::Bf16(loader) => loader.statistics(),
        }
    }
}
