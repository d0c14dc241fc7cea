//! The command line as a new user meets it: help, mistakes, and what the messages say.

use assert_cmd::Command;
use predicates::prelude::*;
use predicates::str::contains;
use serde_json::Value;

fn polder(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_polder"));
    command.args(arguments).env_remove("POLDER_DATA");
    command
}

#[test]
fn every_subcommand_has_help_with_examples() {
    for command in ["train", "evaluate", "theory", "reproduce", "report", "data", "doctor"] {
        polder(&[command, "--help"]).assert().success().stdout(contains("Examples:"));
    }
    polder(&["--help"]).assert().success().stdout(contains("Exit codes:"));
}

#[test]
fn an_unknown_key_is_refused_with_those_that_exist() {
    polder(&["train", "--set", "training.epoch=3"])
        .assert()
        .code(1)
        .stderr(contains("unknown field `epoch`").and(contains("epochs")));
}

#[test]
fn an_unknown_network_is_refused_with_those_that_exist() {
    let runs = tempfile::tempdir().unwrap();
    polder(&["train", "--set", "data.dataset=generated", "--set", "model.name=wrn-11-1", "--runs"])
        .arg(runs.path())
        .assert()
        .code(1)
        .stderr(contains("wrn-11-1").and(contains("wrn-<depth>-<widening>")));
}

#[test]
fn a_missing_data_folder_is_named_with_the_command_that_adds_it() {
    let runs = tempfile::tempdir().unwrap();
    polder(&["train", "--data-dir", "/nonexistent/data", "--runs"]).arg(runs.path()).assert().code(1).stderr(
        contains("/nonexistent/data").and(contains("polder data fetch cifar10")).and(contains("POLDER_DATA")),
    );
}

/// On a machine with a usable GPU there is nothing to refuse, and the run below is a training on it.
#[test]
fn cuda_is_never_silently_the_cpu() {
    let runs = tempfile::tempdir().unwrap();
    let output = polder(&["train", "--device", "cuda", "--set", "data.dataset=generated", "--set"])
        .args([
            "training.epochs=1",
            "--set",
            "data.train_images=64",
            "--set",
            "data.test_images=10",
            "--runs",
        ])
        .arg(runs.path())
        .output()
        .unwrap();
    if output.status.success() {
        let run = std::fs::read_dir(runs.path()).unwrap().next().unwrap().unwrap().path();
        assert!(std::fs::read_to_string(run.join("record.jsonl")).unwrap().contains(r#""device":"cuda""#));
    } else {
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(message.contains("CUDA was asked for") && message.contains("--device cpu"), "{message}");
    }
}

#[test]
fn a_runs_folder_that_cannot_be_made_is_named() {
    let file = tempfile::NamedTempFile::new().unwrap();
    polder(&["train", "--set", "data.dataset=generated", "--runs"])
        .arg(file.path())
        .assert()
        .code(1)
        .stderr(contains(file.path().to_str().unwrap()).and(contains("--runs chooses another place")));
}

#[test]
fn a_printed_configuration_is_one_that_can_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let printed = polder(&["train", "--print-config", "--seed", "7"]).output().unwrap().stdout;
    let path = folder.path().join("run.toml");
    std::fs::write(&path, &printed).unwrap();
    polder(&["train", "--print-config"])
        .arg(&path)
        .assert()
        .success()
        .stdout(String::from_utf8(printed).unwrap());
}

#[test]
fn an_evaluation_of_what_is_no_run_says_so() {
    let folder = tempfile::tempdir().unwrap();
    polder(&["evaluate"]).arg(folder.path()).assert().code(1).stderr(contains("not a run directory"));
}

#[test]
fn theory_prints_one_json_object_with_both_slopes() {
    let output = polder(&["theory", "A1", "--steps", "20000", "--pairs", "2", "--json"]).output().unwrap();
    assert!(output.status.success());
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    for slope in ["sgd_slope", "averaged_slope"] {
        let part = |name: &str| result[slope][name].as_f64().unwrap();
        assert!(part("low") <= part("estimate") && part("estimate") <= part("high"), "{slope}");
    }
    assert!(result["chord_residual_max"].as_f64().unwrap() <= 1e-9);
}

#[test]
fn the_doctor_names_libtorch_and_the_data_sets() {
    polder(&["doctor", "--data-dir", "/nonexistent"])
        .assert()
        .success()
        .stdout(contains("libtorch").and(contains("2.11.0")).and(contains("cuda")).and(contains("cifar100")));
}
