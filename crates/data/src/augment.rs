//! Random augmentation of one image, fused with normalisation into the pass that writes the output.

mod bytes;
mod crop;
mod cutout;
pub(crate) mod element;
mod flip;
pub(crate) mod layout;
mod pass;
mod row;
mod step;
mod translate;

pub use crop::{Border, Crop};
pub use cutout::{Cutout, Region};
pub use flip::Flip;
pub(crate) use step::Steps;
pub use step::{Augment, AugmentRng, Sample};
pub use translate::Translate;

use crate::augment::element::Element;
use crate::augment::pass::Pass;
use crate::chacha::{BLOCK_WORDS, Blocks};
use crate::random::{self, Purpose};
use crate::{DataError, ImageShape, Layout, Normalization};

/// What happens to an image between the data set and the minibatch, in this order: crop, translate, flip, normalise,
/// cutout.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Augmentation {
    /// Random crop of the padded image.
    pub crop: Option<Crop>,
    /// Random move.
    pub translate: Option<Translate>,
    /// Mirror images.
    pub flip: Option<Flip>,
    /// Random square set to the mean.
    pub cutout: Option<Cutout>,
    /// Normalisation; always applied, but to `u8` output, which has the augmented bytes themselves.
    pub normalization: Normalization,
}

impl Augmentation {
    /// The training augmentation of the papers: crop with zero padding 4, flip with probability 0.5, cutout of
    /// 16 x 16 with probability 0.5.
    pub const fn crop_flip_cutout(normalization: Normalization) -> Self {
        Augmentation {
            crop: Some(Crop { padding: 4, border: Border::Zero }),
            flip: Some(Flip::Random { probability: 0.5 }),
            cutout: Some(Cutout { size: 16, probability: 0.5 }),
            ..Augmentation::none(normalization)
        }
    }

    /// That of airbench: crop with reflected padding 2 and alternating flip.
    ///
    /// # Source
    /// Jordan (2024), arXiv:2404.00498.
    pub const fn airbench(normalization: Normalization) -> Self {
        Augmentation {
            crop: Some(Crop { padding: 2, border: Border::Reflect }),
            flip: Some(Flip::Alternating),
            ..Augmentation::none(normalization)
        }
    }

    /// Normalisation alone, for evaluation.
    pub const fn none(normalization: Normalization) -> Self {
        Augmentation { crop: None, translate: None, flip: None, cutout: None, normalization }
    }

    pub(crate) fn validate(&self, shape: ImageShape) -> Result<(), DataError> {
        let config = |field, found: String, expected: &str| {
            Err(DataError::Config { field, found, expected: expected.to_owned() })
        };
        if !(1..=3).contains(&shape.channels) || shape.num_values() == 0 {
            return config("image shape", format!("{shape:?}"), "1 to 3 channels and at least one pixel");
        }
        let shorter = shape.height.min(shape.width);
        match self.crop {
            Some(Crop { padding, border: Border::Zero }) if padding > shorter => {
                return config("crop padding", padding.to_string(), "at most the image's shorter side");
            }
            Some(Crop { padding, border: Border::Reflect }) if padding >= shorter => {
                return config(
                    "crop padding",
                    padding.to_string(),
                    "less than the image's shorter side, because it is reflected",
                );
            }
            _ => (),
        }
        if let Some(Translate { max }) = self.translate
            && max > shorter
        {
            return config("translation", max.to_string(), "at most the image's shorter side");
        }
        let flip = match self.flip {
            Some(Flip::Random { probability }) => Some(probability),
            _ => None,
        };
        let probabilities = [
            ("flip probability", flip),
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

    /// Whether every image is left as it is.
    fn is_none(&self) -> bool {
        self.crop.is_none() && self.translate.is_none() && self.flip.is_none() && self.cutout.is_none()
    }
}

/// The random choices made for one sample in one epoch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AugmentParams {
    /// Row and column of the crop in the padded image, each in `0..=2 * padding`; (0, 0) without a crop.
    pub corner: (usize, usize),
    /// Pixels down and to the right, each in `-max..=max`; (0, 0) without a translation.
    pub translate: (isize, isize),
    /// Whether left and right are exchanged.
    pub flip: bool,
    /// The region set to the mean, if any.
    pub cutout: Option<Region>,
}

/// Augments the images of one epoch.
///
/// What happens to a sample is a function of (seed, epoch, sample index) alone, and each choice is a function of its
/// own words of the random stream: switching the cutout off changes no crop.
#[derive(Clone, Debug)]
pub struct Augmenter {
    augmentation: Augmentation,
    shape: ImageShape,
    seed: u64,
    epoch: u64,
    blocks: Blocks,
    /// Of the halves of alternating flips.
    halves: Blocks,
    pass: Pass,
    steps: Steps,
    /// Where the user's steps change an image; empty without them.
    scratch: Vec<u8>,
}

/// Blocks of the random stream that belong to one sample. The choices take half of the first one.
const BLOCKS_PER_SAMPLE: u64 = 4;

impl Augmenter {
    /// Prepares the augmentation of `epoch` for images of `shape`, written as NCHW.
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
            seed,
            epoch,
            blocks: Blocks::new(random::key(seed, Purpose::Augmentation, epoch)),
            halves: Blocks::new(random::key(seed, Purpose::Halves, 0)),
            pass: Pass::new(shape, Layout::Nchw, &augmentation),
            steps: Steps::default(),
            scratch: Vec::new(),
        })
    }

    /// Writes images in this layout.
    #[must_use]
    pub fn with_layout(self, layout: Layout) -> Self {
        Augmenter { pass: Pass::new(self.shape, layout, &self.augmentation), ..self }
    }

    /// Applies the user's steps before all else.
    pub(crate) fn with_steps(self, steps: Steps) -> Self {
        let scratch = if steps.is_empty() { Vec::new() } else { vec![0; self.shape.num_values()] };
        Augmenter { steps, scratch, ..self }
    }

    /// The choices for the sample at `index`.
    pub fn choices(&self, index: usize) -> AugmentParams {
        if self.augmentation.is_none() {
            return AugmentParams::default();
        }
        let Augmentation { crop, translate, flip, cutout, .. } = self.augmentation;
        let words = self.blocks.block(index as u64 * BLOCKS_PER_SAMPLE);
        AugmentParams {
            corner: crop.map_or((0, 0), |crop| crop.corner([words[0], words[1]])),
            flip: match flip {
                None => false,
                Some(Flip::Random { probability }) => random::happens(words[2], probability),
                Some(Flip::Alternating) => {
                    let words = self.halves.block((index / BLOCK_WORDS) as u64);
                    (words[index % BLOCK_WORDS] & 1 == 1) ^ (self.epoch & 1 == 1)
                }
            },
            cutout: cutout.and_then(|cutout| {
                cutout.region([words[3], words[4], words[5]], self.shape.height, self.shape.width)
            }),
            translate: translate.map_or((0, 0), |translate| translate.moves([words[6], words[7]])),
        }
    }

    /// Writes the sample at `index` with the choices of (seed, epoch, index).
    ///
    /// # Shapes and units
    /// `pixels` are C * H * W bytes, planar, and `label` is their class, which only a user's own step sees; `output`
    /// takes as many values in the order of the layout.
    ///
    /// # Errors
    /// [`DataError::Sample`] if `pixels` or `output` has another length.
    pub fn write<T: Element>(
        &mut self,
        index: usize,
        label: usize,
        pixels: &[u8],
        output: &mut [T],
    ) -> Result<(), DataError> {
        self.check_lengths(index, pixels.len(), output.len())?;
        let choices = self.choices(index);
        if self.steps.is_empty() {
            self.pass.run(&choices, pixels, output);
        } else {
            let sample = Sample { index, epoch: self.epoch, label, shape: self.shape };
            self.scratch.copy_from_slice(pixels);
            self.steps.apply(self.seed, &mut self.scratch, &sample);
            self.pass.run(&choices, &self.scratch, output);
        }
        Ok(())
    }

    /// Writes an image with given choices, without the user's steps; shapes as in [`write`](Self::write).
    ///
    /// # Errors
    /// [`DataError::Sample`] (index 0) if `pixels` or `output` has another length; [`DataError::Config`] if a choice
    /// lies outside the range of this augmentation.
    pub fn write_chosen<T: Element>(
        &mut self,
        choices: &AugmentParams,
        pixels: &[u8],
        output: &mut [T],
    ) -> Result<(), DataError> {
        self.check_lengths(0, pixels.len(), output.len())?;
        let Augmentation { crop, translate, .. } = self.augmentation;
        let last_corner = 2 * crop.map_or(0, |crop| crop.padding);
        let max = translate.map_or(0, |translate| translate.max);
        let whole = Region { rows: 0..self.shape.height, columns: 0..self.shape.width };
        let region = choices.cutout.as_ref().unwrap_or(&whole);
        let within = choices.corner.0.max(choices.corner.1) <= last_corner
            && choices.translate.0.unsigned_abs().max(choices.translate.1.unsigned_abs()) <= max
            && region.rows.start <= region.rows.end
            && region.columns.start <= region.columns.end
            && region.rows.end <= whole.rows.end
            && region.columns.end <= whole.columns.end;
        if !within {
            return Err(DataError::Config {
                field: "choices",
                found: format!("{choices:?}"),
                expected: format!(
                    "a corner up to {last_corner}, a move up to {max} and a region within {} x {}",
                    self.shape.height, self.shape.width
                ),
            });
        }
        self.pass.run(choices, pixels, output);
        Ok(())
    }

    fn check_lengths(&self, index: usize, pixels: usize, output: usize) -> Result<(), DataError> {
        let expected = self.shape.num_values();
        if pixels == expected && output == expected {
            return Ok(());
        }
        Err(DataError::Sample {
            index,
            found: format!("{pixels} pixel bytes and room for {output} values"),
            expected: format!("{expected} of each ({:?})", self.shape),
        })
    }
}
