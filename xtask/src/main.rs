//! Set-up, data sets, tests, benches, promises and the reproduction, each by one command: `cargo xtask --help`.
//!
//! Never links libtorch, so that it runs before libtorch is there.

mod args;
mod bench;
mod book;
mod command;
mod data;
mod external_tools;
mod file;
mod folder_lock;
mod machine;
mod markdown_table;
mod number;
mod packages;
mod promises;
mod python_environment;
mod reproduce;
mod results;
mod setup;
mod test;
mod tidy;
mod workspace;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;

use crate::args::{Args, Task};
use crate::workspace::Workspace;

fn main() -> ExitCode {
    match run(Args::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: Args) -> Result<ExitCode> {
    let workspace = Workspace::find()?;
    match args.task {
        Task::Setup(setup) => {
            let mut machine = setup::Machine::detect();
            machine.nvidia_driver |= setup.cuda;
            setup::run(workspace.root(), &machine).map(|_| ExitCode::SUCCESS)
        }
        Task::Test => test::run(&workspace),
        Task::Tidy => tidy::run(&workspace),
        Task::Data(data) => data::run(&workspace, &data),
        Task::Results(results) => results::run(&workspace, &results).map(|()| ExitCode::SUCCESS),
        Task::Reproduce(reproduce) => reproduce::run(&workspace, &reproduce),
        Task::Bench(bench) => bench::run(&workspace, &bench).map(|()| ExitCode::SUCCESS),
        Task::Promises(promises) => promises::run(&workspace, &promises),
        Task::Book => book::run(&workspace).map(|()| ExitCode::SUCCESS),
    }
}
