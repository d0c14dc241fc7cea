//! Training: from a configuration to the records of its run, with a checkpoint wherever it may be left.

mod assemble;
mod cadence;
mod learning_rates;
mod run;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::ensure;

use crate::device::Placement;
use crate::environment;
use crate::progress::TrainingProgress;
use crate::run_feeds::LoaderOptions;
use polder_experiment::config::{Method, RunConfig};
use polder_experiment::images::{Images, check_packed};
use polder_experiment::run::record::RunRecords;
use polder_experiment::run::run_dir::RunDir;
use polder_experiment::run::run_outcome::RunOutcome;

use self::run::Run;

pub use self::assemble::{built_in_optimizer, network, optimizer};
pub use self::cadence::{CheckpointEvery, Keep};

/// Epochs of BN refreshes are numbered from here, so that they never repeat the order of a training epoch.
const REFRESH_EPOCHS: u64 = 1 << 32;

/// How a run is carried out: nothing here changes its numbers, but the device and what is chosen on it, to rounding.
#[derive(Clone, Debug)]
pub struct TrainOptions {
    /// Run directories are made here.
    pub runs_dir: PathBuf,
    /// Holds the folders of the data sets.
    pub data_dir: PathBuf,
    pub allow_unverified: bool,
    pub loader: LoaderOptions,
    /// libtorch's threads for a run that begins; `None` for one per core.
    pub threads: Option<usize>,
    pub placement: Placement,
    /// Replays the gradients of full minibatches from CUDA graphs.
    pub cuda_graphs: bool,
    pub checkpoint_every: CheckpointEvery,
    pub keep_checkpoints: Keep,
}

impl Default for TrainOptions {
    /// Run directories in `runs`, data sets in `data`, the processor, one worker, a checkpoint every minute.
    fn default() -> Self {
        Self {
            runs_dir: PathBuf::from("runs"),
            data_dir: PathBuf::from("data"),
            allow_unverified: false,
            loader: LoaderOptions::default(),
            threads: None,
            placement: Placement::Cpu,
            cuda_graphs: false,
            checkpoint_every: CheckpointEvery::Time(Duration::from_mins(1)),
            keep_checkpoints: Keep::DEFAULT,
        }
    }
}

/// Trains `config` to its end, from its last checkpoint if there is one; returns at once if it has ended. Returns the run
/// directory, which holds the records; after an interrupt also a checkpoint, from which the same call continues.
pub fn train(
    config: &RunConfig,
    options: &TrainOptions,
    progress: &mut dyn TrainingProgress,
) -> anyhow::Result<(RunOutcome, PathBuf)> {
    check_graphs(config, options.cuda_graphs)?;
    let dir = RunDir::open(&options.runs_dir, config)?;
    check_packed(config, &options.data_dir, dir.path())?;
    if dir.is_ended()? {
        let records = RunRecords::read(dir.path())?;
        let outcome = records.end.map_or(RunOutcome::Finished, |end| end.outcome());
        return Ok((outcome, dir.path().to_owned()));
    }
    let device = options.placement.open()?;
    let images = Images::open(config, &options.data_dir, options.allow_unverified)?;
    environment::fix(&dir.environment(), options.threads, options.placement)?;
    let mut run = Run::begin_or_continue(config, options, &dir, &images, device, progress)?;
    Ok((run.finish()?, dir.path().to_owned()))
}

/// Refuses CUDA graphs where there is nothing that they could record.
fn check_graphs(config: &RunConfig, cuda_graphs: bool) -> anyhow::Result<()> {
    ensure!(
        !cuda_graphs || config.optimizer.method != Method::GradientPenalty,
        "--cuda-graphs records gradients, and `optimizer.method = \"gradient-penalty\"` takes Hessian-vector products, \
         which are not recorded; leave one of them out"
    );
    Ok(())
}

/// The epoch whose order and augmentation a BN refresh after `epoch` training epochs uses.
pub fn refresh_epoch(epoch: u64) -> u64 {
    REFRESH_EPOCHS + epoch
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn graphs_are_recorded_of_gradients_alone() {
        let mut config = RunConfig::default();
        assert!(check_graphs(&config, true).is_ok());
        config.optimizer.method = Method::GradientPenalty;
        let error = check_graphs(&config, true).unwrap_err().to_string();
        assert!(error.contains("gradient-penalty") && error.contains("--cuda-graphs"), "{error}");
        assert!(check_graphs(&config, false).is_ok());
    }
}
