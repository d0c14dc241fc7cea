//! Random crop of a padded image.

use crate::random::scaled;

/// What surrounds the image before it is cropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Border {
    /// Black, before normalisation: a padded pixel becomes `(0 - mean) / std`. The papers' choice.
    #[default]
    Zero,
    /// The image mirrored at its edge, the edge itself not repeated: pixel -1 is pixel 1. What torchvision calls
    /// `padding_mode="reflect"`. The padding must be less than the image's shorter side.
    Reflect,
}

/// Pads by `padding` pixels on every side and cuts an image of the original size at a uniformly random place.
///
/// The cut's corner in the padded image is uniform on `0..=2 * padding` on both axes, both ends included, as in
/// torchvision's `RandomCrop(size, padding)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crop {
    /// Pixels added on each side; 4 in the papers, 2 in airbench.
    pub padding: usize,
    /// What the padding holds.
    pub border: Border,
}

impl Crop {
    /// Row and column of the cut in the padded image.
    pub(crate) fn corner(self, words: [u32; 2]) -> (usize, usize) {
        (scaled(words[0], 2 * self.padding + 1), scaled(words[1], 2 * self.padding + 1))
    }
}
