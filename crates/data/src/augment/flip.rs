//! Random mirror image.

use crate::random::happens;

/// Exchanges left and right with the given probability, after the crop.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Flip {
    /// In 0..=1; 0.5 in the papers.
    pub probability: f64,
}

impl Flip {
    pub(crate) fn happens(self, word: u32) -> bool {
        happens(word, self.probability)
    }
}
