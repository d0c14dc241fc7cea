//! `polder profile-input` as a user meets it: the verdict, the JSON document, the trace, the picture, mistakes.

use std::collections::BTreeMap;
use std::path::Path;

use assert_cmd::Command;
use predicates::prelude::*;
use predicates::str::contains;
use serde_json::Value;

/// On generated images, for so many seconds per measurement.
fn profile(seconds: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_polder"));
    command.args(["profile-input", "--dataset", "generated", "--images", "640", "--seconds", seconds]);
    command.args(arguments).env_remove("POLDER_DATA");
    command
}

fn json(arguments: &[&str]) -> Value {
    let output = profile("0.3", arguments).arg("--json").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn a_consumer_that_is_never_fed_fast_enough_is_input_bound_and_every_advice_is_measured() {
    let profile = json(&["--consumer-rate", "900000000"]);
    assert_eq!(profile["verdict"]["bound"], "input", "{}", profile["verdict_text"]);
    assert!(profile["verdict"]["consumer_over_loader"].as_f64().unwrap() > 2.0);
    assert!(profile["waited"]["median"].as_f64().unwrap() > 0.5);
    let trials = profile["trials"].as_array().unwrap();
    assert!(trials.iter().all(|trial| trial["change"].get("format").is_none()), "{trials:?}");
    for trial in trials {
        assert!(trial["gain"]["median"].as_f64().unwrap() > 0.0);
        let kept = trial["helps"].as_bool().unwrap();
        assert!(kept || profile["recommended"] != trial["after"], "withdrawn and still recommended: {trial}");
    }
}

#[test]
fn a_slow_consumer_is_compute_bound_and_has_nothing_to_gain() {
    // So slow, and with so little to make for a step, that a loader on a fully loaded machine is still ahead of it.
    let profile = json(&["--consumer-rate", "400", "--batch-size", "16"]);
    assert_eq!(profile["verdict"]["bound"], "compute", "{}", profile["verdict_text"]);
    let alone = profile["consumer_alone"]["median"].as_f64().unwrap();
    assert!((200.0..=401.0).contains(&alone), "the simulation runs at {alone} images per second, not 400");
    let rounds = profile["rounds"].as_array().unwrap();
    assert_eq!(rounds.len(), 5);
    let stages = |name: &str| -> Vec<String> {
        let stages = profile[name].as_array().unwrap().iter();
        stages.map(|stage| stage["stage"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(stages("stages_alone"), ["plan", "idle", "fill", "wait"]);
    assert_eq!(stages("stages_together"), stages("stages_alone"));
    let samples = profile["queue"]["samples"].as_array().unwrap();
    let capacity = profile["queue"]["capacity"].as_u64().unwrap();
    assert!(samples.len() >= 3 && samples.iter().all(|sample| sample[1].as_u64().unwrap() <= capacity));
}

#[test]
fn a_network_trains_on_what_the_loader_hands_out() {
    for model in ["wrn-10-1", "mlp-3072-16x1"] {
        profile("0.05", &["--model", model, "--threads", "1", "--batch-size", "4", "--prefetch", "3"])
            .assert()
            .success()
            .stdout(contains("Verdict: ").and(contains(model)).and(contains("prefetch 3")));
    }
}

#[test]
fn the_trace_has_the_spans_of_every_thread_and_each_one_ends() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("out.json");
    profile("0.1", &["--consumer-rate", "100000000", "--workers", "2", "--trace"])
        .arg(&file)
        .assert()
        .success();
    let events: Vec<Value> = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    let mut names = BTreeMap::new();
    let mut open: BTreeMap<u64, Vec<(&str, f64)>> = BTreeMap::new();
    let mut seen: BTreeMap<u64, BTreeMap<&str, usize>> = BTreeMap::new();
    for event in &events {
        let thread = event["tid"].as_u64().unwrap();
        let name = event["name"].as_str().unwrap();
        let time = || event["ts"].as_f64().unwrap();
        match event["ph"].as_str().unwrap() {
            "M" => drop(names.insert(thread, event["args"]["name"].as_str().unwrap())),
            "B" => open.entry(thread).or_default().push((name, time())),
            "E" => {
                let (begun, start) =
                    open.get_mut(&thread).and_then(Vec::pop).expect("an end has a beginning");
                assert!(begun == name && start <= time(), "{begun} ends as {name}");
                *seen.entry(thread).or_default().entry(name).or_default() += 1;
            }
            other => panic!("an event of an unknown kind: {other}"),
        }
    }
    assert!(open.values().all(Vec::is_empty), "spans that never end: {open:?}");
    let (mut consumers, mut workers) = (0, 0);
    for (thread, spans) in &seen {
        let has = |span: &str| spans.get(span).is_some_and(|count| *count > 0);
        match names[thread] {
            "main" => {
                consumers += 1;
                assert!(has("plan") && has("wait") && has("step"), "{spans:?}");
            }
            name => {
                workers += 1;
                assert!(name.starts_with("polder-data-") && has("idle"), "{name}: {spans:?}");
            }
        }
    }
    assert!(consumers == 1 && workers >= 2, "{names:?}");
    let fills: usize = seen.values().filter_map(|spans| spans.get("fill")).sum();
    let steps: usize = seen.values().filter_map(|spans| spans.get("step")).sum();
    assert!(fills >= steps && steps > 0, "{fills} minibatches were made, {steps} taken");
}

#[test]
fn a_folder_gets_the_document_and_the_picture() {
    let dir = tempfile::tempdir().unwrap();
    let picture = dir.path().join("elsewhere.svg");
    profile("0.1", &["--consumer-rate", "5000", "--output"])
        .arg(dir.path())
        .arg("--picture")
        .arg(&picture)
        .assert()
        .success()
        .stdout(contains("queue, 0 to 3: ").and(contains("stalls: ")));
    let document: Value = read(&dir.path().join("profile-input.json"));
    assert!(document["command"].as_str().unwrap().starts_with("polder profile-input --consumer-rate 5000"));
    let svg = std::fs::read_to_string(dir.path().join("profile-input.svg")).unwrap();
    assert!(svg.starts_with("<svg ") && svg.contains("Throughput"));
    assert_eq!(svg, std::fs::read_to_string(picture).unwrap());
}

fn read(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

#[test]
fn mistakes_are_answered_with_what_to_do() {
    let polder = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_polder"));
        command.arg("profile-input").args(arguments).env_remove("POLDER_DATA");
        command.assert().failure()
    };
    polder(&["--dataset", "generated", "--model", "resnet18"])
        .stderr(contains("resnet18").and(contains("nearest to it: resnet-18")));
    polder(&["--data-dir", "/nonexistent/data"])
        .stderr(contains("/nonexistent/data").and(contains("polder data fetch cifar10")));
    polder(&["--dataset", "generated", "--model", "mlp-784-1000x2"])
        .stderr(contains("784 values").and(contains("--consumer-rate")));
    polder(&["--dataset", "cifar11"]).code(2).stderr(contains("cifar10").and(contains("generated")));
    polder(&["--model", "wrn-10-1", "--consumer-rate", "5"]).code(2).stderr(contains("cannot be used with"));
    polder(&["--consumer-rate", "0"]).code(2).stderr(contains("positive number"));
    polder(&["--dataset", "generated", "--trace", "/nonexistent/out.json"])
        .stderr(contains("cannot write the trace `/nonexistent/out.json`"));
}

#[test]
fn help_has_examples_and_says_what_is_measured() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_polder"));
    command
        .args(["profile-input", "--help"])
        .assert()
        .success()
        .stdout(contains("Examples:").and(contains("--consumer-rate")).and(contains("--trace")));
}
