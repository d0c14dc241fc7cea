//! Cutout: a square of the image is set to the mean.

use std::ops::Range;

use crate::random::{happens, scaled};

/// With the given probability, sets a `size` x `size` square to 0 after normalisation, which is to write the channel
/// mean into the image. `u8` output cannot hold the mean and has the nearest byte, which is at most `0.5 / (255 * std)`
/// from 0 once it is normalised.
///
/// The square's top-left corner is uniform on the integers `-size/2 ..= H - 1 - size/2` (rows; columns alike), so its
/// center is anywhere in the image and what sticks out is clipped. For 16 on 32 x 32 that is -8..=23.
///
/// # Source
/// DeVries and Taylor (2017), arXiv:1708.04552, with the probability of the released code of the papers reproduced here.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cutout {
    /// Side of the square in pixels, at least 1; 16 in the papers.
    pub size: usize,
    /// In 0..=1; 0.5 in the papers.
    pub probability: f64,
}

/// The part of a cutout square that lies within the image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Region {
    /// Rows set to the mean.
    pub rows: Range<usize>,
    /// Columns set to the mean.
    pub columns: Range<usize>,
}

impl Cutout {
    pub(crate) fn region(self, words: [u32; 3], height: usize, width: usize) -> Option<Region> {
        happens(words[0], self.probability).then(|| Region {
            rows: self.clipped(scaled(words[1], height), height),
            columns: self.clipped(scaled(words[2], width), width),
        })
    }

    /// The square's extent along one axis when its corner is at `start - size/2`.
    fn clipped(self, start: usize, length: usize) -> Range<usize> {
        let half = self.size / 2;
        start.saturating_sub(half)..(start + self.size - half).min(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn corners_run_from_minus_half_to_the_last_center() {
        let cutout = Cutout { size: 16, probability: 1.0 };
        assert_eq!(cutout.clipped(0, 32), 0..8);
        assert_eq!(cutout.clipped(8, 32), 0..16);
        assert_eq!(cutout.clipped(31, 32), 23..32);
        let starts: Vec<_> = (0..32).map(|start| cutout.clipped(start, 32)).collect();
        // Corner -8 + k and extent 16, clipped, for k in 0..32.
        let expected: Vec<_> =
            (-8_i32..=23).map(|corner| corner.max(0) as usize..(corner + 16).min(32) as usize).collect();
        assert_eq!(starts, expected);
    }

    #[test]
    fn odd_sizes_and_sizes_beyond_the_image_are_clipped() {
        assert_eq!(Cutout { size: 3, probability: 1.0 }.clipped(0, 5), 0..2);
        assert_eq!(Cutout { size: 1, probability: 1.0 }.clipped(4, 5), 4..5);
        assert_eq!(Cutout { size: 100, probability: 1.0 }.clipped(2, 5), 0..5);
    }
}
