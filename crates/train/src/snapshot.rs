//! The state of a training run between two steps: all that is needed to continue bit for bit.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use anyhow::{Context, ensure};
use polder_models::{Checkpoint, CheckpointSeries, FlatParameters, FoundCheckpoint, Network};
use polder_optim::{Averages, Resumable, SavedState, State, Vector as _, VectorBytes as _};

use polder_experiment::config::RunConfig;

/// Where a run stands, with the running sums of the epoch that it is in.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Position {
    /// Epochs completed.
    pub epoch: u64,
    /// Steps completed in the epoch after these.
    pub step: u64,
    /// Sum over images of the loss, in nats.
    pub loss_sum: f64,
    pub num_wrong: i64,
    pub num_images: u64,
    /// Sum of SAM's measured ascents, and how many were measured.
    pub ascent_sum: f64,
    pub num_ascents: u64,
}

const OPTIMIZER: &str = "polder.optimizer.";
const AVERAGES: &str = "polder.averages.";
const CONFIG_ID: &str = "polder.config_id";

/// What a run consists of, beside its configuration.
#[derive(Clone, Copy)]
pub struct Parts<'a> {
    pub network: &'a Network,
    pub optimizer: &'a dyn Resumable<FlatParameters>,
    pub averages: &'a Averages<FlatParameters>,
    pub position: &'a Position,
}

/// Writes everything as the checkpoint after `step` steps, in one step, and keeps the last `keep`.
pub fn save(
    series: &CheckpointSeries,
    step: u64,
    keep: Option<NonZeroUsize>,
    config: &RunConfig,
    Parts { network, optimizer, averages, position }: Parts<'_>,
) -> anyhow::Result<()> {
    let mut checkpoint = Checkpoint::default();
    checkpoint.add_network(network)?;
    add_state(&mut checkpoint, OPTIMIZER, &optimizer.state());
    add_state(&mut checkpoint, AVERAGES, &averages.state());
    let text = &mut checkpoint.metadata;
    text.insert(CONFIG_ID.to_owned(), config.id());
    text.insert("polder.epoch".to_owned(), position.epoch.to_string());
    text.insert("polder.step".to_owned(), position.step.to_string());
    // Floats travel as their bits: a sum that is continued must not have been rounded to decimal.
    text.insert("polder.loss_sum".to_owned(), position.loss_sum.to_bits().to_string());
    text.insert("polder.num_wrong".to_owned(), position.num_wrong.to_string());
    text.insert("polder.num_images".to_owned(), position.num_images.to_string());
    text.insert("polder.ascent_sum".to_owned(), position.ascent_sum.to_bits().to_string());
    text.insert("polder.num_ascents".to_owned(), position.num_ascents.to_string());
    series.write(step, &checkpoint, keep).context(
        "no checkpoint could be written; those before are intact. Mend the cause (a full disk, a folder that is gone or \
         read-only) and repeat the command: it continues from there",
    )
}

/// Loads a checkpoint into a network, optimizer and averages made from the same configuration.
pub fn restore(
    FoundCheckpoint { path, checkpoint, .. }: &FoundCheckpoint,
    config: &RunConfig,
    network: &Network,
    optimizer: &mut dyn Resumable<FlatParameters>,
    averages: &mut Averages<FlatParameters>,
) -> anyhow::Result<Position> {
    let text = |name: &str| {
        let value = checkpoint.metadata.get(&format!("polder.{name}"));
        value.with_context(|| format!("`{}` lacks `polder.{name}`", path.display()))
    };
    let number = |name: &str| -> anyhow::Result<u64> {
        text(name)?.parse().with_context(|| format!("`polder.{name}` in `{}`", path.display()))
    };
    let id = text("config_id")?;
    ensure!(
        *id == config.id(),
        "`{}` belongs to the configuration {id}, not to {}; another run's file was copied here",
        path.display(),
        config.id()
    );
    checkpoint.load_network(network)?;
    optimizer.restore(saved_state(checkpoint, OPTIMIZER, network)?)?;
    averages.restore(saved_state(checkpoint, AVERAGES, network)?)?;
    Ok(Position {
        epoch: number("epoch")?,
        step: number("step")?,
        loss_sum: f64::from_bits(number("loss_sum")?),
        num_wrong: text("num_wrong")?.parse().with_context(|| format!("`{}`", path.display()))?,
        num_images: number("num_images")?,
        ascent_sum: f64::from_bits(number("ascent_sum")?),
        num_ascents: number("num_ascents")?,
    })
}

fn add_state(checkpoint: &mut Checkpoint, prefix: &str, state: &State<'_, FlatParameters>) {
    for (name, vector) in &state.vectors {
        checkpoint.add_vector(format!("{prefix}{name}"), vector.to_bytes());
    }
    for (name, counter) in &state.counters {
        checkpoint.metadata.insert(format!("{prefix}{name}"), counter.to_string());
    }
}

fn saved_state(
    checkpoint: &Checkpoint,
    prefix: &str,
    network: &Network,
) -> anyhow::Result<SavedState<FlatParameters>> {
    let mut vectors = BTreeMap::new();
    for (name, saved) in &checkpoint.tensors {
        if let Some(name) = name.strip_prefix(prefix) {
            let mut vector = network.parameters().zeros_like();
            vector
                .copy_from_bytes(&saved.bytes)
                .with_context(|| format!("the checkpoint's `{prefix}{name}`"))?;
            vectors.insert(name.to_owned(), vector);
        }
    }
    let mut counters = BTreeMap::new();
    for (name, value) in &checkpoint.metadata {
        if let Some(name) = name.strip_prefix(prefix) {
            let value = value.parse().with_context(|| format!("the checkpoint's `{prefix}{name}`"))?;
            counters.insert(name.to_owned(), value);
        }
    }
    Ok(SavedState { vectors, counters })
}
