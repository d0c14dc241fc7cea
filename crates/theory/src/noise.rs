//! Seeded noise distributions: a sequence of draws that is a function of what it drives.

use polder_random::Stream;

/// What a noise sequence drives. Equal keys give equal sequences, different keys independent ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoiseKey {
    /// The seed of the experiment.
    pub seed: u64,
    /// The part of the experiment, where it draws for several purposes.
    pub part: u64,
    /// The bits of the step size, so that no two step sizes share their noise.
    pub step_size: u64,
    /// The replicate.
    pub replicate: u64,
}

impl From<NoiseKey> for [u64; 4] {
    fn from(key: NoiseKey) -> Self {
        [key.seed, key.part, key.step_size, key.replicate]
    }
}

/// Independent draws from the uniform distribution on `[-radius, radius]`, whose variance is `radius^2 / 3`.
#[derive(Clone, Debug)]
pub(crate) struct UniformNoise {
    stream: Stream,
    radius: f64,
}

impl UniformNoise {
    /// The sequence of `key`.
    pub(crate) fn new(radius: f64, key: NoiseKey) -> Self {
        Self { stream: Stream::new(key), radius }
    }

    /// The next draw.
    #[inline]
    pub(crate) fn draw(&mut self) -> f64 {
        self.stream.symmetric(self.radius)
    }

    /// The next draws, as many as `draws` holds: those that [`UniformNoise::draw`] makes one by one, in a fraction of the time.
    pub(crate) fn fill(&mut self, draws: &mut [f64]) {
        self.stream.fill_symmetric(self.radius, draws);
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
}
