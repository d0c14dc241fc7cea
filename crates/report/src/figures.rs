//! The figures of the report, from what records hold.

mod axes;
mod curves;
mod ends;
mod flatness;
mod rows;
mod sections;
mod windows;

use std::collections::BTreeSet;

use polder_plot::Figure;

use super::{ExperimentReport, RunResult};

/// More cells than this are not drawn one by one.
const MOST_CELLS: usize = 8;

/// What every dot plot says of its bars.
const INTERVALS: &str = "hollow: each seed; bar: 95 % t interval of the mean, cut at the edge of the picture. With two seeds \
                         the interval rests on one degree of freedom and is wide.";

/// All figures of an experiment.
pub(super) fn figures(experiment: &ExperimentReport) -> Vec<Figure> {
    let mut figures = Vec::new();
    if let Some((_, summary)) = &experiment.theory {
        figures.extend(summary.figures.iter().cloned());
    }
    let runs: Vec<&RunResult> = experiment
        .runs
        .iter()
        .filter(|run| run.records.as_ref().is_some_and(|records| !records.epochs.is_empty()))
        .collect();
    figures.extend(axes::figure(&experiment.cells));
    // Planned ones too, since each has its row.
    let cells: BTreeSet<&str> = experiment.cells.iter().map(|cell| cell.cell.as_str()).collect();
    figures.extend(windows::figure(experiment));
    if cells.len() <= MOST_CELLS {
        figures.extend(flatness::figure(&experiment.flatness()));
    }
    // A panel for each cell, so that there may be many.
    figures.extend(sections::figures(experiment));
    if !runs.is_empty() && cells.len() <= MOST_CELLS && experiment.runs_shown_in.is_none() {
        if experiment.cells.iter().any(|cell| !cell.values.is_empty()) {
            figures.push(ends::figure(&experiment.cells));
        }
        figures.push(curves::figure(&runs, curves::Curve::Accuracy));
        figures.push(curves::figure(&runs, curves::Curve::Loss));
    }
    figures
}
