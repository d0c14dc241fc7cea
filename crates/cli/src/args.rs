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
    /// Says more on stderr: `info`, `debug`, or a filter such as `polder_data=trace`
    #[arg(long, global = true, value_name = "FILTER", env = "POLDER_LOG", default_value = "warn")]
    pub(crate) log: String,
    /// Writes the spans of every thread to a file that ui.perfetto.dev and chrome://tracing open
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
    /// What would run, what is done, how long the rest takes
    Plan(plan::PlanArgs),
    /// How far the latest `polder reproduce` is
    Status(status::StatusArgs),
    /// Draws the report again from the records
    Report(report::ReportArgs),
    /// Curves of runs for other programs: CSV, JSON lines, TensorBoard
    Logs(logs::LogsArgs),
    /// Fetches and verifies the data sets, shows samples
    Data(data::DataArgs),
    /// Explains and prints configurations
    Config(config::ConfigArgs),
    /// Prints a script that lets a shell complete commands, flags and keys
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
