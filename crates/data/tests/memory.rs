//! Memory stays where it is, over epochs and over consumers that leave early.
//!
//! One test in a binary of its own: resident memory is that of the whole process.
#![cfg(target_os = "linux")]

use std::fs;

use polder_data::{Augmentation, Generated, GeneratedConfig, Loader, Normalization};

const WORKERS: usize = 2;
const QUEUE: usize = 2;
/// Minibatches that are made or wait, and the one in the consumer's hands.
const BUFFERS: usize = WORKERS * (QUEUE + 1) + 1;

fn loader() -> Loader {
    let config = GeneratedConfig { num_images: 512, ..GeneratedConfig::default() };
    Loader::builder(Generated::new(config).unwrap())
        .batch_size(16)
        .augmentation(Augmentation::crop_flip_cutout(Normalization::GENERATED))
        .workers(WORKERS)
        .prefetch_per_worker(QUEUE)
        .build()
        .unwrap()
}

/// Resident memory of this process in KB.
fn resident() -> i64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Asserts that `work`, done once to warm up, takes less than a MB when it is done `times` more times.
fn assert_flat(what: &str, times: u64, work: impl Fn(u64)) {
    work(0);
    let before = resident();
    (1..=times).for_each(work);
    let grown = resident() - before;
    println!("{what}: {before} KB, {grown} KB more after {times} times");
    assert!(grown < 1024, "{what}: {before} KB, {grown} KB more after {times} times");
}

#[test]
fn memory_is_flat_over_50_epochs_and_10_000_early_stops() {
    let loader = loader();
    let steps = loader.steps_per_epoch();
    assert_flat("epochs", 50, |epoch| assert_eq!(loader.epoch(epoch).unwrap().count() as u64, steps));
    assert_flat("early stops", 100, |hundred| {
        for stop in 0..100 {
            let mut epoch = loader.epoch(100 * hundred + stop).unwrap();
            assert_eq!(epoch.by_ref().take(stop as usize % 7).count() as u64, stop % 7);
        }
    });
    assert!(loader.buffers_allocated() <= BUFFERS, "{}", loader.buffers_allocated());
}
