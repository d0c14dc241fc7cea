//! The images a configuration asks for, with how far their origin is established.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail, ensure};
use polder_architecture::Architecture;
use polder_data::{
    Balance, Dataset, DatasetKind, FirstN, Generated, GeneratedConfig, ImageShape, LabelNoise, Layout,
    Normalization, PackedDataset, PackedHeader, Split, Verification, open_packed, split_validation,
};

use crate::config::{DatasetName, RunConfig, custom};
use crate::run::record::{DataRecord, DataState, RunRecords};

/// The classes of generated data are the same for every run, whatever its seed: only then do runs compare.
const GENERATED_SEED: u64 = 0;
const GENERATED_TRAIN_IMAGES: usize = 2000;
const GENERATED_TEST_IMAGES: usize = 1000;

/// The same images are held out in every run, whatever its seed.
const VALIDATION_SEED: u64 = 0;

/// Both splits of a data set, and how they are presented.
pub struct Images {
    pub train: Arc<dyn Dataset>,
    pub test: Arc<dyn Dataset>,
    pub normalization: Normalization,
    /// The order in which the network of the run reads a pixel's channels.
    pub layout: Layout,
    pub record: DataRecord,
}

impl Images {
    /// Opens, checks and verifies what `config` asks for; files are looked for under `data_dir`.
    ///
    /// # Errors
    /// If images are missing, damaged or not the official ones, or the network does not take such images.
    pub fn open(config: &RunConfig, data_dir: &Path, allow_unverified: bool) -> anyhow::Result<Self> {
        let images = Self::for_any_network(config, data_dir, allow_unverified)?;
        let reads_channels_last = if let Some(network) = custom::network(&config.model.name) {
            network.reads_channels_last
        } else {
            let architecture: Architecture = config.model.name.parse().context("`model.name`")?;
            architecture.check_images(channels_height_width(images.train.shape())).context("`model.name`")?;
            architecture.reads_channels_last()
        };
        let layout = if reads_channels_last { Layout::Nhwc } else { Layout::Nchw };
        Ok(Self { layout, ..images })
    }

    /// As [`open`](Self::open), whatever the network of `config` takes; pixels are laid out as convolutions read them.
    pub fn for_any_network(
        config: &RunConfig,
        data_dir: &Path,
        allow_unverified: bool,
    ) -> anyhow::Result<Self> {
        let images = match (config.data.dataset.official(), config.data.dataset) {
            (Some(kind), _) => Self::official(kind, config, data_dir, allow_unverified)?,
            (None, DatasetName::Packed) => Self::packed(config, data_dir)?,
            (None, _) => Self::generated(config)?,
        };
        images.with_validation_and_noise(config)
    }

    fn official(
        kind: DatasetKind,
        config: &RunConfig,
        data_dir: &Path,
        allow_unverified: bool,
    ) -> anyhow::Result<Self> {
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
        let train = first(train, config.data.train_images, "train_images")?;
        let test = first(test, config.data.test_images, "test_images")?;
        Ok(Self::new(train, test, kind.normalization(), state))
    }

    /// A packed file holds its own checksum, mean and standard deviation. The test images are those of a second file;
    /// without one they are the training images until some of these are held out.
    fn packed(config: &RunConfig, data_dir: &Path) -> anyhow::Result<Self> {
        let open = |path: &String| -> anyhow::Result<PackedDataset> {
            let path = data_dir.join(path);
            ensure!(
                path.exists(),
                "there is no `{}`; `data.path` and `data.test_path` are looked for in `{}`, which --data-dir and \
                 POLDER_DATA name; `polder data pack` makes such a file",
                path.display(),
                data_dir.display()
            );
            let packed = open_packed(&path)?;
            packed.verify()?;
            Ok(packed)
        };
        let train = open(config.data.path.as_ref().context("`data.path` is missing")?)?;
        let header = train.header().clone();
        let test = config.data.test_path.as_ref().map(open).transpose()?;
        if let Some(test) = &test {
            ensure!(
                (test.header().shape, &test.header().class_names) == (header.shape, &header.class_names),
                "`data.path` and `data.test_path` differ in the shape of their images or in their classes"
            );
        }
        let checksums =
            std::iter::once(&header).chain(test.as_ref().map(PackedDataset::header)).map(checksum);
        let packed_checksums = checksums.collect();
        let train = first(train, config.data.train_images, "train_images")?;
        let test = match test {
            Some(test) => first(test, config.data.test_images, "test_images")?,
            None => Arc::clone(&train),
        };
        let images = Self::new(train, test, header.normalization, DataState::Known);
        Ok(Self { record: DataRecord { packed_checksums, ..images.record }, ..images })
    }

    fn generated(config: &RunConfig) -> anyhow::Result<Self> {
        let default = GeneratedConfig::default();
        let side = config.data.image_size.unwrap_or(default.shape.height);
        let make = |split, num_images| -> anyhow::Result<Arc<dyn Dataset>> {
            Ok(Arc::new(Generated::new(GeneratedConfig {
                num_images,
                num_classes: config.data.num_classes.unwrap_or(default.num_classes),
                shape: ImageShape { height: side, width: side, ..default.shape },
                split,
                seed: GENERATED_SEED,
                ..default
            })?))
        };
        let train = make(Split::Train, config.data.train_images.unwrap_or(GENERATED_TRAIN_IMAGES))?;
        let test = make(Split::Test, config.data.test_images.unwrap_or(GENERATED_TEST_IMAGES))?;
        Ok(Self::new(train, test, Normalization::GENERATED, DataState::Generated))
    }

    /// Holds out validation images in place of the test split, then makes labels of the rest wrong, as configured:
    /// what is evaluated keeps its labels.
    fn with_validation_and_noise(self, config: &RunConfig) -> anyhow::Result<Self> {
        let Self { mut train, mut test, normalization, record, layout: _ } = self;
        if let Some(held_out) = config.data.validation_images {
            let (rest, validation) = split_validation(train, held_out, Balance::Classes, VALIDATION_SEED)
                .context("`data.validation_images`")?;
            (train, test) = (Arc::new(rest), Arc::new(validation));
        }
        if config.data.label_noise > 0.0 {
            train = Arc::new(LabelNoise::new(train, config.data.label_noise, config.seed)?);
        }
        let images = Self::new(train, test, normalization, record.verification);
        let packed_checksums = record.packed_checksums;
        Ok(Self { record: DataRecord { packed_checksums, ..images.record }, ..images })
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
            packed_checksums: Vec::new(),
        };
        Self { train, test, normalization, layout: Layout::Nhwc, record }
    }

    /// Number of classes, K.
    pub fn num_classes(&self) -> usize {
        self.train.num_classes()
    }
}

/// Refuses packed files that are not those that the run in `dir` began with. The id of a run knows them by their names alone.
/// A file that is not there, or cannot be opened, is not compared.
pub fn check_packed(config: &RunConfig, data_dir: &Path, dir: &Path) -> anyhow::Result<()> {
    if config.data.dataset != DatasetName::Packed {
        return Ok(());
    }
    // A run that has not begun has no record; whoever needs a damaged one says so.
    let Ok(records) = RunRecords::read(dir) else { return Ok(()) };
    let paths = config.data.path.iter().chain(&config.data.test_path).map(|path| data_dir.join(path));
    for (path, recorded) in paths.zip(&records.run.data.packed_checksums) {
        // Whoever needs a file that is not there, or is damaged, says so.
        let Ok(packed) = open_packed(&path) else { continue };
        let found = checksum(packed.header());
        ensure!(
            found == *recorded,
            "`{}` is not the file that the run in `{}` began with: its checksum is {found}, and {recorded} is recorded. Bring \
             that file back, or give the new one another name, which makes another run; without the run's folder it begins \
             again with the new file",
            path.display(),
            dir.display()
        );
    }
    Ok(())
}

fn checksum(header: &PackedHeader) -> String {
    format!("{:08x}", header.checksum)
}

/// A shape as networks are asked about it.
pub fn channels_height_width(shape: ImageShape) -> [usize; 3] {
    [shape.channels, shape.height, shape.width]
}

/// The first `len` images of `dataset`, or all; `what` is the key that says so.
fn first(
    dataset: impl Dataset + 'static,
    len: Option<usize>,
    what: &str,
) -> anyhow::Result<Arc<dyn Dataset>> {
    Ok(match len {
        Some(len) => Arc::new(FirstN::new(dataset, len).with_context(|| format!("`data.{what}`"))?),
        None => Arc::new(dataset),
    })
}
