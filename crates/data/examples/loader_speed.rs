//! Images per second of the whole loader on real CIFAR-10 against the limit of the core it runs on.
//!
//! `cargo run --release -p polder-data --example loader_speed -- --data-dir DIR` prints one line of JSON. Every rate is
//! the median over rounds, and every round measures all of them one after the other, so that a busy machine slows
//! them alike; ratios are medians of the rounds' ratios. Every few rounds loader and buffers are made anew: where their
//! memory happens to lie is worth some percent either way. So is the core that a thread gets: `direct` and `limit` run
//! in threads of their own, as the loader's worker does. Measured are, for `f32` and for `u8` output:
//!
//! * `loader`: crop, flip, cutout and normalisation through the whole loader, one worker unless `--workers N`;
//! * `direct`: the same images by calling the augmentation in one thread, into the same number of buffers;
//! * `limit`: records in the same order into such buffers, with nothing but the affine map (`f32`) or the copy (`u8`):
//!   plain code under the same compiler flags.
//!
//! `obvious` is a per-pixel loop that makes the same images, and that they are the same is checked first.
//! `first_minibatch_ms`, `open_ms` and `verify_ms` are the times from asking to having.

use std::error::Error;
use std::fmt::Write as _;
use std::hint::black_box;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use polder_data::{
    AugmentParams, Augmentation, Augmenter, DataError, Dataset, DatasetKind, Element, ImageShape, Loader,
    Normalization, Order, Split, epoch_order, open, verify,
};

const SEED: u64 = 0;
const BATCH_SIZE: usize = 128;
const QUEUE: usize = 2;
/// Times that loader and buffers are made, and rounds with each.
const PLACES: u64 = 15;
const ROUNDS_EACH: u64 = 5;
/// As in the loader's threads.
const PREFETCH_DISTANCE: usize = 6;
const AUGMENTATION: Augmentation = Augmentation::crop_flip_cutout(Normalization::CIFAR10);

fn main() -> Result<(), Box<dyn Error>> {
    let (data_dir, workers) = arguments()?;
    let dataset: Arc<dyn Dataset> = Arc::new(open(DatasetKind::Cifar10, Split::Train, &data_dir)?);
    let obvious = check_and_time_obvious_loop(&dataset)?;

    let mut report = format!(
        "{{\"workers\": {workers}, \"batch_size\": {BATCH_SIZE}, \"rounds\": {}",
        PLACES * ROUNDS_EACH
    );
    let normalization = Normalization::CIFAR10;
    let scales: [(f32, f32); 3] = std::array::from_fn(|channel| {
        let (mean, std) = (normalization.mean[channel], normalization.std[channel]);
        (1.0 / (255.0 * std), -mean / std)
    });
    measure::<f32>(&dataset, workers, obvious, &mut report, |pixels, output| {
        let plane = pixels.len() / scales.len();
        for ((pixels, output), (scale, shift)) in
            pixels.chunks_exact(plane).zip(output.chunks_exact_mut(plane)).zip(scales)
        {
            for (output, &byte) in output.iter_mut().zip(pixels) {
                *output = f32::from(byte) * scale + shift;
            }
        }
    })?;
    measure::<u8>(&dataset, workers, obvious, &mut report, |pixels, output| output.copy_from_slice(pixels))?;

    write!(
        report,
        ", \"first_minibatch_ms\": {:.3}, \"open_ms\": {:.3}, \"verify_ms\": {:.1}}}",
        first_minibatch(&dataset, workers)?,
        milliseconds(9, || open(DatasetKind::Cifar10, Split::Train, &data_dir).map(drop))?,
        milliseconds(3, || verify(DatasetKind::Cifar10, &data_dir).map(drop))?,
    )?;
    println!("{report}");
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

fn loader<T: Element>(dataset: &Arc<dyn Dataset>, workers: usize) -> Result<Loader<T>, Box<dyn Error>> {
    Ok(Loader::builder(Arc::clone(dataset))
        .batch_size(BATCH_SIZE)
        .seed(SEED)
        .augmentation(AUGMENTATION)
        .workers(workers)
        .prefetch_per_worker(QUEUE)
        .build::<T>()?)
}

/// Appends the rates and ratios of output `T` to `report`.
fn measure<T: Element>(
    dataset: &Arc<dyn Dataset>,
    workers: usize,
    obvious: f64,
    report: &mut String,
    limit: impl Fn(&[u8], &mut [T]) + Sync,
) -> Result<(), Box<dyn Error>> {
    let num_values = dataset.shape().num_values();
    let (mut rounds, mut buffers_allocated) = (Rounds::default(), 0);
    for _ in 0..PLACES {
        let loader = loader::<T>(dataset, workers)?;
        // As many as the loader keeps in use: those in flight and the consumer's.
        let mut buffers = vec![vec![T::default(); BATCH_SIZE * num_values]; workers * (QUEUE + 1) + 1];
        for round in 0..=ROUNDS_EACH {
            let start = Instant::now();
            for minibatch in loader.epoch(round)? {
                black_box(minibatch?.values());
            }
            let through_loader = start.elapsed();

            let order = epoch_order(Order::Shuffled, SEED, round, dataset.len());
            let direct = in_a_thread(|| {
                let order = epoch_order(Order::Shuffled, SEED, round, dataset.len());
                let mut augmenter = Augmenter::new(AUGMENTATION, dataset.shape(), SEED, round)?;
                for (step, indices) in order.chunks(BATCH_SIZE).enumerate() {
                    let turn = step % buffers.len();
                    let outputs = buffers[turn].chunks_exact_mut(num_values);
                    for (position, (&index, output)) in indices.iter().zip(outputs).enumerate() {
                        if let Some(&ahead) = indices.get(position + PREFETCH_DISTANCE) {
                            dataset.prefetch(ahead);
                        }
                        augmenter.write(index, dataset.label(index), dataset.pixels(index), output)?;
                    }
                    black_box(&buffers[turn]);
                }
                Ok(())
            })?;
            let plain = in_a_thread(|| {
                for (step, indices) in order.chunks(BATCH_SIZE).enumerate() {
                    let turn = step % buffers.len();
                    for (&index, output) in indices.iter().zip(buffers[turn].chunks_exact_mut(num_values)) {
                        limit(dataset.pixels(index), output);
                    }
                    black_box(&buffers[turn]);
                }
                Ok(())
            })?;
            // The first round touches memory for the first time.
            if round > 0 {
                rounds.add(order.len(), through_loader, direct, plain);
            }
        }
        buffers_allocated = buffers_allocated.max(loader.buffers_allocated());
    }
    let Rounds { loader: rates, direct, limit, of_limit, of_direct } = &mut rounds;
    let (rate, of_direct) = (median(rates), median(of_direct));
    write!(
        report,
        ", \"{}\": {{\"images_per_second\": {rate:.0}, \"direct_images_per_second\": {:.0}, \
         \"limit_images_per_second\": {:.0}, \"ratio_to_limit\": {:.3}, \"overhead\": {:.3}, \
         \"ratio_to_obvious\": {:.1}, \"buffers_allocated\": {}}}",
        T::NAME,
        median(direct),
        median(limit),
        median(of_limit),
        1.0 - of_direct,
        rate / obvious,
        buffers_allocated,
    )?;
    Ok(())
}

/// The time that `work` takes in a thread of its own, the making of the thread included.
fn in_a_thread(work: impl FnOnce() -> Result<(), DataError> + Send) -> Result<Duration, Box<dyn Error>> {
    let start = Instant::now();
    thread::scope(|scope| scope.spawn(work).join()).map_err(|_| "a thread panicked")??;
    Ok(start.elapsed())
}

/// Images per second and their ratios, round by round.
#[derive(Default)]
struct Rounds {
    loader: Vec<f64>,
    direct: Vec<f64>,
    limit: Vec<f64>,
    of_limit: Vec<f64>,
    of_direct: Vec<f64>,
}

impl Rounds {
    fn add(&mut self, images: usize, loader: Duration, direct: Duration, limit: Duration) {
        let rate = |time: Duration| images as f64 / time.as_secs_f64();
        self.loader.push(rate(loader));
        self.direct.push(rate(direct));
        self.limit.push(rate(limit));
        self.of_limit.push(limit.as_secs_f64() / loader.as_secs_f64());
        self.of_direct.push(direct.as_secs_f64() / loader.as_secs_f64());
    }
}

fn first_minibatch(dataset: &Arc<dyn Dataset>, workers: usize) -> Result<f64, Box<dyn Error>> {
    let loader = loader::<f32>(dataset, workers)?;
    let mut epoch = 0;
    milliseconds(31, || -> Result<(), Box<dyn Error>> {
        epoch += 1;
        black_box(loader.epoch(epoch)?.next().ok_or("the data set is empty")??.len());
        Ok(())
    })
}

/// The median time of `work` over `rounds`, after one more to warm up.
fn milliseconds<E>(rounds: usize, mut work: impl FnMut() -> Result<(), E>) -> Result<f64, E> {
    work()?;
    let mut times = Vec::with_capacity(rounds);
    for _ in 0..rounds {
        let start = Instant::now();
        work()?;
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    Ok(median(&mut times))
}

/// Images per second of the obvious loop, after checking that it makes the images of the loader.
fn check_and_time_obvious_loop(dataset: &Arc<dyn Dataset>) -> Result<f64, Box<dyn Error>> {
    let shape = dataset.shape();
    let num_values = shape.num_values();
    let augmenter = Augmenter::new(AUGMENTATION, shape, SEED, 0)?;
    let mut output = vec![0.0; BATCH_SIZE * num_values];
    let first = loader::<f32>(dataset, 1)?.epoch(0)?.next().ok_or("the data set is empty")??;
    for (image, &index) in output.chunks_exact_mut(num_values).zip(first.indices()) {
        obvious(&augmenter.choices(index), shape, dataset.pixels(index), image);
    }
    // The obvious loop divides where the loader multiplies: a few roundings of values up to 2.5.
    if !output.iter().zip(first.values()).all(|(a, b)| (a - b).abs() < 2e-6) {
        return Err("the loader and the obvious loop disagree".into());
    }

    let order = epoch_order(Order::Shuffled, SEED, 0, dataset.len().min(20_000));
    let time = milliseconds(3, || -> Result<(), Box<dyn Error>> {
        for minibatch in order.chunks(BATCH_SIZE) {
            for (image, &index) in output.chunks_exact_mut(num_values).zip(minibatch) {
                obvious(&augmenter.choices(index), shape, dataset.pixels(index), image);
            }
        }
        Ok(())
    })?;
    Ok(order.len() as f64 / time * 1e3)
}

/// Every output pixel by itself: where does it come from, is that within the image, is it cut out?
fn obvious(choices: &AugmentParams, shape: ImageShape, pixels: &[u8], output: &mut [f32]) {
    let ImageShape { channels, height, width } = shape;
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
