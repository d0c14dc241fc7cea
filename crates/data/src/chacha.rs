//! One block of the ChaCha8 stream, where the generator of `rand_chacha` would make four.
//!
//! Samples are visited in shuffled order and each needs the first words of its own place in the stream. Making the
//! block that is used and not the three after it takes a third of the time, and that time was a quarter of what the
//! loader spends on an image of bytes. The words are the same: tests compare them with `rand_chacha`'s.

#![expect(clippy::inline_always, reason = "code is compiled for wide vectors by being inlined; see `simd`")]

use crate::simd::{Simd, Vectorized};

/// 32-bit words per block.
pub(crate) const BLOCK_WORDS: usize = 16;

/// A stream of ChaCha8 (Bernstein, 2008, "ChaCha, a variant of Salsa20"; 64-bit block counter, stream number 0).
#[derive(Clone, Debug)]
pub(crate) struct Blocks {
    simd: Simd,
    key: [Row; 2],
}

/// Four words of the state's four rows of four.
type Row = [u32; 4];

impl Blocks {
    pub(crate) fn new(key: [u8; 32]) -> Self {
        let word = |position: usize| {
            let bytes: [u8; 4] = std::array::from_fn(|byte| key[4 * position + byte]);
            u32::from_le_bytes(bytes)
        };
        let row = |first: usize| std::array::from_fn(|position| word(first + position));
        Blocks { simd: Simd::detect(), key: [row(0), row(4)] }
    }

    /// The words `16 * position ..` of the stream.
    pub(crate) fn block(&self, position: u64) -> [u32; BLOCK_WORDS] {
        self.simd.run(Block { key: self.key, position })
    }
}

struct Block {
    key: [Row; 2],
    position: u64,
}

impl Vectorized for Block {
    type Output = [u32; BLOCK_WORDS];

    #[inline(always)]
    fn run(self) -> Self::Output {
        const CONSTANTS: Row = [0x6170_7865, 0x3320_646e, 0x7962_2d32, 0x6b20_6574];
        let start =
            [CONSTANTS, self.key[0], self.key[1], [self.position as u32, (self.position >> 32) as u32, 0, 0]];
        let mut state = start;
        for _ in 0..4 {
            state = quarter_rounds(state);
            // Diagonals become columns, and back.
            let [a, b, c, d] = state;
            let [a, b, c, d] = quarter_rounds([a, turned(b, 1), turned(c, 2), turned(d, 3)]);
            state = [a, turned(b, 3), turned(c, 2), turned(d, 1)];
        }
        let mut words = [0; BLOCK_WORDS];
        for row in 0..4 {
            let sum = added(state[row], start[row]);
            words[4 * row..][..4].copy_from_slice(&sum);
        }
        words
    }
}

/// The quarter round on four columns at once.
#[inline(always)]
fn quarter_rounds([mut a, mut b, mut c, mut d]: [Row; 4]) -> [Row; 4] {
    a = added(a, b);
    d = rotated(mixed(d, a), 16);
    c = added(c, d);
    b = rotated(mixed(b, c), 12);
    a = added(a, b);
    d = rotated(mixed(d, a), 8);
    c = added(c, d);
    b = rotated(mixed(b, c), 7);
    [a, b, c, d]
}

#[inline(always)]
fn added(a: Row, b: Row) -> Row {
    [a[0].wrapping_add(b[0]), a[1].wrapping_add(b[1]), a[2].wrapping_add(b[2]), a[3].wrapping_add(b[3])]
}

#[inline(always)]
fn mixed(a: Row, b: Row) -> Row {
    [a[0] ^ b[0], a[1] ^ b[1], a[2] ^ b[2], a[3] ^ b[3]]
}

#[inline(always)]
fn rotated(a: Row, bits: u32) -> Row {
    [a[0].rotate_left(bits), a[1].rotate_left(bits), a[2].rotate_left(bits), a[3].rotate_left(bits)]
}

/// The row moved to the left by `by` words.
#[inline(always)]
fn turned(a: Row, by: usize) -> Row {
    [a[by % 4], a[(1 + by) % 4], a[(2 + by) % 4], a[(3 + by) % 4]]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    proptest! {
        #[test]
        fn a_block_is_what_the_generator_makes_there(key: [u8; 32], position in 0_u64..1 << 60) {
            let mut rng = ChaCha8Rng::from_seed(key);
            rng.set_word_pos(u128::from(position) * 16);
            let expected: [u32; BLOCK_WORDS] = std::array::from_fn(|_| rng.next_u32());
            for simd in Simd::all() {
                prop_assert_eq!(Blocks { simd, ..Blocks::new(key) }.block(position), expected);
            }
        }
    }
}
