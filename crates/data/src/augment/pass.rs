//! The fused pass: bytes of one image in, augmented and normalised values out.
//!
//! The image is copied into a frame whose border stays zero (3 KB that never leave the first cache level), so that
//! every crop is a window of the frame and every output row is read and written at full width. A loop without edge
//! cases over rows of known width is what the compiler turns into vector instructions.

use crate::augment::{Choices, Region};
use crate::{ImageShape, Normalization};

/// The pass and its frame.
#[derive(Debug)]
pub(super) struct Pass {
    shape: ImageShape,
    padding: usize,
    /// (scale, shift) per channel.
    scales: [(f32, f32); 3],
    /// The padded image, C x (H + 2 padding) x (W + 2 padding); the border is 0 from construction on.
    frame: Vec<u8>,
}

impl Pass {
    pub(super) fn new(shape: ImageShape, padding: usize, normalization: Normalization) -> Self {
        let frame_len = shape.channels * (shape.height + 2 * padding) * (shape.width + 2 * padding);
        Pass {
            shape,
            padding,
            scales: std::array::from_fn(|channel| normalization.scale_and_shift(channel)),
            frame: if padding == 0 { Vec::new() } else { vec![0; frame_len] },
        }
    }

    /// `pixels` and `output` have C * H * W entries.
    pub(super) fn run(&mut self, choices: &Choices, pixels: &[u8], output: &mut [f32]) {
        // CIFAR's width is named so that its rows compile to straight vector code.
        match self.shape.width {
            32 => {
                self.run_rows(choices, pixels, output, write_row::<32>, write_mirrored::<32>, copy_row::<32>);
            }
            _ => self.run_rows(
                choices,
                pixels,
                output,
                write_any_row,
                write_any_mirrored,
                <[u8]>::copy_from_slice,
            ),
        }
    }

    #[inline]
    fn run_rows(
        &mut self,
        choices: &Choices,
        pixels: &[u8],
        output: &mut [f32],
        write: impl Fn(&[u8], &mut [f32], (f32, f32)),
        write_mirrored: impl Fn(&[u8], &mut [f32], (f32, f32)),
        copy: impl Fn(&mut [u8], &[u8]),
    ) {
        let ImageShape { height, width, .. } = self.shape;
        let (frame_height, frame_width) = (height + 2 * self.padding, width + 2 * self.padding);
        for (channel, (plane, output)) in
            pixels.chunks_exact(height * width).zip(output.chunks_exact_mut(height * width)).enumerate()
        {
            let source = if self.padding == 0 {
                plane
            } else {
                let frame =
                    &mut self.frame[channel * frame_height * frame_width..][..frame_height * frame_width];
                for (row, line) in plane.chunks_exact(width).enumerate() {
                    copy(&mut frame[(row + self.padding) * frame_width + self.padding..][..width], line);
                }
                frame
            };
            let window = source[choices.corner.0 * frame_width..].chunks(frame_width);
            let scale = self.scales[channel];
            for (line, output) in window.zip(output.chunks_exact_mut(width)) {
                let line = &line[choices.corner.1..][..width];
                if choices.flip {
                    write_mirrored(line, output, scale);
                } else {
                    write(line, output, scale);
                }
            }
            if let Some(Region { rows, columns }) = &choices.cutout {
                for output in output[rows.start * width..rows.end * width].chunks_exact_mut(width) {
                    output[columns.clone()].fill(0.0);
                }
            }
        }
    }
}

#[inline]
fn write_row<const W: usize>(line: &[u8], output: &mut [f32], (scale, shift): (f32, f32)) {
    if let (Some(line), Some(output)) = (line.first_chunk::<W>(), output.first_chunk_mut::<W>()) {
        for x in 0..W {
            output[x] = f32::from(line[x]) * scale + shift;
        }
    }
}

#[inline]
fn write_mirrored<const W: usize>(line: &[u8], output: &mut [f32], (scale, shift): (f32, f32)) {
    if let (Some(line), Some(output)) = (line.first_chunk::<W>(), output.first_chunk_mut::<W>()) {
        for x in 0..W {
            output[x] = f32::from(line[W - 1 - x]) * scale + shift;
        }
    }
}

#[inline]
fn copy_row<const W: usize>(to: &mut [u8], from: &[u8]) {
    if let (Some(to), Some(from)) = (to.first_chunk_mut::<W>(), from.first_chunk::<W>()) {
        *to = *from;
    }
}

fn write_any_row(line: &[u8], output: &mut [f32], (scale, shift): (f32, f32)) {
    for (output, &value) in output.iter_mut().zip(line) {
        *output = f32::from(value) * scale + shift;
    }
}

fn write_any_mirrored(line: &[u8], output: &mut [f32], (scale, shift): (f32, f32)) {
    for (output, &value) in output.iter_mut().zip(line.iter().rev()) {
        *output = f32::from(value) * scale + shift;
    }
}
