//! CIFAR-10 and CIFAR-100 in their official binary layout.
//!
//! A file is a sequence of records: one label byte (CIFAR-10) or a coarse and a fine label byte (CIFAR-100), then
//! 3072 pixel bytes, planar red, green, blue, 32 rows of 32 each. Source: Krizhevsky (2009) and the readme of the
//! binary archives.

use std::fmt;
use std::io;
use std::path::Path;
use std::str::FromStr;

use crate::record_map::RecordMap;
use crate::{DataError, Dataset, ImageShape, Normalization, Split};

/// A data set that this crate can fetch, verify and open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DatasetKind {
    /// 10 classes, 50,000 training and 10,000 test images.
    Cifar10,
    /// 100 classes (the fine labels), 50,000 training and 10,000 test images.
    Cifar100,
}

impl DatasetKind {
    /// Every kind.
    pub const ALL: [DatasetKind; 2] = [DatasetKind::Cifar10, DatasetKind::Cifar100];

    /// The name on the command line and in configurations: `cifar10`, `cifar100`.
    pub const fn name(self) -> &'static str {
        match self {
            DatasetKind::Cifar10 => "cifar10",
            DatasetKind::Cifar100 => "cifar100",
        }
    }

    /// The folder of the official archive, within the data directory.
    pub const fn folder(self) -> &'static str {
        self.layout().folder
    }

    /// Number of classes, K.
    pub const fn num_classes(self) -> usize {
        let labels = self.layout().labels;
        labels[labels.len() - 1].num_classes
    }

    /// Mean and standard deviation of the training split.
    pub const fn normalization(self) -> Normalization {
        match self {
            DatasetKind::Cifar10 => Normalization::CIFAR10,
            DatasetKind::Cifar100 => Normalization::CIFAR100,
        }
    }

    const fn layout(self) -> &'static Layout {
        match self {
            DatasetKind::Cifar10 => &CIFAR10,
            DatasetKind::Cifar100 => &CIFAR100,
        }
    }
}

impl fmt::Display for DatasetKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
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

/// Opens one split of a data set under `dir`, the folder that holds `cifar-10-batches-bin/` or `cifar-100-binary/`.
///
/// The files are mapped, not read; training files are concatenated in their official order. Checked here, so that
/// nothing can fail later: every file has the official number of whole records, and every label byte is a class.
/// Content is checked by [`verify`](crate::verify), which reads every byte.
///
/// # Errors
/// [`DataError::MissingFolder`], [`DataError::MissingFile`], [`DataError::Length`], [`DataError::Label`], or
/// [`DataError::Io`] if a file cannot be mapped.
pub fn open(kind: DatasetKind, split: Split, dir: &Path) -> Result<MappedDataset, DataError> {
    let layout = kind.layout();
    let folder = dir.join(layout.folder);
    if !folder.is_dir() {
        return Err(DataError::MissingFolder { path: folder, folder: layout.folder, dataset: kind.name() });
    }
    let (names, records_per_file) = match split {
        Split::Train => (layout.train, layout.records_per_train_file),
        Split::Test => (layout.test, RECORDS_PER_TEST_FILE),
    };
    let mut files = Vec::with_capacity(names.len());
    let mut labels = Vec::with_capacity(names.len() * records_per_file);
    for name in names {
        let path = folder.join(name);
        let file = open_file(kind, &path, records_per_file)?;
        read_labels(kind, &path, &file, records_per_file, &mut labels)?;
        files.push(file);
    }
    Ok(MappedDataset { kind, files, records_per_file, labels })
}

/// A split of CIFAR-10 or CIFAR-100, mapped read-only; pixels are never copied.
#[derive(Debug)]
pub struct MappedDataset {
    kind: DatasetKind,
    files: Vec<RecordMap>,
    records_per_file: usize,
    labels: Vec<u8>,
}

impl MappedDataset {
    /// Which data set this is a split of.
    pub fn kind(&self) -> DatasetKind {
        self.kind
    }
}

impl Dataset for MappedDataset {
    fn len(&self) -> usize {
        self.labels.len()
    }

    fn shape(&self) -> ImageShape {
        ImageShape::CIFAR
    }

    fn num_classes(&self) -> usize {
        self.kind.num_classes()
    }

    fn pixels(&self, index: usize) -> &[u8] {
        let record = self.files[index / self.records_per_file].record(index % self.records_per_file);
        &record[self.kind.layout().labels.len()..]
    }

    fn label(&self, index: usize) -> usize {
        usize::from(self.labels[index])
    }

    fn prefetch(&self, index: usize) {
        self.files[index / self.records_per_file].prefetch(index % self.records_per_file);
    }
}

/// What the official archive of a data set holds.
struct Layout {
    folder: &'static str,
    train: &'static [&'static str],
    test: &'static [&'static str],
    records_per_train_file: usize,
    /// The label bytes at the head of a record; the last is the one that is trained on.
    labels: &'static [LabelByte],
}

struct LabelByte {
    name: &'static str,
    num_classes: usize,
}

const RECORDS_PER_TEST_FILE: usize = 10_000;

const CIFAR10: Layout = Layout {
    folder: "cifar-10-batches-bin",
    train: &[
        "data_batch_1.bin",
        "data_batch_2.bin",
        "data_batch_3.bin",
        "data_batch_4.bin",
        "data_batch_5.bin",
    ],
    test: &["test_batch.bin"],
    records_per_train_file: 10_000,
    labels: &[LabelByte { name: "class", num_classes: 10 }],
};

const CIFAR100: Layout = Layout {
    folder: "cifar-100-binary",
    train: &["train.bin"],
    test: &["test.bin"],
    records_per_train_file: 50_000,
    labels: &[LabelByte { name: "coarse", num_classes: 20 }, LabelByte { name: "fine", num_classes: 100 }],
};

impl Layout {
    const fn record_len(&self) -> usize {
        self.labels.len() + ImageShape::CIFAR.num_values()
    }
}

fn open_file(kind: DatasetKind, path: &Path, records: usize) -> Result<RecordMap, DataError> {
    let record_len = kind.layout().record_len();
    let expected = (records * record_len) as u64;
    let missing = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound => DataError::MissingFile { path: path.to_owned(), dataset: kind.name() },
        _ => DataError::Io { act: "open", path: path.to_owned(), source },
    };
    // The length is asked first: an empty file cannot be mapped everywhere, and deserves the better message.
    let found = path.metadata().map_err(missing)?.len();
    let length = |found| DataError::Length {
        path: path.to_owned(),
        found,
        expected,
        records,
        record_len,
        dataset: kind.name(),
    };
    if found != expected {
        return Err(length(found));
    }
    let map = RecordMap::open(path, record_len).map_err(missing)?;
    if map.num_bytes() == expected { Ok(map) } else { Err(length(map.num_bytes())) }
}

/// Checks every label byte of `file` and appends the trained-on ones to `labels`.
fn read_labels(
    kind: DatasetKind,
    path: &Path,
    file: &RecordMap,
    records: usize,
    labels: &mut Vec<u8>,
) -> Result<(), DataError> {
    let layout = kind.layout();
    for index in 0..records {
        let head = &file.record(index)[..layout.labels.len()];
        for (position, (&found, label)) in head.iter().zip(layout.labels).enumerate() {
            if usize::from(found) >= label.num_classes {
                return Err(DataError::Label {
                    path: path.to_owned(),
                    offset: (index * layout.record_len() + position) as u64,
                    label: label.name,
                    found,
                    num_classes: label.num_classes,
                    dataset: kind.name(),
                });
            }
        }
        labels.extend(head.last());
    }
    Ok(())
}
