//! A run directory for those who do not train: its configuration, its last checkpoint, and what that holds.

use std::path::Path;

use anyhow::{Context, bail};
use polder_models::{Arena, CheckpointSeries, DamagedCheckpoint, FoundCheckpoint, Network};
use polder_optim::Averages;

use crate::snapshot::{self, Position};
use crate::trainer;
use polder_experiment::config::RunConfig;
use polder_experiment::run::record::{EndRecord, RunRecords};
use polder_experiment::run::run_dir::{CONFIG_FILE, RunDir};

/// The configuration of the run whose directory is `dir`.
///
/// # Errors
/// If it is no run directory.
pub fn config_of(dir: &Path) -> anyhow::Result<RunConfig> {
    RunConfig::load(Some(&dir.join(CONFIG_FILE)), &[])
        .with_context(|| format!("`{}` is not a run directory of `polder train`", dir.display()))
}

/// The newest checkpoint in a run directory that can be read.
///
/// # Errors
/// If there is none yet, or none can be read.
pub fn last_checkpoint(dir: &Path) -> anyhow::Result<FoundCheckpoint> {
    newest_checkpoint(dir)?.0.with_context(|| no_checkpoint(dir))
}

/// What is said of a run directory without a checkpoint.
pub fn no_checkpoint(dir: &Path) -> String {
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
pub fn load(
    found: &FoundCheckpoint,
    config: &RunConfig,
    network: &Network,
    steps_per_epoch: u64,
) -> anyhow::Result<(Averages<Arena>, Position)> {
    let mut optimizer = trainer::optimizer(config, network)?;
    let mut averages = Averages::new(config.averages(steps_per_epoch))?;
    let position = snapshot::restore(found, config, network, &mut *optimizer, &mut averages)?;
    Ok((averages, position))
}

/// The checkpoint to continue from, as `newest_checkpoint` finds it. Damaged ones that are newer are set aside, so that they are
/// not met again.
pub fn take_newest_checkpoint(dir: &RunDir) -> anyhow::Result<Option<FoundCheckpoint>> {
    let (newest, damaged) = newest_checkpoint(dir.path())?;
    for file in damaged {
        let aside = file.set_aside()?;
        tracing::warn!("the damaged checkpoint is kept as `{}`", aside.display());
    }
    Ok(newest)
}

/// The newest checkpoint in a run directory that can be read, and the damaged ones that are newer, of each of which a
/// warning has been given. `None` if there never was one.
///
/// # Errors
/// If there are checkpoints and none can be read.
fn newest_checkpoint(run: &Path) -> anyhow::Result<(Option<FoundCheckpoint>, Vec<DamagedCheckpoint>)> {
    let (newest, damaged) = CheckpointSeries::new(run).newest()?;
    let reasons: Vec<String> = damaged
        .iter()
        .map(|file| anyhow::Chain::new(&file.cause).map(ToString::to_string).collect::<Vec<_>>().join(": "))
        .collect();
    if newest.is_none() && !damaged.is_empty() {
        bail!(
            "no checkpoint in `{}` can be used: {}; remove the directory to start the run again from its beginning",
            run.display(),
            reasons.join("; ")
        );
    }
    for reason in reasons {
        tracing::warn!("a checkpoint cannot be used, and the one before it is taken: {reason}");
    }
    Ok((newest, damaged))
}
