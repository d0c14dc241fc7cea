//! `results.json`: verdicts, cells and the few numbers that promises are kept by.

use std::collections::BTreeMap;

use serde::Serialize;

use super::cells::best_mean;
use super::{ExperimentReport, Report, main_average};
use polder_experiment::claim::{Finding, Interval};
use polder_experiment::run::record::ITERATE;

/// The file. Accuracies, effects and intervals of contrasts are fractions.
#[derive(Serialize)]
pub(super) struct Numbers<'a> {
    version: &'a str,
    scale: String,
    complete: bool,
    /// The ids of those that have ended and whose flatness, where an experiment asks for it, is measured.
    runs_done: Vec<&'a str>,
    experiments: Vec<ExperimentNumbers<'a>>,
    /// By name: for a simulation every quantity that a claim can be about, for example `A1.average-slope`, and `<id>.seconds`; for an
    /// experiment with a grid `<id>.best_accuracy` and, per cell, `<id>.gain.<cell>, <values of its axes>`, the mean of average
    /// minus iterate.
    #[serde(rename = "numbers")]
    named: BTreeMap<String, f64>,
}

#[derive(Serialize)]
struct ExperimentNumbers<'a> {
    id: &'a str,
    title: &'a str,
    seconds: f64,
    claims: Vec<ClaimNumbers<'a>>,
    cells: Vec<CellNumbers<'a>>,
}

#[derive(Serialize)]
struct ClaimNumbers<'a> {
    id: &'a str,
    statement: &'a str,
    #[serde(flatten)]
    finding: &'a Finding,
}

#[derive(Serialize)]
struct CellNumbers<'a> {
    cell: &'a str,
    weights: &'a str,
    mean_accuracy: Option<f64>,
    interval: Option<Interval>,
    by_seed: BTreeMap<u64, f64>,
    /// Seeds whose runs diverged.
    diverged: &'a [u64],
}

/// Everything a program may want to read from the report.
pub(super) fn numbers(report: &Report) -> Numbers<'_> {
    let mut numbers = BTreeMap::new();
    for experiment in &report.experiments {
        collect(experiment, &mut numbers);
    }
    Numbers {
        version: &report.session.version,
        scale: report.session.extent.scale.to_string(),
        complete: report.is_complete(),
        runs_done: report.done(),
        experiments: report.experiments.iter().map(experiment_numbers).collect(),
        named: numbers,
    }
}

fn experiment_numbers(experiment: &ExperimentReport) -> ExperimentNumbers<'_> {
    ExperimentNumbers {
        id: &experiment.experiment.id,
        title: &experiment.experiment.title,
        seconds: experiment.seconds(),
        claims: experiment
            .claims
            .iter()
            .map(|(claim, finding)| ClaimNumbers { id: &claim.id, statement: &claim.statement, finding })
            .collect(),
        cells: experiment
            .cells
            .iter()
            .map(|cell| CellNumbers {
                cell: &cell.cell,
                weights: &cell.weights,
                mean_accuracy: cell.mean,
                interval: cell.interval,
                by_seed: cell.values.iter().copied().collect(),
                diverged: &cell.diverged,
            })
            .collect(),
    }
}

fn collect(experiment: &ExperimentReport, numbers: &mut BTreeMap<String, f64>) {
    let id = &experiment.experiment.id;
    if let Some((record, summary)) = &experiment.theory {
        for metric in summary.metrics.iter().filter(|metric| metric.value.is_finite()) {
            numbers.insert(format!("{id}.{}", metric.name), metric.value);
        }
        numbers.insert(format!("{id}.seconds"), record.seconds);
    }
    if let Some(best) = best_mean(&experiment.cells) {
        numbers.insert(format!("{id}.best_accuracy"), best);
    }
    for iterate in experiment.cells.iter().filter(|cell| cell.weights == ITERATE) {
        let Some(iterate_mean) = iterate.mean else { continue };
        let of_cell: Vec<_> = experiment.cells.iter().filter(|cell| cell.cell == iterate.cell).collect();
        if let Some(average_mean) = main_average(&of_cell).and_then(|average| average.mean) {
            let name = iterate.point.after(&iterate.family);
            numbers.insert(format!("{id}.gain.{name}"), average_mean - iterate_mean);
        }
    }
}
