//! The user's own augmentation.

use std::fmt;
use std::sync::Arc;

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use crate::ImageShape;
use crate::random::{self, Purpose};

/// A step of augmentation of the user's own. It changes an image's bytes before the built-in steps see them.
///
/// It must be a function of its arguments: then minibatches stay the same for any number of workers and from any
/// step on. Several threads call it at once. A panic in it reaches the consumer as an error that names the sample.
///
/// # Example
/// ```
/// use polder_data::{Augment, AugmentRng, Sample};
///
/// /// Changes the brightness of the whole image by up to 32 levels.
/// struct Brightness;
///
/// impl Augment for Brightness {
///     fn apply(&self, image: &mut [u8], _sample: &Sample, draws: &mut AugmentRng) {
///         let change = draws.below(65) as i16 - 32;
///         for value in image {
///             *value = (i16::from(*value) + change).clamp(0, 255) as u8;
///         }
///     }
/// }
/// ```
pub trait Augment: Send + Sync {
    /// Changes `image` in place: C * H * W bytes, planar.
    fn apply(&self, image: &mut [u8], sample: &Sample, draws: &mut AugmentRng);
}

/// What a step of augmentation may want to know of the image it changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Index of the image in the data set.
    pub index: usize,
    /// The epoch.
    pub epoch: u64,
    /// The image's class.
    pub label: usize,
    /// Shape of the image.
    pub shape: ImageShape,
}

/// Random numbers for one step of augmentation on one sample: a function of (seed, epoch, sample index, place of the
/// step among the user's steps).
#[derive(Debug)]
pub struct AugmentRng(ChaCha8Rng);

impl AugmentRng {
    /// A word of 32 random bits.
    pub fn word(&mut self) -> u32 {
        self.0.next_u32()
    }

    /// Uniform on `0..bound`, without bias. Panics if `bound` is 0.
    pub fn below(&mut self, bound: u32) -> u32 {
        assert!(bound > 0, "no number is below 0");
        random::uniform(&mut self.0, bound)
    }

    /// Uniform on [0, 1), in steps of 2^-53.
    pub fn unit(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// True with the given probability, in steps of 2^-32.
    pub fn happens(&mut self, probability: f64) -> bool {
        random::happens(self.word(), probability)
    }
}

/// The user's steps, in order.
#[derive(Clone, Default)]
pub(crate) struct Steps(Vec<Arc<dyn Augment>>);

impl Steps {
    pub(crate) fn push(&mut self, step: Arc<dyn Augment>) {
        self.0.push(step);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Applies them all.
    pub(crate) fn apply(&self, seed: u64, image: &mut [u8], sample: &Sample) {
        for (place, step) in self.0.iter().enumerate() {
            let mut rng = random::keyed(seed, Purpose::Steps, sample.epoch);
            rng.set_stream(sample.index as u64);
            // No step of a sample comes near the words of the next one.
            rng.set_word_pos((place as u128) << 48);
            step.apply(image, sample, &mut AugmentRng(rng));
        }
    }
}

impl fmt::Debug for Steps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} steps", self.0.len())
    }
}
