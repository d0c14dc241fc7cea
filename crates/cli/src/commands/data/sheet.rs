//! A sheet of samples to look at: originals above, what the loader makes of them below.

use std::fmt::Write as _;

use anyhow::{Context, ensure};
use polder_data::{Augmentation, Augmenter, Dataset, ImageShape, Normalization};
use polder_plot::png::Picture;
use polder_plot::svg::escape;

/// Pairs per row of the sheet.
const COLUMNS: usize = 10;
/// Pixels between pairs, and around the sheet.
const MARGIN: usize = 12;
/// Pixels between an original and what became of it, and between a label and its images.
const GAP: usize = 4;
/// Images are enlarged by the whole factor that brings their width closest to this.
const CELL_WIDTH: usize = 128;
/// Height of a line of text, descenders included, and of its letters.
const LINE: usize = 16;
const TEXT: usize = 14;
/// A generous guess of the width of a character.
const CHARACTER: usize = 9;

/// The bytes of a PNG file with the samples at `indices`, ten to a row: the name of the class, under it the original image, and
/// under that the same sample as the loader delivers it in the first epoch under `seed`, normalisation undone.
///
/// A class without a name in `class_names` is written as its number.
///
/// # Errors
/// If `indices` is empty or leaves the data set, or `augmentation` is out of range.
pub(super) fn sheet(
    dataset: &dyn Dataset,
    class_names: &[String],
    indices: &[usize],
    augmentation: Augmentation,
    seed: u64,
) -> anyhow::Result<Vec<u8>> {
    ensure!(!indices.is_empty(), "there is no image to show");
    let shape = dataset.shape();
    let mut augmenter = Augmenter::new(augmentation, shape, seed, 0)?;
    let grid = Grid::of(shape);
    let mut labels = Vec::with_capacity(indices.len());
    for &index in indices {
        ensure!(index < dataset.len(), "there is no image {index}: there are {}", dataset.len());
        let label = dataset.label(index);
        labels.push(class_names.get(label).map_or_else(|| label.to_string(), |name| name.replace('_', " ")));
    }
    let mut picture = Picture::of(&grid.svg(&labels), 1.0).context("the sheet cannot be drawn")?;
    let mut values = vec![0.0_f32; shape.num_values()];
    for (position, &index) in indices.iter().enumerate() {
        let pixels = dataset.pixels(index);
        augmenter.write(index, dataset.label(index), pixels, &mut values)?;
        let augmented = denormalized(augmentation.normalization, shape, &values);
        let (left, top) = grid.corner(position);
        let top = top + LINE + GAP;
        paste(&mut picture, shape, pixels, grid.zoom, (left, top));
        paste(&mut picture, shape, &augmented, grid.zoom, (left, top + grid.height + GAP));
    }
    picture.encode().context("the sheet cannot be written")
}

/// Where things stand on a sheet; everything in its pixels.
struct Grid {
    /// Side of the square that a pixel of an image becomes.
    zoom: usize,
    /// Of an enlarged image.
    width: usize,
    height: usize,
}

impl Grid {
    fn of(shape: ImageShape) -> Self {
        let zoom = ((CELL_WIDTH + shape.width / 2) / shape.width).max(1);
        Grid { zoom, width: shape.width * zoom, height: shape.height * zoom }
    }

    /// From one row of pairs to the next.
    fn pitch(&self) -> usize {
        LINE + GAP + 2 * self.height + GAP + MARGIN
    }

    fn corner(&self, position: usize) -> (usize, usize) {
        (MARGIN + position % COLUMNS * (self.width + MARGIN), MARGIN + position / COLUMNS * self.pitch())
    }

    /// The sheet without its images.
    fn svg(&self, labels: &[String]) -> String {
        let width = MARGIN + labels.len().min(COLUMNS) * (self.width + MARGIN);
        let height = MARGIN + labels.len().div_ceil(COLUMNS) * self.pitch();
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" font-size=\"{TEXT}\" \
             text-anchor=\"middle\" fill=\"#28282e\"><rect width=\"100%\" height=\"100%\" fill=\"#fafaf8\"/>"
        );
        for (position, label) in labels.iter().enumerate() {
            let (left, top) = self.corner(position);
            let (x, y) = (left + self.width / 2, top + TEXT - 2);
            let _ = write!(svg, "<text x=\"{x}\" y=\"{y}\">{}</text>", escape(&self.fitting(label)));
        }
        svg + "</svg>"
    }

    /// As much of `label` as fits above an image.
    fn fitting(&self, label: &str) -> String {
        let most = self.width / CHARACTER;
        if label.chars().count() <= most {
            return label.to_owned();
        }
        label.chars().take(most.saturating_sub(1)).chain(['…']).collect()
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
fn paste(picture: &mut Picture, shape: ImageShape, pixels: &[u8], zoom: usize, (left, top): (usize, usize)) {
    let plane = shape.height * shape.width;
    for (row, column) in (0..shape.height).flat_map(|row| (0..shape.width).map(move |column| (row, column))) {
        let channel =
            |channel: usize| pixels.get(channel * plane + row * shape.width + column).copied().unwrap_or(0);
        let color = if shape.channels == 1 { [channel(0); 3] } else { [channel(0), channel(1), channel(2)] };
        for (down, along) in (0..zoom).flat_map(|down| (0..zoom).map(move |along| (down, along))) {
            picture.paint((left + column * zoom + along, top + row * zoom + down), color);
        }
    }
}

#[cfg(test)]
mod tests {
    use polder_data::{Generated, GeneratedConfig};

    use super::*;

    #[test]
    fn a_sheet_of_samples_is_a_png_and_bad_requests_are_errors() {
        let images =
            Generated::new(GeneratedConfig { num_images: 20, ..GeneratedConfig::default() }).unwrap();
        let papers = Augmentation::crop_flip_cutout(Normalization::GENERATED);
        let indices: Vec<usize> = (0..15).collect();
        let names = ["ant".to_owned(), "a class name that is much too long for its image".to_owned()];
        let bytes = sheet(&images, &names, &indices, papers, 0).unwrap();
        assert_eq!(bytes[..8], *b"\x89PNG\r\n\x1a\n");
        // Width and height of the header: 10 columns of 128 pixels and two rows of a line of 16 and two images of 128, with
        // margins of 12 and gaps of 4.
        let (width, height) = (12 + 10 * (128 + 12), 12 + 2 * (16 + 4 + 128 + 4 + 128 + 12));
        assert_eq!(
            (&bytes[16..20], &bytes[20..24]),
            (&u32::to_be_bytes(width)[..], &u32::to_be_bytes(height)[..])
        );
        assert!(sheet(&images, &names, &[20], papers, 0).is_err());
        assert!(sheet(&images, &names, &[], papers, 0).is_err());
    }
}
