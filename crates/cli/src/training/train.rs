//! `polder train`: one run, from its configuration or from its last checkpoint.

use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use tch::Device;

use crate::commands::config::ConfigSource;
use crate::data_dir::DataDir;
use crate::exit_code::Outcome;
use crate::stderr::say;
use crate::stdout;
use crate::training::device_flags::{DeviceFlags, GraphFlag};
use crate::training::loader_flags::LoaderFlags;
use crate::training::progress::{Audience, Progress};
use polder_experiment::run::run_outcome::RunOutcome;
use polder_train::trainer::{CheckpointEvery, Keep, TrainOptions, train};

const EXAMPLES: &str = "\
Examples:
  polder train --set data.dataset=generated --set training.epochs=3
  polder train my-run.toml --seed 1 --data-dir /data
  polder train my-run.toml --set optimizer.method=sam --set optimizer.rho=0.05
  polder config show > my-run.toml               the default configuration, as a starting point
  polder config explain optimizer.rho            what a key means

The last line on stdout is the run directory. Ctrl-C (SIGINT) and SIGTERM write a checkpoint and stop; run the same
command again to resume. SIGUSR2 writes a checkpoint and continues. A second Ctrl-C stops at once.";

/// What `polder train` understands.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct TrainArgs {
    #[command(flatten)]
    source: ConfigSource,
    /// Folder for the run directory, which is named by the hash of the configuration
    #[arg(long, value_name = "DIR", default_value = "runs")]
    runs: PathBuf,
    #[command(flatten)]
    flags: TrainingFlags,
    /// Time or steps between checkpoints: `60s`, `10min`, `500steps`; every epoch ends with one
    #[arg(long, value_name = "TIME|STEPS", default_value = "60s")]
    checkpoint_every: CheckpointEvery,
    /// Number of checkpoints to keep, or `all`; if the newest is damaged, the one before it is used
    #[arg(long, value_name = "N", default_value = "2")]
    keep_checkpoints: Keep,
    #[command(flatten)]
    graphs: GraphFlag,
    /// Prints the resolved configuration as TOML and stops: `polder config show`
    #[arg(long)]
    print_config: bool,
}

/// How networks are trained, by whichever command: nothing here changes a number, but the device to rounding.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct TrainingFlags {
    #[command(flatten)]
    data: DataDir,
    /// Accepts data files that are not the official ones; every record and report says so
    #[arg(long)]
    allow_unverified: bool,
    #[command(flatten)]
    loader: LoaderFlags,
    /// libtorch threads; a run keeps the number it started with [default: one per core, divided among parallel runs]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    #[command(flatten)]
    device: DeviceFlags,
}

impl TrainingFlags {
    /// Folder that holds the data sets.
    pub(crate) fn data_dir(&self) -> &Path {
        &self.data.data_dir
    }

    /// Whether files that are not the official ones are used.
    pub(crate) fn allow_unverified(&self) -> bool {
        self.allow_unverified
    }

    /// The same flags for a process that trains with so many threads.
    pub(crate) fn arguments(&self, threads: usize) -> Vec<OsString> {
        let mut arguments: Vec<OsString> = vec![
            "--data-dir".into(),
            self.data.data_dir.clone().into(),
            "--threads".into(),
            threads.to_string().into(),
        ];
        arguments.extend(self.loader.arguments());
        if self.allow_unverified {
            arguments.push("--allow-unverified".into());
        }
        arguments.extend(self.device.arguments());
        arguments
    }

    /// libtorch's threads for each of `jobs` trainings at a time.
    pub(crate) fn threads_of_each(&self, jobs: usize) -> usize {
        let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        self.threads.map_or((cores / jobs).max(1), usize::from)
    }

    /// The device, usable from here on.
    pub(crate) fn open_device(&self) -> anyhow::Result<Device> {
        self.device.placement()?.open()
    }

    /// The options of trainings whose run directories lie in `runs_dir`.
    ///
    /// # Errors
    /// If flags that belong to CUDA are given without it.
    pub(crate) fn options(
        &self,
        runs_dir: PathBuf,
        checkpoint_every: impl Into<CheckpointEvery>,
    ) -> anyhow::Result<TrainOptions> {
        Ok(TrainOptions {
            runs_dir,
            data_dir: self.data.data_dir.clone(),
            allow_unverified: self.allow_unverified,
            loader: self.loader.options(),
            threads: self.threads.map(usize::from),
            placement: self.device.placement()?,
            cuda_graphs: false,
            checkpoint_every: checkpoint_every.into(),
            keep_checkpoints: Keep::DEFAULT,
        })
    }
}

/// Trains, and prints the run directory.
pub(crate) fn run(args: &TrainArgs) -> anyhow::Result<ExitCode> {
    let config = args.source.load()?;
    if args.print_config {
        stdout::print(&toml::to_string(&config)?)?;
        return Ok(Outcome::Done.into());
    }
    let options = args.flags.options(args.runs.clone(), args.checkpoint_every)?;
    let cuda_graphs = args.graphs.given(options.placement)?;
    let options = TrainOptions { keep_checkpoints: args.keep_checkpoints, cuda_graphs, ..options };
    let (outcome, dir) = train(&config, &options, &mut Progress::new(Audience::User))?;
    let outcome = match outcome {
        RunOutcome::Finished => Outcome::Done,
        RunOutcome::Diverged => Outcome::Diverged,
        RunOutcome::Interrupted => {
            say("stopped after a checkpoint; run the same command again to resume");
            Outcome::Interrupted
        }
    };
    stdout::print(&format!("{}\n", dir.display()))?;
    Ok(outcome.into())
}
