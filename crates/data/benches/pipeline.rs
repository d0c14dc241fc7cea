//! Images per second of the pipeline's stages, of the whole loader, and of the limit they are held against.
//!
//! `cargo xtask bench data` runs this and makes a table of it. With `POLDER_DATA` naming the folder that holds
//! cifar-10-batches-bin/ the images are CIFAR-10's, without it as many generated ones.
//!
//! One iteration is one epoch. Groups are `limit`, `stage` and `loader`; a name begins with the type of the output if
//! it has one, and the parameter of `loader` is the number of workers. What is measured is checked first.

use std::error::Error;
use std::hint::black_box;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, SamplingMode, Throughput};
use polder_data::{
    Augmentation, Augmenter, Dataset, DatasetKind, Element, Generated, GeneratedConfig, ImageShape, Layout,
    Loader, Normalization, Order, Split, bf16, epoch_order, open,
};

type Outcome = Result<(), Box<dyn Error>>;

const SEED: u64 = 0;
const BATCH_SIZE: usize = 128;
const QUEUE: usize = 2;
/// As many as a loader with one worker keeps in use: those in flight and the consumer's.
const NUM_BUFFERS: usize = QUEUE + 2;
const AUGMENTATION: Augmentation = Augmentation::crop_flip_cutout(Normalization::CIFAR10);

fn main() -> Outcome {
    let mut criterion = Criterion::default().configure_from_args();
    let dataset = dataset()?;
    for layout in [Layout::Nchw, Layout::Nhwc] {
        check_loader_against_augmenter::<f32>(&dataset, layout)?;
        check_loader_against_augmenter::<u8>(&dataset, layout)?;
        check_loader_against_augmenter::<bf16>(&dataset, layout)?;
    }

    let mut group = group(&mut criterion, "limit", dataset.len());
    limits(&mut group, dataset.as_ref());
    group.finish();

    let mut group = self::group(&mut criterion, "stage", dataset.len());
    order_and_choices(&mut group, dataset.as_ref())?;
    for layout in [Layout::Nchw, Layout::Nhwc] {
        augmentation::<f32>(&mut group, dataset.as_ref(), layout)?;
        augmentation::<u8>(&mut group, dataset.as_ref(), layout)?;
        augmentation::<bf16>(&mut group, dataset.as_ref(), layout)?;
    }
    empty_loader(&mut group, dataset.len())?;
    group.finish();

    let mut group = self::group(&mut criterion, "loader", dataset.len());
    whole_loader::<f32>(&mut group, &dataset)?;
    whole_loader::<u8>(&mut group, &dataset)?;
    whole_loader::<bf16>(&mut group, &dataset)?;
    group.finish();
    criterion.final_summary();
    Ok(())
}

fn dataset() -> Result<Arc<dyn Dataset>, Box<dyn Error>> {
    Ok(match std::env::var_os("POLDER_DATA").map(PathBuf::from) {
        Some(dir) => Arc::new(open(DatasetKind::Cifar10, Split::Train, &dir)?),
        None => {
            Arc::new(Generated::new(GeneratedConfig { num_images: 50_000, ..GeneratedConfig::default() })?)
        }
    })
}

/// An iteration is an epoch of up to a tenth of a second, so ten of them are a sample, and all take about a minute.
fn group<'a>(criterion: &'a mut Criterion, name: &str, num_images: usize) -> BenchmarkGroup<'a, WallTime> {
    let mut group = criterion.benchmark_group(name);
    group
        .throughput(Throughput::Elements(num_images as u64))
        .sampling_mode(SamplingMode::Flat)
        .sample_size(10)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_millis(1500));
    group
}

/// Nothing but the reading and the writing that no pipeline can do without.
fn limits(group: &mut BenchmarkGroup<'_, WallTime>, dataset: &dyn Dataset) {
    let Normalization { mean, std } = AUGMENTATION.normalization;
    let scales: [(f32, f32); 3] =
        std::array::from_fn(|channel| (1.0 / (255.0 * std[channel]), -mean[channel] / std[channel]));
    limit::<f32>(group, dataset, |pixels, output| {
        affine(scales, pixels, output, |value| value);
    });
    limit::<u8>(group, dataset, |pixels, output| output.copy_from_slice(pixels));
    // Rounds to nearest even by integer arithmetic, as there is no NaN: faster than the conversion that allows for one.
    limit::<bf16>(group, dataset, |pixels, output| {
        affine(scales, pixels, output, |value| {
            let bits = value.to_bits();
            bf16::from_bits((bits.wrapping_add(0x7fff + ((bits >> 16) & 1)) >> 16) as u16)
        });
    });
}

fn affine<T>(scales: [(f32, f32); 3], pixels: &[u8], output: &mut [T], convert: impl Fn(f32) -> T) {
    let plane = pixels.len() / scales.len();
    for ((pixels, output), (scale, shift)) in
        pixels.chunks_exact(plane).zip(output.chunks_exact_mut(plane)).zip(scales)
    {
        for (output, &byte) in output.iter_mut().zip(pixels) {
            *output = convert(f32::from(byte) * scale + shift);
        }
    }
}

fn limit<T: Element>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    dataset: &dyn Dataset,
    write: impl Fn(&[u8], &mut [T]),
) {
    let order = epoch_order(Order::Shuffled, SEED, 0, dataset.len());
    let mut buffers = Buffers::<T>::new(dataset.shape());
    group.bench_function(T::NAME, |bencher| {
        bencher.iter(|| buffers.fill(&order, |index, output| write(dataset.pixels(index), output)));
    });
}

fn order_and_choices(group: &mut BenchmarkGroup<'_, WallTime>, dataset: &dyn Dataset) -> Outcome {
    let mut epoch = 0;
    group.bench_function("order of the epoch", |bencher| {
        bencher.iter(|| {
            epoch += 1;
            epoch_order(Order::Shuffled, SEED, epoch, dataset.len())
        });
    });
    let order = epoch_order(Order::Shuffled, SEED, 0, dataset.len());
    let augmenter = Augmenter::new(AUGMENTATION, dataset.shape(), SEED, 0)?;
    group.bench_function("random choices", |bencher| {
        bencher.iter(|| order.iter().filter(|&&index| black_box(augmenter.choices(index)).flip).count());
    });
    Ok(())
}

/// AugmentParams and pass, called from this thread.
fn augmentation<T: Element>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    dataset: &dyn Dataset,
    layout: Layout,
) -> Outcome {
    let order = epoch_order(Order::Shuffled, SEED, 0, dataset.len());
    let mut augmenter = Augmenter::new(AUGMENTATION, dataset.shape(), SEED, 0)?.with_layout(layout);
    let mut buffers = Buffers::<T>::new(dataset.shape());
    group.bench_function(format!("{} {}, augmentation alone", T::NAME, name(layout)), |bencher| {
        bencher.iter(|| {
            buffers.fill(&order, |index, output| {
                augmenter
                    .write(index, dataset.label(index), dataset.pixels(index), output)
                    .expect("lengths are those of the data set");
            });
        });
    });
    Ok(())
}

/// The loader with next to nothing to fill in: plan, channels, reordering and recycling.
fn empty_loader(group: &mut BenchmarkGroup<'_, WallTime>, num_images: usize) -> Outcome {
    let shape = ImageShape { channels: 1, height: 4, width: 4 };
    let dataset = Generated::new(GeneratedConfig { num_images, shape, ..GeneratedConfig::default() })?;
    let loader = Loader::builder(dataset)
        .batch_size(BATCH_SIZE)
        .seed(SEED)
        .prefetch_per_worker(QUEUE)
        .build::<u8>()?;
    group.bench_function("loader without work (images of 16 bytes, nothing drawn)", |bencher| {
        bencher.iter(|| consume(&loader, 0));
    });
    Ok(())
}

/// By number of workers: 1, 2, 4 and so on, up to twice the cores.
fn whole_loader<T: Element>(group: &mut BenchmarkGroup<'_, WallTime>, dataset: &Arc<dyn Dataset>) -> Outcome {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let mut workers = 1;
    while workers <= 2 * cores {
        let loader = loader::<T>(dataset, workers, Layout::Nchw)?;
        let mut epoch = 0;
        group.bench_function(BenchmarkId::new(format!("{} NCHW", T::NAME), workers), |bencher| {
            bencher.iter(|| {
                epoch += 1;
                consume(&loader, epoch)
            });
        });
        workers *= 2;
    }
    Ok(())
}

fn loader<T: Element>(
    dataset: &Arc<dyn Dataset>,
    workers: usize,
    layout: Layout,
) -> Result<Loader<T>, Box<dyn Error>> {
    Ok(Loader::builder(Arc::clone(dataset))
        .batch_size(BATCH_SIZE)
        .seed(SEED)
        .augmentation(AUGMENTATION)
        .layout(layout)
        .workers(workers)
        .prefetch_per_worker(QUEUE)
        .build::<T>()?)
}

fn consume<T: Element>(loader: &Loader<T>, epoch: u64) -> usize {
    let minibatches = loader.epoch(epoch).expect("there are threads");
    minibatches.map(|minibatch| black_box(minibatch.expect("no image is bad").values()).len()).sum()
}

fn check_loader_against_augmenter<T: Element>(dataset: &Arc<dyn Dataset>, layout: Layout) -> Outcome {
    let minibatch = loader::<T>(dataset, 1, layout)?.epoch(1)?.next().ok_or("there is no minibatch")??;
    let mut augmenter = Augmenter::new(AUGMENTATION, dataset.shape(), SEED, 1)?.with_layout(layout);
    let mut buffers = Buffers::<T>::new(dataset.shape());
    for (&index, output) in minibatch.indices().iter().zip(buffers.images(0)) {
        augmenter.write(index, dataset.label(index), dataset.pixels(index), output)?;
    }
    if minibatch.values() != buffers.buffers[0] {
        return Err(format!("loader and augmentation disagree ({}, {layout:?})", T::NAME).into());
    }
    Ok(())
}

fn name(layout: Layout) -> &'static str {
    match layout {
        Layout::Nchw => "NCHW",
        Layout::Nhwc => "NHWC",
    }
}

/// Minibatch buffers used in turn, as those of a loader are.
struct Buffers<T> {
    num_values: usize,
    buffers: Vec<Vec<T>>,
}

impl<T: Element> Buffers<T> {
    fn new(shape: ImageShape) -> Self {
        let num_values = shape.num_values();
        Buffers { num_values, buffers: vec![vec![T::default(); BATCH_SIZE * num_values]; NUM_BUFFERS] }
    }

    fn images(&mut self, turn: usize) -> impl Iterator<Item = &mut [T]> {
        self.buffers[turn].chunks_exact_mut(self.num_values)
    }

    /// Writes an epoch, minibatch by minibatch.
    fn fill(&mut self, order: &[usize], mut write: impl FnMut(usize, &mut [T])) {
        for (step, indices) in order.chunks(BATCH_SIZE).enumerate() {
            let turn = step % NUM_BUFFERS;
            for (&index, output) in indices.iter().zip(self.images(turn)) {
                write(index, output);
            }
            black_box(&mut self.buffers[turn]);
        }
    }
}
