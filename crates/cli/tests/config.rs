//! `polder config`: the schema, explanations, and what a configuration comes to.

use assert_cmd::Command;
use predicates::prelude::*;
use predicates::str::contains;
use serde_json::Value;

fn polder(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_polder"));
    command.args(arguments);
    command
}

fn json(arguments: &[&str]) -> Value {
    let output = polder(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn the_schema_is_one_json_document_that_names_its_draft() {
    let schema = json(&["config", "schema"]);
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    assert_eq!(schema["$defs"]["TrainingConfig"]["properties"]["epochs"]["default"], 12);
}

#[test]
fn a_key_is_explained_with_examples_that_can_be_read() {
    polder(&["config", "explain", "optimizer.rho"])
        .assert()
        .success()
        .stdout(contains("optimizer.method = \"sam\"").and(contains("--set optimizer.rho=0.05")));
    let keys = json(&["config", "explain", "optimizer.rho", "--json"]);
    let flags: Vec<&str> = keys[0]["set"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    let settings = flags.iter().flat_map(|flag| ["--set", flag]);
    polder(&["config", "show"]).args(settings).assert().success().stdout(contains("rho = 0.05"));
    polder(&["config", "explain"])
        .assert()
        .success()
        .stdout(predicate::str::is_match("training.epochs +12 +Passes over the training images").unwrap());
}

#[test]
fn an_unknown_key_is_answered_with_the_nearest() {
    for (typed, meant) in
        [("optimizer.roh", "`optimizer.rho`"), ("rho", "`optimizer.rho`"), ("schedul", "`schedule`")]
    {
        let expected = contains(format!("there is no key `{typed}`; did you mean {meant}?"));
        polder(&["config", "explain", typed]).assert().code(1).stderr(expected.clone());
        polder(&["config", "explain", typed, "--json"]).assert().code(1).stderr(expected);
    }
    polder(&["config", "show", "--set", "training.epoch=3"])
        .assert()
        .code(1)
        .stderr(contains("`--set training.epoch=3`").and(contains("did you mean `training.epochs`?")));
}

/// The id under which runs of the default configuration were stored before there was this command.
#[test]
fn a_configuration_is_shown_as_a_file_and_its_id_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.toml");
    let output = polder(&["config", "show"]).output().unwrap();
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "run 10c663efec8f\n");
    std::fs::write(&path, &output.stdout).unwrap();
    let again = polder(&["config", "show"]).arg(&path).assert().success();
    let again = again.stderr("run 10c663efec8f\n").get_output().stdout.clone();
    assert_eq!(again, output.stdout);
    polder(&["train", "--print-config"]).arg(&path).assert().success().stdout(output.stdout);
}

#[test]
fn a_mistake_in_a_file_is_named_with_file_line_and_key() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.toml");
    std::fs::write(&path, "# A comment.\n\n[training]\nepochs = 3\n\n[optimizer]\nmomentun = 0.9\n").unwrap();
    polder(&["config", "show"])
        .arg(&path)
        .assert()
        .code(1)
        .stderr(contains("run.toml").and(contains("line 7")).and(contains("did you mean `momentum`?")));
    std::fs::write(&path, "[training]\nepochs = 'three'\n").unwrap();
    polder(&["config", "show"])
        .arg(&path)
        .assert()
        .code(1)
        .stderr(contains("line 2").and(contains("epochs = 'three'")));
    polder(&["config", "show", "--set", "model.name=wnr-10-1"])
        .assert()
        .code(1)
        .stderr(contains("model.name").and(contains("wrn-10-1")));
}

/// As `head` leaves it.
#[test]
fn a_reader_that_goes_away_is_no_error() {
    for arguments in [
        ["config", "schema"].as_slice(),
        &["config", "explain"],
        &["config", "show"],
        &["train", "--print-config"],
        &["completions", "bash"],
        &["man"],
        &["doctor", "--data-dir", "/nonexistent"],
        &["theory", "smoothing", "--settings"],
        &["theory", "smoothing", "--scale", "smoke"],
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let polder = |stderr: std::process::Stdio| {
            std::process::Command::new(env!("CARGO_BIN_EXE_polder"))
                .args(arguments)
                .stdout(writer.try_clone().unwrap())
                .stderr(stderr)
                .output()
                .unwrap()
        };
        let output = polder(std::process::Stdio::piped());
        let message = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && !message.contains("panicked"), "{arguments:?}: {message}");
        let neither = polder(writer.try_clone().unwrap().into());
        assert!(neither.status.success(), "{arguments:?}: {}", neither.status);
    }
}
