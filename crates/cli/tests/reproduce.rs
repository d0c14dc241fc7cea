//! `polder reproduce` from plan to page, through the real binary.

mod event_file;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Some of the repository's experiments, with A4 on a few generated images and two seeds.
fn small_experiments(dir: &Path) -> PathBuf {
    let experiments = dir.join("experiments");
    std::fs::create_dir(&experiments).unwrap();
    for name in ["A1-rates.toml", "A6-flatness.toml", "published.toml", "A4-cifar.toml"] {
        let mut text = std::fs::read_to_string(repository().join("experiments").join(name)).unwrap();
        if name == "A4-cifar.toml" {
            let of_cifar100 = text.rfind("[[grid.cells]]").unwrap()..text.find("[scales.smoke]").unwrap();
            assert!(text[of_cifar100.clone()].contains("cifar100"));
            text.replace_range(of_cifar100, "");
            // The only claim that names a data set.
            let of_both = text.find("[[claims]]\nid = \"A4.5\"").unwrap();
            let after = of_both + 2 + text[of_both + 2..].find("[[claims]]").unwrap();
            text.replace_range(of_both..after, "");
            for (full, small) in [
                ("[\"cifar10\", \"cifar100\"]", "[\"generated\"]"),
                (
                    "vary = { data.dataset = [\"cifar10\"] }\n\n[scales",
                    "vary = { data.dataset = [\"generated\"] }\n\n[scales",
                ),
                (
                    "= 2 }\nvary = { data.dataset = [\"cifar10\"] }",
                    "= 2 }\nvary = { data.dataset = [\"generated\"] }",
                ),
                ("train_images = 2000, test_images = 1000", "train_images = 256, test_images = 100"),
                ("seeds = [0]", "seeds = [0, 1]"),
            ] {
                assert!(text.contains(full), "{full}");
                text = text.replacen(full, small, 1);
            }
        }
        std::fs::write(experiments.join(name), text).unwrap();
    }
    experiments
}

fn reproduce(experiments: &Path, results: &Path, more: &[&str]) -> Output {
    reproduction(experiments, results, more).output().unwrap()
}

fn reproduction(experiments: &Path, results: &Path, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_polder"));
    command
        .args(["reproduce", "--scale", "smoke", "--threads", "1", "--experiments"])
        .arg(experiments)
        .arg("--results")
        .arg(results)
        .args(["--data-dir", "/nonexistent/data"])
        .args(more);
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn experiments_run_once_and_end_in_a_self_contained_page() {
    let dir = tempfile::tempdir().unwrap();
    let (experiments, results) = (small_experiments(dir.path()), dir.path().join("results"));
    let plan = reproduce(&experiments, &results, &["--dry-run"]);
    assert!(plan.status.success(), "{}", text(&plan.stderr));
    assert!(text(&plan.stdout).contains("6 runs"), "{}", text(&plan.stdout));
    assert!(!results.join("report.html").exists(), "a dry run computes nothing");

    let first = reproduce(&experiments, &results, &[]);
    assert!(first.status.success(), "{}", text(&first.stderr));
    let page = std::fs::read_to_string(results.join("report.html")).unwrap();
    assert!(
        !page.contains("<script src") && !page.contains("<link rel=\"stylesheet\""),
        "nothing is fetched"
    );
    let summary: Value =
        serde_json::from_slice(&std::fs::read(results.join("results.json")).unwrap()).unwrap();
    assert_eq!(summary["complete"], true);
    let a6 = summary["experiments"].as_array().unwrap().iter().find(|one| one["id"] == "A6").unwrap();
    assert!(a6["claims"][0]["effect"].is_f64(), "flatness was measured: {}", a6["claims"][0]);
    // A line's ends are the weights whose curvature is measured, at `smoke` on as many images.
    for run in std::fs::read_dir(results.join("runs")).unwrap() {
        let flatness = std::fs::read(run.unwrap().path().join("flatness.json")).unwrap();
        let [curvature, sections]: [Value; 2] = serde_json::from_slice(&flatness).unwrap();
        let [section] = &sections["sections"].as_array().unwrap()[..] else { panic!("one line") };
        for (place, weights) in [(0.0, "iterate"), (1.0, "tail")] {
            let points = section["train"].as_array().unwrap();
            let point = points.iter().find(|point| point["at"].as_f64() == Some(place)).unwrap();
            let (on_line, alone) = (&point["loss"], &curvature["by_weights"][weights]["loss"]);
            let apart = on_line.as_f64().unwrap() - alone.as_f64().unwrap();
            assert!(apart.abs() < 1e-6, "{weights}: {on_line} on the line, {alone} alone");
        }
        assert_eq!(section["train"].as_array().unwrap().len(), section["test"].as_array().unwrap().len());
    }
    assert!(results.join("figures/A6-the-loss-between-last-iterate-and-average.svg").exists());
    let rows = std::fs::read_to_string(results.join("results.csv")).unwrap().lines().count();
    assert!(rows > 12, "a row per run, weights and evaluation: {rows}");
    assert!(results.join("report.md").exists());
    for cell in ["large steps, SGD", "small steps, SGD", "small steps, SAM"] {
        for seed in ["seed-0", "seed-1"] {
            let folder = results.join("logs/A4").join(cell).join(seed);
            let events = event_file::read(&event_file::only_file(&folder));
            let has_curves = events.iter().any(|event| event.step > 0 && !event.scalars.is_empty());
            assert!(has_curves, "{}", folder.display());
        }
    }

    let runs = || {
        let runs = std::fs::read_dir(results.join("runs"))
            .unwrap()
            .map(|run| run.unwrap().path().join("record.jsonl"));
        let mut runs: Vec<_> =
            runs.map(|path| (path.clone(), std::fs::metadata(path).unwrap().modified().unwrap())).collect();
        runs.sort();
        runs
    };
    let before = runs();
    assert_eq!(before.len(), 6);
    let second = reproduce(&experiments, &results, &[]);
    assert!(second.status.success(), "{}", text(&second.stderr));
    assert_eq!(runs(), before, "finished runs are not repeated");
}

/// As with `polder reproduce 2>&1 | head`.
#[test]
fn nobody_has_to_read_what_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let experiments = small_experiments(dir.path());
    let mut child = reproduction(&experiments, dir.path(), &["--only", "A4", "--seeds", "1"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop((child.stdout.take(), child.stderr.take()));
    assert!(child.wait().unwrap().success());
    assert!(dir.path().join("report.html").exists());
}

#[test]
fn without_cifar_the_rest_runs_and_the_page_names_the_command_that_adds_it() {
    let dir = tempfile::tempdir().unwrap();
    let results = dir.path().join("results");
    let output = reproduce(&repository().join("experiments"), &results, &[]);
    assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
    let remedy = "polder data fetch cifar10 --data-dir";
    assert!(text(&output.stderr).contains(remedy), "{}", text(&output.stderr));
    let page = std::fs::read_to_string(results.join("report.html")).unwrap();
    assert!(page.contains(remedy));
    let summary: Value =
        serde_json::from_slice(&std::fs::read(results.join("results.json")).unwrap()).unwrap();
    assert_eq!(summary["complete"], false);
}

#[test]
fn a_results_folder_that_cannot_be_used_is_named_before_anything_is_computed() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let output =
        reproduce(&repository().join("experiments"), &file.path().join("results"), &["--only", "A1"]);
    assert_eq!(output.status.code(), Some(1));
    let message = text(&output.stderr);
    assert!(message.contains(file.path().to_str().unwrap()) && message.contains("--results"), "{message}");
}
