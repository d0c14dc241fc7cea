//! Random numbers as a function of what they are for.
//!
//! Every draw comes from ChaCha8 under the 256-bit key (seed, what, purpose), laid side by side rather than added, so
//! that no two of them ever share a stream: (1, 2) and (2, 1) differ, and so do the order of an epoch and the crops
//! in it. Nothing depends on who draws or when.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// What a stream of random numbers is drawn for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Purpose {
    /// The order of an epoch; `what` is the epoch.
    Order,
    /// The augmentation of an epoch; `what` is the epoch, the position in the stream is the sample.
    Augmentation,
    /// The images that alternating flips mirror in even epochs; `what` is 0, the position in the stream is the sample.
    Halves,
    /// The user's own steps of an epoch; `what` is the epoch, the stream number is the sample.
    Steps,
    /// The class prototypes of generated data; `what` is 0.
    Prototypes,
    /// The images of generated data; `what` is the split, the stream number is the sample.
    GeneratedImages,
    /// Wrong labels; `what` is 0, the position in the stream is the sample.
    LabelNoise,
    /// The images held out for validation; `what` is 0.
    Validation,
}

impl Purpose {
    const fn tag(self) -> &'static [u8; 16] {
        match self {
            Purpose::Order => b"polder:order    ",
            Purpose::Augmentation => b"polder:augment  ",
            Purpose::Halves => b"polder:halves   ",
            Purpose::Steps => b"polder:steps    ",
            Purpose::Prototypes => b"polder:prototype",
            Purpose::GeneratedImages => b"polder:generated",
            Purpose::LabelNoise => b"polder:noise    ",
            Purpose::Validation => b"polder:validate ",
        }
    }
}

/// The key of `purpose` under `seed`.
pub(crate) fn key(seed: u64, purpose: Purpose, what: u64) -> [u8; 32] {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8..16].copy_from_slice(&what.to_le_bytes());
    key[16..].copy_from_slice(purpose.tag());
    key
}

/// The generator of `purpose` under `seed`.
pub(crate) fn keyed(seed: u64, purpose: Purpose, what: u64) -> ChaCha8Rng {
    ChaCha8Rng::from_seed(key(seed, purpose, what))
}

/// Uniform on `0..bound` without bias; `bound` is at least 1.
///
/// Lemire (2019), arXiv:1805.10941, Algorithm 5. Written out because the distributions of a random number crate may
/// change their output between versions, and the order of an epoch must not.
pub(crate) fn uniform(rng: &mut impl Rng, bound: u32) -> u32 {
    let mut product = u64::from(rng.next_u32()) * u64::from(bound);
    if (product as u32) < bound {
        let threshold = bound.wrapping_neg() % bound;
        while (product as u32) < threshold {
            product = u64::from(rng.next_u32()) * u64::from(bound);
        }
    }
    (product >> 32) as u32
}

/// Maps one random word to `0..bound`; values differ in probability by less than `bound / 2^32`.
///
/// Augmentation uses this instead of [`uniform`] because it consumes exactly one word: each choice then has its own
/// fixed place in a sample's stream, whatever the other choices were.
pub(crate) fn scaled(word: u32, bound: usize) -> usize {
    ((u64::from(word) * bound as u64) >> 32) as usize
}

/// True with the given probability, in steps of `2^-32`; never for 0, always for 1.
pub(crate) fn happens(word: u32, probability: f64) -> bool {
    f64::from(word) < probability * 4_294_967_296.0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every stream here is one of `polder-random`, with the seed, what it is for, and the purpose's sixteen bytes as its key.
    #[test]
    fn streams_are_those_of_the_other_crates() {
        for (seed, what) in [(0, 0), (7, 3), (u64::MAX, 1 << 40)] {
            for purpose in [Purpose::Order, Purpose::Augmentation, Purpose::Steps, Purpose::LabelNoise] {
                let [first, second] = [0, 8]
                    .map(|at| u64::from_le_bytes(purpose.tag()[at..at + 8].try_into().expect("eight bytes")));
                let mut theirs = polder_random::Stream::new([seed, what, first, second]);
                let mut ours = keyed(seed, purpose, what);
                for _ in 0..100 {
                    assert_eq!(ours.next_u64(), theirs.word());
                }
            }
        }
    }
}
