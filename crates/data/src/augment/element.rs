//! What a value of a minibatch is: a byte, or a normalised number of 32 or 16 bits.

#![expect(clippy::inline_always, reason = "code is compiled for wide vectors by being inlined; see `simd`")]

use std::fmt;

use half::bf16;

/// The type of a value in a [`Minibatch`](crate::Minibatch): `u8`, `f32` or [`bf16`].
///
/// `u8` hands out the augmented bytes themselves, a quarter of the memory traffic of `f32`, for a consumer that
/// normalises on its device. `f32` and `bf16` are normalised; `bf16` is the `f32` value rounded to nearest even.
///
/// Implemented for these three types and sealed.
pub trait Element:
    sealed::FromByte + Copy + Default + Send + Sync + fmt::Debug + PartialEq + 'static
{
    /// The type's name: `u8`, `f32`, `bf16`.
    const NAME: &'static str;
}

impl Element for u8 {
    const NAME: &'static str = "u8";
}

impl Element for f32 {
    const NAME: &'static str = "f32";
}

impl Element for bf16 {
    const NAME: &'static str = "bf16";
}

pub(crate) mod sealed {
    use half::bf16;

    /// How a byte becomes an element. Always inlined: the caller is compiled for the widest vectors there are.
    pub trait FromByte: Sized {
        /// The element of a byte, normalised by `byte * scale + shift` if the element is.
        fn from_byte(byte: u8, scale: f32, shift: f32) -> Self;

        /// The element of the channel mean, of which `mean` is the nearest byte.
        fn at_mean(mean: u8) -> Self;

        /// The same memory as bytes, if elements are bytes.
        #[inline(always)]
        fn as_bytes(_output: &mut [Self]) -> Option<&mut [u8]> {
            None
        }
    }

    impl FromByte for u8 {
        #[inline(always)]
        fn from_byte(byte: u8, _scale: f32, _shift: f32) -> Self {
            byte
        }

        #[inline(always)]
        fn at_mean(mean: u8) -> Self {
            mean
        }

        #[inline(always)]
        fn as_bytes(output: &mut [u8]) -> Option<&mut [u8]> {
            Some(output)
        }
    }

    impl FromByte for f32 {
        #[inline(always)]
        fn from_byte(byte: u8, scale: f32, shift: f32) -> Self {
            f32::from(byte) * scale + shift
        }

        #[inline(always)]
        fn at_mean(_mean: u8) -> Self {
            0.0
        }
    }

    impl FromByte for bf16 {
        #[inline(always)]
        fn from_byte(byte: u8, scale: f32, shift: f32) -> Self {
            round_to_nearest_even(f32::from_byte(byte, scale, shift))
        }

        #[inline(always)]
        fn at_mean(_mean: u8) -> Self {
            bf16::ZERO
        }
    }

    /// For finite values. A normalised byte is always finite, and without the case of NaN, which `bf16::from_f32` has
    /// to ask for, this is four integer instructions on a whole vector.
    #[inline(always)]
    fn round_to_nearest_even(value: f32) -> bf16 {
        let bits = value.to_bits();
        let half_up = 0x7fff + ((bits >> 16) & 1);
        bf16::from_bits((bits.wrapping_add(half_up) >> 16) as u16)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::sealed::FromByte;
    use super::*;

    proptest! {
        #[test]
        fn bf16_is_the_f32_value_rounded_to_nearest_even(
            byte: u8, scale in -1.0e3_f32..1.0e3, shift in -1.0e3_f32..1.0e3,
        ) {
            let exact = f32::from_byte(byte, scale, shift);
            prop_assert_eq!(bf16::from_byte(byte, scale, shift), bf16::from_f32(exact));
        }
    }

    #[test]
    fn ties_go_to_the_even_neighbour() {
        for (bits, expected) in [(0x3f80_8000, 0x3f80), (0x3f81_8000, 0x3f82), (0xbf80_8001, 0xbf81)] {
            let value = f32::from_bits(bits);
            assert_eq!(bf16::from_byte(0, 0.0, value).to_bits(), expected);
        }
    }
}
