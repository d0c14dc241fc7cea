//! Cells of a grid on the page: accuracies beside published ones, the runs, and what repeats each of them.

use serde::Serialize;

use super::words;
use crate::cells::best_mean;
use crate::{CellResult, ExperimentReport, RunResult, weights_label};
use polder_experiment::duration::duration;
use polder_experiment::published::{Published, PublishedValue, Quantity};

/// One set of weights of a cell.
#[derive(Serialize)]
pub(super) struct CellRow {
    cell: String,
    /// Of the configuration.
    anchor: String,
    weights: String,
    first: bool,
    best: bool,
    mean: Option<String>,
    interval: Option<String>,
    seeds: String,
    n: usize,
    count: String,
    published: Vec<RelatedRow>,
}

/// A published value and what it belongs to.
#[derive(Serialize)]
pub(super) struct RelatedRow {
    accuracy: String,
    as_published: String,
    method: String,
    model: String,
    data: String,
    training: String,
    source: String,
}

/// The cells that differ in the values of axes alone.
#[derive(Serialize)]
pub(super) struct Family {
    name: String,
    anchor: String,
    configurations: Vec<Configuration>,
}

/// What is needed to repeat one cell: its seeds differ in nothing but the seed.
#[derive(Serialize)]
struct Configuration {
    cell: String,
    toml: String,
    commands: Vec<String>,
}

#[derive(Serialize)]
pub(super) struct RunRow {
    cell: String,
    seed: u64,
    id: String,
    state: &'static str,
    epochs: String,
    time: String,
    seconds: Option<f64>,
    speed: String,
}

/// Where the page has the configurations of a family.
pub(super) fn family_anchor(experiment: &str, family: &str) -> String {
    format!("{experiment}-cell-{}", words(family))
}

impl CellRow {
    /// All cells of an experiment, the best mean marked.
    pub(super) fn all(one: &ExperimentReport, published: &Published) -> Vec<Self> {
        let best = best_mean(one.accuracies());
        let mut rows = Vec::<Self>::new();
        for cell in one.accuracies() {
            let first = rows.last().is_none_or(|before| before.cell != cell.cell);
            let best = cell.mean.is_some() && cell.mean == best && cell.diverged.is_empty();
            rows.push(Self { first, best, ..Self::new(&one.experiment.id, cell, published) });
        }
        rows
    }

    fn new(experiment: &str, cell: &CellResult, published: &Published) -> Self {
        let percent = |value: f64| format!("{:.2}", 100.0 * value);
        Self {
            cell: cell.cell.clone(),
            anchor: family_anchor(experiment, &cell.family),
            weights: weights_label(&cell.weights),
            first: true,
            best: false,
            mean: cell.mean.map(percent),
            interval: cell.interval.map(|interval| {
                format!("{} to {}", percent(interval.low.max(0.0)), percent(interval.high.min(1.0)))
            }),
            seeds: cell.values.iter().map(|(_, value)| percent(*value)).collect::<Vec<_>>().join(", "),
            n: cell.values.len(),
            count: cell.seeds_text(),
            published: published
                .beside(Quantity::is_accuracy, experiment, &cell.family, &cell.point, &cell.weights)
                .into_iter()
                .map(RelatedRow::new)
                .collect(),
        }
    }
}

impl RelatedRow {
    /// The published values that stand beside no cell.
    pub(super) fn all(published: &Published) -> Vec<Self> {
        published.values.iter().filter(|value| value.beside.is_none()).map(Self::new).collect()
    }

    fn new(value: &PublishedValue) -> Self {
        Self {
            accuracy: format!("{:.2}", value.compared()),
            as_published: value.as_published(),
            method: value.method.clone(),
            model: value.model.clone(),
            data: value.data.clone(),
            training: value.training.clone(),
            source: value.source.clone(),
        }
    }
}

impl Family {
    /// All configurations of an experiment, in the order of its cells.
    ///
    /// # Errors
    /// If a configuration cannot be written as TOML.
    pub(super) fn all(one: &ExperimentReport) -> anyhow::Result<Vec<Self>> {
        let mut families = Vec::<Self>::new();
        for run in &one.runs {
            let index = families.iter().position(|family| family.name == run.family).unwrap_or_else(|| {
                families.push(Self {
                    name: run.family.clone(),
                    anchor: family_anchor(&one.experiment.id, &run.family),
                    configurations: Vec::new(),
                });
                families.len() - 1
            });
            let configurations = &mut families[index].configurations;
            let command = format!("polder train cell.toml --set seed={}", run.seed);
            match configurations.iter_mut().find(|known| known.cell == run.cell) {
                Some(known) => known.commands.push(command),
                None => configurations.push(Configuration {
                    cell: run.cell.clone(),
                    toml: toml::to_string(&run.config)?,
                    commands: vec![command],
                }),
            }
        }
        Ok(families)
    }
}

impl RunRow {
    pub(super) fn new(run: &RunResult) -> Self {
        let seconds = (!run.timings().is_empty()).then(|| run.seconds());
        let unknown = || "\u{2013}".to_owned();
        Self {
            cell: run.cell.clone(),
            seed: run.seed,
            id: run.id.clone(),
            state: run.state(),
            epochs: format!("{} of {}", run.epochs().count(), run.config.training.epochs),
            time: seconds.map_or_else(unknown, duration),
            seconds,
            speed: run.images_per_second().map_or_else(unknown, |speed| format!("{speed:.0}")),
        }
    }
}
