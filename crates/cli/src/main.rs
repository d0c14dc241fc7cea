//! Trains image classifiers with SGD, averaged SGD and SAM, and reproduces the papers that explain flat minima.

// A reader such as `head` may end before us, and the macros panic then: `stdout::print` and `stderr::say` do not.
#![cfg_attr(not(test), deny(clippy::print_stdout, clippy::print_stderr))]

mod args;
mod commands;
mod data_dir;
mod device_flags;
mod execute;
mod exit_code;
mod interrupt;
mod job;
mod live_table;
mod loader_flags;
mod pool;
mod progress;
mod stderr;
mod stdout;
mod trace;
mod work_bar;

use std::process::ExitCode;

use clap::Parser;

use crate::args::{Args, Command};
use crate::exit_code::Outcome;

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(code) => code,
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
    let trace = trace::start(&args.log, args.trace.as_deref())?;
    interrupt::watch()?;
    polder_models::keep_freed_memory();
    match &args.command {
        Command::Train(args) => commands::train::run(args),
        Command::Evaluate(args) => commands::evaluate::run(args),
        Command::Sharpness(args) => commands::sharpness::run(args),
        Command::Theory(args) => commands::theory::run(args),
        Command::Reproduce(args) => commands::reproduce::run(args),
        Command::Worker(args) => commands::worker::run(args),
        Command::Plan(args) => commands::plan::run(args),
        Command::Status(args) => commands::status::run(args),
        Command::Report(args) => commands::report::run(args),
        Command::Logs(args) => commands::logs::run(args),
        Command::Export(args) => commands::export::run(args),
        Command::Data(args) => commands::data::run(args),
        Command::ProfileInput(args) => commands::profile_input::run(args, trace.is_some()),
        Command::Bench(args) => commands::bench::run(args),
        Command::Config(args) => commands::config::run(args),
        Command::Doctor(args) => commands::doctor::run(args),
        Command::Completions(args) => commands::completions::run(args),
        Command::Man(args) => commands::man::run(args),
    }
}
