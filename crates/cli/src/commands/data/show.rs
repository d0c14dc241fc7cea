//! `polder data show`: a sheet of samples to look at.

use std::fs;
use std::path::PathBuf;

use anyhow::Context;
use clap::ValueEnum;
use polder_data::{
    Augmentation, Dataset, DatasetKind, Generated, GeneratedConfig, ImageShape, Normalization, Split,
    class_names, open, open_packed,
};

use super::sheet::sheet;
use crate::data_dir::DataDir;
use crate::stdout;

/// What `polder data show` understands.
#[derive(Debug, clap::Args)]
pub(crate) struct ShowArgs {
    /// Which data set
    #[arg(value_enum, default_value_t = Shown::Cifar10)]
    dataset: Shown,
    /// File made by `polder data pack`, instead of a named data set
    #[arg(long, value_name = "FILE", conflicts_with = "dataset")]
    packed: Option<PathBuf>,
    #[command(flatten)]
    data: DataDir,
    /// The PNG file
    #[arg(long, value_name = "FILE", default_value = "samples.png")]
    output: PathBuf,
    /// How many images
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=200))]
    images: u16,
    /// Seed of the augmentation
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Number of classes of generated data
    #[arg(long, value_name = "K", default_value_t = 10)]
    classes: usize,
    /// Height and width of generated data, in pixels
    #[arg(long, value_name = "PIXELS", default_value_t = 32)]
    size: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Shown {
    Cifar10,
    Cifar100,
    /// CIFAR-100 under its 20 coarse labels
    Cifar100Coarse,
    Mnist,
    FashionMnist,
    /// Made by Polder; needs no file
    Generated,
}

/// The images to show, what their classes are called, and their mean and standard deviation.
type Source = (Box<dyn Dataset>, Vec<String>, Normalization);

/// Writes the sheet.
pub(crate) fn run(args: &ShowArgs) -> anyhow::Result<()> {
    let (dataset, names, normalization) = source(args)?;
    let indices: Vec<usize> = (0..dataset.len().min(args.images.into())).collect();
    let augmentation = Augmentation::crop_flip_cutout(normalization);
    let png = sheet(dataset.as_ref(), &names, &indices, augmentation, args.seed)?;
    fs::write(&args.output, png).with_context(|| format!("cannot write `{}`", args.output.display()))?;
    stdout::print(&format!("{}\n", args.output.display()))?;
    Ok(())
}

fn source(args: &ShowArgs) -> anyhow::Result<Source> {
    if let Some(path) = &args.packed {
        let packed = open_packed(path)?;
        let (names, normalization) = (packed.header().class_names.clone(), packed.header().normalization);
        return Ok((Box::new(packed), names, normalization));
    }
    let kind = match args.dataset {
        Shown::Cifar10 => DatasetKind::Cifar10,
        Shown::Cifar100 => DatasetKind::Cifar100,
        Shown::Cifar100Coarse => DatasetKind::Cifar100Coarse,
        Shown::Mnist => DatasetKind::Mnist,
        Shown::FashionMnist => DatasetKind::FashionMnist,
        Shown::Generated => {
            let images = Generated::new(GeneratedConfig {
                num_images: args.images.into(),
                num_classes: args.classes,
                shape: ImageShape { channels: 3, height: args.size, width: args.size },
                ..GeneratedConfig::default()
            })?;
            return Ok((Box::new(images), Vec::new(), Normalization::GENERATED));
        }
    };
    let split = open(kind, Split::Train, &args.data.data_dir)?;
    Ok((Box::new(split), class_names(kind, &args.data.data_dir), kind.normalization()))
}
