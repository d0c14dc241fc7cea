//! Random words as numbers, and pairs of uniform numbers as normal ones.

use std::f64::consts::TAU;

/// Uniform on [0, 1) in steps of 2^-53.
#[inline]
pub(crate) fn unit(word: u64) -> f64 {
    (word >> 11) as f64 * (1.0 / (1_u64 << 53) as f64)
}

/// Uniform on (0, 1), both ends excluded, so that a logarithm of it is finite.
#[inline]
pub(crate) fn open_unit(word: u64) -> f64 {
    ((word >> 11) as f64 + 0.5) * (1.0 / (1_u64 << 53) as f64)
}

/// The centers of 2^53 equal cells of `[-radius, radius]`: exactly symmetric about 0.
#[inline]
pub(crate) fn symmetric(word: u64, radius: f64) -> f64 {
    let half = (1_u64 << 52) as f64;
    (whole(word >> 11) - half + 0.5) / half * radius
}

/// `number`, which is below 2^53, as a floating-point number. The two halves are put into the low bits of 2^84 and of 2^52; unlike a
/// conversion of a whole 64-bit integer, every processor does this with several numbers at once.
#[inline]
fn whole(number: u64) -> f64 {
    const HIGH: f64 = (1_u128 << 84) as f64;
    const LOW: f64 = (1_u64 << 52) as f64;
    let high = f64::from_bits(HIGH.to_bits() | number >> 32);
    let low = f64::from_bits(LOW.to_bits() | number & 0xffff_ffff);
    (high - (HIGH + LOW)) + low
}

/// Two independent normal values from two uniform ones, the first of which is above 0: the transform of Box and Muller (1958).
#[inline]
pub(crate) fn box_muller(standard_deviation: f64, radial: f64, angular: f64) -> [f64; 2] {
    let radius = standard_deviation * (-2.0 * radial.ln()).sqrt();
    let (sine, cosine) = (TAU * angular).sin_cos();
    [radius * cosine, radius * sine]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uniform_numbers_keep_within_their_ends() {
        let last = 1.0 - 2.0_f64.powi(-53);
        assert_eq!([unit(0), unit(u64::MAX)], [0.0, last]);
        assert!(open_unit(0) > 0.0);
        assert_eq!(symmetric(0, 2.0), -symmetric(u64::MAX, 2.0));
        assert!(symmetric(u64::MAX, 2.0) < 2.0);
    }

    #[test]
    fn whole_numbers_are_converted_exactly() {
        let words = std::iter::successors(Some(1_u64), |word| Some(word.wrapping_mul(0x5851_f42d_4c95_7f2d)));
        let random = words.take(10_000).map(|word| word >> 11);
        for number in random.chain([0, 1, (1 << 32) - 1, 1 << 32, (1 << 53) - 1]) {
            assert_eq!(whole(number), number as f64);
        }
    }
}
