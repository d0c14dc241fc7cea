//! `polder logs` through the real binary, on records as training leaves them.

mod event_file;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

/// An interpreter that has the package `tensorboard`; without it TensorBoard's own reader is not asked.
const PYTHON: &str = "POLDER_TENSORBOARD_PYTHON";

/// The end of the second epoch, whose time alone is known.
const ENDED_AT: f64 = 1_700_000_000.5;

fn write_lines(path: &Path, lines: &[Value]) {
    let text: String = lines.iter().map(|line| line.to_string() + "\n").collect();
    fs::write(path, text).unwrap();
}

/// A run of SAM that diverges in its fourth epoch; of three epochs two were evaluated, and one loss was not finite.
fn diverged_run(runs: &Path) -> PathBuf {
    let dir = runs.join("0a1b2c3d4e5f");
    fs::create_dir_all(&dir).unwrap();
    let epoch = |epoch: u64, loss: Value, evaluations: Value| {
        json!({
            "record": "epoch", "epoch": epoch, "steps": 200 * epoch, "learning_rate": 0.1 / epoch as f64,
            "train_loss": loss, "train_error": 0.5, "ascent_norm": 0.049, "evaluations": evaluations,
        })
    };
    let iterate = json!({ "loss": 1.5, "error": 0.25 });
    write_lines(
        &dir.join("record.jsonl"),
        &[
            json!({
                "record": "run", "id": "0a1b2c3d4e5f", "version": "0.1.0", "num_parameters": 77_850, "device": "cpu",
                "config": { "seed": 3, "optimizer": { "method": "sam", "rho": 0.05 } },
                "data": {
                    "train_images": 50_000, "test_images": 10_000, "num_classes": 10, "verification": "verified",
                },
            }),
            epoch(1, json!(2.25), json!({ "iterate": iterate })),
            epoch(2, Value::Null, json!({})),
            epoch(3, json!(1.125), json!({ "iterate": iterate, "tail": { "loss": null, "error": 0.2 } })),
            json!({ "record": "end", "outcome": "diverged", "epoch": 4, "steps": 650 }),
        ],
    );
    let timing = |epoch: u64| {
        json!({
            "epoch": epoch, "train_seconds": 10.0, "evaluate_seconds": 2.5, "images_per_second": 5000.0,
            "data_wait_share": 0.125,
        })
    };
    let mut timings: Vec<Value> = (1..=3).map(timing).collect();
    timings[1]["ended_at"] = json!(ENDED_AT);
    write_lines(&dir.join("timings.jsonl"), &timings);
    dir
}

/// A run of SGD that has just begun its second epoch, with an average of another name.
fn young_run(runs: &Path) -> PathBuf {
    let dir = runs.join("111111111111");
    fs::create_dir_all(&dir).unwrap();
    let evaluation = json!({ "loss": 0.5, "error": 0.1 });
    write_lines(
        &dir.join("record.jsonl"),
        &[
            json!({
                "record": "run", "id": "111111111111", "version": "0.1.0", "num_parameters": 10, "device": "cpu",
                "config": { "data": { "dataset": "cifar100" } },
                "data": { "train_images": 10, "test_images": 10, "num_classes": 100, "verification": "known" },
            }),
            json!({
                "record": "epoch", "epoch": 1, "steps": 1, "learning_rate": 0.1, "train_loss": 1.0, "train_error": 0.5,
                "evaluations": { "iterate": evaluation, "ema": evaluation },
            }),
        ],
    );
    dir
}

fn logs(arguments: &[&str], runs: &[&Path]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_polder"));
    command.arg("logs").args(arguments).args(runs);
    command
}

fn success(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    String::from_utf8(output.stdout).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Step, time and value of every point of a curve; no value where it is not finite.
type Points = Vec<(u64, f64, Option<f32>)>;

/// The curves of the diverged run.
fn expected_curves() -> Vec<(&'static str, Points)> {
    let times = [ENDED_AT - 12.5, ENDED_AT, ENDED_AT + 12.5];
    let curve = |values: [Option<Option<f32>>; 3]| {
        let points = values.into_iter().zip(times).zip([200, 400, 600]);
        points.filter_map(|((value, time), step)| Some((step, time, value?))).collect::<Vec<_>>()
    };
    let known = |values: [f32; 3]| values.map(|value| Some(Some(value)));
    vec![
        ("train/loss", curve([Some(Some(2.25)), Some(None), Some(Some(1.125))])),
        ("train/error", curve(known([0.5; 3]))),
        ("train/learning_rate", curve(known([0.1, 0.05, (0.1_f64 / 3.0) as f32]))),
        ("train/ascent_norm", curve(known([0.049; 3]))),
        ("speed/images_per_second", curve(known([5000.0; 3]))),
        ("speed/data_wait_share", curve(known([0.125; 3]))),
        ("test/loss/iterate", curve([Some(Some(1.5)), None, Some(Some(1.5))])),
        ("test/accuracy/iterate", curve([Some(Some(0.75)), None, Some(Some(0.75))])),
        ("test/loss/tail", curve([None, None, Some(None)])),
        ("test/accuracy/tail", curve([None, None, Some(Some(0.8))])),
    ]
}

/// Event files of both runs; the folder of the first.
fn event_folder(folder: &Path) -> PathBuf {
    let (runs, output) = (folder.join("runs"), folder.join("logs"));
    diverged_run(&runs);
    young_run(&runs);
    let stdout = success(logs(&["--format", "tensorboard", "--output"], &[]).arg(&output).arg(&runs));
    assert_eq!(stdout.trim_end(), output.to_str().unwrap());
    output.join("0a1b2c3d4e5f")
}

#[test]
fn an_event_file_holds_every_number_of_the_record_and_the_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let file = event_file::only_file(&event_folder(folder.path()));
    assert!(file.file_name().unwrap().to_str().unwrap().contains(".tfevents."), "{}", file.display());
    let events = event_file::read(&file);
    assert_eq!(events[0].file_version, "brain.Event:2");
    assert_eq!(events[0].wall_time, ENDED_AT - 25.0, "the beginning of the run");
    for (name, points) in expected_curves() {
        let of_curve = events.iter().flat_map(|event| {
            let values = event.scalars.iter().filter(|(tag, _)| tag == name);
            values
                .map(|(_, value)| (event.step, event.wall_time, Some(*value).filter(|value| !value.is_nan())))
        });
        assert_eq!(of_curve.collect::<Vec<_>>(), points, "{name}");
    }
    let num_scalars: usize = events.iter().map(|event| event.scalars.len()).sum();
    assert_eq!(num_scalars, expected_curves().iter().map(|(_, points)| points.len()).sum::<usize>());
    let text = |tag: &str| {
        let mut texts = events.iter().flat_map(|event| &event.texts);
        texts.find(|(known, _)| known == tag).unwrap().1.clone()
    };
    let config = text("run/config");
    let toml = config.strip_prefix("```toml\n").unwrap().strip_suffix("```\n").unwrap();
    let config: toml::Table = toml.parse().unwrap();
    assert_eq!((config["seed"].as_integer(), config["optimizer"]["rho"].as_float()), (Some(3), Some(0.05)));
    assert!(text("run/about").contains("diverged in epoch 4") && text("run/about").contains("verified"));
}

#[test]
fn event_files_follow_their_records_and_equal_ones_are_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = event_file::only_file(&event_folder(folder.path()));
    let made = |file: &Path| fs::metadata(file).unwrap().modified().unwrap();
    let before = made(&file);
    assert_eq!(event_file::only_file(&event_folder(folder.path())), file);
    assert_eq!(made(&file), before);
    let record = folder.path().join("runs/0a1b2c3d4e5f/record.jsonl");
    let text = fs::read_to_string(&record).unwrap();
    let shorter: String = text.split_inclusive('\n').take(2).collect();
    fs::write(&record, shorter).unwrap();
    let output = folder.path().join("logs");
    let runs = folder.path().join("runs");
    success(logs(&["--format", "tensorboard", "--output"], &[]).arg(output).arg(runs));
    let later = event_file::only_file(file.parent().unwrap());
    assert_ne!(later, file, "an open TensorBoard looks at new names alone");
    let events = event_file::read(&later);
    assert_eq!(events.last().unwrap().step, 200, "what was cut from the record is not in the file");
}

/// TensorBoard's own reader, where there is one: it has to see the same curves and texts.
#[test]
fn tensorboard_reads_the_same_numbers() {
    let Some(python) = std::env::var_os(PYTHON).filter(|named| !named.is_empty()) else {
        eprintln!("skipped: {PYTHON} does not name an interpreter that has tensorboard");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let run = event_folder(folder.path());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers/read_events.py");
    let output = Command::new(python).arg(script).arg(run).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let seen: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(seen["scalars"].as_object().unwrap().len(), expected_curves().len());
    for (name, points) in expected_curves() {
        let points: Vec<Value> =
            points.iter().map(|(step, time, value)| json!([step, time, value])).collect();
        assert_eq!(seen["scalars"][name], Value::from(points), "{name}");
    }
    let texts = &seen["texts"];
    assert!(texts["run/config"].as_str().unwrap().contains("method = \"sam\""), "{texts}");
    assert!(texts["run/about"].as_str().unwrap().contains("| device | cpu |"), "{texts}");
}

#[test]
fn a_table_has_a_row_per_run_and_epoch_and_a_column_for_every_average() {
    let folder = tempfile::tempdir().unwrap();
    let (diverged, young) = (diverged_run(folder.path()), young_run(folder.path()));
    let table = success(&mut logs(&[], &[&diverged, &young]));
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(
        lines[0],
        "run,dataset,model,method,seed,epoch,steps,seconds,ended_at,train/loss,train/error,train/learning_rate,\
         train/ascent_norm,speed/images_per_second,speed/data_wait_share,test/loss/iterate,test/accuracy/iterate,\
         test/loss/ema,test/accuracy/ema,test/loss/tail,test/accuracy/tail"
    );
    assert_eq!(
        lines[1..],
        [
            "0a1b2c3d4e5f,cifar10,wrn-10-1,sam,3,1,200,12.5,,2.25,0.5,0.1,0.049,5000.0,0.125,1.5,0.75,,,,",
            "0a1b2c3d4e5f,cifar10,wrn-10-1,sam,3,2,400,25.0,1700000000.5,,0.5,0.05,0.049,5000.0,0.125,,,,,,",
            "0a1b2c3d4e5f,cifar10,wrn-10-1,sam,3,3,600,37.5,,1.125,0.5,0.03333333333333333,0.049,5000.0,0.125,1.5,0.75,,,,0.8",
            "111111111111,cifar100,wrn-10-1,sgd,0,1,1,0.0,,1.0,0.5,0.1,,,,0.5,0.9,0.5,0.9,,",
        ]
    );
    let file = folder.path().join("all.csv");
    assert_eq!(success(logs(&["--output"], &[]).arg(&file).arg(folder.path())), "");
    assert_eq!(fs::read_to_string(file).unwrap(), table, "a folder stands for the runs in it");
}

#[test]
fn json_lines_hold_the_numbers_of_the_table() {
    let folder = tempfile::tempdir().unwrap();
    let runs = [diverged_run(folder.path()), young_run(folder.path())];
    let runs: Vec<&Path> = runs.iter().map(PathBuf::as_path).collect();
    let (table, lines) = (success(&mut logs(&[], &runs)), success(&mut logs(&["--format", "jsonl"], &runs)));
    let mut rows = table.lines();
    let columns: Vec<&str> = rows.next().unwrap().split(',').collect();
    assert_eq!(lines.lines().count(), rows.clone().count());
    assert!(lines.starts_with(r#"{"run":"0a1b2c3d4e5f","dataset":"cifar10","model":"wrn-10-1""#), "{lines}");
    for (line, row) in lines.lines().zip(rows) {
        let line: Value = serde_json::from_str(line).unwrap();
        for (column, field) in columns.iter().zip(row.split(',')) {
            let cell = match &line[column] {
                Value::Null => String::new(),
                Value::String(text) => text.clone(),
                number => number.to_string(),
            };
            assert_eq!(cell, field, "{column}");
        }
    }
}

#[test]
fn a_damaged_run_is_named_and_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let (diverged, young) = (diverged_run(folder.path()), young_run(folder.path()));
    fs::write(diverged.join("record.jsonl"), "no record\n{}\n").unwrap();
    let output = logs(&[], &[folder.path()]).output().unwrap();
    assert_eq!(output.status.code(), Some(3), "done, but not all");
    assert_eq!(String::from_utf8_lossy(&output.stdout).lines().count(), 2);
    assert!(stderr(&output).contains("0a1b2c3d4e5f` is left out"), "{}", stderr(&output));
    fs::write(young.join("record.jsonl"), "").unwrap();
    assert_eq!(logs(&[], &[folder.path()]).output().unwrap().status.code(), Some(1), "nothing is left");
}

#[test]
fn what_is_no_run_is_refused_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    for (path, parts) in [
        (folder.path().to_owned(), ["neither a run directory", "polder train"]),
        (folder.path().join("none"), ["there is no folder", "polder train"]),
    ] {
        let output = logs(&[], &[&path]).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(parts.iter().all(|part| stderr(&output).contains(part)), "{}", stderr(&output));
    }
    let (one, two) = (diverged_run(&folder.path().join("one")), diverged_run(&folder.path().join("two")));
    let target = folder.path().join("logs");
    let output = logs(&["--format", "tensorboard", "--output"], &[&target, &one, &two]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("share the folder") && !target.exists(), "{}", stderr(&output));
}

#[test]
fn a_reader_that_has_had_enough_is_no_error() {
    let folder = tempfile::tempdir().unwrap();
    let run = diverged_run(folder.path());
    // More than a pipe holds.
    let text = fs::read_to_string(run.join("record.jsonl")).unwrap();
    let epoch = text.lines().nth(1).unwrap().to_owned() + "\n";
    fs::write(run.join("record.jsonl"), text.lines().next().unwrap().to_owned() + "\n" + &epoch.repeat(5000))
        .unwrap();
    let mut child = logs(&[], &[&run]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{}", stderr(&output));
}
