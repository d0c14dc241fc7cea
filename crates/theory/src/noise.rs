//! Seeded noise laws: a sequence of draws that is a function of what it drives.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// What a noise sequence drives. Equal keys give equal sequences, different keys independent ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoiseKey {
    /// The seed of the experiment.
    pub seed: u64,
    /// The part of the experiment, where it draws for several purposes.
    pub part: u64,
    /// The bits of the step size, so that no two step sizes share their noise.
    pub step_size: u64,
    /// The replicate.
    pub replicate: u64,
}

/// Independent draws from the uniform law on `[-radius, radius]`, whose variance is `radius^2 / 3`.
#[derive(Clone, Debug)]
pub struct UniformNoise {
    generator: ChaCha8Rng,
    radius: f64,
}

impl UniformNoise {
    /// The sequence of `key`: ChaCha8 whose 256-bit key is the concatenation of its fields.
    pub fn new(radius: f64, key: NoiseKey) -> Self {
        let mut bytes = [0; 32];
        for (chunk, field) in
            bytes.chunks_exact_mut(8).zip([key.seed, key.part, key.step_size, key.replicate])
        {
            chunk.copy_from_slice(&field.to_le_bytes());
        }
        Self { generator: ChaCha8Rng::from_seed(bytes), radius }
    }

    /// The next draw.
    #[inline]
    pub fn draw(&mut self) -> f64 {
        let word = self.generator.next_u64();
        self.scaled(word)
    }

    /// The next draws, as many as `draws` holds: those that [`UniformNoise::draw`] makes one by one, in a fraction of the time.
    pub fn fill(&mut self, draws: &mut [f64]) {
        const CHUNK: usize = 64;
        let mut bytes = [0; 8 * CHUNK];
        for draws in draws.chunks_mut(CHUNK) {
            let bytes = &mut bytes[..8 * draws.len()];
            self.generator.fill_bytes(bytes);
            for (draw, bytes) in draws.iter_mut().zip(bytes.as_chunks().0) {
                *draw = self.scaled(u64::from_le_bytes(*bytes));
            }
        }
    }

    /// The centers of 2^53 equal cells of `[-radius, radius]`: exactly symmetric about 0.
    #[inline]
    fn scaled(&self, word: u64) -> f64 {
        let half = (1_u64 << 52) as f64;
        (whole(word >> 11) - half + 0.5) / half * self.radius
    }
}

/// `number`, which is below 2^53, as a floating-point number. The two halves are put into the low bits of 2^84 and of 2^52; unlike a
/// conversion of a whole 64-bit integer, this is something that every processor does with several numbers at once.
#[inline]
fn whole(number: u64) -> f64 {
    const HIGH: f64 = (1_u128 << 84) as f64;
    const LOW: f64 = (1_u64 << 52) as f64;
    let high = f64::from_bits(HIGH.to_bits() | number >> 32);
    let low = f64::from_bits(LOW.to_bits() | number & 0xffff_ffff);
    (high - (HIGH + LOW)) + low
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draws::{Draws, Purpose};

    fn noise(key: NoiseKey) -> Vec<f64> {
        let mut noise = UniformNoise::new(2.0, key);
        (0..100_000).map(|_| noise.draw()).collect()
    }

    const KEY: NoiseKey = NoiseKey { seed: 1, part: 2, step_size: 3, replicate: 4 };

    #[test]
    fn uniform_noise_has_the_moments_of_its_law() {
        let draws = noise(KEY);
        let n = draws.len() as f64;
        let mean = draws.iter().sum::<f64>() / n;
        let second = draws.iter().map(|x| x * x).sum::<f64>() / n;
        let (variance, fourth) = (4.0 / 3.0, 16.0 / 5.0);
        assert!(mean.abs() < 5.0 * f64::sqrt(variance / n));
        assert!((second - variance).abs() < 5.0 * f64::sqrt((fourth - variance * variance) / n));
        assert!(draws.iter().all(|x| x.abs() <= 2.0));
    }

    #[test]
    fn every_field_of_the_key_changes_the_sequence() {
        let others = [
            NoiseKey { seed: 9, ..KEY },
            NoiseKey { part: 9, ..KEY },
            NoiseKey { step_size: 9, ..KEY },
            NoiseKey { replicate: 9, ..KEY },
        ];
        assert_eq!(noise(KEY), noise(KEY));
        for other in others {
            assert_ne!(noise(KEY), noise(other));
        }
    }

    #[test]
    fn draws_are_the_same_one_by_one_and_many_at_once() {
        let one_by_one = noise(KEY);
        for sizes in [[1, 2, 3], [64, 65, 200], [7, 128, 1]] {
            let mut noise = UniformNoise::new(2.0, KEY);
            let mut draws = vec![0.0; sizes.iter().sum()];
            let mut rest = &mut draws[..];
            for size in sizes {
                let (some, others) = rest.split_at_mut(size);
                noise.fill(some);
                rest = others;
            }
            assert_eq!(draws, one_by_one[..draws.len()]);
        }
    }

    #[test]
    fn whole_numbers_are_converted_exactly() {
        let mut draws = Draws::new(Purpose { seed: 0, experiment: "whole", part: 0, replicate: 0 });
        for number in
            (0..10_000).map(|_| draws.key() >> 11).chain([0, 1, (1 << 32) - 1, 1 << 32, (1 << 53) - 1])
        {
            assert_eq!(whole(number), number as f64);
        }
    }
}
