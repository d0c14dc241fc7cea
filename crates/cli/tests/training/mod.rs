//! The real binary at work on generated data, for the tests of training.

#![allow(dead_code, reason = "each test file uses its part")]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use polder_models::{CheckpointSeries, FoundCheckpoint};
use serde_json::Value;

/// Small enough for a test: 5 steps per epoch.
pub(crate) const SMALL: [&str; 8] = [
    "data.dataset=generated",
    "data.image_size=16",
    "data.train_images=300",
    "data.test_images=100",
    "training.batch_size=64",
    "training.epochs=3",
    "optimizer.momentum=0.9",
    "averages={tail={kind='tail', start=0.4}, ema={kind='ema', start=0.0, decay=0.9}}",
];

/// `polder train` on [`SMALL`] with more settings, into `runs`.
pub(crate) fn polder(runs: &Path, settings: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_polder"));
    command.arg("train").arg("--runs").arg(runs).args(["--threads", "1"]);
    for setting in SMALL.iter().chain(settings) {
        command.args(["--set", setting]);
    }
    command
}

/// The process, started and left alone.
pub(crate) fn spawn(command: &mut Command) -> Child {
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// What a command said, and the run directory that its last line names.
pub(crate) fn finish(command: &mut Command) -> (Output, PathBuf) {
    let output = command.output().unwrap();
    let stdout = String::from_utf8(output.stdout.clone()).unwrap();
    let dir = PathBuf::from(stdout.lines().last().unwrap_or_default());
    (output, dir)
}

/// The run directory of a command that must succeed.
pub(crate) fn success(command: &mut Command) -> PathBuf {
    let (output, dir) = finish(command);
    assert!(output.status.success(), "{}", stderr(&output));
    dir
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

pub(crate) fn records(dir: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(dir.join("record.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The newest checkpoint of a run, none of whose checkpoints is damaged.
pub(crate) fn newest(dir: &Path) -> FoundCheckpoint {
    let (newest, damaged) = CheckpointSeries::new(dir).newest().unwrap();
    assert!(damaged.is_empty(), "{damaged:?}");
    newest.unwrap()
}

/// The steps of which a run has checkpoints.
pub(crate) fn checkpoint_steps(dir: &Path) -> Vec<u64> {
    CheckpointSeries::new(dir).steps().unwrap()
}

/// Records and newest checkpoint, that is weights, BN statistics, momentum, averages and position, agree in every byte.
pub(crate) fn assert_equal_bytes(run: &Path, other: &Path) {
    let record = |dir: &Path| std::fs::read_to_string(dir.join("record.jsonl")).unwrap();
    assert_eq!(record(run), record(other));
    let (one, two) = (newest(run), newest(other));
    assert_eq!(one.path.file_name(), two.path.file_name());
    assert!(std::fs::read(one.path).unwrap() == std::fs::read(two.path).unwrap(), "the checkpoints differ");
}

/// Waits until `condition` holds, or the child ends, or a minute is over.
pub(crate) fn wait_for(child: &mut Child, condition: impl Fn() -> bool) {
    let begun = Instant::now();
    while !condition() && child.try_wait().unwrap().is_none() {
        assert!(begun.elapsed() < Duration::from_mins(1), "nothing happened");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Sends a signal by its name, `INT` say.
pub(crate) fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

/// Ends a process that has no chance to react.
pub(crate) fn kill(mut child: Child) -> ExitStatus {
    child.kill().unwrap();
    child.wait().unwrap()
}

/// Removes the last lines of a record, as if the process had ended before them.
pub(crate) fn keep_lines(dir: &Path, num_lines: usize) {
    let path = dir.join("record.jsonl");
    let text = std::fs::read_to_string(&path).unwrap();
    let kept: String = text.split_inclusive('\n').take(num_lines).collect();
    std::fs::write(path, kept).unwrap();
}
