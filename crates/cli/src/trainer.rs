//! Training: from a configuration to the records of its run, with a checkpoint wherever it may be left.

mod assemble;
mod cadence;
mod learning_rates;
mod run;

use std::path::PathBuf;

use clap::ValueEnum;
use tch::Device;

use crate::config::RunConfig;
use crate::environment;
use crate::images::Images;
use crate::record::{EndRecord, RunRecords};
use crate::run_dir::RunDir;

use self::run::Run;

pub(crate) use self::assemble::{network, optimizer};
pub(crate) use self::cadence::{CheckpointEvery, Keep};

/// Epochs of BN refreshes are numbered from here, so that they never repeat the order of a training epoch.
const REFRESH_EPOCHS: u64 = 1 << 32;

/// How a run is carried out: nothing here changes its numbers.
#[derive(Clone, Debug)]
pub(crate) struct TrainOptions {
    /// Run directories are made here.
    pub(crate) runs_dir: PathBuf,
    /// Holds the folders of the data sets.
    pub(crate) data_dir: PathBuf,
    pub(crate) allow_unverified: bool,
    /// Augmentation threads.
    pub(crate) workers: usize,
    /// libtorch's threads for a run that begins; `None` for one per core.
    pub(crate) threads: Option<usize>,
    pub(crate) device: DeviceChoice,
    pub(crate) checkpoint_every: CheckpointEvery,
    pub(crate) keep_checkpoints: Keep,
    /// Shows nothing of the progress.
    pub(crate) quiet: bool,
}

/// Where the network computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DeviceChoice {
    Cpu,
    Cuda,
}

impl DeviceChoice {
    pub(crate) fn open(self) -> anyhow::Result<Device> {
        Ok(match self {
            Self::Cpu => Device::Cpu,
            Self::Cuda => polder_models::cuda()?,
        })
    }
}

/// How training ended; the run directory holds the records.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum TrainOutcome {
    Finished(PathBuf),
    Diverged(PathBuf),
    /// A checkpoint was written; the same command continues.
    Interrupted(PathBuf),
}

/// Trains `config` to its end, from its last checkpoint if there is one; returns at once if it has ended.
pub(crate) fn train(config: &RunConfig, options: &TrainOptions) -> anyhow::Result<TrainOutcome> {
    let dir = RunDir::open(&options.runs_dir, config)?;
    if dir.is_ended()? {
        let records = RunRecords::read(dir.path())?;
        return Ok(match records.end {
            Some(EndRecord::Diverged { .. }) => TrainOutcome::Diverged(dir.path().to_owned()),
            _ => TrainOutcome::Finished(dir.path().to_owned()),
        });
    }
    let device = options.device.open()?;
    let images = Images::open(config, &options.data_dir, options.allow_unverified)?;
    environment::fix_threads(&dir.environment(), options.threads)?;
    let mut run = Run::begin_or_continue(config, options, &dir, &images, device)?;
    let end = run.finish()?;
    let path = dir.path().to_owned();
    Ok(match end {
        None => TrainOutcome::Interrupted(path),
        Some(EndRecord::Finished) => TrainOutcome::Finished(path),
        Some(EndRecord::Diverged { .. }) => TrainOutcome::Diverged(path),
    })
}

/// The epoch whose order and augmentation a BN refresh after `epoch` training epochs uses.
pub(crate) fn refresh_epoch(epoch: u64) -> u64 {
    REFRESH_EPOCHS + epoch
}
