//! Random augmentation of one image, fused with normalisation into the pass that writes the output.

mod crop;
mod cutout;
mod flip;
mod pass;

use rand::Rng;
use rand_chacha::ChaCha8Rng;

pub use crop::Crop;
pub use cutout::{Cutout, Region};
pub use flip::Flip;

use crate::augment::pass::Pass;
use crate::random::{self, Purpose};
use crate::{DataError, ImageShape, Normalization};

/// What happens to an image between the data set and the minibatch, in this order: crop, flip, normalise, cutout.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Augmentation {
    /// Random crop of the zero-padded image.
    pub crop: Option<Crop>,
    /// Random mirror image.
    pub flip: Option<Flip>,
    /// Random square set to the mean.
    pub cutout: Option<Cutout>,
    /// Normalisation; always applied.
    pub normalization: Normalization,
}

impl Augmentation {
    /// The training augmentation of the papers: crop with padding 4, flip with probability 0.5, cutout of 16 x 16
    /// with probability 0.5.
    pub const fn papers(normalization: Normalization) -> Self {
        Augmentation {
            crop: Some(Crop { padding: 4 }),
            flip: Some(Flip { probability: 0.5 }),
            cutout: Some(Cutout { size: 16, probability: 0.5 }),
            normalization,
        }
    }

    /// Normalisation alone, for evaluation.
    pub const fn none(normalization: Normalization) -> Self {
        Augmentation { crop: None, flip: None, cutout: None, normalization }
    }

    pub(crate) fn validate(&self, shape: ImageShape) -> Result<(), DataError> {
        let config = |field, found: String, expected: &str| {
            Err(DataError::Config { field, found, expected: expected.to_owned() })
        };
        if !(1..=3).contains(&shape.channels) || shape.num_values() == 0 {
            return config("image shape", format!("{shape:?}"), "1 to 3 channels and at least one pixel");
        }
        if let Some(Crop { padding }) = self.crop
            && padding > shape.height.min(shape.width)
        {
            return config("crop padding", padding.to_string(), "at most the image's shorter side");
        }
        let probabilities = [
            ("flip probability", self.flip.map(|flip| flip.probability)),
            ("cutout probability", self.cutout.map(|cutout| cutout.probability)),
        ];
        for (field, probability) in probabilities {
            if let Some(probability) = probability
                && !(0.0..=1.0).contains(&probability)
            {
                return config(field, probability.to_string(), "a number in 0..=1");
            }
        }
        if let Some(Cutout { size: 0, .. }) = self.cutout {
            return config("cutout size", "0".to_owned(), "at least 1 pixel");
        }
        self.normalization.validate()
    }
}

/// The random choices made for one sample in one epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choices {
    /// Row and column of the crop in the padded image, each in `0..=2 * padding`; (0, 0) without a crop.
    pub corner: (usize, usize),
    /// Whether left and right are exchanged.
    pub flip: bool,
    /// The region set to the mean, if any.
    pub cutout: Option<Region>,
}

/// Augments the images of one epoch.
///
/// What happens to a sample is a function of (seed, epoch, sample index) alone, and each choice is a function of its
/// own words of the random stream: switching the cutout off changes no crop.
#[derive(Debug)]
pub struct Augmenter {
    augmentation: Augmentation,
    shape: ImageShape,
    rng: ChaCha8Rng,
    pass: Pass,
}

/// Words of the random stream that belong to one sample: four ChaCha blocks, which the generator makes in one go.
const WORDS_PER_SAMPLE: u128 = 64;

impl Augmenter {
    /// Prepares the augmentation of `epoch` for images of `shape`.
    ///
    /// # Errors
    /// [`DataError::Config`] if a setting is outside its range.
    pub fn new(
        augmentation: Augmentation,
        shape: ImageShape,
        seed: u64,
        epoch: u64,
    ) -> Result<Self, DataError> {
        augmentation.validate(shape)?;
        Ok(Augmenter {
            augmentation,
            shape,
            rng: random::keyed(seed, Purpose::Augmentation, epoch),
            pass: Pass::new(
                shape,
                augmentation.crop.map_or(0, |crop| crop.padding),
                augmentation.normalization,
            ),
        })
    }

    /// The choices for the sample at `index`.
    pub fn choices(&mut self, index: usize) -> Choices {
        let Augmentation { crop, flip, cutout, .. } = self.augmentation;
        if crop.is_none() && flip.is_none() && cutout.is_none() {
            return Choices { corner: (0, 0), flip: false, cutout: None };
        }
        self.rng.set_word_pos(index as u128 * WORDS_PER_SAMPLE);
        let words: [u32; 6] = std::array::from_fn(|_| self.rng.next_u32());
        Choices {
            corner: crop.map_or((0, 0), |crop| crop.corner([words[0], words[1]])),
            flip: flip.is_some_and(|flip| flip.happens(words[2])),
            cutout: cutout.and_then(|cutout| {
                cutout.region([words[3], words[4], words[5]], self.shape.height, self.shape.width)
            }),
        }
    }

    /// Writes the augmented, normalised image of the sample at `index`.
    ///
    /// # Shapes and units
    /// `pixels` are C * H * W bytes, planar; `output` takes as many normalised values in the same layout.
    ///
    /// # Errors
    /// [`DataError::Sample`] if `pixels` or `output` has another length.
    pub fn write(&mut self, index: usize, pixels: &[u8], output: &mut [f32]) -> Result<(), DataError> {
        let expected = self.shape.num_values();
        if pixels.len() != expected || output.len() != expected {
            return Err(DataError::Sample {
                index,
                found: format!("{} pixel bytes and room for {} values", pixels.len(), output.len()),
                expected: format!("{expected} of each ({:?})", self.shape),
            });
        }
        let choices = self.choices(index);
        self.pass.run(&choices, pixels, output);
        Ok(())
    }
}
