//! What the command line says, without behavior.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::commands::{completions, config, data, logs, man, plan, report, status, theory};
use crate::exit_code::Outcome;

/// Trains image classifiers with SGD, averaged SGD and SAM, and reproduces the papers that explain flat minima.
#[derive(Debug, Parser)]
#[command(version, after_help = after_help(), max_term_width = 110)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
    /// Log filter for stderr: `info`, `debug`, or for example `polder_data=trace`
    #[arg(long, global = true, value_name = "FILTER", env = "POLDER_LOG", default_value = "warn")]
    pub(crate) log: String,
    /// Writes a trace of all threads to a file for ui.perfetto.dev or chrome://tracing
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) trace: Option<PathBuf>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    #[cfg(feature = "training")]
    #[command(flatten)]
    Training(crate::training::TrainingCommand),
    /// Checks a paper's mathematics by simulation with the optimizers that train networks
    Theory(theory::TheoryArgs),
    /// Shows what would run, what is done and the time left
    Plan(plan::PlanArgs),
    /// Shows the state of the latest `polder reproduce`
    Status(status::StatusArgs),
    /// Draws the report from the records
    Report(report::ReportArgs),
    /// Exports the curves of runs: CSV, JSON lines, TensorBoard
    Logs(logs::LogsArgs),
    /// Downloads, verifies, packs and shows data sets
    Data(data::DataArgs),
    /// Explains and prints configurations
    Config(config::ConfigArgs),
    /// Prints a completion script for a shell
    Completions(completions::CompletionsArgs),
    /// Writes manual pages
    Man(man::ManArgs),
}

fn after_help() -> String {
    if cfg!(feature = "training") {
        return Outcome::HELP.to_owned();
    }
    format!(
        "{}\n\nThis program was built without libtorch: it plans, simulates and reports, and cannot train.",
        Outcome::HELP
    )
}
