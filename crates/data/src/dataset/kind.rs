//! The data sets that have a name, and where their files lie.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use crate::dataset::{cifar, idx};
use crate::{DataError, ImageShape, MappedDataset, Normalization, Split};

/// A data set that this crate can fetch, verify and open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DatasetKind {
    /// 10 classes, 50,000 training and 10,000 test images of 3 x 32 x 32.
    Cifar10,
    /// 100 classes (the fine labels), 50,000 training and 10,000 test images of 3 x 32 x 32.
    Cifar100,
    /// The images of CIFAR-100 under its 20 coarse labels.
    Cifar100Coarse,
    /// Handwritten digits: 10 classes, 60,000 training and 10,000 test images of 1 x 28 x 28.
    Mnist,
    /// Pieces of clothing: 10 classes, 60,000 training and 10,000 test images of 1 x 28 x 28.
    FashionMnist,
}

impl DatasetKind {
    /// Every kind.
    pub const ALL: [DatasetKind; 5] = [
        DatasetKind::Cifar10,
        DatasetKind::Cifar100,
        DatasetKind::Cifar100Coarse,
        DatasetKind::Mnist,
        DatasetKind::FashionMnist,
    ];

    /// The name on the command line and in configurations.
    pub const fn name(self) -> &'static str {
        match self {
            DatasetKind::Cifar10 => "cifar10",
            DatasetKind::Cifar100 => "cifar100",
            DatasetKind::Cifar100Coarse => "cifar100-coarse",
            DatasetKind::Mnist => "mnist",
            DatasetKind::FashionMnist => "fashion-mnist",
        }
    }

    /// The folder of the official files, within the data directory; both label sets of CIFAR-100 share one.
    pub const fn folder(self) -> &'static str {
        match self {
            DatasetKind::Cifar10 => "cifar-10-batches-bin",
            DatasetKind::Cifar100 | DatasetKind::Cifar100Coarse => "cifar-100-binary",
            DatasetKind::Mnist => "mnist",
            DatasetKind::FashionMnist => "fashion-mnist",
        }
    }

    /// Number of classes, K.
    pub const fn num_classes(self) -> usize {
        match self {
            DatasetKind::Cifar10 | DatasetKind::Mnist | DatasetKind::FashionMnist => 10,
            DatasetKind::Cifar100 => 100,
            DatasetKind::Cifar100Coarse => 20,
        }
    }

    /// Number of images of a split, N.
    pub const fn num_images(self, split: Split) -> usize {
        match (self, split) {
            (DatasetKind::Mnist | DatasetKind::FashionMnist, Split::Train) => 60_000,
            (_, Split::Train) => 50_000,
            (_, Split::Test) => 10_000,
        }
    }

    /// Channels, height and width of every image.
    pub const fn shape(self) -> ImageShape {
        match self {
            DatasetKind::Mnist | DatasetKind::FashionMnist => ImageShape::MNIST,
            _ => ImageShape::CIFAR,
        }
    }

    /// Mean and standard deviation of the training split.
    pub const fn normalization(self) -> Normalization {
        match self {
            DatasetKind::Cifar10 => Normalization::CIFAR10,
            DatasetKind::Cifar100 | DatasetKind::Cifar100Coarse => Normalization::CIFAR100,
            DatasetKind::Mnist => Normalization::MNIST,
            DatasetKind::FashionMnist => Normalization::FASHION_MNIST,
        }
    }

    /// The command that brings the files, as the remedy of an error.
    pub(crate) fn fetch_to_replace(self) -> String {
        format!("run `polder data fetch {self}` to replace it")
    }
}

impl fmt::Display for DatasetKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for DatasetKind {
    type Err = DataError;

    fn from_str(name: &str) -> Result<Self, DataError> {
        DatasetKind::ALL
            .into_iter()
            .find(|kind| kind.name() == name)
            .ok_or_else(|| DataError::UnknownDataset { name: name.to_owned() })
    }
}

/// Opens one split of a data set under `dir`, the folder that holds [`DatasetKind::folder`].
///
/// The files are mapped, not read; training files are concatenated in their official order. Checked here, so that
/// nothing can fail later: every file has the official number of whole records, and every label byte is a class.
/// Content is checked by [`verify`](fn@crate::verify), which reads every byte.
///
/// # Errors
/// [`DataError::MissingFolder`], [`DataError::MissingFile`], [`DataError::NotAFile`], [`DataError::Header`],
/// [`DataError::Length`], [`DataError::Label`], or [`DataError::Io`] if a file cannot be opened or mapped.
pub fn open(kind: DatasetKind, split: Split, dir: &Path) -> Result<MappedDataset, DataError> {
    let folder = dir.join(kind.folder());
    if !folder.is_dir() {
        return Err(DataError::MissingFolder { path: folder, folder: kind.folder(), dataset: kind.name() });
    }
    let opened = match kind {
        DatasetKind::Cifar10 => cifar::open_split(&cifar::CIFAR10, kind, split, &folder),
        DatasetKind::Cifar100 => cifar::open_split(&cifar::CIFAR100, kind, split, &folder),
        DatasetKind::Cifar100Coarse => cifar::open_split(&cifar::CIFAR100_COARSE, kind, split, &folder),
        DatasetKind::Mnist | DatasetKind::FashionMnist => idx::open_official(kind, split, &folder),
    };
    opened.map_err(|error| match error {
        DataError::Io { act: "open", path, source } if source.kind() == std::io::ErrorKind::NotFound => {
            DataError::MissingFile { path, dataset: kind.name() }
        }
        other => other,
    })
}
