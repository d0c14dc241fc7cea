//! `polder sharpness` through the real binary, on a WRN-10-1 after a few steps on generated images of 8 x 8 pixels.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use serde_json::Value;

const SMALL: [&str; 7] = [
    "data.dataset=generated",
    "data.train_images=120",
    "data.test_images=60",
    "data.image_size=8",
    "training.batch_size=30",
    "training.epochs=2",
    "averages={tail={kind='tail', start=0.5}, ema={kind='ema', start=0.0, decay=0.9}}",
];

fn train(runs: &Path, settings: &[&str]) -> PathBuf {
    let mut command = Command::new(env!("CARGO_BIN_EXE_polder"));
    command.arg("train").arg("--runs").arg(runs).args(["--threads", "1"]);
    for setting in SMALL.iter().chain(settings) {
        command.args(["--set", setting]);
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    PathBuf::from(String::from_utf8(output.stdout).unwrap().lines().last().unwrap())
}

/// A copy of a run that is trained once.
fn run() -> (tempfile::TempDir, PathBuf) {
    static TRAINED: OnceLock<(tempfile::TempDir, PathBuf)> = OnceLock::new();
    let (_, trained) = TRAINED.get_or_init(|| {
        let runs = tempfile::tempdir().unwrap();
        let run = train(runs.path(), &[]);
        (runs, run)
    });
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("run");
    std::fs::create_dir(&copy).unwrap();
    for entry in std::fs::read_dir(trained).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() {
            std::fs::copy(entry.path(), copy.join(entry.file_name())).unwrap();
        }
    }
    (folder, copy)
}

fn sharpness(run: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_polder"));
    command
        .arg("sharpness")
        .arg(run)
        .args(["--images", "40", "--bn-images", "60", "--batch-size", "20"])
        .args(words);
    command
}

fn success(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output
}

fn json(command: &mut Command) -> Value {
    serde_json::from_slice(&success(command.arg("--json")).stdout).unwrap()
}

fn failure(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(!output.status.success());
    String::from_utf8(output.stderr).unwrap()
}

/// The measure of this name about these weights at the newest checkpoint.
fn measure<'a>(report: &'a Value, weights: &str, name: &str, coordinates: Option<&str>) -> &'a Value {
    let checkpoint = report["checkpoints"].as_array().unwrap().last().unwrap();
    let measures = checkpoint["weights"][weights]["measures"].as_array().unwrap();
    let wanted = |measure: &&Value| {
        measure["measure"] == name
            && coordinates.is_none_or(|coordinates| measure["coordinates"] == coordinates)
    };
    measures.iter().find(wanted).unwrap_or_else(|| panic!("no {name} of {weights}: {measures:?}"))
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

/// All measures at once; numbers that belong together agree.
#[test]
fn every_measure_is_reported_with_its_interval() {
    let (_folder, run) = run();
    let words = [
        "--measures=trace,eigenvalues,density,rises,m-sharpness,line,plane",
        "--weights=iterate,ema,tail",
        "--max-samples=16",
        "--top=2",
        "--tolerance=0.05",
        "--density-probes=2",
        "--density-nodes=6",
        "--ascent-steps=3",
        "--micro-batch=10",
        "--line-points=5",
        "--plane-points=3",
    ];
    let report = json(&mut sharpness(&run, &words));
    assert_eq!((&report["complete"], &report["num_parameters"]), (&Value::from(true), &Value::from(77_850)));
    for weights in ["iterate", "ema", "tail"] {
        let trace = &measure(&report, weights, "trace", None)["found"];
        for coordinates in ["raw", "scale-invariant"] {
            let estimate = &trace[coordinates];
            assert!(number(&estimate["lower"]) < number(&estimate["mean"]), "{estimate}");
            assert!(number(&estimate["mean"]) < number(&estimate["upper"]), "{estimate}");

            let ends = &measure(&report, weights, "eigenvalues", Some(coordinates))["found"];
            let largest = number(&ends["largest"][0]["value"]);
            assert!(largest >= number(&ends["largest"][1]["value"]) && largest > 0.0);
            assert!(number(&ends["largest"][0]["residual"]) <= 0.05 * largest + 1e-9);
            assert!(number(&ends["smallest"][0]["value"]) < largest);

            let density = &measure(&report, weights, "density", Some(coordinates))["found"];
            assert_eq!(density["quadratures"].as_array().unwrap().len(), 2);

            let worst = &measure(&report, weights, "worst-rise", Some(coordinates))["found"];
            let micro = &measure(&report, weights, "m-sharpness", Some(coordinates))["found"];
            let mean = &measure(&report, weights, "average-rise", Some(coordinates))["found"]["mean"];
            assert!(number(&worst["largest"]) > number(&mean["mean"]), "{worst} {mean}");
            // Each micro-batch may choose its own direction.
            assert!(number(&micro["mean"]) > number(&worst["sam"]), "{micro} {worst}");
            assert_eq!(micro["num_samples"], 4);
        }
        // The same function everywhere: the rise begins at the loss.
        let loss = &measure(&report, weights, "loss", None)["found"];
        let centre = number(&measure(&report, weights, "worst-rise", Some("raw"))["found"]["loss"]);
        assert!((number(&loss["loss"]) - centre).abs() < 1e-9, "{loss} {centre}");
    }
    let checkpoint = &report["checkpoints"][0];
    assert_eq!(checkpoint["lines"].as_array().unwrap().len(), 2, "neighbours");
    let line = &checkpoint["lines"][0];
    assert_eq!(line["through"], serde_json::json!(["iterate", "ema"]));
    assert_eq!(line["places"], serde_json::json!([-0.5, 0.0, 0.5, 1.0, 1.5]));
    for (place, weights) in [(1, "iterate"), (3, "ema")] {
        let end = &line["found"]["losses"][place];
        let there = &measure(&report, weights, "loss", None)["found"];
        assert_eq!(end, there, "a line meets its ends");
    }
    let plane = &checkpoint["planes"][0]["found"];
    assert_eq!(plane["losses"].as_array().unwrap().len(), 9);
    assert_eq!(plane["corners"][0], serde_json::json!([0.0, 0.0]));
}

/// Finished parts are not computed again; a further measure computes only itself.
#[test]
fn what_is_finished_is_read_back() {
    let (_folder, run) = run();
    let words = ["--measures=trace", "--max-samples=4", "--weights=iterate"];
    let first = json(&mut sharpness(&run, &words));
    let files = || {
        let mut files: Vec<_> = std::fs::read_dir(run.join("sharpness"))
            .unwrap()
            .map(|entry| entry.unwrap())
            .map(|entry| (entry.file_name(), entry.metadata().unwrap().modified().unwrap()))
            .collect();
        files.sort();
        files
    };
    let before = files();
    assert_eq!(before.len(), 2, "loss and trace");
    assert_eq!(json(&mut sharpness(&run, &words)), first);
    assert_eq!(files(), before);
    let more = ["--measures=trace,m-sharpness", "--max-samples=4", "--weights=iterate", "--coordinates=raw"];
    let second = json(&mut sharpness(&run, &more));
    assert_eq!(measure(&second, "iterate", "trace", None), measure(&first, "iterate", "trace", None));
    let after = files();
    assert_eq!(after.len(), 3);
    assert!(before.iter().all(|file| after.contains(file)));
    // Other images, another answer.
    let test = json(sharpness(&run, &words).args(["--split", "test"]));
    assert_ne!(
        measure(&test, "iterate", "trace", None)["found"],
        measure(&first, "iterate", "trace", None)["found"]
    );
}

#[test]
fn a_measurement_that_is_stopped_continues_to_the_same_numbers() {
    let ((_folder, whole), (_other, stopped)) = (run(), run());
    let words = ["--measures=trace", "--precision=1e-9", "--max-samples=60", "--weights=iterate", "--quiet"];
    let expected = json(&mut sharpness(&whole, &words));

    let mut child = sharpness(&stopped, &words)
        .arg("--json")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // The loss comes first; when it is kept the trace is under way.
    let begun = Instant::now();
    let kept = || std::fs::read_dir(stopped.join("sharpness")).is_ok_and(|files| files.count() > 0);
    while !kept() && child.try_wait().unwrap().is_none() {
        assert!(begun.elapsed() < Duration::from_mins(1), "nothing happened");
        std::thread::sleep(Duration::from_millis(1));
    }
    let signalled = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(signalled.success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    let partial: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(partial["complete"], false);
    assert_eq!(measure(&partial, "iterate", "trace", None)["finished"], false);

    let continued = json(&mut sharpness(&stopped, &words));
    assert_eq!(continued["complete"], true);
    let trace = |report| measure(report, "iterate", "trace", None)["found"].clone();
    assert_eq!(trace(&continued), trace(&expected));
}

#[test]
fn another_run_joins_and_all_checkpoints_are_followed() {
    let (folder, run) = run();
    let other = train(folder.path(), &["optimizer.method=sam", "optimizer.rho=0.1"]);
    let name = other.file_name().unwrap().to_str().unwrap();
    let weights = format!("--weights=iterate,{name}/iterate");
    let with = other.to_str().unwrap();
    let report = json(&mut sharpness(
        &run,
        &["--with", with, &weights, "--measures=line", "--line-points=3", "--all-checkpoints"],
    ));
    let checkpoints = report["checkpoints"].as_array().unwrap();
    assert!(!checkpoints.is_empty());
    let steps: Vec<f64> = checkpoints.iter().map(|checkpoint| number(&checkpoint["step"])).collect();
    assert!(steps.is_sorted() && *steps.last().unwrap() == 8.0, "{steps:?}");
    let lines = checkpoints.last().unwrap()["lines"].as_array().unwrap();
    assert_eq!(lines[0]["through"], serde_json::json!(["iterate", format!("{name}/iterate")]));
    assert!(number(&lines[0]["found"]["distance"]) > 0.0);
}

#[test]
fn the_table_names_every_weight_and_the_pictures_are_drawn() {
    let (folder, run) = run();
    let (svg, png) = (folder.path().join("flat.svg"), folder.path().join("flat.png"));
    let words = ["--measures=trace,line", "--max-samples=4", "--line-points=5", "--split=test"];
    let output = success(sharpness(&run, &words).arg("--svg").arg(&svg).arg("--png").arg(&png));
    let text = String::from_utf8(output.stdout).unwrap();
    for part in
        ["iterate", "tail", "ema", "trace, scale-invariant", "40 test images", "line from iterate to ema"]
    {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    let picture = std::fs::read_to_string(&svg).unwrap();
    assert!(picture.contains("Trace of the Hessian") && picture.contains("From iterate to ema"));
    assert!(std::fs::read(&png).unwrap().starts_with(b"\x89PNG"));
}

#[test]
fn what_is_wrong_is_named() {
    let (folder, run) = run();
    let unknown = failure(&mut sharpness(&run, &["--weights=tali"]));
    assert!(unknown.contains("tali") && unknown.contains("iterate, ema, tail"), "{unknown}");
    let pair = failure(&mut sharpness(&run, &["--line=iterate"]));
    assert!(pair.contains("two names"), "{pair}");
    let nowhere = failure(&mut sharpness(folder.path(), &[]));
    assert!(nowhere.contains("not a run directory"), "{nowhere}");
    let picture = failure(&mut sharpness(&run, &["--png=/nonexistent/a.png"]));
    assert!(picture.contains("/nonexistent"), "{picture}");
    let radius = failure(&mut sharpness(&run, &["--rho=0"]));
    assert!(radius.contains("above 0"), "{radius}");
    assert!(!run.join("sharpness").exists());
}
