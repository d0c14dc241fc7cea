//! The weights of a run for other programs: PyTorch's names and shapes, with the BN statistics that belong to them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use polder_data::Normalization;
use polder_models::{Checkpoint, CheckpointSeries, FlatParameters, FoundCheckpoint, Network, SwappedWeights};
use polder_optim::Averages;
use tch::Device;

use crate::evaluate::refreshed;
use crate::feed::Feed;
use crate::progress::WorkProgress;
use crate::run_feeds::LoaderOptions;
use crate::snapshot::Position;
use crate::stored_run::{self, config_of, last_checkpoint, no_checkpoint};
use crate::{environment, trainer};
use polder_experiment::config::{DatasetName, RunConfig};
use polder_experiment::images::{Images, check_packed};
use polder_experiment::run::record::{ENVIRONMENT_FILE, ITERATE, REFRESHED, RunRecord, RunRecords};

/// The name by which the only average of a run is meant, whatever it is called.
const THE_AVERAGE: &str = "average";

/// Which weights.
#[derive(Debug)]
pub struct Choice {
    /// A run directory, or a checkpoint file in one.
    pub run: PathBuf,
    /// `iterate`, `iterate-refreshed`, the name of an average, or `average` for the only one.
    pub weights: String,
    /// Steps of the checkpoint that is read; `None` for the newest.
    pub step: Option<u64>,
}

/// What the BN refresh of an average is computed with; `None` in its place keeps the statistics of the iterate.
#[derive(Debug)]
pub struct Refresh {
    pub data_dir: PathBuf,
    pub allow_unverified: bool,
}

/// Weights that are ready to be written.
#[derive(Debug)]
pub struct Exported {
    /// Tensors by PyTorch's names, and what they are as text.
    pub checkpoint: Checkpoint,
    /// What the weights are called in the run.
    pub weights: String,
    /// The name of the run directory.
    pub run: String,
    /// One line about them.
    pub summary: String,
}

/// A run as it was at one checkpoint.
struct Stage {
    dir: PathBuf,
    config: RunConfig,
    record: RunRecord,
    network: Network,
    averages: Averages<FlatParameters>,
    position: Position,
}

/// Reads a checkpoint and makes ready what was chosen.
///
/// # Errors
/// If there is no such run, checkpoint or average, with those that there are; if a refresh needs images that are not
/// there, or is interrupted.
pub fn export(
    choice: &Choice,
    refresh: Option<&Refresh>,
    device: Device,
    progress: &dyn WorkProgress,
) -> anyhow::Result<Exported> {
    let stage = Stage::open(choice, device)?;
    let weights = stage.name(&choice.weights)?;
    let network = &stage.network;
    let has_bn = network.running_statistics().numel() > 0;
    // The network is put back when this goes, so it has to outlive the copies.
    let own = network.parameters();
    let swapped_in = if weights == REFRESHED { Some(&own) } else { stage.averages.get(&weights) };
    let (_swapped, statistics) = match (swapped_in, refresh) {
        (None, _) => (None, "of the training"),
        (Some(weights), Some(refresh)) if has_bn => {
            (Some(stage.refreshed(weights, refresh, progress)?), "refreshed over the training images")
        }
        (Some(average), _) => (Some(SwappedWeights::new(network, average)?), "of the iterate"),
    };
    let mut checkpoint = Checkpoint::default();
    checkpoint.add_network(network)?;
    let statistics = if has_bn { statistics } else { "none" };
    checkpoint.metadata = stage.text(&weights, statistics)?;
    let run = stage.dir.canonicalize().unwrap_or_else(|_| stage.dir.clone());
    let run =
        run.file_name().map_or_else(|| stage.record.id.clone(), |name| name.to_string_lossy().into_owned());
    let summary = format!(
        "{weights} of {run} after {} epochs ({} steps): {} tensors, BN statistics: {statistics}",
        stage.position.epoch,
        stage.steps(),
        checkpoint.tensors.len()
    );
    Ok(Exported { checkpoint, weights, run, summary })
}

impl Stage {
    fn open(choice: &Choice, device: Device) -> anyhow::Result<Self> {
        ensure!(
            choice.run.exists(),
            "there is no `{}`; `polder train` names the run directory in its last line",
            choice.run.display()
        );
        let file = choice.run.is_file().then_some(choice.run.as_path());
        let dir = match file {
            Some(file) => file.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new(".")),
            None => choice.run.as_path(),
        };
        let config = config_of(dir)?;
        let record = RunRecords::read(dir)?.run;
        let found = match (file, choice.step) {
            (Some(_), Some(_)) => {
                bail!(
                    "--step chooses a checkpoint of a run directory, and `{}` is one already",
                    choice.run.display()
                )
            }
            (Some(file), None) => {
                FoundCheckpoint { step: 0, path: file.to_owned(), checkpoint: Checkpoint::read(file)? }
            }
            (None, Some(step)) => at_step(dir, step)?,
            (None, None) => last_checkpoint(dir)?,
        };
        // Known from the record, so that no image is needed to read weights.
        let num_classes = record.data.num_classes as usize;
        let network = trainer::network(&config, num_classes, device)?;
        let steps_per_epoch = steps_per_epoch(&config, &record);
        let (averages, position) = stored_run::load(&found, &config, &network, steps_per_epoch)?;
        Ok(Self { dir: dir.to_owned(), config, record, network, averages, position })
    }

    /// The weights that are meant by `name`.
    fn name(&self, name: &str) -> anyhow::Result<String> {
        let configured = &self.config.averages;
        let refreshed = (self.network.running_statistics().numel() > 0).then_some(REFRESHED);
        if name == ITERATE || refreshed == Some(name) || self.averages.get(name).is_some() {
            return Ok(name.to_owned());
        }
        let quoted = |names: &mut dyn Iterator<Item = &str>| {
            names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
        };
        if name == THE_AVERAGE && !configured.contains_key(THE_AVERAGE) {
            let mut names = configured.keys();
            match (names.next(), names.next()) {
                (Some(only), None) => return self.name(only),
                (None, _) => bail!("this run has no average; its last iterate is `--weights {ITERATE}`"),
                _ => bail!(
                    "this run has several averages: choose one by its name, {}",
                    quoted(&mut configured.keys().map(String::as_str))
                ),
            }
        }
        let averages = self.averages.iter().map(|(name, _)| name);
        let there = quoted(&mut std::iter::once(ITERATE).chain(refreshed).chain(averages));
        let after = format!("after {} epochs ({} steps)", self.position.epoch, self.steps());
        ensure!(
            !configured.contains_key(name),
            "the average `{name}` has not begun {after}; at this checkpoint there are {there}"
        );
        bail!("no weights are called `{name}`; at this checkpoint, {after}, there are {there}")
    }

    /// The network with `average` and statistics over the training images, as it is evaluated.
    fn refreshed(
        &self,
        average: &FlatParameters,
        refresh: &Refresh,
        progress: &dyn WorkProgress,
    ) -> anyhow::Result<SwappedWeights<'_>> {
        let config = &self.config;
        check_packed(config, &refresh.data_dir, &self.dir)?;
        let images = Images::open(config, &refresh.data_dir, refresh.allow_unverified).context(
            "the BN statistics of an average are computed from the training images (--no-bn-refresh keeps those of the \
             iterate, which do not fit)",
        )?;
        environment::fix_threads(&self.dir.join(ENVIRONMENT_FILE))?;
        let train = Feed::training(&images, config, LoaderOptions::default(), self.network.device())?;
        let num_images = images.record.train_images as f64;
        progress.plan(num_images);
        progress.begin("BN refresh", num_images, None);
        let order = trainer::refresh_epoch(self.position.epoch);
        refreshed(&self.network, average, &train, order, &config.evaluation, |images| {
            progress.advance(images as f64);
        })
    }

    fn steps(&self) -> u64 {
        self.position.epoch * steps_per_epoch(&self.config, &self.record) + self.position.step
    }

    /// What the file says of itself: all that is needed to use the weights and to know where they come from.
    fn text(&self, weights: &str, statistics: &str) -> anyhow::Result<BTreeMap<String, String>> {
        let Self { config, record, position, .. } = self;
        let typed = |value: serde_json::Value| value.as_str().map(str::to_owned).unwrap_or_default();
        let mut text = vec![
            ("run", record.id.clone()),
            ("seed", config.seed.to_string()),
            ("epoch", position.epoch.to_string()),
            ("steps", self.steps().to_string()),
            ("weights", weights.to_owned()),
            ("bn_statistics", statistics.to_owned()),
            ("model", config.model.name.clone()),
            ("num_classes", record.data.num_classes.to_string()),
            ("dataset", typed(serde_json::to_value(config.data.dataset)?)),
            ("data_verification", typed(serde_json::to_value(record.data.verification)?)),
            ("config", toml::to_string(config)?),
            ("trained_by", format!("polder {}", record.version)),
            ("exported_by", format!("polder {}", env!("CARGO_PKG_VERSION"))),
        ];
        if let Some(normalization) = normalization(config.data.dataset) {
            // A pixel p in 0..=1 of a channel becomes (p - mean) / std.
            text.push(("pixel_mean", format!("{:?}", normalization.mean)));
            text.push(("pixel_std", format!("{:?}", normalization.std)));
        }
        Ok(text.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }
}

fn steps_per_epoch(config: &RunConfig, record: &RunRecord) -> u64 {
    record.data.train_images.div_ceil(config.training.batch_size as u64)
}

/// How pixels were normalised, where the name of the data set says it; a packed file has its own.
fn normalization(dataset: DatasetName) -> Option<Normalization> {
    match (dataset.official(), dataset) {
        (Some(kind), _) => Some(kind.normalization()),
        (None, DatasetName::Generated) => Some(Normalization::GENERATED),
        (None, _) => None,
    }
}

/// The checkpoint of the run in `dir` after `step` steps.
fn at_step(dir: &Path, step: u64) -> anyhow::Result<FoundCheckpoint> {
    let series = CheckpointSeries::new(dir);
    let steps = series.steps()?;
    if steps.is_empty() {
        bail!(no_checkpoint(dir));
    }
    let known: Vec<String> = steps.iter().map(ToString::to_string).collect();
    ensure!(
        steps.contains(&step),
        "`{}` has no checkpoint after {step} steps; there are some after {} (`polder train --keep-checkpoints all` keeps \
         every one)",
        dir.display(),
        known.join(", ")
    );
    let path = series.path(step);
    Ok(FoundCheckpoint { step, checkpoint: Checkpoint::read(&path)?, path })
}
