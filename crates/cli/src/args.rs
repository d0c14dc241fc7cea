//! What the command line says, without behavior.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::commands::{
    bench, completions, config, data, doctor, evaluate, export, logs, man, plan, profile_input, report,
    reproduce, sharpness, status, theory, train, worker,
};
use crate::exit_code::Outcome;

/// Trains image classifiers with SGD, averaged SGD and SAM, and reproduces the papers that explain flat minima.
#[derive(Debug, Parser)]
#[command(version, after_help = Outcome::HELP, max_term_width = 110)]
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
    /// Trains a network; repeating the command continues it
    Train(train::TrainArgs),
    /// Loss and error of a run's last iterate, as it is and with BN refreshed, and of its averages, anew from its checkpoint
    Evaluate(evaluate::EvaluateArgs),
    /// Measures how flat the loss is around the weights of a run
    Sharpness(Box<sharpness::SharpnessArgs>),
    /// Checks a paper's mathematics by simulation with the optimizers that train networks
    Theory(theory::TheoryArgs),
    /// Runs the experiments and writes the report
    Reproduce(reproduce::ReproduceArgs),
    /// Does one run of `reproduce`
    #[command(hide = true)]
    Worker(worker::WorkerArgs),
    /// What would run, what is done, how long the rest takes
    Plan(plan::PlanArgs),
    /// How far the latest `polder reproduce` is
    Status(status::StatusArgs),
    /// Draws the report again from the records
    Report(report::ReportArgs),
    /// Curves of runs for other programs: CSV, JSON lines, TensorBoard
    Logs(logs::LogsArgs),
    /// Weights of a run as a file that PyTorch reads
    Export(export::ExportArgs),
    /// Fetches and verifies the data sets, shows samples
    Data(data::DataArgs),
    /// Measures whether the input pipeline is the bottleneck, and what helps
    ProfileInput(profile_input::ProfileInputArgs),
    /// Measures what a training step of a network costs, part by part
    Bench(bench::BenchArgs),
    /// Explains and prints configurations
    Config(config::ConfigArgs),
    /// Tells what this machine offers: libtorch, CUDA, processor, data sets
    Doctor(doctor::DoctorArgs),
    /// Prints a script that lets a shell complete commands, flags and keys
    Completions(completions::CompletionsArgs),
    /// Writes manual pages
    Man(man::ManArgs),
}
