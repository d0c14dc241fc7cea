//! Wrong labels, on purpose.

use rand::Rng;

use crate::random::{self, Purpose};
use crate::{DataError, Dataset, ImageShape};

/// A data set in which a share of the labels is wrong: symmetric label noise, as experiment D5 trains under.
///
/// Each image keeps its label with probability `1 - fraction`; otherwise it gets one of the K - 1 *other* classes, each
/// equally likely. So `fraction` is the expected share of wrong labels; where noise is drawn from all K classes, the
/// true one included, it is `fraction * (1 - 1 / K)`. Whether and how a label changes is a function of (seed, index),
/// not of the number of images or of the epoch: the same labels are wrong throughout a run, and a larger fraction
/// under the same seed changes every label that a smaller one changes.
#[derive(Clone, Debug)]
pub struct LabelNoise<D> {
    dataset: D,
    labels: Vec<u32>,
}

impl<D: Dataset> LabelNoise<D> {
    /// Changes about `fraction` of the labels of `dataset`.
    ///
    /// # Errors
    /// [`DataError::Config`] if `fraction` is not in 0..=1, or if there is no other class.
    pub fn new(dataset: D, fraction: f64, seed: u64) -> Result<Self, DataError> {
        if !(0.0..=1.0).contains(&fraction) {
            return Err(DataError::Config {
                field: "label noise",
                found: fraction.to_string(),
                expected: "a fraction between 0 and 1".to_owned(),
            });
        }
        let num_classes = dataset.num_classes();
        if num_classes < 2 {
            return Err(DataError::Config {
                field: "number of classes",
                found: num_classes.to_string(),
                expected: "at least 2, for a label to be wrong".to_owned(),
            });
        }
        // Two words per image, whether they are needed or not: the place of a draw depends on the index alone.
        let mut rng = random::keyed(seed, Purpose::LabelNoise, 0);
        let labels = (0..dataset.len())
            .map(|index| {
                let (whether, which) = (rng.next_u32(), rng.next_u32());
                let label = dataset.label(index);
                let wrong = (label + 1 + random::scaled(which, num_classes - 1)) % num_classes;
                (if random::happens(whether, fraction) { wrong } else { label }) as u32
            })
            .collect();
        Ok(LabelNoise { dataset, labels })
    }

    /// The label that the image at `index` had before.
    pub fn clean_label(&self, index: usize) -> usize {
        self.dataset.label(index)
    }

    /// How many labels are wrong.
    pub fn num_wrong(&self) -> usize {
        (0..self.len()).filter(|&index| self.label(index) != self.clean_label(index)).count()
    }
}

impl<D: Dataset> Dataset for LabelNoise<D> {
    fn len(&self) -> usize {
        self.dataset.len()
    }

    fn shape(&self) -> ImageShape {
        self.dataset.shape()
    }

    fn num_classes(&self) -> usize {
        self.dataset.num_classes()
    }

    fn pixels(&self, index: usize) -> &[u8] {
        self.dataset.pixels(index)
    }

    fn label(&self, index: usize) -> usize {
        self.labels[index] as usize
    }

    fn prefetch(&self, index: usize) {
        self.dataset.prefetch(index);
    }

    fn check(&self) -> Result<(), DataError> {
        self.dataset.check()
    }
}
