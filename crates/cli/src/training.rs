//! The commands that compute with libtorch, and what they share. Without the feature `training` the program has none of this.

mod bench;
mod device_flags;
mod doctor;
mod evaluate;
mod execute;
mod export;
mod job;
mod live_table;
mod loader_flags;
pub(crate) mod machine_flags;
mod pool;
mod profile_input;
mod progress;
mod reproduce;
mod sharpness;
mod train;
mod worker;

use std::process::ExitCode;

use clap::Subcommand;

/// What to do with libtorch.
#[derive(Debug, Subcommand)]
pub(crate) enum TrainingCommand {
    /// Trains a network; run the command again to resume
    Train(train::TrainArgs),
    /// Evaluates the last iterate of a run, with and without a BN refresh, and its averages, from its checkpoint
    Evaluate(evaluate::EvaluateArgs),
    /// Measures how flat the loss is around the weights of a run
    Sharpness(Box<sharpness::SharpnessArgs>),
    /// Runs the experiments and writes the report
    Reproduce(reproduce::ReproduceArgs),
    /// Does one run of `reproduce`
    #[command(hide = true)]
    Worker(worker::WorkerArgs),
    /// Exports the weights of a run for PyTorch
    Export(export::ExportArgs),
    /// Measures whether the input pipeline is the bottleneck and which setting helps
    ProfileInput(profile_input::ProfileInputArgs),
    /// Measures what a training step of a network costs, part by part
    Bench(bench::BenchArgs),
    /// Checks this machine: libtorch, CUDA, processor, data sets
    Doctor(doctor::DoctorArgs),
}

/// Does it. `traced` says whether spans are written to a file.
pub(crate) fn run(command: &TrainingCommand, traced: bool) -> anyhow::Result<ExitCode> {
    polder_models::keep_freed_memory();
    match command {
        TrainingCommand::Train(args) => train::run(args),
        TrainingCommand::Evaluate(args) => evaluate::run(args),
        TrainingCommand::Sharpness(args) => sharpness::run(args),
        TrainingCommand::Reproduce(args) => reproduce::run(args),
        TrainingCommand::Worker(args) => worker::run(args),
        TrainingCommand::Export(args) => export::run(args),
        TrainingCommand::ProfileInput(args) => profile_input::run(args, traced),
        TrainingCommand::Bench(args) => bench::run(args),
        TrainingCommand::Doctor(args) => doctor::run(args),
    }
}
