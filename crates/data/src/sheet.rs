//! A sheet of samples to look at: originals above, what the loader makes of them below.

use std::fs;
use std::io::Cursor;
use std::path::Path;

use image::{ImageFormat, Rgb, RgbImage, imageops};

use crate::augment::{Augmentation, Augmenter};
use crate::{DataError, Dataset, ImageShape, Normalization};

/// Images per row of the sheet.
const COLUMNS: usize = 10;
/// Pixels between images.
const GAP: usize = 2;
/// Each image pixel becomes a square of this side.
const ZOOM: u32 = 3;

/// Writes the samples at `indices` to the PNG file `path`, ten to a row: the original images and, below each row, the
/// same samples as the loader delivers them in `epoch` under `seed`, normalisation undone.
///
/// # Errors
/// [`DataError::Sample`] if an index is outside the data set; [`DataError::Config`] if `indices` is empty or
/// `augmentation` out of range; [`DataError::Encode`] or [`DataError::Io`] if the file cannot be made.
pub fn write_sheet(
    path: &Path,
    dataset: &dyn Dataset,
    indices: &[usize],
    augmentation: Augmentation,
    seed: u64,
    epoch: u64,
) -> Result<(), DataError> {
    if indices.is_empty() {
        let (found, expected) = ("0".to_owned(), "at least 1".to_owned());
        return Err(DataError::Config { field: "number of samples", found, expected });
    }
    let shape = dataset.shape();
    let mut augmenter = Augmenter::new(augmentation, shape, seed, epoch)?;
    let columns = indices.len().min(COLUMNS);
    let rows = 2 * indices.len().div_ceil(COLUMNS);
    let (cell_width, cell_height) = (shape.width + GAP, shape.height + GAP);
    let white = Rgb([255; 3]);
    let mut sheet =
        RgbImage::from_pixel((columns * cell_width + GAP) as u32, (rows * cell_height + GAP) as u32, white);
    let mut values = vec![0.0; shape.num_values()];
    for (position, &index) in indices.iter().enumerate() {
        if index >= dataset.len() {
            let (found, expected) = ("no pixels".to_owned(), format!("an index below {}", dataset.len()));
            return Err(DataError::Sample { index, found, expected });
        }
        let pixels = dataset.pixels(index);
        augmenter.write(index, dataset.label(index), pixels, &mut values)?;
        let augmented = denormalized(augmentation.normalization, shape, &values);
        let left = GAP + position % COLUMNS * cell_width;
        let top = GAP + 2 * (position / COLUMNS) * cell_height;
        paste(&mut sheet, shape, pixels, (left, top));
        paste(&mut sheet, shape, &augmented, (left, top + cell_height));
    }
    let sheet =
        imageops::resize(&sheet, sheet.width() * ZOOM, sheet.height() * ZOOM, imageops::FilterType::Nearest);
    let mut png = Cursor::new(Vec::new());
    sheet
        .write_to(&mut png, ImageFormat::Png)
        .map_err(|source| DataError::Encode { path: path.to_owned(), source: source.into() })?;
    fs::write(path, png.into_inner()).map_err(DataError::io("write", path))
}

fn denormalized(normalization: Normalization, shape: ImageShape, values: &[f32]) -> Vec<u8> {
    let plane = shape.height * shape.width;
    values
        .iter()
        .enumerate()
        .map(|(position, &value)| normalization.denormalize(position / plane, value))
        .collect()
}

/// Copies a planar image to the sheet; one channel becomes gray, a missing third one 0.
fn paste(sheet: &mut RgbImage, shape: ImageShape, pixels: &[u8], (left, top): (usize, usize)) {
    let plane = shape.height * shape.width;
    for position in 0..plane {
        let channel = |channel: usize| pixels.get(channel * plane + position).copied().unwrap_or(0);
        let color = if shape.channels == 1 { [channel(0); 3] } else { [channel(0), channel(1), channel(2)] };
        let (row, column) = (position / shape.width, position % shape.width);
        sheet.put_pixel((left + column) as u32, (top + row) as u32, Rgb(color));
    }
}
