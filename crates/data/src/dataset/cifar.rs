//! CIFAR-10 and CIFAR-100 in their official binary layout.
//!
//! A file is a sequence of records: one label byte (CIFAR-10) or a coarse and a fine label byte (CIFAR-100), then
//! 3072 pixel bytes, planar red, green, blue, 32 rows of 32 each. Source: Krizhevsky (2009) and the readme of the
//! binary archives.

use std::path::{Path, PathBuf};

use crate::dataset::record_map::RecordMap;
use crate::{DataError, DatasetKind, ImageShape, MappedDataset, Split};

/// What the official archive of a data set holds, and which of its labels is trained on.
pub(crate) struct CifarLayout {
    train: &'static [&'static str],
    test: &'static [&'static str],
    /// The label bytes at the head of a record.
    labels: &'static [LabelByte],
    /// Which of them is the class.
    trained_on: usize,
}

struct LabelByte {
    name: &'static str,
    num_classes: usize,
}

pub(crate) const CIFAR10: CifarLayout = CifarLayout {
    train: &[
        "data_batch_1.bin",
        "data_batch_2.bin",
        "data_batch_3.bin",
        "data_batch_4.bin",
        "data_batch_5.bin",
    ],
    test: &["test_batch.bin"],
    labels: &[LabelByte { name: "class", num_classes: 10 }],
    trained_on: 0,
};

pub(crate) const CIFAR100: CifarLayout = CifarLayout {
    train: &["train.bin"],
    test: &["test.bin"],
    labels: &[LabelByte { name: "coarse", num_classes: 20 }, LabelByte { name: "fine", num_classes: 100 }],
    trained_on: 1,
};

pub(crate) const CIFAR100_COARSE: CifarLayout = CifarLayout { trained_on: 0, ..CIFAR100 };

impl CifarLayout {
    const fn record_len(&self) -> usize {
        self.labels.len() + ImageShape::CIFAR.num_values()
    }
}

/// Opens one split in the official folder `folder`.
pub(crate) fn open_split(
    layout: &CifarLayout,
    kind: DatasetKind,
    split: Split,
    folder: &Path,
) -> Result<MappedDataset, DataError> {
    let names = match split {
        Split::Train => layout.train,
        Split::Test => layout.test,
    };
    let records_per_file = kind.num_images(split) / names.len();
    let paths: Vec<_> = names.iter().map(|name| folder.join(name)).collect();
    open_files(layout, kind, &paths, records_per_file)
}

/// Opens files of `records_per_file` records each.
pub(crate) fn open_files(
    layout: &CifarLayout,
    kind: DatasetKind,
    paths: &[PathBuf],
    records_per_file: usize,
) -> Result<MappedDataset, DataError> {
    let mut files = Vec::with_capacity(paths.len());
    let mut labels = Vec::with_capacity(paths.len() * records_per_file);
    for path in paths {
        let remedy = || kind.fetch_to_replace();
        let file = RecordMap::open(path)?.expect_records(0, records_per_file, layout.record_len(), remedy)?;
        read_labels(layout, kind, &file, records_per_file, &mut labels)?;
        files.push(file);
    }
    let (pixels_at, num_classes) = (layout.labels.len(), layout.labels[layout.trained_on].num_classes);
    Ok(MappedDataset::new(files, records_per_file, pixels_at, ImageShape::CIFAR, num_classes, labels))
}

/// Checks every label byte of `file` and appends the trained-on ones to `labels`.
fn read_labels(
    layout: &CifarLayout,
    kind: DatasetKind,
    file: &RecordMap,
    records: usize,
    labels: &mut Vec<u16>,
) -> Result<(), DataError> {
    for index in 0..records {
        let head = &file.record(index)[..layout.labels.len()];
        for (position, (&found, label)) in head.iter().zip(layout.labels).enumerate() {
            if usize::from(found) >= label.num_classes {
                return Err(DataError::Label {
                    path: file.path().to_owned(),
                    offset: (index * layout.record_len() + position) as u64,
                    label: label.name,
                    found: found.into(),
                    num_classes: label.num_classes,
                    remedy: kind.fetch_to_replace(),
                });
            }
        }
        labels.push(head[layout.trained_on].into());
    }
    Ok(())
}
