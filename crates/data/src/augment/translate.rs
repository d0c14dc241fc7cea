//! Random translation.

use crate::random::scaled;

/// Moves the image by a whole number of pixels, uniform on `-max..=max` on each axis, after the crop. What moves in is
/// black before normalisation, as in torchvision's `affine(translate=..., fill=0)`.
///
/// airbench's "translate" pads by reflection and crops instead: that is [`Crop`](crate::Crop) with
/// [`Border::Reflect`](crate::Border).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Translate {
    /// The farthest move in pixels; at most the image's shorter side.
    pub max: usize,
}

impl Translate {
    /// Pixels down and to the right; negative is up and to the left.
    pub(crate) fn moves(self, words: [u32; 2]) -> (isize, isize) {
        let along = |word| scaled(word, 2 * self.max + 1) as isize - self.max as isize;
        (along(words[0]), along(words[1]))
    }
}
