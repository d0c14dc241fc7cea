//! Images of one's own, here from a CSV file, as a data set that the loader reads.
//!
//! A line is an image: its class, then C * H * W bytes, all of channel 0 first.
//!
//! ```sh
//! cargo run --release --package polder-example-own-dataset -- digits.csv 1 8 8
//! ```

use std::error::Error;
use std::io::BufRead;

use polder_data::{Augmentation, Dataset, ImageShape, Loader, Normalization};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [path, channels, height, width] = arguments.as_slice() else {
        return Err("expected: FILE CHANNELS HEIGHT WIDTH".into());
    };
    let shape = ImageShape { channels: channels.parse()?, height: height.parse()?, width: width.parse()? };
    let images = Csv::read(std::io::BufReader::new(std::fs::File::open(path)?), shape)?;
    let num_images = images.len();
    for (class, count) in count_classes(images)?.iter().enumerate() {
        println!("class {class}: {count} of {num_images} images");
    }
    Ok(())
}

/// Labelled images in memory.
struct Csv {
    shape: ImageShape,
    num_classes: usize,
    pixels: Vec<u8>,
    labels: Vec<usize>,
}

impl Dataset for Csv {
    fn len(&self) -> usize {
        self.labels.len()
    }

    fn shape(&self) -> ImageShape {
        self.shape
    }

    fn num_classes(&self) -> usize {
        self.num_classes
    }

    fn pixels(&self, index: usize) -> &[u8] {
        let size = self.shape.num_values();
        &self.pixels[index * size..][..size]
    }

    fn label(&self, index: usize) -> usize {
        self.labels[index]
    }
}

impl Csv {
    fn read(lines: impl BufRead, shape: ImageShape) -> Result<Self, Box<dyn Error>> {
        let mut images = Csv { shape, num_classes: 0, pixels: Vec::new(), labels: Vec::new() };
        for (number, line) in (1..).zip(lines.lines()) {
            let line = line?;
            let mut fields = line.split(',').map(str::trim);
            let label = fields.next().unwrap_or_default().parse();
            let label: usize = label.map_err(|error| format!("line {number}, class: {error}"))?;
            let before = images.pixels.len();
            for field in fields {
                images.pixels.push(field.parse().map_err(|error| format!("line {number}: {error}"))?);
            }
            let (found, expected) = (images.pixels.len() - before, shape.num_values());
            if found != expected {
                return Err(format!("line {number} has {found} bytes, expected {expected}").into());
            }
            images.labels.push(label);
            images.num_classes = images.num_classes.max(label + 1);
        }
        Ok(images)
    }
}

/// Goes through an epoch, in place of training.
fn count_classes(images: Csv) -> Result<Vec<usize>, Box<dyn Error>> {
    let mut counts = vec![0; images.num_classes()];
    let loader = Loader::builder(images)
        .batch_size(32)
        .augmentation(Augmentation::crop_flip_cutout(Normalization::UNIT))
        .workers(2)
        .build::<f32>()?;
    for minibatch in loader.epoch(0)? {
        for &label in minibatch?.labels() {
            counts[label as usize] += 1;
        }
    }
    Ok(counts)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: ImageShape = ImageShape { channels: 1, height: 8, width: 8 };

    fn text(images: usize, bytes: usize) -> String {
        let line = |image: usize| {
            let pixels = (0..bytes).map(|at| ((image * 31 + at * 3) % 256).to_string());
            std::iter::once((image % 3).to_string()).chain(pixels).collect::<Vec<_>>().join(",") + "\n"
        };
        (0..images).map(line).collect()
    }

    #[test]
    fn an_epoch_visits_every_line_once() {
        let images = Csv::read(text(100, 64).as_bytes(), SHAPE).unwrap();
        assert_eq!(count_classes(images).unwrap(), [34, 33, 33]);
    }

    #[test]
    fn a_line_that_is_too_short_is_named() {
        let error = Csv::read(text(2, 63).as_bytes(), SHAPE).err().unwrap();
        assert_eq!(error.to_string(), "line 1 has 63 bytes, expected 64");
    }
}
