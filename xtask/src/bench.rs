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

use std::path::Path;
use std::process::Stdio;
use std::time::SystemTime;

use anyhow::Result;

use crate::args::{BenchAction, BenchDataArgs};
use crate::bench::table::Report;
use crate::command;
use crate::data;
use crate::machine;
use crate::workspace::Workspace;

/// Measures loader and limit in alternating rounds, on CIFAR-10 only.
const LOADER_SPEED: &str = "--release --locked --package polder-data --example loader_speed";

const PIPELINE: &str = "--locked --package polder-data --bench pipeline";

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

    // Built first, so that a compile error shows up before minutes of measuring.
    command::run(&mut workspace.cargo(&format!("build {LOADER_SPEED}")))?;
    let mut benches = workspace.cargo(&format!("bench --no-run {PIPELINE}"));
    command::run(benches.stdout(Stdio::from(std::io::stderr())))?;
    let interleaved = data_dir.as_ref().map(|data_dir| {
        let mut example = workspace.cargo(&format!("run {LOADER_SPEED} -- --data-dir"));
        command::json(example.arg(data_dir))
    });
    let interleaved = interleaved.transpose()?;
    let benches = pipeline(workspace, data_dir.as_deref())?;
    let peers = match &python {
        Some(python) => peer::measure(workspace, python, data_dir.as_deref())?,
        None => Vec::new(),
    };
    let data = match data_dir {
        Some(_) => "CIFAR-10, 50,000 training images, mapped and in memory",
        None => "50,000 generated images of CIFAR-10's size, as CIFAR-10 is not there",
    };
    let machine = machine::describe(workspace);
    let report = Report { data: data.to_owned(), machine, interleaved, benches, peers };
    println!("{}", if args.peers.json { report.json() } else { report.markdown() });
    Ok(())
}

/// Runs criterion's benches and reads what they measured.
fn pipeline(workspace: &Workspace, data_dir: Option<&Path>) -> Result<Vec<criterion::Measured>> {
    let home = workspace.target_dir()?.join("criterion");
    let start = SystemTime::now();
    let mut bench = workspace.cargo(&format!("bench {PIPELINE}"));
    bench.env("CRITERION_HOME", &home).stdout(Stdio::from(std::io::stderr()));
    // Benches read the folder from the environment; a folder without CIFAR-10 would be an error to them.
    match data_dir {
        Some(dir) => bench.env("POLDER_DATA", dir),
        None => bench.env_remove("POLDER_DATA"),
    };
    command::run(&mut bench)?;
    criterion::read(&home, start)
}
