//! The order of an epoch and its division into minibatches.

use std::ops::Range;

use crate::random::{self, Purpose};

/// How an epoch visits the images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// A uniformly random permutation, a function of (seed, epoch).
    Shuffled,
    /// By index, for evaluation.
    Sequential,
}

/// The indices `0..num_images` in the order in which `epoch` visits them.
///
/// # Source
/// Fisher and Yates, as in Knuth, The Art of Computer Programming, volume 2, Algorithm 3.4.2P, with unbiased draws
/// from ChaCha8 keyed by (seed, epoch).
pub fn epoch_order(order: Order, seed: u64, epoch: u64, num_images: usize) -> Vec<usize> {
    let mut indices: Vec<usize> = (0..num_images).collect();
    if order == Order::Shuffled {
        let mut rng = random::keyed(seed, Purpose::Order, epoch);
        for last in (1..num_images).rev() {
            indices.swap(last, random::uniform(&mut rng, last as u32 + 1) as usize);
        }
    }
    indices
}

/// An epoch cut into minibatches: step `s` is `indices[s * batch_size ..][.. batch_size]`, the last one maybe shorter.
#[derive(Debug)]
pub(crate) struct EpochPlan {
    pub(crate) epoch: u64,
    indices: Vec<usize>,
    batch_size: usize,
}

impl EpochPlan {
    pub(crate) fn new(epoch: u64, indices: Vec<usize>, batch_size: usize) -> Self {
        EpochPlan { epoch, indices, batch_size }
    }

    /// The images of one step.
    pub(crate) fn step(&self, step: u64) -> &[usize] {
        let start = step as usize * self.batch_size;
        let range: Range<usize> = start..self.indices.len().min(start + self.batch_size);
        &self.indices[range]
    }
}

/// Minibatches per epoch; a shorter last one counts unless it is dropped.
pub(crate) fn num_steps(num_images: usize, batch_size: usize, drop_last: bool) -> u64 {
    let steps = if drop_last { num_images / batch_size } else { num_images.div_ceil(batch_size) };
    steps as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seed_and_epoch_are_not_interchangeable() {
        assert_ne!(epoch_order(Order::Shuffled, 1, 2, 100), epoch_order(Order::Shuffled, 2, 1, 100));
    }

    #[test]
    fn every_position_is_equally_likely() {
        let mut counts = [[0_u32; 5]; 5];
        for epoch in 0..5000 {
            for (position, index) in epoch_order(Order::Shuffled, 7, epoch, 5).into_iter().enumerate() {
                counts[position][index] += 1;
            }
        }
        // 1000 expected per cell with standard deviation sqrt(5000 * 0.2 * 0.8) = 28; 150 is more than 5 of them.
        assert!(counts.iter().flatten().all(|&count| count.abs_diff(1000) < 150), "{counts:?}");
    }

    #[test]
    fn the_last_step_may_be_short_or_dropped() {
        assert_eq!((num_steps(10, 4, false), num_steps(10, 4, true), num_steps(8, 4, false)), (3, 2, 2));
        let plan = EpochPlan::new(0, epoch_order(Order::Sequential, 0, 0, 10), 4);
        assert_eq!((plan.step(0), plan.step(2)), (&[0, 1, 2, 3][..], &[8, 9][..]));
    }
}
