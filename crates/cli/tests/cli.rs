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
    for command in [
        "train",
        "evaluate",
        "export",
        "logs",
        "sharpness",
        "bench",
        "theory",
        "reproduce",
        "plan",
        "status",
        "report",
        "data",
        "config",
        "doctor",
        "completions",
        "man",
    ] {
        polder(&[command, "--help"]).assert().success().stdout(contains("Examples:"));
    }
    polder(&["--help"]).assert().success().stdout(contains("Exit codes:"));
}

#[test]
fn an_unknown_key_is_refused_with_those_that_exist() {
    polder(&["train", "--set", "training.epoch=3"])
        .assert()
        .code(1)
        .stderr(contains("there is no key `training.epoch`").and(contains("`training.epochs`")));
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
fn what_belongs_to_cuda_is_refused_on_the_processor() {
    let runs = tempfile::tempdir().unwrap();
    let train = ["train", "--set", "data.dataset=generated", "--runs", runs.path().to_str().unwrap()];
    let (bench, reproduce) = (["bench", "wrn-10-1"], ["reproduce", "--dry-run"]);
    for (command, flags) in [
        (&train[..], &["--tf32", "--deterministic", "--cuda-graphs"][..]),
        (&bench[..], &["--tf32", "--deterministic", "--cuda-graphs"][..]),
        (&reproduce[..], &["--tf32", "--deterministic"][..]),
    ] {
        for flag in flags {
            polder(command).arg(flag).assert().code(1).stderr(contains(*flag).and(contains("--device cuda")));
        }
    }
    assert_eq!(std::fs::read_dir(runs.path()).unwrap().count(), 0, "nothing was begun");
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
fn theory_prints_one_json_object_with_evidence_and_draws_pictures() {
    let folder = tempfile::tempdir().unwrap();
    let (svg, png) = (folder.path().join("rates.svg"), folder.path().join("rates.png"));
    let words = ["theory", "smoothing", "--scale", "smoke", "--steps", "2e4", "--pairs", "2", "--json"];
    let output = polder(&words).arg("--svg").arg(&svg).arg("--png").arg(&png).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    for slope in ["iterate-slope", "average-slope"] {
        let part = |name: &str| result["evidence"][slope][name].as_f64().unwrap();
        assert!(part("low") <= part("value") && part("value") <= part("high"), "{slope}");
    }
    assert!(result["evidence"]["chord-residual"]["value"].as_f64().unwrap() <= 1e-9);
    assert_eq!(result["settings"]["num_steps"], 20_000);
    assert!(std::fs::read_to_string(svg).unwrap().contains("slope"));
    assert!(std::fs::read(png).unwrap().starts_with(b"\x89PNG"));
}

#[test]
fn bench_measures_every_part_of_a_step() {
    let words = ["bench", "wrn-10-1", "--steps", "1", "--batch-size", "2", "--averages", "2", "--json"];
    let output = polder(&words).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    for rate in
        ["images_per_second", "forward_seconds", "backward_seconds", "ceiling_flops", "update_of_copies"]
    {
        assert!(result[rate]["median"].as_f64().unwrap() > 0.0, "{rate}");
    }
    assert_eq!((result["num_parameters"].as_u64(), result["averages"].as_u64()), (Some(77_850), Some(2)));
    polder(&["bench", "wrn-11-1"]).assert().code(1).stderr(contains("wrn-11-1"));
}

#[test]
fn bench_makes_steps_on_demand() {
    let words = ["bench", "wrn-10-1", "--batch-size", "2", "--on-demand"];
    let output = polder(&words).write_stdin("1\n3\n").assert().success().get_output().stdout.clone();
    let turns: Vec<Value> = std::str::from_utf8(&output)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let steps: Vec<u64> = turns.iter().map(|turn| turn["steps"].as_u64().unwrap()).collect();
    assert_eq!(steps, [0, 1, 3], "once when it is ready, then once per line");
    assert!(
        turns[2]["seconds"].as_f64().unwrap() > 0.0 && turns[2]["peak_memory_bytes"].as_u64().unwrap() > 0
    );
    polder(&words).write_stdin("some\n").assert().code(1).stderr(contains("`some`"));
}

#[test]
fn theory_prints_a_table_and_its_settings_can_be_read_and_refused() {
    polder(&["theory", "a1", "--step-size", "0.05", "--steps", "1000", "--burn-in", "0"])
        .assert()
        .success()
        .stdout(contains("chord-residual").and(contains("RMS(v − v*)")));
    polder(&["theory", "students", "--settings"]).assert().success().stdout(contains("student_units = 50"));
    polder(&["theory", "smoothing", "--steps", "0"]).assert().code(1).stderr(contains("num_steps"));
    polder(&["theory", "smoothing", "--noize", "1"]).assert().code(2).stderr(contains("--noise"));
    polder(&["theory", "smoothing", "--set", "num_pair=3"]).assert().code(2).stderr(contains("num_pairs"));
    polder(&["theory", "smoothing", "--svg", "/nonexistent/a.svg"])
        .assert()
        .code(1)
        .stderr(contains("no folder"));
}

/// `cargo xtask reproduce` fetches what this prints.
#[test]
fn a_plan_names_the_data_that_it_needs_and_no_others() {
    let results = tempfile::tempdir().unwrap();
    let needed = |only: &str| {
        let mut command = polder(&["plan", "--data", "--scale", "desk", "--only", only, "--experiments"]);
        command
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../../experiments"))
            .arg("--results")
            .arg(results.path());
        String::from_utf8(command.assert().success().get_output().stdout.clone()).unwrap()
    };
    assert_eq!(needed("A1,B*,D4"), "");
    assert_eq!(needed("C2"), "cifar10\n");
    assert_eq!(needed("A4,C5"), "cifar10\ncifar100\nfashion-mnist\n");
}

#[test]
fn a_selection_of_nothing_is_an_error_that_names_a_scale() {
    let folder = tempfile::tempdir().unwrap();
    let experiments = concat!(env!("CARGO_MANIFEST_DIR"), "/../../experiments");
    for name in ["C2-regulariser.toml", "published.toml"] {
        std::fs::copy(format!("{experiments}/{name}"), folder.path().join(name)).unwrap();
    }
    let results = folder.path().join("results");
    for command in ["plan", "reproduce"] {
        polder(&[command, "--experiments"])
            .arg(folder.path())
            .arg("--results")
            .arg(&results)
            .assert()
            .code(1)
            .stderr(contains("`default`").and(contains("--scale desk")));
    }
    assert!(!results.exists(), "nothing was begun");
}

#[test]
fn the_doctor_names_libtorch_and_the_data_sets() {
    polder(&["doctor", "--data-dir", "/nonexistent"])
        .assert()
        .success()
        .stdout(contains("libtorch").and(contains("2.11.0")).and(contains("cuda")).and(contains("cifar100")));
}
