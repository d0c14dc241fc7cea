//! `cargo xtask bench`: how fast the input pipeline, the simulations and the networks are, beside their peers.
//!
//! `bench data` sets the input pipeline beside the limit of one core, too.
//! criterion measures `polder-data`'s benches one after another; `examples/loader_speed.rs` measures loader and limit
//! in alternating rounds, so that its ratios hold on a busy machine too; `benches/peers.py` measures the peers. Here
//! they become one table.

mod criterion;
mod models;
mod models_program;
mod models_report;
mod models_training;
mod peer;
mod python;
mod table;
mod theory;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::SystemTime;

use anyhow::Result;
use serde_json::Value;

use crate::args::{BenchAction, BenchDataArgs};
use crate::bench::table::Report;
use crate::command;
use crate::data;
use crate::machine;
use crate::workspace::Workspace;

/// Measures what was asked for and prints the table on standard output; everything else goes to standard error.
pub(crate) fn run(workspace: &Workspace, action: &BenchAction) -> Result<()> {
    match action {
        BenchAction::Data(args) => run_data(workspace, args),
        BenchAction::Theory(args) => theory::run(workspace, args),
        BenchAction::Models(args) => models::run(workspace, args),
    }
}

fn run_data(workspace: &Workspace, args: &BenchDataArgs) -> Result<()> {
    // Before the minutes of measuring: without an interpreter there are no peers.
    let python = python::provide(workspace, &args.peers)?;
    let data_dir = Some(workspace.data_dir(args.data_dir.as_deref())).filter(|dir| data::has_cifar10(dir));
    if data_dir.is_none() {
        eprintln!(
            "bench: CIFAR-10 is not there, generated images of the same size take its place; \
             `cargo xtask data fetch cifar10`, or `--data-dir`"
        );
    }

    build(workspace)?;
    let interleaved = run_interleaved(workspace, data_dir.as_deref())?;
    let measured = run_benches(workspace, data_dir.as_deref())?;
    let peers = match &python {
        Some(python) => peer::measure(workspace, python, data_dir.as_deref())?,
        None => Vec::new(),
    };
    let data = match data_dir {
        Some(_) => "CIFAR-10, 50,000 training images, mapped and in memory",
        None => "50,000 generated images of CIFAR-10's size, as CIFAR-10 is not there",
    };
    let report = Report {
        data: data.to_owned(),
        machine: machine::describe(workspace),
        interleaved,
        benches: measured,
        peers,
    };
    println!("{}", if args.peers.json { report.json() } else { report.markdown() });
    Ok(())
}

/// All that is measured later: what does not compile is told before the minutes of measuring.
fn build(workspace: &Workspace) -> Result<()> {
    let package = ["--locked", "--package", "polder-data"];
    command::run(
        workspace.cargo().args(["build", "--release"]).args(package).args(["--example", "loader_speed"]),
    )?;
    let mut benches = workspace.cargo();
    benches.args(["bench", "--no-run"]).args(package).args(["--bench", "pipeline"]);
    command::run(benches.stdout(Stdio::from(std::io::stderr())))
}

fn run_benches(workspace: &Workspace, data_dir: Option<&Path>) -> Result<Vec<criterion::Measured>> {
    let home = workspace.target_dir()?.join("criterion");
    let start = SystemTime::now();
    let mut bench = workspace.cargo();
    bench.args(["bench", "--locked", "--package", "polder-data", "--bench", "pipeline"]);
    bench.env("CRITERION_HOME", &home);
    name_data(&mut bench, data_dir);
    bench.stdout(Stdio::from(std::io::stderr()));
    command::run(&mut bench)?;
    criterion::read(&home, start)
}

/// The lines of `loader_speed`'s JSON; `None` without CIFAR-10, which it wants.
fn run_interleaved(workspace: &Workspace, data_dir: Option<&Path>) -> Result<Option<Value>> {
    let Some(data_dir) = data_dir else { return Ok(None) };
    let mut example = workspace.cargo();
    example.args(["run", "--release", "--locked", "--package", "polder-data", "--example", "loader_speed"]);
    example.arg("--").arg("--data-dir").arg(data_dir);
    command::json(&mut example).map(Some)
}

/// Benches read the folder from the environment; a folder without CIFAR-10 would be an error to them.
fn name_data(command: &mut Command, data_dir: Option<&Path>) {
    match data_dir {
        Some(dir) => command.env("POLDER_DATA", PathBuf::from(dir)),
        None => command.env_remove("POLDER_DATA"),
    };
}
