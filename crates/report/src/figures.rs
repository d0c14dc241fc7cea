//! The figures of the report, drawn from what records hold.

mod axes;
mod curves;
mod ends;
mod flatness;
mod law;
mod rows;
pub mod samples;
mod sections;
mod windows;

use std::collections::BTreeSet;

use self::samples::Samples;
use super::panel::Ink;
use super::{ExperimentReport, RunResult};

/// More cells than this are not drawn one by one.
const MOST_CELLS: usize = 8;

/// What every dot plot says of its bars.
const INTERVALS: &str = "hollow: each seed; bar: 95 % t interval of the mean, cut at the edge of the picture. With two seeds \
                         the interval rests on one degree of freedom and is wide.";

/// Panels that belong together, with one legend and one caption.
#[derive(Clone)]
pub struct Figure {
    pub title: String,
    pub caption: String,
    pub legend: Vec<LegendEntry>,
    pub panels: Vec<Panel>,
}

#[derive(Clone)]
pub struct Panel {
    pub title: String,
    pub svg: String,
    /// What lies across.
    pub x: String,
    /// What rises; nothing where rows have names.
    pub y: String,
    /// The numbers that are drawn.
    pub samples: Vec<Samples>,
}

#[derive(Clone)]
pub struct LegendEntry {
    pub label: String,
    pub ink: Ink,
    pub mark: Mark,
}

/// How a series is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    Line,
    Dashed,
    Dot,
    Area,
}

/// All figures of an experiment.
pub(super) fn figures(experiment: &ExperimentReport) -> anyhow::Result<Vec<Figure>> {
    let mut figures = Vec::new();
    if let Some((_, summary)) = &experiment.theory {
        figures.extend(of_law(summary)?);
    }
    let runs: Vec<&RunResult> = experiment
        .runs
        .iter()
        .filter(|run| run.records.as_ref().is_some_and(|records| !records.epochs.is_empty()))
        .collect();
    figures.extend(axes::figure(&experiment.cells).as_ref().map(of_data).transpose()?);
    // Planned ones too, since each has its row.
    let cells: BTreeSet<&str> = experiment.cells.iter().map(|cell| cell.cell.as_str()).collect();
    figures.extend(windows::figure(experiment).as_ref().map(of_data).transpose()?);
    if cells.len() <= MOST_CELLS {
        figures.extend(flatness::figure(&experiment.flatness())?);
    }
    // A panel for each cell, so that there may be many.
    for sections in sections::figures(experiment) {
        figures.push(of_data(&sections)?);
    }
    if !runs.is_empty() && cells.len() <= MOST_CELLS && experiment.runs_shown_in.is_none() {
        if experiment.cells.iter().any(|cell| !cell.values.is_empty()) {
            figures.push(ends::figure(&experiment.cells)?);
        }
        figures.push(curves::figure(&runs, curves::Curve::Accuracy)?);
        figures.push(curves::figure(&runs, curves::Curve::Loss)?);
    }
    Ok(figures)
}

/// All figures of a law.
pub fn of_law(summary: &super::simulation::Summary) -> anyhow::Result<Vec<Figure>> {
    summary.figures.iter().map(of_data).collect()
}

/// A figure that is given as data.
pub fn of_data(figure: &polder_plot::Figure) -> anyhow::Result<Figure> {
    law::figure(figure)
}

fn entry(label: &str, ink: Ink, mark: Mark) -> LegendEntry {
    LegendEntry { label: label.to_owned(), ink, mark }
}
