//! The program that was built without libtorch: it plans, simulates and reports, and says that it cannot train.
#![cfg(not(feature = "training"))]

use std::path::Path;

use assert_cmd::Command;
use polder_experiment::experiment::{Extent, read_all, select};
use polder_experiment::plan::Plan;
use polder_experiment::plan::session::Session;
use polder_experiment::scale::ScaleName;
use polder_experiment::synthetic;
use predicates::prelude::*;
use predicates::str::contains;

fn polder(results: &Path, arguments: &[&str]) -> assert_cmd::assert::Assert {
    let mut command = Command::new(env!("CARGO_BIN_EXE_polder"));
    command.args(arguments).env_remove("POLDER_DATA");
    command.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."));
    if !arguments.contains(&"theory") {
        command.arg("--results").arg(results);
    }
    command.assert()
}

#[test]
fn plans_simulations_status_and_reports_need_no_libtorch() {
    let dir = tempfile::tempdir().unwrap();
    let results = dir.path();
    polder(results, &["plan", "--scale", "smoke", "--only", "A1,A4"]).success().stdout(contains("A4"));
    polder(results, &["theory", "smoothing", "--scale", "smoke"]).success().stdout(contains("A1"));
    polder(results, &["status"]).failure().stderr(contains("polder reproduce"));
    polder(results, &["report"]).failure().stderr(contains("polder reproduce"));
}

#[test]
fn the_report_of_recorded_runs_is_drawn() {
    let dir = tempfile::tempdir().unwrap();
    let (extent, only) = (Extent::all(ScaleName::Smoke), ["A4".to_owned()]);
    let experiments = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../experiments");
    let selected = select(read_all(&experiments).unwrap(), &only, extent).unwrap();
    for run in &Plan::new(&selected, extent, dir.path()).unwrap().runs {
        synthetic::write_run(dir.path(), &run.config, None);
    }
    let session = Session {
        own_experiments: None,
        version: String::new(),
        extent,
        only: only.to_vec(),
        jobs: 1,
        threads: 1,
        missing: Vec::new(),
        failures: Vec::new(),
        interrupted: false,
    };
    session.write(dir.path()).unwrap();
    polder(dir.path(), &["report"]).success().stdout(contains("report.html"));
    polder(dir.path(), &["status"]).success().stdout(contains("A4").and(contains("best so far")));
}

#[test]
fn help_says_that_this_program_cannot_train() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_polder"));
    command.arg("--help").assert().success().stdout(
        contains("built without libtorch").and(contains("\n  plan ")).and(contains("\n  train ").not()),
    );
}
