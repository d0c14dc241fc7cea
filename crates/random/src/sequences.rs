//! Endless sequences keyed by 64 bits: standard normal values and random signs.

use crate::stream::Stream;
use crate::uniform::{box_muller, open_unit};

/// Standard normal values: the i-th value depends on `key` and i only. The sequence never ends.
pub fn normals(key: u64) -> impl Iterator<Item = f64> {
    let mut stream = Stream::of_word(key);
    let mut second = None;
    std::iter::repeat_with(move || {
        second.take().unwrap_or_else(|| {
            let [radial, angular] = [stream.word(), stream.word()].map(open_unit);
            let [first, other] = box_muller(1.0, radial, angular);
            second = Some(other);
            first
        })
    })
}

/// Independent signs, +1 or -1 with equal probability: the i-th sign depends on `key` and i only. The sequence never ends.
pub fn signs(key: u64) -> impl Iterator<Item = f64> {
    let mut stream = Stream::of_word(key);
    let (mut bits, mut left) = (0_u64, 0_u32);
    std::iter::repeat_with(move || {
        if left == 0 {
            (bits, left) = (stream.word(), u64::BITS);
        }
        let sign = if bits & 1 == 0 { 1.0 } else { -1.0 };
        (bits, left) = (bits >> 1, left - 1);
        sign
    })
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
