//! The widths of a PyramidNet: Han, Kim and Kim (2017), arXiv:1610.02915.

use crate::wide_resnet::STEM_CHANNELS;

/// The widths of all blocks: sums in f64 and rounding of halves to even, as Python's `round` has it.
pub fn pyramid_net_widths(blocks_per_stage: u32, alpha: u32) -> Vec<i64> {
    let num_blocks = 3 * blocks_per_stage;
    let step = f64::from(alpha) / f64::from(num_blocks);
    let mut width = STEM_CHANNELS as f64;
    (0..num_blocks)
        .map(|_| {
            width += step;
            width.round_ties_even() as i64
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_end_at_the_stem_plus_alpha_and_round_halves_to_even() {
        let published = pyramid_net_widths(30, 200);
        assert_eq!((published[0], published[89], published.len()), (18, 216, 90));
        assert_eq!(pyramid_net_widths(2, 9), [18, 19, 20, 22, 24, 25]);
    }
}
