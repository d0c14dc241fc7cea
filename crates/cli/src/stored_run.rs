//! A run directory for those who do not train: its configuration, its last checkpoint, and what that holds.

use std::path::Path;

use anyhow::Context;
use polder_models::{Arena, FoundCheckpoint, Network};
use polder_optim::Averages;

use crate::config::RunConfig;
use crate::record::{EndRecord, RunRecords};
use crate::run_dir::{CONFIG_FILE, newest_checkpoint};
use crate::snapshot::{self, Position};
use crate::trainer;

/// The configuration of the run whose directory is `dir`.
///
/// # Errors
/// If it is no run directory.
pub(crate) fn config_of(dir: &Path) -> anyhow::Result<RunConfig> {
    RunConfig::load(Some(&dir.join(CONFIG_FILE)), &[])
        .with_context(|| format!("`{}` is not a run directory of `polder train`", dir.display()))
}

/// The newest checkpoint in a run directory that can be read.
///
/// # Errors
/// If there is none yet, or none can be read.
pub(crate) fn last_checkpoint(dir: &Path) -> anyhow::Result<FoundCheckpoint> {
    newest_checkpoint(dir)?.0.with_context(|| no_checkpoint(dir))
}

/// What is said of a run directory without a checkpoint.
pub(crate) fn no_checkpoint(dir: &Path) -> String {
    let what = match RunRecords::read(dir).ok().and_then(|records| records.end) {
        Some(EndRecord::Finished) => {
            "has no checkpoint though its run has ended: it holds records alone; with the folder removed, training it again \
             gives the weights"
        }
        Some(EndRecord::Diverged { .. }) => "has no checkpoint: its run diverged before it wrote one",
        None => "has no checkpoint yet; `polder train` writes one after an epoch at the latest",
    };
    format!("`{}` {what}", dir.display())
}

/// Loads the weights of a checkpoint into `network`, which is of `config`; returns the averages and where the run stood.
///
/// # Errors
/// If the checkpoint is of another configuration, or lacks a part.
pub(crate) fn load(
    found: &FoundCheckpoint,
    config: &RunConfig,
    network: &Network,
    steps_per_epoch: u64,
) -> anyhow::Result<(Averages<Arena>, Position)> {
    let mut optimizer = trainer::optimizer(config, network)?;
    let mut averages = Averages::new(config.averages(steps_per_epoch))?;
    let position = snapshot::restore(found, config, network, &mut optimizer, &mut averages)?;
    Ok((averages, position))
}
