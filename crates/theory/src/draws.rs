//! Random draws that are a function of what they are for: the experiment, its part, its replicate.

use polder_optim::keyed;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// What a sequence of draws is for. Different values give independent sequences.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Purpose {
    /// The seed of the experiment.
    pub(crate) seed: u64,
    /// The experiment.
    pub(crate) experiment: &'static str,
    /// The part of the experiment: its design, its noise, its minibatches.
    pub(crate) part: u64,
    /// The replicate.
    pub(crate) replicate: u64,
}

/// Draws of one purpose, in order.
#[derive(Clone, Debug)]
pub(crate) struct Draws {
    generator: ChaCha8Rng,
}

impl Draws {
    /// ChaCha8 whose 256-bit key is the concatenation of the fields; of the experiment's name, the first eight bytes.
    pub(crate) fn new(purpose: Purpose) -> Self {
        let Purpose { seed, experiment, part, replicate } = purpose;
        let mut name = [0; 8];
        for (byte, letter) in name.iter_mut().zip(experiment.bytes()) {
            *byte = letter;
        }
        let mut key = [0; 32];
        for (chunk, field) in key.chunks_exact_mut(8).zip([seed, u64::from_le_bytes(name), part, replicate]) {
            chunk.copy_from_slice(&field.to_le_bytes());
        }
        Self { generator: ChaCha8Rng::from_seed(key) }
    }

    /// The key of a further sequence.
    pub(crate) fn key(&mut self) -> u64 {
        self.generator.next_u64()
    }

    /// From the uniform law on `[low, high)`.
    pub(crate) fn uniform(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * ((self.key() >> 11) as f64 / (1_u64 << 53) as f64)
    }

    /// Independent standard normal values.
    pub(crate) fn normals(&mut self, count: usize) -> Vec<f64> {
        keyed::normals(self.key()).take(count).collect()
    }

    /// An index below `count`, which is at least 1; all are equally likely.
    pub(crate) fn below(&mut self, count: usize) -> usize {
        let count = count as u64;
        let whole = u64::MAX - u64::MAX % count;
        loop {
            let draw = self.key();
            if draw < whole {
                return (draw % count) as usize;
            }
        }
    }

    /// Brings `items` into an order that is uniformly random over its first `count` places: Fisher and Yates.
    pub(crate) fn shuffle_first<T>(&mut self, items: &mut [T], count: usize) {
        for place in 0..count.min(items.len()) {
            let from = place + self.below(items.len() - place);
            items.swap(place, from);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PURPOSE: Purpose = Purpose { seed: 1, experiment: "D1", part: 2, replicate: 3 };

    #[test]
    fn every_field_of_the_purpose_changes_the_draws() {
        let key = |purpose| Draws::new(purpose).key();
        let others = [
            Purpose { seed: 9, ..PURPOSE },
            Purpose { experiment: "D2", ..PURPOSE },
            Purpose { part: 9, ..PURPOSE },
            Purpose { replicate: 9, ..PURPOSE },
        ];
        assert_eq!(key(PURPOSE), key(PURPOSE));
        assert!(others.iter().all(|other| key(PURPOSE) != key(*other)));
    }

    #[test]
    fn the_six_orders_of_three_are_equally_likely() {
        let mut draws = Draws::new(PURPOSE);
        let mut counts = [0_u32; 27];
        for _ in 0..6000 {
            let mut order = [0, 1, 2];
            draws.shuffle_first(&mut order, 3);
            counts[order[0] * 9 + order[1] * 3 + order[2]] += 1;
        }
        let seen: Vec<u32> = counts.into_iter().filter(|count| *count > 0).collect();
        // Five standard deviations of a binomial count with mean 1000.
        assert!(seen.len() == 6 && seen.iter().all(|count| count.abs_diff(1000) < 145), "{seen:?}");
    }

    #[test]
    fn uniform_draws_stay_within_their_ends() {
        let mut draws = Draws::new(PURPOSE);
        let values: Vec<f64> = (0..10_000).map(|_| draws.uniform(-1.0, 3.0)).collect();
        let mean = values.iter().sum::<f64>() / 10_000.0;
        assert!(values.iter().all(|x| (-1.0..3.0).contains(x)) && (mean - 1.0).abs() < 0.06);
    }
}
