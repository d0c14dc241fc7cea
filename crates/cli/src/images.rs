//! The images a configuration asks for, with how far their origin is established.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail};
use polder_data::{
    Augmentation, Border, Crop, Dataset, DatasetKind, FirstN, Flip, Generated, GeneratedConfig, Loader,
    Normalization, Order, Split, Verification,
};

use crate::config::{AugmentationName, DatasetName, RunConfig};
use crate::record::{DataRecord, DataState};

/// The classes of generated data are the same for every run, whatever its seed: only then do runs compare.
const GENERATED_SEED: u64 = 0;
const GENERATED_TRAIN_IMAGES: usize = 2000;
const GENERATED_TEST_IMAGES: usize = 1000;

/// Images evaluated at a time.
const EVALUATION_BATCH: usize = 500;

/// Both splits of a data set, and how they are presented.
pub(crate) struct Images {
    train: Arc<dyn Dataset>,
    test: Arc<dyn Dataset>,
    normalization: Normalization,
    pub(crate) record: DataRecord,
}

impl Images {
    /// Opens, checks and verifies what `config` asks for; files are looked for under `data_dir`.
    pub(crate) fn open(config: &RunConfig, data_dir: &Path, allow_unverified: bool) -> anyhow::Result<Self> {
        let kind = match config.data.dataset {
            DatasetName::Cifar10 => DatasetKind::Cifar10,
            DatasetName::Cifar100 => DatasetKind::Cifar100,
            DatasetName::Generated => return Self::generated(config),
        };
        // Opening comes first: a truncated file is better explained by its length than by its digest.
        let train = polder_data::open(kind, Split::Train, data_dir)?;
        let test = polder_data::open(kind, Split::Test, data_dir)?;
        let report = polder_data::verify(kind, data_dir)?;
        if report.state() == Verification::Unverified && !allow_unverified {
            let named: Vec<String> = report
                .files
                .iter()
                .filter(|file| file.state == Verification::Unverified)
                .map(ToString::to_string)
                .collect();
            bail!(
                "these files are not the official ones:\n  {}\n`polder data fetch {}` replaces them; \
                 --allow-unverified uses them all the same, and every record and report will say so",
                named.join("\n  "),
                kind.name()
            );
        }
        let state = match report.state() {
            Verification::Verified => DataState::Verified,
            Verification::Known => DataState::Known,
            Verification::Unverified => DataState::Unverified,
        };
        let first = |dataset, len: Option<usize>, what: &str| -> anyhow::Result<Arc<dyn Dataset>> {
            Ok(match len {
                Some(len) => Arc::new(FirstN::new(dataset, len).with_context(|| format!("`data.{what}`"))?),
                None => Arc::new(dataset),
            })
        };
        let train = first(train, config.data.train_images, "train_images")?;
        let test = first(test, config.data.test_images, "test_images")?;
        Ok(Self::new(train, test, kind.normalization(), state))
    }

    fn generated(config: &RunConfig) -> anyhow::Result<Self> {
        let make = |split, num_images| -> anyhow::Result<Arc<dyn Dataset>> {
            let settings =
                GeneratedConfig { num_images, split, seed: GENERATED_SEED, ..GeneratedConfig::default() };
            Ok(Arc::new(Generated::new(settings)?))
        };
        let train = make(Split::Train, config.data.train_images.unwrap_or(GENERATED_TRAIN_IMAGES))?;
        let test = make(Split::Test, config.data.test_images.unwrap_or(GENERATED_TEST_IMAGES))?;
        Ok(Self::new(train, test, Normalization::GENERATED, DataState::Generated))
    }

    fn new(
        train: Arc<dyn Dataset>,
        test: Arc<dyn Dataset>,
        normalization: Normalization,
        verification: DataState,
    ) -> Self {
        let record = DataRecord {
            train_images: train.len() as u64,
            test_images: test.len() as u64,
            num_classes: train.num_classes() as u64,
            verification,
        };
        Self { train, test, normalization, record }
    }

    /// Number of classes, K.
    pub(crate) fn num_classes(&self) -> usize {
        self.train.num_classes()
    }

    /// The training split, shuffled and augmented.
    pub(crate) fn train_loader(&self, config: &RunConfig, workers: usize) -> anyhow::Result<Loader> {
        let augmentation = match config.data.augmentation {
            AugmentationName::CropFlipCutout => Augmentation::papers(self.normalization),
            AugmentationName::CropFlip => Augmentation {
                crop: Some(Crop { padding: 4, border: Border::Zero }),
                flip: Some(Flip::Random { probability: 0.5 }),
                ..Augmentation::none(self.normalization)
            },
            AugmentationName::None => Augmentation::none(self.normalization),
        };
        Ok(Loader::builder(Arc::clone(&self.train))
            .batch_size(config.training.batch_size)
            .seed(config.seed)
            .augmentation(augmentation)
            .workers(workers)
            .build()?)
    }

    /// The test split in its own order, normalised only.
    pub(crate) fn test_loader(&self, workers: usize) -> anyhow::Result<Loader> {
        Ok(Loader::builder(Arc::clone(&self.test))
            .batch_size(EVALUATION_BATCH)
            .order(Order::Sequential)
            .augmentation(Augmentation::none(self.normalization))
            .workers(workers)
            .build()?)
    }
}
