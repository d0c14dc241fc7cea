//! The fused pass: bytes of one image in, augmented and normalised values out.
//!
//! The image is copied into a frame whose border is there already (a few KB that never leave the first cache level),
//! so that every crop is a window of the frame and every output row is read and written at full width. A loop without
//! edge cases over rows of known width is what the compiler turns into vector instructions.

#![expect(clippy::inline_always, reason = "code is compiled for wide vectors by being inlined; see `simd`")]

use std::ops::Range;

use crate::augment::bytes::{self, WriteBytes};
use crate::augment::element::Element;
use crate::augment::row::{copy_to, interleave, write, write_interleaved, write_mirrored};
use crate::augment::{AugmentParams, Augmentation, Border, Region};
use crate::simd::{Simd, Vectorized};
use crate::{ImageShape, Layout};

/// The pass and its memory.
#[derive(Clone, Debug)]
pub(super) struct Pass {
    simd: Simd,
    shape: ImageShape,
    layout: Layout,
    border: Border,
    /// Pixels of border that a crop can show.
    padding: usize,
    /// Pixels of the frame around the image: the padding, and room for a translation.
    margin: usize,
    /// (scale, shift) per channel.
    scales: [(f32, f32); 3],
    /// The byte nearest to the channel's mean.
    means: [u8; 3],
    /// C x (H + 2 margin) x (W + 2 margin); empty without a margin. Zero where no image was ever written.
    frame: Vec<u8>,
    /// One row of all channels, interleaved; W * C values, used for NHWC.
    row: Vec<u8>,
    /// The scale of each value of `row`.
    row_scales: Vec<f32>,
    /// The shift of each value of `row`.
    row_shifts: Vec<f32>,
}

impl Pass {
    pub(super) fn new(shape: ImageShape, layout: Layout, augmentation: &Augmentation) -> Self {
        let ImageShape { channels, height, width } = shape;
        let padding = augmentation.crop.map_or(0, |crop| crop.padding);
        let margin = padding + augmentation.translate.map_or(0, |translate| translate.max);
        let frame_len = channels * (height + 2 * margin) * (width + 2 * margin);
        let normalization = augmentation.normalization;
        let scales = std::array::from_fn(|channel| normalization.scale_and_shift(channel));
        let interleaved = if layout == Layout::Nhwc { width * channels } else { 0 };
        Pass {
            simd: Simd::detect(),
            shape,
            layout,
            border: augmentation.crop.map_or(Border::Zero, |crop| crop.border),
            padding,
            margin,
            scales,
            means: std::array::from_fn(|channel| normalization.denormalize(channel, 0.0)),
            frame: if margin == 0 { Vec::new() } else { vec![0; frame_len] },
            row: vec![0; interleaved],
            row_scales: (0..interleaved).map(|position| scales[position % channels].0).collect(),
            row_shifts: (0..interleaved).map(|position| scales[position % channels].1).collect(),
        }
    }

    /// Whether rows of bytes can be read where they lie; see [`WriteBytes`].
    fn whole_rows(&self, choices: &AugmentParams) -> bool {
        self.shape.width == bytes::WIDTH
            && self.layout == Layout::Nchw
            && (self.padding == 0 || self.border == Border::Zero)
            && choices.translate == (0, 0)
    }

    /// `pixels` and `output` have C * H * W entries, and `choices` lie in the ranges of the augmentation.
    pub(super) fn run<T: Element>(&mut self, choices: &AugmentParams, pixels: &[u8], output: &mut [T]) {
        let simd = self.simd;
        if self.whole_rows(choices)
            && let Some(output) = T::as_bytes(output)
        {
            let Pass { shape, padding, means, .. } = *self;
            simd.run(WriteBytes { shape, padding, means, choices, pixels, output });
        } else {
            simd.run(Write { pass: self, choices, pixels, output });
        }
    }
}

struct Write<'a, T> {
    pass: &'a mut Pass,
    choices: &'a AugmentParams,
    pixels: &'a [u8],
    output: &'a mut [T],
}

impl<T: Element> Vectorized for Write<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        // The width of CIFAR is named, so that its rows compile to straight vector code; 0 stands for any other.
        match self.pass.shape.width {
            32 => self.rows::<32, 32>(),
            _ => self.rows::<0, 16>(),
        }
    }
}

impl<T: Element> Write<'_, T> {
    /// Rows of `W` pixels (0: any number), worked on in blocks of `B`.
    #[inline(always)]
    fn rows<const W: usize, const B: usize>(self) {
        let Write { pass, choices, pixels, output } = self;
        let ImageShape { channels, height, width } = pass.shape;
        let width = if W == 0 { width } else { W };
        let shape = ImageShape { channels, height, width };
        fill_frame(pass, shape, pixels);

        let (down, right) = choices.translate;
        let frame_width = width + 2 * pass.margin;
        let frame_plane = (height + 2 * pass.margin) * frame_width;
        let inside = pass.margin - pass.padding;
        let top = (choices.corner.0 + inside).wrapping_add_signed(-down);
        let left = (choices.corner.1 + inside).wrapping_add_signed(-right);
        let source = if pass.margin == 0 { pixels } else { &pass.frame[..] };
        let line = |channel: usize, row: usize| {
            &source[channel * frame_plane + (top + row) * frame_width + left..][..width]
        };
        match pass.layout {
            Layout::Nchw => {
                for (channel, plane) in output.chunks_exact_mut(height * width).enumerate() {
                    let (scale, shift) = pass.scales[channel];
                    let lines = source[channel * frame_plane + top * frame_width..].chunks(frame_width);
                    for (line, output) in lines.zip(plane.chunks_exact_mut(width)) {
                        let line = &line[left..][..width];
                        if choices.flip {
                            write_mirrored::<T, B>(line, &mut output[..width], scale, shift);
                        } else {
                            write::<T, B>(line, &mut output[..width], scale, shift);
                        }
                    }
                }
            }
            Layout::Nhwc => {
                for (row, output) in output.chunks_exact_mut(width * channels).enumerate() {
                    if channels == 3 {
                        let lines = [line(0, row), line(1, row), line(2, row)];
                        interleave(lines, &mut pass.row[..3 * width], choices.flip);
                    } else {
                        for channel in 0..channels {
                            let to = pass.row[channel..].iter_mut().step_by(channels);
                            copy_to(to, line(channel, row), choices.flip);
                        }
                    }
                    write_interleaved::<T, B>(&pass.row, output, &pass.row_scales, &pass.row_shifts);
                }
            }
        }

        // What a translation moved in is black, wherever it comes from in the frame.
        if choices.translate != (0, 0) {
            let rows = vacated(down, height);
            let columns = vacated(if choices.flip { -right } else { right }, width);
            let black = |scale, shift, _| T::from_byte(0, scale, shift);
            blank(pass, shape, output, &Region { rows, columns: 0..width }, black);
            blank(pass, shape, output, &Region { rows: 0..height, columns }, black);
        }
        if let Some(region) = &choices.cutout {
            blank(pass, shape, output, region, |_, _, mean| T::at_mean(mean));
        }
    }
}

/// Copies the image into the frame and mirrors its border if that is wanted.
#[inline(always)]
fn fill_frame(pass: &mut Pass, shape: ImageShape, pixels: &[u8]) {
    let ImageShape { channels, height, width } = shape;
    let (margin, padding) = (pass.margin, pass.padding);
    if margin == 0 {
        return;
    }
    let (frame_height, frame_width) = (height + 2 * margin, width + 2 * margin);
    for channel in 0..channels {
        let plane = &pixels[channel * height * width..][..height * width];
        let frame = &mut pass.frame[channel * frame_height * frame_width..][..frame_height * frame_width];
        for (row, line) in plane.chunks_exact(width).enumerate() {
            frame[(row + margin) * frame_width + margin..][..width].copy_from_slice(line);
        }
        if pass.border == Border::Reflect {
            for row in margin..margin + height {
                let line = &mut frame[row * frame_width..][..frame_width];
                for away in 1..=padding {
                    line[margin - away] = line[margin + away];
                    line[margin + width - 1 + away] = line[margin + width - 1 - away];
                }
            }
            for away in 1..=padding {
                let mut copy = |to: usize, from: usize| {
                    frame.copy_within(from * frame_width..(from + 1) * frame_width, to * frame_width);
                };
                copy(margin - away, margin + away);
                copy(margin + height - 1 + away, margin + height - 1 - away);
            }
        }
    }
}

/// The rows or columns that a move by `by` leaves empty.
#[inline(always)]
fn vacated(by: isize, length: usize) -> Range<usize> {
    if by >= 0 { 0..by as usize } else { length - by.unsigned_abs()..length }
}

/// Gives every pixel of `region` the value that `value` computes from its channel's (scale, shift, mean byte).
#[inline(always)]
fn blank<T: Element>(
    pass: &Pass,
    shape: ImageShape,
    output: &mut [T],
    region: &Region,
    value: impl Fn(f32, f32, u8) -> T,
) {
    let ImageShape { channels, height, width } = shape;
    let values: [T; 3] = std::array::from_fn(|channel| {
        let (scale, shift) = pass.scales[channel];
        value(scale, shift, pass.means[channel])
    });
    match pass.layout {
        Layout::Nchw => {
            for (plane, value) in output.chunks_exact_mut(height * width).zip(values) {
                for line in plane[region.rows.start * width..region.rows.end * width].chunks_exact_mut(width)
                {
                    fill(&mut line[region.columns.clone()], value);
                }
            }
        }
        Layout::Nhwc => {
            for row in region.rows.clone() {
                let line = &mut output[row * width * channels..][..width * channels];
                for pixel in line[region.columns.start * channels..region.columns.end * channels]
                    .chunks_exact_mut(channels)
                {
                    pixel.copy_from_slice(&values[..channels]);
                }
            }
        }
    }
}

/// Cutout on CIFAR makes lines of 8 to 16 values: two stores that overlap take a fraction of the call that `fill` becomes.
#[inline(always)]
fn fill<T: Copy>(line: &mut [T], value: T) {
    let length = line.len();
    if (8..=16).contains(&length) {
        line[..8].copy_from_slice(&[value; 8]);
        line[length - 8..].copy_from_slice(&[value; 8]);
    } else {
        line.fill(value);
    }
}

#[cfg(test)]
mod tests {
    use half::bf16;
    use rand::Rng;

    use super::*;
    use crate::random::{Purpose, keyed};
    use crate::{Augmenter, Normalization};

    fn written<T: Element>(pass: &Pass, choices: &AugmentParams, pixels: &[u8]) -> Vec<T> {
        let mut output = vec![T::default(); pixels.len()];
        pass.clone().run(choices, pixels, &mut output);
        output
    }

    #[test]
    fn every_instruction_set_writes_the_same_bits() {
        let augmentation = Augmentation::crop_flip_cutout(Normalization::CIFAR10);
        let mut rng = keyed(0, Purpose::Prototypes, 0);
        for width in [32, 28, 33] {
            let shape = ImageShape { channels: 3, height: 20, width };
            let mut pixels = vec![0; shape.num_values()];
            rng.fill_bytes(&mut pixels);
            let augmenter = Augmenter::new(augmentation, shape, 1, 2).unwrap();
            for layout in [Layout::Nchw, Layout::Nhwc] {
                let levels: Vec<Pass> = Simd::all()
                    .into_iter()
                    .map(|simd| Pass { simd, ..Pass::new(shape, layout, &augmentation) })
                    .collect();
                for index in 0..50 {
                    let choices = augmenter.choices(index);
                    for level in &levels[1..] {
                        let (one, other) = (&levels[0], level);
                        assert_eq!(written::<u8>(one, &choices, &pixels), written(other, &choices, &pixels));
                        assert_eq!(written::<f32>(one, &choices, &pixels), written(other, &choices, &pixels));
                        assert_eq!(
                            written::<bf16>(one, &choices, &pixels),
                            written(other, &choices, &pixels)
                        );
                    }
                }
            }
        }
    }
}
