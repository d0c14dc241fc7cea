//! Random crop of a zero-padded image.

use crate::random::scaled;

/// Pads by `padding` zero pixels on every side and cuts an image of the original size at a uniformly random place.
///
/// The border is black before normalisation: a padded pixel becomes `(0 - mean) / std`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crop {
    /// Pixels added on each side; 4 in the papers.
    pub padding: usize,
}

impl Crop {
    /// Row and column of the cut in the padded image, each uniform on `0..=2 * padding`.
    pub(crate) fn corner(self, words: [u32; 2]) -> (usize, usize) {
        (scaled(words[0], 2 * self.padding + 1), scaled(words[1], 2 * self.padding + 1))
    }
}
