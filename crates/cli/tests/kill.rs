//! `kill -9` at random moments of a run, which then continues by the same command and ends in the same bytes as if
//! nothing had happened. `cargo xtask promises --only training` does the same with more kills on real data.

mod training;

use std::collections::BTreeSet;
use std::time::Duration;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use training::{assert_equal_bytes, checkpoint_steps, kill, polder, spawn, success, wait_for};

const KILLS: usize = 5;

/// Kills after a random number of new checkpoints and, from there, a little later: in the middle of a step, of
/// a checkpoint's write, of an evaluation.
fn check(settings: &[&str], seed: u64) {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let (whole, killed) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let whole = success(&mut polder(whole.path(), settings));
    let dir = killed.path().join(whole.file_name().unwrap());
    let continued = |workers: &'static str| {
        let mut command = polder(killed.path(), settings);
        command.args(["--checkpoint-every", "1step", "--workers", workers]);
        command
    };
    let mut killed_at = BTreeSet::new();
    for _ in 0..KILLS {
        let mut child = spawn(&mut continued("2"));
        let newest = || checkpoint_steps(&dir).last().copied().unwrap_or(0);
        let until = newest() + random.random_range(1..=3);
        let later = Duration::from_micros(random.random_range(0..15_000));
        wait_for(&mut child, || newest() >= until);
        std::thread::sleep(later);
        let status = kill(child);
        assert_eq!(status.code(), None, "the run had ended before it was killed");
        killed_at.insert(newest());
    }
    assert!(killed_at.len() > KILLS / 2, "killed at {killed_at:?}");
    assert_eq!(success(&mut continued("1")), dir);
    assert_equal_bytes(&dir, &whole);
}

#[test]
fn sgd_with_three_averages_ends_in_the_same_bytes_however_often_it_is_killed() {
    let averages = "averages={tail={kind='tail', start=0.2}, ema={kind='corrected-ema', start=0.0, decay=0.9}, \
                    window={kind='window', start=0.0, length=3}}";
    check(&[averages, "training.epochs=8"], 1);
}

#[test]
fn sam_ends_in_the_same_bytes_however_often_it_is_killed() {
    let sam = "optimizer={method='sam', rho=0.05, momentum=0.9, ascend_every=2, micro_batches=2}";
    check(&[sam, "training.epochs=8", "training.learning_rate_per=step"], 2);
}
