//! Trains image classifiers with SGD, averaged SGD and SAM, and reproduces the papers that explain flat minima.

// A reader such as `head` may end before us, and the macros panic then: `stdout::print` and `stderr::say` do not.
#![cfg_attr(not(test), deny(clippy::print_stdout, clippy::print_stderr))]
#![cfg_attr(
    not(feature = "training"),
    allow(dead_code, unused_imports, clippy::unused_self, reason = "some of it serves commands that train")
)]

mod args;
mod commands;
mod data_dir;
mod division;
mod exit_code;
mod interrupt;
#[cfg(not(feature = "training"))]
mod recorded_speeds;
mod stderr;
mod stdout;
mod trace;
#[cfg(feature = "training")]
mod training;
mod work_bar;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser};

use crate::args::{Args, Command};
use crate::exit_code::Outcome;
#[cfg(not(feature = "training"))]
use crate::recorded_speeds::MachineFlags;
#[cfg(feature = "training")]
use crate::training::machine_flags::MachineFlags;

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(code) => code,
        #[cfg(feature = "training")]
        Err(error) if polder_train::interrupt::caused(&error) => {
            stderr::say("stopped; nothing was written");
            Outcome::Interrupted.into()
        }
        Err(error) => {
            stderr::say(&format!("error: {error:#}"));
            Outcome::Failed.into()
        }
    }
}

fn run(args: &Args) -> anyhow::Result<ExitCode> {
    // Whole when it goes, after all that is traced.
    let _trace = trace::start(&args.log, args.trace.as_deref())?;
    interrupt::watch()?;
    match &args.command {
        #[cfg(feature = "training")]
        Command::Training(command) => training::run(command, args.trace.is_some()),
        Command::Theory(args) => commands::theory::run(args),
        Command::Plan(args) => commands::plan::run(args),
        Command::Status(args) => commands::status::run(args),
        Command::Report(args) => commands::report::run(args),
        Command::Logs(args) => commands::logs::run(args),
        Command::Data(args) => commands::data::run(args),
        Command::Config(args) => commands::config::run(args),
        Command::Completions(args) => commands::completions::run(args, Args::command()),
        Command::Man(args) => commands::man::run(args, Args::command()),
    }
}
