//! Images made from a seed: for tests, demonstrations and benchmarks without any file.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use crate::random::{self, Purpose};
use crate::{DataError, Dataset, ImageShape, Split};

/// What [`Generated::new`] makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GeneratedConfig {
    /// N, at least 1.
    pub num_images: usize,
    /// K, 2 to 256.
    pub num_classes: usize,
    /// 1 to 3 channels; at least 4 x 4 pixels.
    pub shape: ImageShape,
    /// Both splits of one seed share their classes.
    pub seed: u64,
    /// Which images of the classes: the two splits have none in common.
    pub split: Split,
    /// Largest circular shift in pixels, each way and on both axes.
    pub shift: usize,
    /// Each byte gets uniform noise on `-noise..=noise`.
    pub noise: u8,
}

impl Default for GeneratedConfig {
    /// 1,000 training images like CIFAR-10: 10 classes, 3 x 32 x 32; shift 6, noise 48, seed 0.
    fn default() -> Self {
        GeneratedConfig {
            num_images: 1000,
            num_classes: 10,
            shape: ImageShape::CIFAR,
            seed: 0,
            split: Split::Train,
            shift: 6,
            noise: 48,
        }
    }
}

/// Labelled images that a small network learns in an epoch or two, and a trivial rule does not.
///
/// Every class is a smooth random pattern. An image is its class's pattern, shifted at random, at random contrast,
/// mixed with a weaker, differently shifted pattern of another class, plus noise. Labels go round `0, 1, .., K - 1`,
/// so every prefix is balanced. The same configuration gives the same bytes on every machine (integer arithmetic
/// and ChaCha8 only).
#[derive(Debug)]
pub struct Generated {
    config: GeneratedConfig,
    pixels: Vec<u8>,
}

impl Generated {
    /// Makes the images; N * C * H * W bytes of memory.
    ///
    /// # Errors
    /// [`DataError::Config`] if a setting is outside its range.
    pub fn new(config: GeneratedConfig) -> Result<Self, DataError> {
        validate(&config)?;
        let prototypes = prototypes(&config);
        let mut pixels = vec![0; config.num_images * config.shape.num_values()];
        for (index, image) in pixels.chunks_exact_mut(config.shape.num_values()).enumerate() {
            draw_image(&config, &prototypes, index, image);
        }
        Ok(Generated { config, pixels })
    }
}

impl Dataset for Generated {
    fn len(&self) -> usize {
        self.config.num_images
    }

    fn shape(&self) -> ImageShape {
        self.config.shape
    }

    fn num_classes(&self) -> usize {
        self.config.num_classes
    }

    fn pixels(&self, index: usize) -> &[u8] {
        let len = self.config.shape.num_values();
        &self.pixels[index * len..(index + 1) * len]
    }

    fn label(&self, index: usize) -> usize {
        index % self.config.num_classes
    }
}

/// Knots of a prototype's grid per axis: three waves across the image at most.
const KNOTS: usize = 5;
/// Prototype values lie in -AMPLITUDE..=AMPLITUDE.
const AMPLITUDE: i32 = 110;

fn validate(config: &GeneratedConfig) -> Result<(), DataError> {
    let GeneratedConfig { num_images, num_classes, shape, .. } = *config;
    let error = |field, found: String, expected: &str| {
        Err(DataError::Config { field, found, expected: expected.to_owned() })
    };
    if num_images == 0 {
        return error("number of images", num_images.to_string(), "at least 1");
    }
    if !(2..=256).contains(&num_classes) {
        return error("number of classes", num_classes.to_string(), "2 to 256");
    }
    if !(1..=3).contains(&shape.channels) || shape.height < 4 || shape.width < 4 {
        return error("image shape", format!("{shape:?}"), "1 to 3 channels and at least 4 x 4 pixels");
    }
    Ok(())
}

/// One pattern per class, each C * H * W values: random values on a coarse periodic grid, interpolated.
fn prototypes(config: &GeneratedConfig) -> Vec<Vec<i32>> {
    let mut rng = random::keyed(config.seed, Purpose::Prototypes, 0);
    let ImageShape { channels, height, width } = config.shape;
    let mut prototype = || {
        let mut values = Vec::with_capacity(config.shape.num_values());
        for _ in 0..channels {
            let knots: [[i32; KNOTS]; KNOTS] = std::array::from_fn(|_| {
                std::array::from_fn(|_| {
                    random::uniform(&mut rng, 2 * AMPLITUDE as u32 + 1) as i32 - AMPLITUDE
                })
            });
            for row in 0..height {
                let (upper, lower, down) = between_knots(row, height);
                for column in 0..width {
                    let (left, right, along) = between_knots(column, width);
                    let top = mix(knots[upper][left], knots[upper][right], along);
                    let bottom = mix(knots[lower][left], knots[lower][right], along);
                    values.push(mix(top, bottom, down));
                }
            }
        }
        values
    };
    (0..config.num_classes).map(|_| prototype()).collect()
}

/// The two knots around a position and, in 1/256, a smooth step (3 t^2 - 2 t^3) of the way from one to the other.
fn between_knots(position: usize, length: usize) -> (usize, usize, i32) {
    let scaled = position * KNOTS * 256 / length;
    let (knot, t) = (scaled / 256, (scaled % 256) as i32);
    (knot, (knot + 1) % KNOTS, t * t * (768 - 2 * t) / 65_536)
}

fn mix(a: i32, b: i32, t: i32) -> i32 {
    (a * (256 - t) + b * t) / 256
}

fn draw_image(config: &GeneratedConfig, prototypes: &[Vec<i32>], index: usize, image: &mut [u8]) {
    let GeneratedConfig { num_classes, shape, seed, split, noise, .. } = *config;
    let what = match split {
        Split::Train => 0,
        Split::Test => 1,
    };
    let mut rng = random::keyed(seed, Purpose::GeneratedImages, what);
    rng.set_stream(index as u64);
    let class = index % num_classes;
    let other = (class + 1 + random::uniform(&mut rng, num_classes as u32 - 1) as usize) % num_classes;
    let contrast = 128 + random::uniform(&mut rng, 128) as i32;
    let distraction = random::uniform(&mut rng, 112) as i32;
    let (shift, other_shift) = (draw_shift(config, &mut rng), draw_shift(config, &mut rng));

    rng.fill_bytes(image);
    let noise_range = 2 * i32::from(noise) + 1;
    let mut values = image.iter_mut();
    for channel in 0..shape.channels {
        for row in 0..shape.height {
            let line = shifted_row(shape, &prototypes[class], channel, row, shift);
            let other_line = shifted_row(shape, &prototypes[other], channel, row, other_shift);
            for ((value, a), b) in values.by_ref().take(shape.width).zip(line).zip(other_line) {
                let noise = ((i32::from(*value) * noise_range) >> 8) - i32::from(noise);
                *value = (128 + (contrast * a + distraction * b) / 256 + noise).clamp(0, 255) as u8;
            }
        }
    }
}

/// Rows and columns to shift by, each uniform on `-shift..=shift` and made positive modulo the size.
fn draw_shift(config: &GeneratedConfig, rng: &mut ChaCha8Rng) -> (usize, usize) {
    let mut draw = |length: usize| {
        let bound = config.shift.min(length / 2);
        (random::uniform(rng, 2 * bound as u32 + 1) as usize + length - bound) % length
    };
    (draw(config.shape.height), draw(config.shape.width))
}

/// One row of a circularly shifted prototype.
fn shifted_row(
    shape: ImageShape,
    prototype: &[i32],
    channel: usize,
    row: usize,
    (down, along): (usize, usize),
) -> impl Iterator<Item = i32> {
    let row = (row + down) % shape.height;
    let line = &prototype[(channel * shape.height + row) * shape.width..][..shape.width];
    line[along..].iter().chain(&line[..along]).copied()
}
