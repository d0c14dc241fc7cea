//! `polder reproduce`, stopped at random moments by every signal that stops a program, and repeated: its results are those of
//! one that was never stopped.

mod training;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use training::{signal, spawn, wait_for};

const INTERRUPTIONS: usize = 10;

const EXPERIMENT: &str = r#"
id = "M1"
title = "Two learning rates"
paper = "none"
question = "Which of two learning rates is better?"
method = "SGD on generated images."
flatness = { images = 20, bn_images = 20, max_samples = 2, tolerance = 0.5, weights = ["iterate", "tail"] }
[grid.base]
data = { dataset = "generated", image_size = 16, train_images = 300, test_images = 100 }
model = { name = "wrn-10-1", precision = "f32" }
training = { epochs = 4, batch_size = 32 }
schedule.kind = "constant"
averages = { tail = { kind = "tail", start = 0.5 } }
[grid.vary]
schedule.learning_rate = [0.05, 0.2]
[[grid.cells]]
name = "SGD"
[scales]
smoke = { note = "small", seeds = [0, 1, 2] }
desk = { note = "the same", seeds = [0, 1, 2] }
"#;

fn reproduce(experiments: &Path, results: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_polder"));
    command.args(["reproduce", "--scale", "smoke", "--jobs", "2", "--threads", "1", "--experiments"]);
    command.arg(experiments).arg("--results").arg(results);
    command
}

/// Bytes that runs have left so far: grows whenever one gets on.
fn progress(results: &Path) -> u64 {
    let Ok(runs) = std::fs::read_dir(results.join("runs")) else { return 0 };
    runs.filter_map(|run| std::fs::metadata(run.unwrap().path().join("record.jsonl")).ok())
        .map(|file| file.len())
        .sum()
}

/// `results.csv` without its last column, the seconds of an epoch.
fn numbers(results: &Path) -> String {
    let table = std::fs::read_to_string(results.join("results.csv")).unwrap();
    assert!(table.lines().next().unwrap().ends_with(",epoch_seconds"));
    table.lines().map(|line| line.rsplit_once(',').unwrap().0.to_owned() + "\n").collect()
}

#[test]
fn results_are_the_same_however_often_the_command_was_stopped_and_repeated() {
    let dir = tempfile::tempdir().unwrap();
    let experiments = dir.path().join("experiments");
    std::fs::create_dir(&experiments).unwrap();
    std::fs::write(experiments.join("M1.toml"), EXPERIMENT).unwrap();
    let (whole, stopped) = (dir.path().join("whole"), dir.path().join("stopped"));
    let output = reproduce(&experiments, &whole).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    let mut random = ChaCha8Rng::seed_from_u64(1);
    let mut interrupted = 0;
    for turn in 0..INTERRUPTIONS {
        let before = progress(&stopped);
        let mut child = spawn(&mut reproduce(&experiments, &stopped));
        wait_for(&mut child, || progress(&stopped) > before);
        std::thread::sleep(Duration::from_micros(random.random_range(0..300_000)));
        if child.try_wait().unwrap().is_none() {
            let name = ["INT", "TERM", "KILL"][turn % 3];
            signal(&child, name);
            let status = child.wait().unwrap();
            // A signal that came when all was done changes nothing.
            assert!([None, Some(130), Some(0)].contains(&status.code()), "{name}: {status}");
            interrupted += usize::from(status.code() != Some(0));
        }
    }
    assert!(interrupted > INTERRUPTIONS / 2, "only {interrupted} met a command at work");
    let output = reproduce(&experiments, &stopped).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(numbers(&stopped), numbers(&whole));
    let page = std::fs::read_to_string(stopped.join("report.html")).unwrap();
    assert!(!page.contains("Not complete yet"));
}
