//! The loader through its public names, with real threads.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use polder_data::{
    Augment, AugmentRng, Augmentation, BatchBuffer, Border, Crop, Cutout, DataError, Dataset, Element,
    FirstN, Generated, GeneratedConfig, ImageShape, Loader, LoaderBuilder, LoaderStage, Normalization, Order,
    Sample, Translate, bf16,
};

const NUM_IMAGES: usize = 203;
/// Nothing here takes a second; a deadlock takes for ever.
const LIMIT: Duration = Duration::from_mins(1);

fn images() -> Arc<dyn Dataset> {
    Arc::new(
        Generated::new(GeneratedConfig { num_images: NUM_IMAGES, ..GeneratedConfig::default() }).unwrap(),
    )
}

fn papers(dataset: impl Dataset + 'static, workers: usize, queue: usize) -> LoaderBuilder {
    Loader::builder(dataset)
        .batch_size(16)
        .seed(5)
        .augmentation(Augmentation::crop_flip_cutout(Normalization::GENERATED))
        .workers(workers)
        .prefetch_per_worker(queue)
}

fn loader(dataset: impl Dataset + 'static, workers: usize, queue: usize) -> Loader {
    papers(dataset, workers, queue).build().unwrap()
}

/// Everything a minibatch says, as bits.
type Content = (u64, Vec<u32>, Vec<i64>, Vec<usize>);

fn contents(loader: &Loader, epoch: u64, step: u64) -> Vec<Content> {
    loader
        .epoch_from(epoch, step)
        .unwrap()
        .map(|minibatch| {
            let minibatch = minibatch.unwrap();
            let bits = minibatch.values().iter().map(|value| value.to_bits()).collect();
            (minibatch.step(), bits, minibatch.labels().to_vec(), minibatch.indices().to_vec())
        })
        .collect()
}

fn within_limit<T: Send + 'static>(what: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, result) = mpsc::channel();
    thread::spawn(move || done.send(what()));
    result.recv_timeout(LIMIT).expect("it ends, and without a panic")
}

#[test]
fn bytes_do_not_depend_on_workers_or_queue() {
    let expected = contents(&loader(images(), 1, 1), 3, 0);
    assert_eq!(expected.len(), 13);
    for (workers, queue) in [(1, 4), (2, 1), (2, 3), (3, 2), (7, 1), (7, 9)] {
        let loader = loader(images(), workers, queue);
        assert!(contents(&loader, 3, 0) == expected, "{workers} workers, queue {queue}");
        assert!(contents(&loader, 4, 0) != expected, "another epoch is another order");
    }
}

#[test]
fn an_epoch_entered_later_is_the_tail_of_the_whole() {
    let loader = loader(images(), 2, 2);
    let whole = contents(&loader, 1, 0);
    for step in [1, 7, 12, 13] {
        assert!(contents(&loader, 1, step) == whole[step as usize..], "from step {step}");
    }
    let error = loader.epoch_from(1, 14).err().unwrap();
    assert_eq!(error.to_string(), "step is 14, expected at most 13 (steps per epoch)");
}

#[test]
fn an_epoch_visits_every_image_once_with_its_label() {
    let dataset = images();
    let loader = loader(Arc::clone(&dataset), 3, 2);
    let mut seen = [0; NUM_IMAGES];
    for (_, _, labels, indices) in contents(&loader, 0, 0) {
        for (label, index) in labels.into_iter().zip(indices) {
            assert_eq!(label as usize, dataset.label(index));
            seen[index] += 1;
        }
    }
    assert_eq!(seen, [1; NUM_IMAGES]);
}

#[test]
fn a_sequential_epoch_is_in_order_and_the_short_minibatch_can_be_dropped() {
    let loader = papers(images(), 2, 1).order(Order::Sequential).drop_last(true).build().unwrap();
    assert_eq!(loader.steps_per_epoch(), 12);
    let indices: Vec<usize> = contents(&loader, 0, 0).into_iter().flat_map(|(.., indices)| indices).collect();
    assert_eq!(indices, (0..192).collect::<Vec<_>>());
}

#[test]
fn dropping_an_epoch_at_any_point_ends_its_threads() {
    for taken in [0, 1, 5, 12, 13] {
        for held in [false, true] {
            let dataset = images();
            let shared = Arc::clone(&dataset);
            let minibatches = within_limit(move || {
                let loader = loader(shared, 3, 2);
                let mut epoch = loader.epoch(0).unwrap();
                let minibatches: Vec<_> =
                    epoch.by_ref().take(taken).filter(|_| held).map(Result::unwrap).collect();
                drop(epoch);
                minibatches
            });
            // Every thread holds the data set for as long as it runs.
            assert_eq!(Arc::strong_count(&dataset), 1, "taken {taken}, held {held}");
            assert!(minibatches.iter().all(|minibatch| minibatch.len() == 16 || minibatch.step() == 12));
        }
    }
}

#[test]
fn an_epoch_outlives_its_loader() {
    let count = within_limit(|| {
        let epoch = loader(images(), 2, 1).epoch(0).unwrap();
        epoch.map(|minibatch| minibatch.unwrap().len()).sum::<usize>()
    });
    assert_eq!(count, NUM_IMAGES);
}

#[test]
fn a_consumer_may_hold_a_whole_epoch() {
    let lens = within_limit(|| {
        let loader = loader(images(), 2, 1);
        let all: Vec<_> = loader.epoch(0).unwrap().collect::<Result<_, _>>().unwrap();
        all.iter().map(|minibatch| minibatch.images().shape()[0]).sum::<usize>()
    });
    assert_eq!(lens, NUM_IMAGES);
}

#[test]
fn buffers_are_used_again() {
    let (workers, queue) = (2, 2);
    let loader = loader(images(), workers, queue);
    for epoch in 0..10 {
        loader.epoch(epoch).unwrap().for_each(|minibatch| assert!(!minibatch.unwrap().is_empty()));
    }
    // One in each worker's hands, `queue` finished ones per worker, and the consumer's.
    assert!(loader.buffers_allocated() <= workers * (queue + 1) + 1, "{}", loader.buffers_allocated());
}

/// Generated images that misbehave at one index.
struct Faulty {
    images: Arc<dyn Dataset>,
    at: usize,
    fault: Fault,
}

enum Fault {
    Panic,
    Label,
    Pixels,
    /// Tells that it is there, then waits to be released.
    Wait {
        arrived: Sender<()>,
        released: Mutex<Receiver<()>>,
    },
}

impl Dataset for Faulty {
    fn len(&self) -> usize {
        self.images.len()
    }

    fn shape(&self) -> ImageShape {
        self.images.shape()
    }

    fn num_classes(&self) -> usize {
        self.images.num_classes()
    }

    fn pixels(&self, index: usize) -> &[u8] {
        let pixels = self.images.pixels(index);
        if index != self.at {
            return pixels;
        }
        match &self.fault {
            Fault::Panic => panic!("no pixels today"),
            Fault::Label => pixels,
            Fault::Pixels => &pixels[1..],
            Fault::Wait { arrived, released } => {
                arrived.send(()).unwrap();
                released.lock().unwrap().recv_timeout(LIMIT).unwrap();
                pixels
            }
        }
    }

    fn label(&self, index: usize) -> usize {
        if index == self.at && matches!(self.fault, Fault::Label) { 10 } else { self.images.label(index) }
    }
}

#[test]
fn a_faulty_sample_is_an_error_that_names_it_and_ends_the_epoch() {
    let cases = [
        (Fault::Panic, "sample 37 (epoch 2, step 2) panicked a loader thread: no pixels today"),
        (Fault::Label, "sample 37 of the data set has label 10, expected a label below 10"),
        (Fault::Pixels, "sample 37 of the data set has 3071 pixel bytes"),
    ];
    for (fault, message) in cases {
        let dataset: Arc<dyn Dataset> = Arc::new(Faulty { images: images(), at: 37, fault });
        let shared = Arc::clone(&dataset);
        let results: Vec<Result<usize, DataError>> = within_limit(move || {
            let loader: Loader = papers(shared, 3, 2).order(Order::Sequential).build().unwrap();
            loader.epoch(2).unwrap().map(|minibatch| minibatch.map(|minibatch| minibatch.len())).collect()
        });
        assert_eq!(results.len(), 3, "two good minibatches, then the error");
        let error = results.last().unwrap().as_ref().unwrap_err().to_string();
        assert!(error.starts_with(message), "{error}");
        assert_eq!(Arc::strong_count(&dataset), 1);
    }
}

#[test]
fn a_slow_minibatch_holds_the_others_back_instead_of_filling_memory() {
    let (arrived, arrival) = mpsc::channel();
    let (release, released) = mpsc::channel();
    let fault = Fault::Wait { arrived, released: Mutex::new(released) };
    let dataset = Arc::new(Faulty { images: images(), at: 0, fault });
    let (steps, allocated) = within_limit(move || {
        let loader: Loader = papers(dataset, 2, 2).order(Order::Sequential).build().unwrap();
        let epoch = loader.epoch(0).unwrap();
        arrival.recv_timeout(LIMIT).unwrap();
        let releaser = thread::spawn(move || release.send(()));
        let steps: Vec<u64> = epoch.map(|minibatch| minibatch.unwrap().step()).collect();
        releaser.join().unwrap().unwrap();
        (steps, loader.buffers_allocated())
    });
    assert_eq!(steps, (0..13).collect::<Vec<_>>());
    assert!(allocated <= 7, "{allocated}");
}

#[test]
fn settings_out_of_range_are_named() {
    let builder = || papers(images(), 1, 1);
    let papers = Augmentation::crop_flip_cutout(Normalization::GENERATED);
    let cutout = papers.cutout.map(|cutout| Cutout { probability: 1.5, ..cutout });
    let normalization = Normalization { mean: [0.0; 3], std: [1.0, 0.0, 1.0] };
    let reflect = Augmentation {
        crop: Some(Crop { padding: 32, border: Border::Reflect }),
        ..Augmentation::none(Normalization::UNIT)
    };
    let far = Augmentation { translate: Some(Translate { max: 33 }), ..papers };
    let cases = [
        (builder().batch_size(0), "batch size is 0"),
        (builder().workers(0), "workers is 0"),
        (builder().prefetch_per_worker(0), "prefetch per worker is 0"),
        (builder().batch_size(300).drop_last(true), "number of images is 203, expected at least one full"),
        (
            builder().batch_size(110).shard(0, 2).drop_last(true),
            "number of images is 203, expected at least one full",
        ),
        (builder().shard(2, 2), "rank is 2, expected less than the number of processes, 2"),
        (builder().augmentation(Augmentation { cutout, ..papers }), "cutout probability is 1.5"),
        (builder().augmentation(Augmentation::none(normalization)), "normalization is"),
        (builder().augmentation(reflect), "crop padding is 32, expected less than the image's shorter side"),
        (builder().augmentation(far), "translation is 33"),
    ];
    for (builder, message) in cases {
        let error = builder.build::<f32>().err().unwrap().to_string();
        assert!(error.starts_with(message), "{error}");
    }
    assert!(FirstN::new(images(), 204).is_err());
    assert!(FirstN::new(images(), 0).is_err());
}

#[test]
fn a_minibatch_may_be_lent_instead_of_given() {
    let loader = loader(images(), 2, 1);
    let expected = contents(&loader, 0, 0);
    let mut epoch = loader.epoch(0).unwrap();
    let mut steps = 0;
    while let Some(minibatch) = epoch.next_borrowed() {
        let minibatch = minibatch.unwrap();
        assert_eq!(minibatch.indices(), expected[steps].3);
        steps += 1;
        assert_eq!(minibatch.step() + 1, steps as u64);
    }
    assert_eq!(steps, expected.len());
}

#[test]
fn processes_share_an_epoch_as_one_process_would_see_it() {
    let alone: Vec<Content> = contents(&papers(images(), 2, 1).batch_size(24).build().unwrap(), 2, 0);
    let ranks: Vec<Vec<Content>> = (0..3)
        .map(|rank| contents(&papers(images(), 2, 1).batch_size(8).shard(rank, 3).build().unwrap(), 2, 0))
        .collect();
    for (step, whole) in alone.iter().enumerate() {
        let together: Vec<u32> = ranks.iter().flat_map(|rank| rank[step].1.clone()).collect();
        assert!(together == whole.1, "step {step}");
    }
    assert!(ranks.iter().all(|rank| rank.len() == alone.len()));
}

#[test]
fn a_process_without_a_part_of_the_last_step_gets_an_empty_minibatch() {
    let first = FirstN::new(images(), 7).unwrap();
    let lens: Vec<Vec<usize>> = (0..3)
        .map(|rank| {
            let loader: Loader = papers(first.clone(), 2, 1).batch_size(2).shard(rank, 3).build().unwrap();
            loader.epoch(0).unwrap().map(|minibatch| minibatch.unwrap().len()).collect()
        })
        .collect();
    assert_eq!(lens, [[2, 0], [2, 0], [2, 1]]);
}

/// Digests of three epochs as `u8`, `f32` and `bf16`, recorded from the test that compares them. A change here is a change
/// of every run that users compare with an earlier one.
const RECORDED: [u64; 3] =
    [16_884_235_071_176_297_789, 1_884_514_340_182_036_832, 15_304_690_917_246_485_043];

/// FNV-1a over the little-endian bytes of three epochs, labels and indices included.
fn digest<T: Element>(loader: &Loader<T>, bits: impl Fn(T) -> u32) -> u64 {
    let mut digest = 0xcbf2_9ce4_8422_2325_u64;
    let mut add = |word: u64| {
        for byte in word.to_le_bytes() {
            digest = (digest ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    };
    for epoch in 0..3 {
        for minibatch in loader.epoch(epoch).unwrap() {
            let minibatch = minibatch.unwrap();
            minibatch.values().iter().for_each(|&value| add(u64::from(bits(value))));
            minibatch.labels().iter().for_each(|&label| add(label as u64));
            minibatch.indices().iter().for_each(|&index| add(index as u64));
        }
    }
    digest
}

#[test]
fn three_epochs_are_the_bytes_they_always_were() {
    for workers in [1, 2, 3, 7] {
        for queue in [1, 3] {
            let builder = papers(images(), workers, queue);
            let digests = [
                digest(&builder.clone().build::<u8>().unwrap(), u32::from),
                digest(&builder.clone().build::<f32>().unwrap(), f32::to_bits),
                digest(&builder.build::<bf16>().unwrap(), |value| u32::from(value.to_bits())),
            ];
            assert_eq!(digests, RECORDED, "{workers} workers, queue {queue}");
        }
    }
}

/// Writes the step's own draws into the first bytes of the image.
struct Stamp;

impl Augment for Stamp {
    fn apply(&self, image: &mut [u8], sample: &Sample, draws: &mut AugmentRng) {
        image[..4].copy_from_slice(&draws.word().to_le_bytes());
        image[4] = sample.index as u8;
        image[5] = sample.label as u8;
    }
}

#[test]
fn a_step_of_the_users_own_is_seeded_like_the_others() {
    let stamped = |workers, seed| {
        let builder = Loader::builder(images()).batch_size(16).seed(seed).workers(workers);
        let loader = builder.step(Stamp).step(Stamp).build::<u8>().unwrap();
        let mut stamps = Vec::new();
        for minibatch in loader.epoch(1).unwrap() {
            let minibatch = minibatch.unwrap();
            for (position, image) in minibatch.values().chunks_exact(3072).enumerate() {
                let (index, label) = (minibatch.indices()[position], minibatch.labels()[position]);
                assert_eq!((image[4], i64::from(image[5])), (index as u8, label));
                stamps.push(image[..4].to_vec());
            }
        }
        stamps
    };
    let one = stamped(1, 5);
    assert!(one == stamped(3, 5));
    assert!(one != stamped(1, 6));
    let mut distinct = one.clone();
    distinct.sort();
    distinct.dedup();
    assert_eq!(distinct.len(), NUM_IMAGES, "every sample has draws of its own");
}

/// BatchBuffer that says when it is made and when it is given back.
struct Counted {
    values: Vec<f32>,
    alive: Arc<AtomicUsize>,
}

impl BatchBuffer<f32> for Counted {
    fn values(&self) -> &[f32] {
        &self.values
    }

    fn values_mut(&mut self) -> &mut [f32] {
        &mut self.values
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.alive.fetch_sub(1, Ordering::Relaxed);
    }
}

#[test]
fn minibatches_lie_in_the_memory_that_the_consumer_brings() {
    let alive = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&alive);
    let loader = papers(images(), 2, 1)
        .build_in::<f32>(move |num_values| {
            counter.fetch_add(1, Ordering::Relaxed);
            Box::new(Counted { values: vec![f32::NAN; num_values], alive: Arc::clone(&counter) })
        })
        .unwrap();
    assert!(contents(&loader, 3, 0) == contents(&self::loader(images(), 1, 1), 3, 0));
    assert_eq!(alive.load(Ordering::Relaxed), loader.buffers_allocated());
    drop(loader);
    assert_eq!(alive.load(Ordering::Relaxed), 0);
}

#[test]
fn statistics_count_every_minibatch_and_every_wait() {
    let loader = loader(images(), 2, 2);
    for epoch in 0..3 {
        assert_eq!(loader.epoch(epoch).unwrap().count(), 13);
    }
    let statistics = loader.statistics();
    assert_eq!(statistics.minibatches, 39);
    assert_eq!(statistics.queue_depths.iter().sum::<u64>(), 39);
    assert_eq!(statistics.queue_depths[0], statistics.stalls);
    assert_eq!(statistics.stage(LoaderStage::Plan).count, 3);
    let fill = statistics.stage(LoaderStage::Fill);
    assert_eq!(fill.count, 39);
    assert!(fill.p50 <= fill.p99 && fill.p99 <= fill.max && fill.max <= fill.total, "{fill:?}");
}

#[test]
fn a_subset_is_loaded_like_a_data_set_of_its_own() {
    let subset = FirstN::new(images(), 40).unwrap();
    let loader = loader(subset, 2, 1);
    let mut indices: Vec<usize> =
        contents(&loader, 0, 0).into_iter().flat_map(|(.., indices)| indices).collect();
    indices.sort_unstable();
    assert_eq!(indices, (0..40).collect::<Vec<_>>());
}
