//! The weights that are measured: the iterate and the averages of a run's checkpoints.

use std::path::{Path, PathBuf};

use anyhow::ensure;
use polder_models::{Checkpoint, CheckpointSeries, FoundCheckpoint, Network};
use polder_optim::Vector as _;
use tch::Device;

use super::weights::Weights;
use crate::stored_run::{self, config_of, last_checkpoint, no_checkpoint};
use crate::trainer;
use polder_experiment::config::RunConfig;
use polder_experiment::images::Images;
use polder_experiment::run::record::ITERATE;

/// A run directory.
#[derive(Debug)]
pub(super) struct RunWeights {
    pub path: PathBuf,
    pub config: RunConfig,
}

/// What a run had reached at one checkpoint.
#[derive(Debug)]
pub(super) struct Stage {
    /// Epochs completed.
    pub epoch: u64,
    /// Steps completed since the start.
    pub step: u64,
    /// The iterate first, then the averages that had begun, in the order of their names.
    pub weights: Vec<Weights>,
}

impl RunWeights {
    /// The run in `path`.
    ///
    /// # Errors
    /// If it is no run directory, or holds no checkpoint.
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        let config = config_of(path)?;
        ensure!(!CheckpointSeries::new(path).steps()?.is_empty(), no_checkpoint(path));
        Ok(Self { path: path.to_owned(), config })
    }

    /// The name of its directory.
    pub(super) fn name(&self) -> String {
        let name = self.path.canonicalize().ok().and_then(|path| Some(path.file_name()?.to_owned()));
        name.map_or_else(|| self.config.id(), |name| name.to_string_lossy().into_owned())
    }

    /// Its network, whose own weights are not of interest.
    pub(super) fn network(&self, images: &Images, device: Device) -> anyhow::Result<Network> {
        trainer::network(&self.config, images.num_classes(), device)
    }

    /// What the newest checkpoint that can be read holds, or what every one does, the oldest first.
    pub(super) fn stages(
        &self,
        network: &Network,
        steps_per_epoch: u64,
        all: bool,
    ) -> anyhow::Result<Vec<Stage>> {
        let found = if all { self.all()? } else { vec![last_checkpoint(&self.path)?] };
        ensure!(!found.is_empty(), "no checkpoint in `{}` can be read", self.path.display());
        found.iter().map(|found| self.stage(found, network, steps_per_epoch)).collect()
    }

    fn all(&self) -> anyhow::Result<Vec<FoundCheckpoint>> {
        let series = CheckpointSeries::new(&self.path);
        let mut found = Vec::new();
        for step in series.steps()? {
            let path = series.path(step);
            match Checkpoint::read(&path) {
                Ok(checkpoint) => found.push(FoundCheckpoint { step, path, checkpoint }),
                Err(error) => tracing::warn!("a checkpoint is left out: {error}"),
            }
        }
        Ok(found)
    }

    fn stage(
        &self,
        found: &FoundCheckpoint,
        network: &Network,
        steps_per_epoch: u64,
    ) -> anyhow::Result<Stage> {
        let (averages, position) = stored_run::load(found, &self.config, network, steps_per_epoch)?;
        let own = network.parameters();
        let mut iterate = own.zeros_like();
        iterate.copy_from(&own);
        let mut weights = vec![Weights::new(ITERATE.to_owned(), iterate)];
        for (name, average) in averages.iter() {
            let mut vector = own.zeros_like();
            vector.copy_from(average);
            weights.push(Weights::new(name.to_owned(), vector));
        }
        let step = position.epoch * steps_per_epoch + position.step;
        Ok(Stage { epoch: position.epoch, step, weights })
    }
}
