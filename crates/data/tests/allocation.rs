//! No thread allocates between one minibatch and the next.
//!
//! One test in a binary of its own: the allocator counts for the whole process.
//!
//! Three things are allocated once, when they are first needed, and when that is depends on the schedule: a buffer when
//! more of them are in use than ever before; by the channels, what each thread needs to be woken by, when it first
//! waits; and the list of those who wait, when there is a first one. So the epoch begins with all of them, in an order
//! that the test enforces: the consumer waits for the first minibatch, then every worker waits for a step while the
//! queue is full and a minibatch is in the consumer's hands.
#![cfg(target_os = "linux")]

use std::alloc::System;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use polder_data::{
    Augment, AugmentRng, Augmentation, Dataset, Element, Epoch, Generated, GeneratedConfig, ImageShape,
    Loader, Normalization, Order, Sample, bf16,
};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, Stats, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const BATCH_SIZE: usize = 4;
const STEPS: u64 = 260;
const MEASURED: u64 = 220;
const LIMIT: Duration = Duration::from_mins(1);

/// The threads of this process whose name starts with `prefix`, and whether each of them sleeps.
fn sleeping(prefix: &str) -> Vec<bool> {
    let tasks = fs::read_dir("/proc/self/task").unwrap();
    let stats = tasks.filter_map(|task| fs::read_to_string(task.unwrap().path().join("stat")).ok());
    stats
        .filter_map(|stat| {
            let (_, rest) = stat.split_once('(')?;
            let (name, state) = rest.rsplit_once(") ")?;
            name.starts_with(prefix).then(|| state.starts_with('S'))
        })
        .collect()
}

/// Waits until `count` threads named `prefix...` sleep for longer than a lock takes, or a pause between two looks at a
/// channel.
fn wait_until_asleep(prefix: &str, count: usize) {
    let start = Instant::now();
    let mut since = Instant::now();
    while since.elapsed() < Duration::from_millis(5) {
        let asleep = sleeping(prefix);
        if asleep.len() != count || asleep.contains(&false) {
            since = Instant::now();
        }
        assert!(start.elapsed() < LIMIT, "{prefix}: {asleep:?}");
        thread::yield_now();
    }
}

/// Generated images of which the first is not given out before the consumer sleeps.
struct Gated {
    images: Generated,
    open: AtomicBool,
}

impl Dataset for Gated {
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
        if index == 0 && !self.open.swap(true, Ordering::Relaxed) {
            wait_until_asleep("consumer", 1);
        }
        self.images.pixels(index)
    }

    fn label(&self, index: usize) -> usize {
        self.images.label(index)
    }
}

/// A step of the user's own that allocates nothing itself.
struct Invert;

impl Augment for Invert {
    fn apply(&self, image: &mut [u8], _sample: &Sample, draws: &mut AugmentRng) {
        if draws.happens(0.5) {
            for value in image {
                *value = 255 - *value;
            }
        }
    }
}

/// What a consumer does with an epoch.
#[derive(Clone, Copy, Debug)]
enum Taking {
    Owned,
    Borrowed,
}

impl Taking {
    fn take<T: Element>(self, epoch: &mut Epoch<T>, count: u64) {
        for _ in 0..count {
            let taken = match self {
                Taking::Owned => epoch.next().unwrap().unwrap().len(),
                Taking::Borrowed => epoch.next_borrowed().unwrap().unwrap().len(),
            };
            assert_eq!(taken, BATCH_SIZE);
        }
    }
}

/// What is allocated in the last steps of an epoch.
fn allocated<T: Element>(workers: usize, taking: Taking) -> Stats {
    let queue = 2;
    let config = GeneratedConfig { num_images: BATCH_SIZE * STEPS as usize, ..GeneratedConfig::default() };
    let images = Gated { images: Generated::new(config).unwrap(), open: AtomicBool::new(false) };
    let loader = Loader::builder(Arc::new(images))
        .batch_size(BATCH_SIZE)
        .order(Order::Sequential)
        .augmentation(Augmentation::crop_flip_cutout(Normalization::GENERATED))
        .step(Invert)
        .workers(workers)
        .prefetch_per_worker(queue)
        .build::<T>()
        .unwrap();
    let mut epoch = loader.epoch(0).unwrap();
    let first = epoch.next().unwrap().unwrap();
    let in_flight = workers * (queue + 1);
    let start = Instant::now();
    while epoch.queue_depth() < in_flight {
        assert!(start.elapsed() < LIMIT);
        thread::yield_now();
    }
    wait_until_asleep("polder-data", workers);
    drop(first);
    taking.take(&mut epoch, STEPS - MEASURED - 1);
    assert_eq!(loader.buffers_allocated(), in_flight + 1);

    let region = Region::new(ALLOCATOR);
    taking.take(&mut epoch, MEASURED);
    let stats = region.change();
    assert!(epoch.next().is_none());
    stats
}

#[test]
fn nothing_is_allocated_between_minibatches() {
    let consumer = || {
        for workers in [1, 3] {
            for taking in [Taking::Owned, Taking::Borrowed] {
                let all = [
                    ("u8", allocated::<u8>(workers, taking)),
                    ("f32", allocated::<f32>(workers, taking)),
                    ("bf16", allocated::<bf16>(workers, taking)),
                ];
                for (element, stats) in all {
                    let Stats { allocations, reallocations, .. } = stats;
                    assert_eq!(
                        (allocations, reallocations),
                        (0, 0),
                        "{element} {workers} {taking:?}: {stats:?}"
                    );
                }
            }
        }
    };
    thread::Builder::new().name("consumer".to_owned()).spawn(consumer).unwrap().join().unwrap();
}
