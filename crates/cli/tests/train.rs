//! Training through the real binary, on generated data: what is recorded, how it ends, how it continues.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use polder_models::Checkpoint;
use serde_json::Value;

/// Small enough for a test: 5 steps per epoch.
const SMALL: [&str; 7] = [
    "data.dataset=generated",
    "data.train_images=300",
    "data.test_images=100",
    "training.batch_size=64",
    "training.epochs=3",
    "optimizer.momentum=0.9",
    "averages={tail={kind='tail', start=0.4}, ema={kind='ema', start=0.0, decay=0.9}}",
];

fn polder(runs: &Path, settings: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_polder"));
    command.arg("train").arg("--runs").arg(runs).args(["--threads", "1"]);
    for setting in SMALL.iter().chain(settings) {
        command.args(["--set", setting]);
    }
    command
}

fn finish(command: &mut Command) -> (Output, PathBuf) {
    let output = command.output().unwrap();
    let stdout = String::from_utf8(output.stdout.clone()).unwrap();
    let dir = PathBuf::from(stdout.lines().last().unwrap_or_default());
    (output, dir)
}

fn success(command: &mut Command) -> PathBuf {
    let (output, dir) = finish(command);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    dir
}

fn records(dir: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(dir.join("record.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn checkpoint(dir: &Path) -> Checkpoint {
    Checkpoint::read(&dir.join("checkpoint.safetensors")).unwrap()
}

/// Waits until `condition` holds, or the child ends, or a minute is over.
fn wait_for(child: &mut Child, condition: impl Fn() -> bool) {
    let begun = Instant::now();
    while !condition() && child.try_wait().unwrap().is_none() {
        assert!(begun.elapsed() < Duration::from_mins(1), "nothing happened");
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn a_run_learns_records_every_epoch_and_is_not_repeated() {
    let runs = tempfile::tempdir().unwrap();
    let dir = success(&mut polder(runs.path(), &["training.epochs=4"]));
    let lines = records(&dir);
    assert_eq!(lines.len(), 6, "run, four epochs, end");
    assert_eq!(
        (&lines[0]["record"], &lines[0]["num_parameters"]),
        (&Value::from("run"), &Value::from(77_850))
    );
    assert_eq!(lines[5]["outcome"], "finished");
    let loss = |line: &Value| line["train_loss"].as_f64().unwrap();
    assert!(loss(&lines[4]) < 0.8 * loss(&lines[1]), "{} to {}", loss(&lines[1]), loss(&lines[4]));
    let names = |line: &Value| line["evaluations"].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&lines[1]), ["ema", "iterate"], "the tail has not begun");
    assert_eq!(names(&lines[4]), ["ema", "iterate", "tail"]);
    assert_eq!(std::fs::read_to_string(dir.join("timings.jsonl")).unwrap().lines().count(), 4);

    let before = std::fs::metadata(dir.join("record.jsonl")).unwrap().modified().unwrap();
    assert_eq!(success(&mut polder(runs.path(), &["training.epochs=4"])), dir);
    assert_eq!(std::fs::metadata(dir.join("record.jsonl")).unwrap().modified().unwrap(), before);
}

#[test]
fn records_and_weights_do_not_depend_on_the_number_of_workers() {
    let (one, three) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let sam = ["optimizer.method=sam", "optimizer.rho=0.05"];
    let one = success(polder(one.path(), &sam).args(["--workers", "1"]));
    let three = success(polder(three.path(), &sam).args(["--workers", "3", "--checkpoint-every", "0"]));
    for file in ["record.jsonl", "checkpoint.safetensors"] {
        assert!(std::fs::read(one.join(file)).unwrap() == std::fs::read(three.join(file)).unwrap(), "{file}");
    }
    let ascent = records(&one)[1]["ascent_norm"].as_f64().unwrap();
    assert!((ascent - 0.05).abs() < 1e-3, "in f32 the ascent arrives whole: {ascent}");
}

/// Killed at several moments, each within an epoch, and started again: the same bytes as if nothing had happened.
#[test]
fn a_killed_run_continues_and_ends_in_the_same_bytes() {
    let (whole, killed) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let whole = success(&mut polder(whole.path(), &[]));
    let dir = killed.path().join(whole.file_name().unwrap());
    let mut last = None;
    for _ in 0..4 {
        let mut child = polder(killed.path(), &[])
            .args(["--checkpoint-every", "0"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let position = || {
            let checkpoint = Checkpoint::read(&dir.join("checkpoint.safetensors")).ok()?;
            Some((checkpoint.metadata["polder.epoch"].clone(), checkpoint.metadata["polder.step"].clone()))
        };
        wait_for(&mut child, || position().is_some() && position() != last);
        child.kill().unwrap();
        child.wait().unwrap();
        last = position();
    }
    assert_eq!(success(&mut polder(killed.path(), &[])), dir);
    for file in ["record.jsonl", "checkpoint.safetensors"] {
        assert!(std::fs::read(dir.join(file)).unwrap() == std::fs::read(whole.join(file)).unwrap(), "{file}");
    }
}

#[test]
fn a_signal_writes_a_checkpoint_and_the_same_command_continues() {
    let (whole, stopped) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let whole = success(&mut polder(whole.path(), &[]));
    let dir = stopped.path().join(whole.file_name().unwrap());
    let mut child = polder(stopped.path(), &[]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    // The record file appears when training begins; no checkpoint is due for a minute.
    wait_for(&mut child, || dir.join("record.jsonl").exists());
    let signalled = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(signalled.success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(checkpoint(&dir).metadata.contains_key("polder.step"));
    success(&mut polder(stopped.path(), &[]));
    assert_eq!(records(&dir), records(&whole));
    assert_eq!(checkpoint(&dir), checkpoint(&whole));
}

#[test]
fn divergence_is_a_recorded_outcome() {
    let runs = tempfile::tempdir().unwrap();
    let (output, dir) = finish(&mut polder(runs.path(), &["schedule={kind='constant', learning_rate=1e20}"]));
    assert_eq!(output.status.code(), Some(4), "{}", String::from_utf8_lossy(&output.stderr));
    let end = records(&dir).pop().unwrap();
    assert_eq!((&end["outcome"], &end["epoch"]), (&Value::from("diverged"), &Value::from(1)));
    let (again, _) = finish(&mut polder(runs.path(), &["schedule={kind='constant', learning_rate=1e20}"]));
    assert_eq!(again.status.code(), Some(4), "it is not tried again");
}

#[test]
fn two_processes_do_not_share_a_run() {
    let runs = tempfile::tempdir().unwrap();
    let long = ["training.epochs=500"];
    let mut first = polder(runs.path(), &long).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let any_record = || {
        let mut dirs = std::fs::read_dir(runs.path()).unwrap().filter_map(Result::ok);
        dirs.any(|dir| dir.path().join("record.jsonl").exists())
    };
    wait_for(&mut first, any_record);
    let (second, _) = finish(&mut polder(runs.path(), &long));
    first.kill().unwrap();
    first.wait().unwrap();
    let message = String::from_utf8(second.stderr).unwrap();
    assert_eq!(second.status.code(), Some(1));
    assert!(message.contains("another process is in the run directory"), "{message}");
}

#[test]
fn a_damaged_checkpoint_is_named_with_what_to_do() {
    let runs = tempfile::tempdir().unwrap();
    let dir = success(&mut polder(runs.path(), &[]));
    let path = dir.join("checkpoint.safetensors");
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    let record = std::fs::read_to_string(dir.join("record.jsonl")).unwrap();
    let unfinished: String = record.split_inclusive('\n').take(2).collect();
    std::fs::write(dir.join("record.jsonl"), unfinished).unwrap();
    let (output, _) = finish(&mut polder(runs.path(), &[]));
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(message.contains("checkpoint.safetensors") && message.contains("remove"), "{message}");
}

/// What is recorded can be computed again from the checkpoint.
#[test]
fn evaluation_of_a_finished_run_gives_its_recorded_numbers() {
    let runs = tempfile::tempdir().unwrap();
    let dir = success(&mut polder(runs.path(), &["model.precision=bf16"]));
    let output =
        Command::new(env!("CARGO_BIN_EXE_polder")).arg("evaluate").arg(&dir).arg("--json").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let evaluated: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(evaluated, records(&dir)[3]["evaluations"]);
}
