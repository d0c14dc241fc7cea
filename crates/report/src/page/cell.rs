//! Cells of a grid on the page: accuracies next to published ones, the runs, and what repeats each of them.

use minijinja::context;
use minijinja::value::Value;

use super::words;
use crate::cells::best_mean;
use crate::groups::grouped;
use crate::{CellResult, ExperimentReport, RunResult, weights_label};
use polder_experiment::duration::duration;
use polder_experiment::published::{Published, PublishedValue, Quantity};

/// Where the page has the configurations of a family.
pub(super) fn family_anchor(experiment: &str, family: &str) -> String {
    format!("{experiment}-cell-{}", words(family))
}

/// Each set of weights of each cell of an experiment, the best mean marked.
pub(super) fn cells(one: &ExperimentReport, published: &Published) -> Vec<Value> {
    let experiment = one.experiment.id.as_str();
    let best = best_mean(one.accuracies());
    let percent = |value: f64| format!("{:.2}", 100.0 * value);
    let row = |cell: &CellResult| {
        let beside =
            published.beside(Quantity::is_accuracy, experiment, &cell.family, &cell.point, &cell.weights);
        let seeds: Vec<String> = cell.values.iter().map(|(_, value)| percent(*value)).collect();
        context! {
            cell => cell.cell.as_str(),
            // Of the configuration.
            anchor => family_anchor(experiment, &cell.family),
            weights => weights_label(&cell.weights),
            best => cell.mean.is_some() && cell.mean == best && cell.diverged.is_empty(),
            mean => cell.mean.map(percent),
            // An accuracy lies between 0 and 100 %.
            interval => cell.interval.map(|interval| {
                format!("{} to {}", percent(interval.low.max(0.0)), percent(interval.high.min(1.0)))
            }),
            seeds => seeds.join(", "),
            n => cell.values.len(),
            count => cell.seeds_text(),
            published => beside.into_iter().map(related).collect::<Vec<_>>(),
        }
    };
    one.accuracies().iter().map(row).collect()
}

/// A published value and what it belongs to.
pub(super) fn related(value: &PublishedValue) -> Value {
    context! {
        accuracy => format!("{:.2}", value.compared()),
        as_published => value.as_published(),
        method => value.method.as_str(),
        model => value.model.as_str(),
        data => value.data.as_str(),
        training => value.training.as_str(),
        source => value.source.as_str(),
    }
}

/// All configurations of an experiment, in the order of its cells: cells that differ in the values of axes alone are a family, and the
/// seeds of a cell differ in nothing but the seed.
///
/// # Errors
/// If a configuration cannot be written as TOML.
pub(super) fn families(one: &ExperimentReport) -> anyhow::Result<Vec<Value>> {
    let command = |run: &&RunResult| format!("polder train cell.toml --set seed={}", run.seed);
    let configuration = |(cell, runs): (&str, Vec<&RunResult>)| -> anyhow::Result<Value> {
        let toml = toml::to_string(&runs[0].config)?;
        Ok(context! { cell, toml, commands => runs.iter().map(command).collect::<Vec<_>>() })
    };
    let family = |(name, runs): (&str, Vec<&RunResult>)| -> anyhow::Result<Value> {
        let configurations = grouped(runs, |run| run.cell.as_str()).into_iter().map(configuration);
        Ok(context! {
            name,
            anchor => family_anchor(&one.experiment.id, name),
            configurations => configurations.collect::<Result<Vec<_>, _>>()?,
        })
    };
    grouped(&one.runs, |run| run.family.as_str()).into_iter().map(family).collect()
}

/// How far a run is.
pub(super) fn run(run: &RunResult) -> Value {
    let seconds = (!run.timings().is_empty()).then(|| run.seconds());
    let unknown = || "\u{2013}".to_owned();
    context! {
        cell => run.cell.as_str(),
        seed => run.seed,
        id => run.id.as_str(),
        state => run.state(),
        epochs => format!("{} of {}", run.epochs().count(), run.config.training.epochs),
        time => seconds.map_or_else(unknown, duration),
        seconds,
        speed => run.images_per_second().map_or_else(unknown, |speed| format!("{speed:.0}")),
    }
}
