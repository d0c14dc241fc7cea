//! A data set in mapped files, whatever their format.

use crate::dataset::record_map::RecordMap;
use crate::{DataError, Dataset, ImageShape};

/// Images of one shape in files of records, mapped read-only; pixels are never copied.
///
/// The formats differ in where records begin and what stands beside the pixels: CIFAR files begin with their first
/// record and keep labels in it, IDX files have a header and keep labels apart, packed files have a longer header.
#[derive(Debug)]
pub struct MappedDataset {
    /// Files of equally many records each; the last may hold fewer.
    files: Vec<RecordMap>,
    records_per_file: usize,
    /// Where the pixels begin in a record; they end with it.
    pixels_at: usize,
    shape: ImageShape,
    num_classes: usize,
    /// The class of each image, below `num_classes`.
    labels: Vec<u16>,
}

impl MappedDataset {
    /// Puts together what an opener has checked: `files` hold one record of the right length per label.
    pub(crate) fn new(
        files: Vec<RecordMap>,
        records_per_file: usize,
        pixels_at: usize,
        shape: ImageShape,
        num_classes: usize,
        labels: Vec<u16>,
    ) -> Self {
        debug_assert!(labels.iter().all(|&label| usize::from(label) < num_classes));
        MappedDataset { files, records_per_file, pixels_at, shape, num_classes, labels }
    }

    /// The file of a format that has one.
    #[cfg(any(feature = "verify", feature = "image"))]
    pub(crate) fn only_file(&self) -> &RecordMap {
        &self.files[0]
    }
}

impl Dataset for MappedDataset {
    fn len(&self) -> usize {
        self.labels.len()
    }

    fn shape(&self) -> ImageShape {
        self.shape
    }

    fn num_classes(&self) -> usize {
        self.num_classes
    }

    fn pixels(&self, index: usize) -> &[u8] {
        let record = self.files[index / self.records_per_file].record(index % self.records_per_file);
        &record[self.pixels_at..]
    }

    fn label(&self, index: usize) -> usize {
        usize::from(self.labels[index])
    }

    fn prefetch(&self, index: usize) {
        self.files[index / self.records_per_file].prefetch(index % self.records_per_file);
    }

    fn check(&self) -> Result<(), DataError> {
        self.files.iter().try_for_each(RecordMap::check_length)
    }
}
