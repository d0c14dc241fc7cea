//! What the loader promises beside its speed, on real CIFAR-10: the same bytes for everybody, and no growth.
//!
//! `cargo run --release -p polder-data --example loader_laws -- --data-dir DIR` prints one line of JSON:
//!
//! * `distinct_digests`: how many different digests three epochs have over 1, 2, 3 and 7 workers and queues of 1 and 5,
//!   and when every epoch is entered at several steps instead of read from its start;
//! * `growth_kb`: by how much resident memory grows, once every buffer is in use, over 50 epochs and over 10,000 epochs that are left early (Linux);
//! * `buffers_beyond_bound`: minibatch buffers allocated beyond `workers * (queue + 1)` and the consumer's own.

use std::collections::BTreeSet;
use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use polder_data::{Augmentation, Dataset, DatasetKind, Epoch, Loader, Normalization, Split, open};

const EPOCHS: u64 = 3;
const LONG: u64 = 50;
const EARLY_STOPS: u64 = 10_000;

fn main() -> Result<(), Box<dyn Error>> {
    let data_dir = match std::env::args().skip(1).collect::<Vec<_>>().as_slice() {
        [flag, dir] if flag == "--data-dir" => PathBuf::from(dir),
        [] => {
            std::env::var_os("POLDER_DATA").map(PathBuf::from).ok_or("name the folder with --data-dir DIR")?
        }
        _ => return Err("expected --data-dir DIR".into()),
    };
    let dataset: Arc<dyn Dataset> = Arc::new(open(DatasetKind::Cifar10, Split::Train, &data_dir)?);

    let mut digests = BTreeSet::new();
    for workers in [1, 2, 3, 7] {
        for queue in [1, 5] {
            let loader = loader(&dataset, workers, queue)?;
            let mut digest = Digest::default();
            for epoch in 0..EPOCHS {
                digest.add(loader.epoch(epoch)?, u64::MAX)?;
            }
            digests.insert(digest.0);
        }
    }
    let resumed = loader(&dataset, 2, 2)?;
    let mut digest = Digest::default();
    for epoch in 0..EPOCHS {
        let entries = [0, 1, 100 + 7 * epoch, 200, resumed.steps_per_epoch() - 1, resumed.steps_per_epoch()];
        for pair in entries.windows(2) {
            digest.add(resumed.epoch_from(epoch, pair[0])?, pair[1] - pair[0])?;
        }
    }
    digests.insert(digest.0);

    let (workers, queue) = (2, 2);
    let loader = loader(&dataset, workers, queue)?;
    fill_every_buffer(&loader, workers * (queue + 1))?;
    let before = resident_kb();
    for epoch in 0..LONG {
        read(loader.epoch(epoch)?, u64::MAX)?;
    }
    for stop in 0..EARLY_STOPS {
        read(loader.epoch(stop)?, stop % 4)?;
    }
    let growth = match (before, resident_kb()) {
        (Some(before), Some(after)) => after.saturating_sub(before).to_string(),
        _ => "null".to_owned(),
    };
    let beyond = loader.buffers_allocated().saturating_sub(workers * (queue + 1) + 1);
    println!(
        "{{\"distinct_digests\": {}, \"digest\": \"{:016x}\", \"growth_kb\": {growth}, \"buffers_beyond_bound\": {beyond}}}",
        digests.len(),
        digest.0
    );
    Ok(())
}

fn loader(dataset: &Arc<dyn Dataset>, workers: usize, queue: usize) -> Result<Loader, Box<dyn Error>> {
    let augmentation = Augmentation::crop_flip_cutout(Normalization::CIFAR10);
    Ok(Loader::builder(Arc::clone(dataset))
        .seed(1)
        .augmentation(augmentation)
        .workers(workers)
        .prefetch_per_worker(queue)
        .build()?)
}

/// Brings into use all the memory that the loader is entitled to: every minibatch in flight and one with the consumer.
fn fill_every_buffer(loader: &Loader, in_flight: usize) -> Result<(), Box<dyn Error>> {
    let mut epoch = loader.epoch(0)?;
    let wait_until_full = |epoch: &Epoch| {
        while epoch.queue_depth() < in_flight {
            thread::sleep(Duration::from_millis(1));
        }
    };
    wait_until_full(&epoch);
    let held = epoch.next().transpose()?;
    wait_until_full(&epoch);
    drop(held);
    Ok(())
}

fn read(epoch: Epoch, minibatches: u64) -> Result<(), Box<dyn Error>> {
    for minibatch in epoch.take(usize::try_from(minibatches).unwrap_or(usize::MAX)) {
        minibatch?;
    }
    Ok(())
}

/// A chain of multiplications and additions over all that minibatches say: any change of any bit changes it.
#[derive(Default)]
struct Digest(u64);

impl Digest {
    fn add(&mut self, epoch: Epoch, minibatches: u64) -> Result<(), Box<dyn Error>> {
        for minibatch in epoch.take(usize::try_from(minibatches).unwrap_or(usize::MAX)) {
            let minibatch = minibatch?;
            // Four chains, because one multiplication has to wait for the one before.
            let mut chains = [self.0, 1, 2, 3];
            for values in minibatch.values().chunks_exact(chains.len()) {
                for (chain, value) in chains.iter_mut().zip(values) {
                    *chain = mixed(*chain, u64::from(value.to_bits()));
                }
            }
            self.0 = chains.into_iter().fold(minibatch.step(), mixed);
            for (&label, &index) in minibatch.labels().iter().zip(minibatch.indices()) {
                self.0 = mixed(mixed(self.0, label as u64), index as u64);
            }
        }
        Ok(())
    }
}

fn mixed(digest: u64, word: u64) -> u64 {
    (digest ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29)
}

/// Resident memory of this process, where the system tells.
fn resident_kb() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}
