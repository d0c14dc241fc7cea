//! Crop, flip and cutout of bytes, for images as wide as a vector.
//!
//! Without arithmetic, the general pass spends most of its time on its frame. Here every row is read where it lies, at
//! full width, and what does not belong to the image is masked away.

#![expect(clippy::inline_always, reason = "code is compiled for wide vectors by being inlined; see `simd`")]

use crate::ImageShape;
use crate::augment::AugmentParams;
use crate::simd::Vectorized;

/// The width of CIFAR's images.
pub(super) const WIDTH: usize = 32;

type Row = [u8; WIDTH];

/// One image of rows of [`WIDTH`] bytes, cropped from a border of zeros, flipped and cut out.
pub(super) struct WriteBytes<'a> {
    pub(super) shape: ImageShape,
    /// Pixels of border around the image.
    pub(super) padding: usize,
    /// Per channel, what a cutout leaves behind.
    pub(super) means: [u8; 3],
    /// Without a translation.
    pub(super) choices: &'a AugmentParams,
    /// C x H x W, as `output`.
    pub(super) pixels: &'a [u8],
    pub(super) output: &'a mut [u8],
}

impl Vectorized for WriteBytes<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        if self.choices.flip { self.rows::<true>() } else { self.rows::<false>() }
    }
}

impl WriteBytes<'_> {
    #[inline(always)]
    fn rows<const FLIP: bool>(self) {
        let WriteBytes { shape, padding, means, choices, pixels, output } = self;
        let height = shape.height;
        let plane_len = height * WIDTH;
        // Where the crop lies in the image without its border.
        let (down, right) =
            (choices.corner.0 as isize - padding as isize, choices.corner.1 as isize - padding as isize);
        let of_image = mask(|column| (0..WIDTH).contains(&column.wrapping_add_signed(right)));
        // Rows of the output that show the image.
        let first = down.min(0).unsigned_abs();
        let end = height - down.max(0) as usize;

        for (channel, plane) in output.chunks_exact_mut(plane_len).enumerate() {
            let (plane, _) = plane.as_chunks_mut::<WIDTH>();
            plane[..first].fill([0; WIDTH]);
            plane[end..].fill([0; WIDTH]);
            if first == end {
                continue;
            }
            // Moved sideways, the image's first row may begin before its first byte, its last row end after its last.
            let start =
                (channel * plane_len + first * WIDTH).wrapping_add_signed(down * WIDTH as isize + right);
            let (mut whole, mut whole_end) = (first, end);
            if start > pixels.len() {
                plane[first] = write::<FLIP>(&across_an_end(pixels, start), &of_image);
                whole += 1;
            } else if start + (end - first) * WIDTH > pixels.len() {
                whole_end -= 1;
                let start = start + (whole_end - first) * WIDTH;
                plane[whole_end] = write::<FLIP>(&across_an_end(pixels, start), &of_image);
            }
            let start = start.wrapping_add((whole - first) * WIDTH);
            let lines = pixels[start..][..(whole_end - whole) * WIDTH].as_chunks::<WIDTH>().0;
            for (output, line) in plane[whole..whole_end].iter_mut().zip(lines) {
                *output = write::<FLIP>(line, &of_image);
            }
        }

        if let Some(region) = &choices.cutout {
            let kept = mask(|column| !region.columns.contains(&column));
            for (plane, mean) in output.chunks_exact_mut(plane_len).zip(means) {
                for output in &mut plane.as_chunks_mut::<WIDTH>().0[region.rows.clone()] {
                    for column in 0..WIDTH {
                        output[column] = (output[column] & kept[column]) | (mean & !kept[column]);
                    }
                }
            }
        }
    }
}

/// A row of the output from a row of the image.
#[inline(always)]
fn write<const FLIP: bool>(line: &Row, of_image: &Row) -> Row {
    let mut row = [0; WIDTH];
    for column in 0..WIDTH {
        row[column] = line[column] & of_image[column];
    }
    if FLIP {
        row.reverse();
    }
    row
}

/// The bytes from `start` on, zero where there are none.
fn across_an_end(pixels: &[u8], start: usize) -> Row {
    std::array::from_fn(|column| pixels.get(start.wrapping_add(column)).copied().unwrap_or(0))
}

/// All bits of the columns for which `wanted` holds.
#[inline(always)]
fn mask(wanted: impl Fn(usize) -> bool) -> Row {
    let mut mask = [0; WIDTH];
    for (column, mask) in mask.iter_mut().enumerate() {
        *mask = if wanted(column) { 0xff } else { 0 };
    }
    mask
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::augment::Region;
    use crate::simd::Simd;

    /// Every output byte by itself.
    fn obvious(
        shape: ImageShape,
        padding: usize,
        means: [u8; 3],
        choices: &AugmentParams,
        pixels: &[u8],
    ) -> Vec<u8> {
        let mut output = Vec::with_capacity(pixels.len());
        for (channel, mean) in (0..shape.channels).zip(means) {
            for row in 0..shape.height {
                for column in 0..WIDTH {
                    let from = if choices.flip { WIDTH - 1 - column } else { column };
                    let (y, x) = (row + choices.corner.0, from + choices.corner.1);
                    let inside = (padding..shape.height + padding).contains(&y)
                        && (padding..WIDTH + padding).contains(&x);
                    let cut = choices
                        .cutout
                        .as_ref()
                        .is_some_and(|region| region.rows.contains(&row) && region.columns.contains(&column));
                    output.push(match (cut, inside) {
                        (true, _) => mean,
                        (false, true) => pixels[(channel * shape.height + y - padding) * WIDTH + x - padding],
                        (false, false) => 0,
                    });
                }
            }
        }
        output
    }

    proptest! {
        #[test]
        fn equals_the_obvious_loop(
            (channels, height, padding) in (1_usize..=3, 1_usize..40)
                .prop_flat_map(|(channels, height)| (Just(channels), Just(height), 0..=height.min(WIDTH))),
            (down, right) in (0.0..=1.0, 0.0..=1.0),
            flip: bool,
            cutout in proptest::option::of((0.0..=1.0, 0.0..=1.0, 0.0..=1.0, 0.0..=1.0)),
            seed: u8,
        ) {
            let shape = ImageShape { channels, height, width: WIDTH };
            let within = |share: f64, last: usize| (share * last as f64).round() as usize;
            let between = |a, b, last| within(f64::min(a, b), last)..within(f64::max(a, b), last);
            let choices = AugmentParams {
                corner: (within(down, 2 * padding), within(right, 2 * padding)),
                flip,
                cutout: cutout
                    .map(|(a, b, c, d)| Region { rows: between(a, b, height), columns: between(c, d, WIDTH) }),
                ..AugmentParams::default()
            };
            let pixels: Vec<u8> =
                (0..shape.num_values()).map(|position| (position * 7 + 1) as u8 ^ seed).collect();
            let means = [3, 140, 250];
            let expected = obvious(shape, padding, means, &choices, &pixels);
            for simd in Simd::all() {
                let mut output = vec![9; pixels.len()];
                simd.run(WriteBytes {
                    shape, padding, means, choices: &choices, pixels: &pixels, output: &mut output,
                });
                prop_assert_eq!(&output, &expected);
            }
        }
    }
}
