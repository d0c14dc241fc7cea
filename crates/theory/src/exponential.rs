//! The exponential function and the hyperbolic tangent without branches or tables, so that a compiler computes several at once.
//!
//! Both come from Lambert's continued fraction `tanh z = z / (1 + z^2 / (3 + z^2 / (5 + ...)))`, cut off after 11. On
//! `|z| <= log(2) / 4`, which is all that is asked of it, its relative error is below 1e-18.

use std::f64::consts::{LN_2, LOG2_E};

/// Added to a small number, leaves its nearest integer in the lowest bits.
const ROUNDER: f64 = 1.5 * (1_u64 << 52) as f64;

/// The upper 21 bits of log 2, whose product with a whole number of 11 bits is exact, and the rest.
const LOG_2_HIGH: f64 = f64::from_bits(LN_2.to_bits() & !0xffff_ffff);
const LOG_2_LOW: f64 = 4.749_325_039_031_672_6e-7;

/// The sine's and the cosine's part of `tanh z = odd / even`.
#[inline]
fn lambert(z: f64) -> (f64, f64) {
    let u = z * z;
    (z * ((21.0 * u + 1260.0) * u + 10_395.0), ((u + 210.0) * u + 4725.0) * u + 10_395.0)
}

/// The nearest integer to `x` as a number, and `2^integer * y` of a positive normal `y`; the result must be normal too.
#[inline]
fn round(x: f64) -> (f64, impl Fn(f64) -> f64) {
    let shifted = x + ROUNDER;
    let exponent = shifted.to_bits() << 52;
    (shifted - ROUNDER, move |y: f64| f64::from_bits(y.to_bits().wrapping_add(exponent)))
}

/// `x`, but `low` and `high` beyond them; a NaN stays one.
#[inline]
fn clamp(x: f64, low: f64, high: f64) -> f64 {
    let x = if x < low { low } else { x };
    if x > high { high } else { x }
}

/// `e^x` with a relative error of at most 5e-16 for `x` in [-708, 709]; beyond, the value at the nearest end, which is 3e-308 or 8e307.
#[inline]
pub(crate) fn exp(x: f64) -> f64 {
    let x = clamp(x, -708.0, 709.0);
    let (count, scaled) = round(x * LOG2_E);
    let (odd, even) = lambert(0.5 * ((x - count * LOG_2_HIGH) - count * LOG_2_LOW));
    scaled((even + odd) / (even - odd))
}

/// `tanh x` with an absolute error of at most 4e-16.
#[inline]
pub(crate) fn tanh(x: f64) -> f64 {
    // At 20, 1 - tanh x is a hundredth of the last bit.
    let x = clamp(x, -20.0, 20.0);
    let (count, scaled) = round(x * (2.0 * LOG2_E));
    // What rounding adds to z is of the order of the last bit of x, and tanh is flat where x is large.
    let (odd, even) = lambert(x - count * (0.5 * LN_2));
    // e^2x = 2^count (even + odd) / (even - odd): the only division.
    let (up, down) = (scaled(even + odd), even - odd);
    (up - down) / (up + down)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draws::{Draws, Purpose};

    /// A grid's worth of random numbers within the range.
    fn numbers(low: f64, high: f64) -> impl Iterator<Item = f64> {
        let mut draws = Draws::new(Purpose { seed: 0, experiment: "exp", part: 0, replicate: 0 });
        (0..200_000).map(move |_| draws.uniform(low, high))
    }

    #[test]
    fn exp_is_the_librarys() {
        for x in numbers(-708.0, 709.0).chain(numbers(-1.0, 1.0)).chain([-708.0, 0.0, 709.0]) {
            let error = (exp(x) / x.exp() - 1.0).abs();
            assert!(error <= 5e-16, "{x}: {error:e}");
        }
        assert_eq!(exp(0.0), 1.0);
    }

    #[test]
    fn tanh_is_the_librarys() {
        for x in numbers(-25.0, 25.0).chain(numbers(-1.0, 1.0)).chain([-20.0, 0.0, 20.0]) {
            let error = (tanh(x) - x.tanh()).abs();
            assert!(error <= 4e-16, "{x}: {error:e}");
        }
        assert_eq!((tanh(0.0), tanh(f64::INFINITY), tanh(f64::NEG_INFINITY)), (0.0, 1.0, -1.0));
    }

    #[test]
    fn what_is_out_of_range_saturates_and_what_is_no_number_stays_none() {
        assert!(exp(-1e300) < 1e-307 && exp(1e300) > 1e307 && exp(1e300).is_finite());
        assert!(exp(f64::NAN).is_nan() && tanh(f64::NAN).is_nan());
    }

    #[test]
    fn the_parts_of_log_2_add_up() {
        assert_eq!(LOG_2_HIGH + LOG_2_LOW, LN_2);
        // log 2 to 32 decimals, as two integers: the high part is a whole number of 2^-32nds of a bit of its own.
        assert_eq!((LOG_2_HIGH * (1_u64 << 33) as f64).fract(), 0.0);
    }
}
