//! Memory stays flat over a training: steps, evaluations and checkpoints leave nothing behind.

mod training;

use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;

use training::{kill, polder, spawn};

/// Kibibytes of a process that are resident; `None` when it has ended.
fn resident(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?.split_whitespace().next()?.parse().ok()
}

/// Epochs whose timings are on disk, in the one run below `runs`.
fn epochs_done(runs: &Path) -> usize {
    let timings = |run: fs::DirEntry| fs::read_to_string(run.path().join("timings.jsonl")).ok();
    let runs = fs::read_dir(runs).into_iter().flatten().flatten();
    runs.filter_map(timings).map(|text| text.lines().count()).sum()
}

#[cfg(target_os = "linux")]
#[test]
fn memory_is_flat_over_1000_steps_20_evaluations_and_as_many_checkpoints() {
    const WARM: usize = 5;
    let runs = tempfile::tempdir().unwrap();
    let epochs = format!("training.epochs={}", WARM + 20);
    let settings = ["data.train_images=400", "training.batch_size=8", epochs.as_str()];
    let child = spawn(&mut polder(runs.path(), &settings));
    // The first epochs allocate what all others use; each has 50 steps.
    let (mut warm, mut last, mut seen) = (None, None, 0);
    while let Some(now) = resident(child.id()) {
        seen = epochs_done(runs.path());
        if seen >= WARM {
            warm = warm.max(Some(now).filter(|_| seen == WARM));
            last = Some(now);
        }
        thread::sleep(Duration::from_millis(2));
    }
    assert!(kill(child).success());
    assert!(seen >= WARM + 19, "the process was looked at until its end, saw {seen} epochs");
    let (warm, last) = (warm.unwrap(), last.unwrap());
    assert!(last <= warm + 4096, "from {warm} to {last} KiB");
}
