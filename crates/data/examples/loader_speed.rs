//! Images per second of the whole loader on real CIFAR-10, one worker: crop, flip, cutout, normalise to f32.
//!
//! `cargo run --release -p polder-data --example loader_speed -- --data-dir DIR` prints one line of JSON: the median
//! over seven epochs after two of warm-up, the promised limit, and the ratio to an obvious per-pixel loop that makes
//! the same images in the same process. `--workers N` measures another number of threads.

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use polder_data::{
    Augmentation, Augmenter, Dataset, DatasetKind, ImageShape, Loader, LoaderConfig, Normalization, Order,
    Split, epoch_order, open,
};

const LIMIT_IMAGES_PER_SECOND: f64 = 500_000.0;
const SEED: u64 = 0;
const BATCH_SIZE: usize = 128;
const WARM_UP: u64 = 2;
const EPOCHS: u64 = 7;
const AUGMENTATION: Augmentation = Augmentation::papers(Normalization::CIFAR10);

fn main() -> Result<(), Box<dyn Error>> {
    let (data_dir, workers) = arguments()?;
    let dataset: Arc<dyn Dataset> = Arc::new(open(DatasetKind::Cifar10, Split::Train, &data_dir)?);
    let config = LoaderConfig {
        batch_size: BATCH_SIZE,
        seed: SEED,
        order: Order::Shuffled,
        augmentation: AUGMENTATION,
        drop_last: false,
        workers,
        queue: 2,
    };
    let loader = Loader::new(Arc::clone(&dataset), config)?;

    let obvious = check_and_time_obvious_loop(&loader, dataset.as_ref())?;
    let mut rates = Vec::new();
    for epoch in 0..WARM_UP + EPOCHS {
        let start = Instant::now();
        let mut images = 0;
        for minibatch in loader.epoch(epoch)? {
            images += minibatch?.len();
        }
        if epoch >= WARM_UP {
            rates.push(images as f64 / start.elapsed().as_secs_f64());
        }
    }
    let rate = median(&mut rates);
    println!(
        "{{\"images_per_second\": {rate:.0}, \"limit_images_per_second\": {LIMIT_IMAGES_PER_SECOND:.0}, \
         \"ratio\": {:.2}, \"obvious_loop_images_per_second\": {obvious:.0}, \"workers\": {workers}, \
         \"buffers_allocated\": {}}}",
        rate / obvious,
        loader.buffers_allocated()
    );
    Ok(())
}

fn arguments() -> Result<(PathBuf, usize), Box<dyn Error>> {
    let mut data_dir = std::env::var_os("POLDER_DATA").map(PathBuf::from);
    let mut workers = 1;
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let value = arguments.next().ok_or_else(|| format!("{argument} needs a value"))?;
        match argument.as_str() {
            "--data-dir" => data_dir = Some(PathBuf::from(value)),
            "--workers" => workers = value.parse()?,
            _ => {
                return Err(
                    format!("unknown argument {argument}, expected --data-dir DIR or --workers N").into()
                );
            }
        }
    }
    Ok((
        data_dir.ok_or("name the folder that holds cifar-10-batches-bin/ with --data-dir or POLDER_DATA")?,
        workers,
    ))
}

/// Images per second of the obvious loop, after asserting that it makes the same images.
fn check_and_time_obvious_loop(loader: &Loader, dataset: &dyn Dataset) -> Result<f64, Box<dyn Error>> {
    let num_values = dataset.shape().num_values();
    let mut augmenter = Augmenter::new(AUGMENTATION, dataset.shape(), SEED, 0)?;
    let mut output = vec![0.0; BATCH_SIZE * num_values];
    let first = loader.epoch(0)?.next().ok_or("the data set is empty")??;
    for (image, &index) in output.chunks_exact_mut(num_values).zip(first.indices()) {
        obvious(&mut augmenter, index, dataset, image);
    }
    // The obvious loop divides where the loader multiplies: a few roundings of values up to 2.5.
    let agree = output.iter().zip(first.pixels_slice()).all(|(a, b)| (a - b).abs() < 2e-6);
    if !agree {
        return Err("the loader and the obvious loop disagree".into());
    }

    let mut rates = Vec::new();
    for epoch in 0..3 {
        let order = epoch_order(Order::Shuffled, SEED, epoch, dataset.len());
        let mut augmenter = Augmenter::new(AUGMENTATION, dataset.shape(), SEED, epoch)?;
        let start = Instant::now();
        for minibatch in order.chunks(BATCH_SIZE) {
            for (image, &index) in output.chunks_exact_mut(num_values).zip(minibatch) {
                obvious(&mut augmenter, index, dataset, image);
            }
        }
        rates.push(order.len() as f64 / start.elapsed().as_secs_f64());
    }
    Ok(median(&mut rates))
}

/// Every output pixel by itself: where does it come from, is that within the image, is it cut out?
fn obvious(augmenter: &mut Augmenter, index: usize, dataset: &dyn Dataset, output: &mut [f32]) {
    let ImageShape { channels, height, width } = dataset.shape();
    let pixels = dataset.pixels(index);
    let choices = augmenter.choices(index);
    let padding = AUGMENTATION.crop.map_or(0, |crop| crop.padding);
    for channel in 0..channels {
        for row in 0..height {
            for column in 0..width {
                let from = if choices.flip { width - 1 - column } else { column };
                let (y, x) = (row + choices.corner.0, from + choices.corner.1);
                let inside =
                    (padding..height + padding).contains(&y) && (padding..width + padding).contains(&x);
                let byte =
                    if inside { pixels[(channel * height + y - padding) * width + x - padding] } else { 0 };
                let cut = choices
                    .cutout
                    .as_ref()
                    .is_some_and(|region| region.rows.contains(&row) && region.columns.contains(&column));
                let Normalization { mean, std } = AUGMENTATION.normalization;
                let value = (f32::from(byte) / 255.0 - mean[channel]) / std[channel];
                output[(channel * height + row) * width + column] = if cut { 0.0 } else { value };
            }
        }
    }
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
