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
        let half = (1_u64 << 52) as f64;
        // The centers of 2^53 equal cells of [-1, 1]: exactly symmetric about 0.
        ((self.generator.next_u64() >> 11) as f64 - half + 0.5) / half * self.radius
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
