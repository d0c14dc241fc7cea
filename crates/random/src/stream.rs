//! The random words of a key, and numbers made of them.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::sequences;
use crate::uniform::{box_muller, symmetric, unit};

/// The random numbers of one key, in order.
#[derive(Clone, Debug)]
pub struct Stream(ChaCha8Rng);

impl Stream {
    /// The stream of a key of four words, laid side by side: keys that differ in any word give independent streams.
    pub fn new(key: impl Into<[u64; 4]>) -> Self {
        let mut bytes = [0; 32];
        for (chunk, word) in bytes.chunks_exact_mut(8).zip(key.into()) {
            chunk.copy_from_slice(&word.to_le_bytes());
        }
        Self(ChaCha8Rng::from_seed(bytes))
    }

    /// The stream of a key of one word.
    pub(crate) fn of_word(key: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(key))
    }

    /// 64 random bits; they also serve as the key of a further sequence.
    #[inline]
    pub fn word(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// Uniform on [0, 1) in steps of 2^-53.
    #[inline]
    pub fn unit(&mut self) -> f64 {
        unit(self.word())
    }

    /// Uniform on `[low, high)`.
    #[inline]
    pub fn uniform(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// Uniform on `[-radius, radius]`, exactly symmetric about 0.
    #[inline]
    pub fn symmetric(&mut self, radius: f64) -> f64 {
        symmetric(self.word(), radius)
    }

    /// Fills `values` with what [`Stream::symmetric`] gives one by one, in a fraction of the time.
    #[inline]
    pub fn fill_symmetric(&mut self, radius: f64, values: &mut [f64]) {
        const CHUNK: usize = 64;
        let mut bytes = [0; 8 * CHUNK];
        for values in values.chunks_mut(CHUNK) {
            let bytes = &mut bytes[..8 * values.len()];
            self.0.fill_bytes(bytes);
            for (value, bytes) in values.iter_mut().zip(bytes.as_chunks().0) {
                *value = symmetric(u64::from_le_bytes(*bytes), radius);
            }
        }
    }

    /// Two independent normal values with mean 0, from two words.
    #[inline]
    pub fn normal_pair(&mut self, standard_deviation: f64) -> [f64; 2] {
        // 1 - u lies in (0, 1], so its logarithm is finite.
        let radial = 1.0 - self.unit();
        box_muller(standard_deviation, radial, self.unit())
    }

    /// Standard normal values: the first `count` of [`normals`](crate::normals), keyed by the next word.
    pub fn normals(&mut self, count: usize) -> Vec<f64> {
        sequences::normals(self.word()).take(count).collect()
    }

    /// An index below `count`; all are equally likely.
    ///
    /// # Panics
    /// If `count` is 0.
    #[inline]
    pub fn below(&mut self, count: usize) -> usize {
        let count = count as u64;
        let whole = u64::MAX - u64::MAX % count;
        loop {
            let word = self.word();
            if word < whole {
                return (word % count) as usize;
            }
        }
    }

    /// Puts `items` into an order that is uniformly random over its first `count` places: the shuffle of Fisher and Yates.
    pub fn shuffle_first<T>(&mut self, items: &mut [T], count: usize) {
        for place in 0..count.min(items.len()) {
            let from = place + self.below(items.len() - place);
            items.swap(place, from);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: [u64; 4] = [1, 2, 3, 4];

    #[test]
    fn every_word_of_the_key_changes_the_stream() {
        let first = |key: [u64; 4]| Stream::new(key).word();
        assert_eq!(first(KEY), first(KEY));
        for index in 0..4 {
            let mut other = KEY;
            other[index] = 9;
            assert_ne!(first(KEY), first(other));
        }
    }

    /// Records and reports depend on these bits. They were the same before this crate existed.
    #[test]
    fn the_values_of_a_key_never_change() {
        let mut stream = Stream::new(KEY);
        let found = [
            stream.word(),
            stream.unit().to_bits(),
            stream.symmetric(2.0).to_bits(),
            stream.normal_pair(1.5)[1].to_bits(),
            stream.below(1000) as u64,
            stream.normals(3)[2].to_bits(),
        ];
        let expected = [
            0x10fb_f7e8_ae24_33fc,
            0x3fd6_18b0_1fea_1f4c,
            0xbfef_dea3_c88c_780e,
            0x3ff3_16b6_cdcb_cda0,
            312,
            0x3ff2_0e2a_9dc1_14a1,
        ];
        assert_eq!(found, expected, "{found:#x?}");
    }

    #[test]
    fn uniform_values_keep_within_their_ends() {
        let mut stream = Stream::new(KEY);
        let values: Vec<f64> = (0..10_000).map(|_| stream.uniform(-1.0, 3.0)).collect();
        let mean = values.iter().sum::<f64>() / 10_000.0;
        assert!(values.iter().all(|x| (-1.0..3.0).contains(x)) && (mean - 1.0).abs() < 0.06);
    }

    #[test]
    fn symmetric_values_are_the_same_one_by_one_and_many_at_once() {
        let mut stream = Stream::new(KEY);
        let one_by_one: Vec<f64> = (0..1000).map(|_| stream.symmetric(2.0)).collect();
        for sizes in [[1, 2, 3], [64, 65, 200], [7, 128, 1]] {
            let mut stream = Stream::new(KEY);
            let mut values = vec![0.0; sizes.iter().sum()];
            let mut rest = &mut values[..];
            for size in sizes {
                let (some, others) = rest.split_at_mut(size);
                stream.fill_symmetric(2.0, some);
                rest = others;
            }
            assert_eq!(values, one_by_one[..values.len()]);
        }
    }

    #[test]
    fn the_six_orders_of_three_are_equally_likely() {
        let mut stream = Stream::new(KEY);
        let mut counts = [0_u32; 27];
        for _ in 0..6000 {
            let mut order = [0, 1, 2];
            stream.shuffle_first(&mut order, 3);
            counts[order[0] * 9 + order[1] * 3 + order[2]] += 1;
        }
        let seen: Vec<u32> = counts.into_iter().filter(|count| *count > 0).collect();
        // Five standard deviations of a binomial count with mean 1000.
        assert!(seen.len() == 6 && seen.iter().all(|count| count.abs_diff(1000) < 145), "{seen:?}");
    }
}
