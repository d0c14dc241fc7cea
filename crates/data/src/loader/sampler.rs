//! The order of an epoch and its division into minibatches.

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

/// Which of several processes this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sharding {
    /// In `0..world_size`.
    pub(crate) rank: usize,
    /// At least 1.
    pub(crate) world_size: usize,
}

impl Default for Sharding {
    /// The only process.
    fn default() -> Self {
        Sharding { rank: 0, world_size: 1 }
    }
}

impl Sharding {
    /// Images of one step over all processes.
    pub(crate) fn global_batch(self, batch_size: usize) -> usize {
        batch_size.saturating_mul(self.world_size)
    }
}

/// An epoch cut into minibatches. Step `s` of all processes together is
/// `indices[s * batch_size * world_size ..][.. batch_size * world_size]`, the last one maybe shorter, and each process has its
/// even part of it.
#[derive(Debug)]
pub(crate) struct EpochPlan {
    pub(crate) epoch: u64,
    indices: Vec<usize>,
    batch_size: usize,
    sharding: Sharding,
}

impl EpochPlan {
    pub(crate) fn new(epoch: u64, indices: Vec<usize>, batch_size: usize, sharding: Sharding) -> Self {
        EpochPlan { epoch, indices, batch_size, sharding }
    }

    /// The images of one step that are this process's.
    pub(crate) fn step(&self, step: u64) -> &[usize] {
        let Sharding { rank, world_size } = self.sharding;
        let global_batch = self.sharding.global_batch(self.batch_size);
        let start = step as usize * global_batch;
        let indices = &self.indices[start..self.indices.len().min(start.saturating_add(global_batch))];
        &indices[indices.len() * rank / world_size..indices.len() * (rank + 1) / world_size]
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
        let plan = EpochPlan::new(0, epoch_order(Order::Sequential, 0, 0, 10), 4, Sharding::default());
        assert_eq!((plan.step(0), plan.step(2)), (&[0, 1, 2, 3][..], &[8, 9][..]));
    }

    #[test]
    fn the_processes_together_see_what_one_would() {
        let indices = epoch_order(Order::Shuffled, 3, 4, 103);
        for (world_size, batch_size) in [(1, 12), (2, 6), (3, 4), (12, 1)] {
            let alone = EpochPlan::new(4, indices.clone(), 12, Sharding::default());
            let plans: Vec<_> = (0..world_size)
                .map(|rank| EpochPlan::new(4, indices.clone(), batch_size, Sharding { rank, world_size }))
                .collect();
            let steps = num_steps(103, batch_size * world_size, false);
            assert_eq!(steps, 9);
            for step in 0..steps {
                let together: Vec<usize> = plans.iter().flat_map(|plan| plan.step(step)).copied().collect();
                assert_eq!(together, alone.step(step), "step {step} of {world_size} processes");
                let sizes = plans.iter().map(|plan| plan.step(step).len());
                assert!(sizes.clone().max().unwrap() - sizes.min().unwrap() <= 1);
            }
        }
    }
}
