//! A sheet of samples to look at: originals above, what the loader makes of them below.

use std::fs;
use std::io::Cursor;
use std::path::Path;

use image::{ImageFormat, Rgb, RgbImage};

use crate::augment::{Augmentation, Augmenter};
use crate::font::{LINE, draw_text, text_width};
use crate::{DataError, Dataset, ImageShape, Normalization};

/// Pairs per row of the sheet.
const COLUMNS: usize = 10;
/// Pixels between pairs, and around the sheet.
const MARGIN: usize = 12;
/// Pixels between an original and what became of it, and between a label and its images.
const GAP: usize = 4;
/// Images are enlarged by the whole factor that brings their width closest to this.
const CELL_WIDTH: usize = 128;
const PAPER: Rgb<u8> = Rgb([250, 250, 248]);
const INK: Rgb<u8> = Rgb([40, 40, 46]);

/// Writes the samples at `indices` to the PNG file `path`, ten to a row: the name of the class, under it the original
/// image, and under that the same sample as the loader delivers it in `epoch` under `seed`, normalisation undone.
///
/// A class without a name in `class_names` is written as its number.
///
/// # Errors
/// [`DataError::Sample`] if an index is outside the data set; [`DataError::Config`] if `indices` is empty or
/// `augmentation` out of range; [`DataError::Encode`] or [`DataError::Io`] if the file cannot be made.
pub fn write_sheet(
    path: &Path,
    dataset: &dyn Dataset,
    class_names: &[String],
    indices: &[usize],
    augmentation: Augmentation,
    seed: u64,
    epoch: u64,
) -> Result<(), DataError> {
    if indices.is_empty() {
        let (found, expected) = ("0".to_owned(), "at least 1".to_owned());
        return Err(DataError::Config { field: "number of samples", found, expected });
    }
    if let Some(&index) = indices.iter().find(|&&index| index >= dataset.len()) {
        let (found, expected) = ("no pixels".to_owned(), format!("an index below {}", dataset.len()));
        return Err(DataError::Sample { index, found, expected });
    }
    let shape = dataset.shape();
    let mut augmenter = Augmenter::new(augmentation, shape, seed, epoch)?;
    let labels: Vec<String> =
        indices.iter().map(|&index| class_name(class_names, dataset.label(index))).collect();
    let grid = Grid::of(shape, &labels);
    let mut sheet =
        RgbImage::from_pixel(grid.sheet_width(labels.len()), grid.sheet_height(labels.len()), PAPER);
    let mut values = vec![0.0_f32; shape.num_values()];
    for (position, (&index, label)) in indices.iter().zip(&labels).enumerate() {
        let pixels = dataset.pixels(index);
        augmenter.write(index, dataset.label(index), pixels, &mut values)?;
        let augmented = denormalized(augmentation.normalization, shape, &values);
        let (left, top) = grid.corner(position);
        let label = grid.fitting(label);
        let indent = (grid.width - text_width(&label, grid.text_scale).min(grid.width)) / 2;
        draw_text(&mut sheet, &label, (left + indent, top), grid.text_scale, INK);
        let top = top + grid.label_height();
        paste(&mut sheet, shape, pixels, grid.zoom, (left, top));
        paste(&mut sheet, shape, &augmented, grid.zoom, (left, top + grid.height + GAP));
    }
    let mut png = Cursor::new(Vec::new());
    sheet
        .write_to(&mut png, ImageFormat::Png)
        .map_err(|source| DataError::Encode { path: path.to_owned(), source: source.into() })?;
    fs::write(path, png.into_inner()).map_err(DataError::io("write", path))
}

fn class_name(class_names: &[String], label: usize) -> String {
    class_names.get(label).cloned().unwrap_or_else(|| label.to_string())
}

/// Where things stand on a sheet; everything in its pixels.
struct Grid {
    /// Side of the square that a pixel of an image becomes.
    zoom: usize,
    /// Of an enlarged image.
    width: usize,
    height: usize,
    text_scale: usize,
}

impl Grid {
    fn of(shape: ImageShape, labels: &[String]) -> Self {
        let zoom = ((CELL_WIDTH + shape.width / 2) / shape.width).max(1);
        let (width, height) = (shape.width * zoom, shape.height * zoom);
        let widest = labels.iter().map(|label| text_width(label, 2)).max().unwrap_or(0);
        Grid { zoom, width, height, text_scale: if widest <= width { 2 } else { 1 } }
    }

    fn label_height(&self) -> usize {
        LINE * self.text_scale + GAP
    }

    /// From one row of pairs to the next.
    fn pitch(&self) -> usize {
        self.label_height() + 2 * self.height + GAP + MARGIN
    }

    fn corner(&self, position: usize) -> (usize, usize) {
        (MARGIN + position % COLUMNS * (self.width + MARGIN), MARGIN + position / COLUMNS * self.pitch())
    }

    fn sheet_width(&self, pairs: usize) -> u32 {
        (MARGIN + pairs.min(COLUMNS) * (self.width + MARGIN)) as u32
    }

    fn sheet_height(&self, pairs: usize) -> u32 {
        (MARGIN + pairs.div_ceil(COLUMNS) * self.pitch()) as u32
    }

    /// As much of `label` as fits above an image.
    fn fitting(&self, label: &str) -> String {
        if text_width(label, self.text_scale) <= self.width {
            return label.to_owned();
        }
        let whole = label.chars().count();
        let fits = |len: &usize| text_width(&"x".repeat(len + 2), self.text_scale) <= self.width;
        let len = (0..whole).rev().find(fits).unwrap_or(0);
        label.chars().take(len).chain("..".chars()).collect()
    }
}

fn denormalized(normalization: Normalization, shape: ImageShape, values: &[f32]) -> Vec<u8> {
    let plane = shape.height * shape.width;
    values
        .iter()
        .enumerate()
        .map(|(position, &value)| normalization.denormalize(position / plane, value))
        .collect()
}

/// Draws a planar image, enlarged; one channel becomes gray, a missing third one 0.
fn paste(sheet: &mut RgbImage, shape: ImageShape, pixels: &[u8], zoom: usize, (left, top): (usize, usize)) {
    let plane = shape.height * shape.width;
    for (row, column) in (0..shape.height).flat_map(|row| (0..shape.width).map(move |column| (row, column))) {
        let channel =
            |channel: usize| pixels.get(channel * plane + row * shape.width + column).copied().unwrap_or(0);
        let color = if shape.channels == 1 { [channel(0); 3] } else { [channel(0), channel(1), channel(2)] };
        for (down, along) in (0..zoom).flat_map(|down| (0..zoom).map(move |along| (down, along))) {
            let (x, y) = (left + column * zoom + along, top + row * zoom + down);
            sheet.put_pixel(x as u32, y as u32, Rgb(color));
        }
    }
}
