//! Random sequences that are a function of a key alone: standard normal values and random signs.

use std::f64::consts::TAU;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// Standard normal values: the i-th value depends on `key` and i only. The sequence never ends.
///
/// ChaCha8 keyed by `key`, then the Box-Muller transform of pairs of 53-bit uniform values.
pub fn normals(key: u64) -> impl Iterator<Item = f64> {
    let mut generator = ChaCha8Rng::seed_from_u64(key);
    let mut second = None;
    std::iter::repeat_with(move || {
        second.take().unwrap_or_else(|| {
            let radius = (-2.0 * open_unit(generator.next_u64()).ln()).sqrt();
            let (sine, cosine) = (TAU * open_unit(generator.next_u64())).sin_cos();
            second = Some(radius * sine);
            radius * cosine
        })
    })
}

/// Independent signs, +1 or -1 with equal probability: the i-th sign depends on `key` and i only. The sequence never ends.
pub fn signs(key: u64) -> impl Iterator<Item = f64> {
    let mut generator = ChaCha8Rng::seed_from_u64(key);
    let (mut bits, mut left) = (0_u64, 0_u32);
    std::iter::repeat_with(move || {
        if left == 0 {
            (bits, left) = (generator.next_u64(), u64::BITS);
        }
        let sign = if bits & 1 == 0 { 1.0 } else { -1.0 };
        (bits, left) = (bits >> 1, left - 1);
        sign
    })
}

/// Maps 53 random bits into (0, 1), both ends excluded, so that a logarithm of it is finite.
fn open_unit(bits: u64) -> f64 {
    ((bits >> 11) as f64 + 0.5) * (1.0 / (1_u64 << 53) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normals_have_the_moments_of_the_standard_normal_law() {
        let count = 200_000;
        let (mut first, mut second, mut fourth) = (0.0, 0.0, 0.0);
        for x in normals(7).take(count) {
            first += x;
            second += x * x;
            fourth += x.powi(4);
        }
        let n = count as f64;
        // Five standard errors: 1, sqrt(2) and sqrt(96), each over sqrt(n).
        assert!((first / n).abs() < 5.0 / n.sqrt());
        assert!((second / n - 1.0).abs() < 5.0 * (2.0 / n).sqrt());
        assert!((fourth / n - 3.0).abs() < 5.0 * (96.0 / n).sqrt());
    }

    #[test]
    fn signs_are_balanced() {
        let count = 100_000;
        let sum: f64 = signs(3).take(count).sum();
        assert!(sum.abs() < 5.0 * (count as f64).sqrt());
        assert!(signs(3).take(1000).all(|sign| sign.abs() == 1.0));
    }

    #[test]
    fn another_key_gives_another_sequence() {
        assert!(normals(1).take(8).ne(normals(2).take(8)));
        assert!(signs(1).take(64).ne(signs(2).take(64)));
    }
}
