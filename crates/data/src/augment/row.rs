//! One row of an image, from bytes to values.
#![expect(clippy::inline_always, reason = "code is compiled for wide vectors by being inlined; see `simd`")]

use crate::augment::element::Element;

/// A block of values. By value, because the compiler keeps values in vectors where it would have to ask of references
/// whether they overlap.
#[inline(always)]
fn converted<T: Element, const B: usize>(bytes: [u8; B], scales: [f32; B], shifts: [f32; B]) -> [T; B] {
    let mut values = [T::default(); B];
    for position in 0..B {
        values[position] = T::from_byte(bytes[position], scales[position], shifts[position]);
    }
    values
}

/// Writes one row of values. Blocks of known length become vector instructions; what is left over is written one by
/// one.
#[inline(always)]
pub(super) fn write<T: Element, const B: usize>(line: &[u8], output: &mut [T], scale: f32, shift: f32) {
    let (lines, rest) = line.as_chunks::<B>();
    let (outputs, rest_of_output) = output.as_chunks_mut::<B>();
    for (line, output) in lines.iter().zip(outputs) {
        *output = converted(*line, [scale; B], [shift; B]);
    }
    for (output, &byte) in rest_of_output.iter_mut().zip(rest) {
        *output = T::from_byte(byte, scale, shift);
    }
}

/// Writes one row of values from right to left.
#[inline(always)]
pub(super) fn write_mirrored<T: Element, const B: usize>(
    line: &[u8],
    output: &mut [T],
    scale: f32,
    shift: f32,
) {
    let (rest, lines) = line.as_rchunks::<B>();
    let (outputs, rest_of_output) = output.as_chunks_mut::<B>();
    for (line, output) in lines.iter().rev().zip(outputs) {
        let mut line = *line;
        line.reverse();
        *output = converted(line, [scale; B], [shift; B]);
    }
    for (output, &byte) in rest_of_output.iter_mut().zip(rest.iter().rev()) {
        *output = T::from_byte(byte, scale, shift);
    }
}

/// Writes one row whose values have scales and shifts of their own.
#[inline(always)]
pub(super) fn write_interleaved<T: Element, const B: usize>(
    line: &[u8],
    output: &mut [T],
    scales: &[f32],
    shifts: &[f32],
) {
    let (lines, rest) = line.as_chunks::<B>();
    let (outputs, rest_of_output) = output.as_chunks_mut::<B>();
    let (block_scales, rest_scales) = scales.as_chunks::<B>();
    let (block_shifts, rest_shifts) = shifts.as_chunks::<B>();
    for (((line, output), scales), shifts) in lines.iter().zip(outputs).zip(block_scales).zip(block_shifts) {
        *output = converted(*line, *scales, *shifts);
    }
    for (((output, &byte), &scale), &shift) in
        rest_of_output.iter_mut().zip(rest).zip(rest_scales).zip(rest_shifts)
    {
        *output = T::from_byte(byte, scale, shift);
    }
}

/// Three rows, value by value.
#[inline(always)]
pub(super) fn interleave(lines: [&[u8]; 3], row: &mut [u8], flip: bool) {
    let width = lines[0].len();
    let [first, second, third] = lines.map(|line| &line[..width]);
    let row = &mut row[..3 * width];
    for column in 0..width {
        let from = if flip { width - 1 - column } else { column };
        row[3 * column] = first[from];
        row[3 * column + 1] = second[from];
        row[3 * column + 2] = third[from];
    }
}

#[inline(always)]
pub(super) fn copy_to<'a>(to: impl Iterator<Item = &'a mut u8>, line: &[u8], flip: bool) {
    if flip {
        to.zip(line.iter().rev()).for_each(|(to, &byte)| *to = byte);
    } else {
        to.zip(line).for_each(|(to, &byte)| *to = byte);
    }
}
