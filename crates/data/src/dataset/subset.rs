//! Views of some of the images of a data set.

use crate::{DataError, Dataset, ImageShape};

/// The first `len` images of `D`, in the same order and under the same indices.
///
/// The official CIFAR files are in random order, so a prefix of them is a fair sample of the classes.
#[derive(Clone, Debug)]
pub struct FirstN<D> {
    dataset: D,
    len: usize,
}

impl<D: Dataset> FirstN<D> {
    /// Keeps the first `len` images of `dataset`.
    ///
    /// # Errors
    /// [`DataError::Config`] if `len` is 0 or more than `dataset` holds.
    pub fn new(dataset: D, len: usize) -> Result<Self, DataError> {
        if len == 0 || len > dataset.len() {
            return Err(DataError::Config {
                field: "number of images",
                found: len.to_string(),
                expected: format!("1 to {} (all images of the split)", dataset.len()),
            });
        }
        Ok(FirstN { dataset, len })
    }
}

impl<D: Dataset> Dataset for FirstN<D> {
    fn len(&self) -> usize {
        self.len
    }

    fn shape(&self) -> ImageShape {
        self.dataset.shape()
    }

    fn num_classes(&self) -> usize {
        self.dataset.num_classes()
    }

    fn pixels(&self, index: usize) -> &[u8] {
        assert!(index < self.len, "index {index} of a subset of {}", self.len);
        self.dataset.pixels(index)
    }

    fn label(&self, index: usize) -> usize {
        assert!(index < self.len, "index {index} of a subset of {}", self.len);
        self.dataset.label(index)
    }

    fn prefetch(&self, index: usize) {
        self.dataset.prefetch(index);
    }

    fn check(&self) -> Result<(), DataError> {
        self.dataset.check()
    }
}

/// The images of `D` at chosen indices; its index `i` is `indices[i]` of `D`.
#[derive(Clone, Debug)]
pub struct Subset<D> {
    dataset: D,
    indices: Vec<usize>,
}

impl<D: Dataset> Subset<D> {
    /// Keeps the images at `indices`, in this order; an image may be there more than once.
    ///
    /// # Errors
    /// [`DataError::Config`] if `indices` is empty or one of them is not below `dataset.len()`.
    pub fn new(dataset: D, indices: Vec<usize>) -> Result<Self, DataError> {
        let refuse = |field, found: String, expected| Err(DataError::Config { field, found, expected });
        if indices.is_empty() {
            return refuse("number of images", "0".to_owned(), "at least 1".to_owned());
        }
        match indices.iter().find(|&&index| index >= dataset.len()) {
            Some(index) => {
                refuse("index of a subset", index.to_string(), format!("an index below {}", dataset.len()))
            }
            None => Ok(Subset { dataset, indices }),
        }
    }

    /// Where each image stands in the whole data set.
    pub fn indices(&self) -> &[usize] {
        &self.indices
    }
}

impl<D: Dataset> Dataset for Subset<D> {
    fn len(&self) -> usize {
        self.indices.len()
    }

    fn shape(&self) -> ImageShape {
        self.dataset.shape()
    }

    fn num_classes(&self) -> usize {
        self.dataset.num_classes()
    }

    fn pixels(&self, index: usize) -> &[u8] {
        self.dataset.pixels(self.indices[index])
    }

    fn label(&self, index: usize) -> usize {
        self.dataset.label(self.indices[index])
    }

    fn prefetch(&self, index: usize) {
        self.dataset.prefetch(self.indices[index]);
    }

    fn check(&self) -> Result<(), DataError> {
        self.dataset.check()
    }
}
