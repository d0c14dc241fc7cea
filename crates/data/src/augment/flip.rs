//! Mirror images.

/// Which images have left and right exchanged, after crop and translation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Flip {
    /// Each one by itself in every epoch, with this probability.
    Random {
        /// In 0..=1; 0.5 in the papers.
        probability: f64,
    },
    /// A random half of the images in even epochs, the other half in odd ones: any two consecutive epochs show every
    /// image both ways.
    ///
    /// # Source
    /// Jordan (2024), arXiv:2404.00498, section 3.6; which half is drawn image by image with probability 1/2 from
    /// (seed, sample index).
    Alternating,
}
