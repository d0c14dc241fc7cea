//! How trainings went: where runs end, and accuracy and loss over the epochs.

use std::collections::BTreeMap;

use super::{Figure, Mark, Panel, entry};
use crate::claim::{Interval, mean_interval};
use crate::config::ScheduleConfig;
use crate::record::{EpochRecord, ITERATE};
use crate::report::panel::{Axis, Ink, Plot, panel};
use crate::report::{CellResult, RunResult, main_average};

/// What a curve shows against the epoch.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Curve {
    Accuracy,
    Loss,
}

impl Curve {
    /// The test value of one set of weights after an epoch.
    fn of(self, epoch: &EpochRecord, weights: &str) -> Option<f64> {
        let evaluation = epoch.evaluations.get(weights)?;
        match self {
            Self::Accuracy => Some(100.0 * (1.0 - evaluation.error)),
            Self::Loss => evaluation.loss,
        }
    }

    /// The value on the training images as they were met.
    fn of_training(self, epoch: &EpochRecord) -> Option<f64> {
        match self {
            Self::Accuracy => Some(100.0 * (1.0 - epoch.train_error)),
            Self::Loss => epoch.train_loss,
        }
    }
}

/// One panel per cell, all with the same axes.
pub(super) fn curves_figure(runs: &[&RunResult], curve: Curve) -> anyhow::Result<Figure> {
    let mut cells: Vec<(&str, Vec<&RunResult>)> = Vec::new();
    for run in runs {
        match cells.iter_mut().find(|(cell, _)| *cell == run.cell) {
            Some((_, of_cell)) => of_cell.push(run),
            None => cells.push((&run.cell, vec![run])),
        }
    }
    let epochs = runs.iter().map(|run| run.config.training.epochs).max().unwrap_or(1) as f64;
    let all = runs.iter().flat_map(|run| run.epochs()).flat_map(|epoch| {
        epoch
            .evaluations
            .keys()
            .filter_map(|weights| curve.of(epoch, weights))
            .chain(curve.of_training(epoch))
            .collect::<Vec<_>>()
    });
    let y = Axis::around(if curve == Curve::Accuracy { "accuracy, %" } else { "cross entropy, nats" }, all);
    let every = (epochs / 6.0).ceil().max(1.0);
    let ticks =
        (0..=(epochs / every) as u64).map(|index| (index as f64 * every, (index as f64 * every).to_string()));
    let x = Axis::with_ticks("epoch", 0.0..epochs * 1.02, ticks.collect());
    let mut panels = Vec::new();
    for (cell, of_cell) in &cells {
        let description =
            format!("{} by epoch, {cell}", if curve == Curve::Accuracy { "Accuracy" } else { "Loss" });
        let svg = panel(&description, &x, &y, |plot| {
            mark_decays(plot, of_cell[0], y.range().end)?;
            draw_series(plot, of_cell, Ink::Training, |epoch| curve.of_training(epoch))?;
            draw_series(plot, of_cell, Ink::Iterate, |epoch| curve.of(epoch, ITERATE))?;
            for average in of_cell[0].config.averages.keys() {
                draw_series(plot, of_cell, Ink::Average, |epoch| curve.of(epoch, average))?;
            }
            Ok(())
        })?;
        panels.push(Panel { title: (*cell).to_owned(), svg });
    }
    let what = if curve == Curve::Accuracy { "Accuracy" } else { "Loss" };
    Ok(Figure {
        title: format!("{what} over the epochs"),
        caption: "Thick: mean over seeds; thin: each seed. Dashed: the learning rate falls. Values on the training \
                  split are means over an epoch of augmented images, each at the weights that met it."
            .to_owned(),
        legend: vec![
            entry("last iterate, test", Ink::Iterate, Mark::Line),
            entry("average, test", Ink::Average, Mark::Line),
            entry("training", Ink::Training, Mark::Line),
            entry("decay of the learning rate", Ink::Muted, Mark::Dashed),
        ],
        panels,
    })
}

fn mark_decays(plot: &mut Plot<'_, '_>, run: &RunResult, top: f64) -> anyhow::Result<()> {
    if !matches!(run.config.schedule, ScheduleConfig::MultiStep { .. }) {
        return Ok(());
    }
    let schedule = run.config.schedule();
    for epoch in 1..run.config.training.epochs {
        if schedule.at(epoch) < schedule.at(epoch - 1) {
            plot.dashed((epoch as f64, f64::NEG_INFINITY), (epoch as f64, top), Ink::Muted)?;
        }
    }
    Ok(())
}

/// Each seed thin, their mean thick where all of them are; single points become dots.
fn draw_series(
    plot: &mut Plot<'_, '_>,
    runs: &[&RunResult],
    ink: Ink,
    value: impl Fn(&EpochRecord) -> Option<f64>,
) -> anyhow::Result<()> {
    let mut by_epoch: BTreeMap<u64, Vec<f64>> = BTreeMap::new();
    for run in runs {
        let points: Vec<(f64, f64)> =
            run.epochs().filter_map(|epoch| Some((epoch.epoch as f64, value(epoch)?))).collect();
        for (epoch, value) in &points {
            by_epoch.entry(*epoch as u64).or_default().push(*value);
        }
        if runs.len() > 1 {
            plot.line(&points, ink, 1.0, 0.4)?;
        }
    }
    let mean: Vec<(f64, f64)> = by_epoch
        .iter()
        .filter(|(_, values)| values.len() == runs.len())
        .map(|(epoch, values)| (*epoch as f64, values.iter().sum::<f64>() / values.len() as f64))
        .collect();
    plot.line(&mean, ink, 2.2, 1.0)?;
    if mean.len() <= 4 {
        plot.dots(&mean, ink, 3.0, true)?;
    }
    Ok(())
}

/// Final accuracies, and what averaging adds, cell by cell.
pub(super) fn final_figure(cells: &[CellResult]) -> anyhow::Result<Figure> {
    let mut names: Vec<&str> = Vec::new();
    for cell in cells {
        if !names.contains(&cell.cell.as_str()) {
            names.push(&cell.cell);
        }
    }
    let percent =
        |cell: &CellResult| cell.values.iter().map(|(_, value)| 100.0 * value).collect::<Vec<f64>>();
    let accuracies = names
        .iter()
        .map(|name| {
            let of_cell = cells.iter().filter(|cell| cell.cell == **name);
            let ink = |cell: &CellResult| if cell.weights == ITERATE { Ink::Iterate } else { Ink::Average };
            Row {
                label: (*name).to_owned(),
                series: of_cell.map(|cell| (ink(cell), percent(cell))).collect(),
            }
        })
        .collect::<Vec<_>>();
    let gains = names
        .iter()
        .map(|name| {
            let of_cell: Vec<&CellResult> = cells.iter().filter(|cell| cell.cell == **name).collect();
            let gain = |average: &CellResult, iterate: &CellResult| -> Vec<f64> {
                let at = |seed: u64| {
                    iterate.values.iter().find(|(other, _)| *other == seed).map(|(_, value)| *value)
                };
                average.values.iter().filter_map(|(seed, value)| Some(100.0 * (value - at(*seed)?))).collect()
            };
            let iterate = of_cell.iter().find(|cell| cell.weights == ITERATE);
            let average = main_average(&of_cell);
            let values =
                average.zip(iterate).map(|(average, iterate)| gain(average, iterate)).unwrap_or_default();
            Row { label: (*name).to_owned(), series: vec![(Ink::Average, values)] }
        })
        .collect::<Vec<_>>();
    let panels = vec![
        Panel {
            title: "Test accuracy after the last epoch".to_owned(),
            svg: rows_panel("Test accuracy by cell", "test accuracy, %", &accuracies, None)?,
        },
        Panel {
            title: "What averaging adds to the last iterate".to_owned(),
            svg: rows_panel(
                "Gain of averaging by cell",
                "average minus last iterate, points",
                &gains,
                Some(0.0),
            )?,
        },
    ];
    Ok(Figure {
        title: "Where the runs end".to_owned(),
        caption: "Filled: mean over seeds; hollow: each seed; bar: 95 % t interval of the mean, cut at the edge of \
                  the picture. With two seeds the interval rests on one degree of freedom and is wide."
            .to_owned(),
        legend: vec![
            entry("last iterate", Ink::Iterate, Mark::Dot),
            entry("average, and its gain", Ink::Average, Mark::Dot),
        ],
        panels,
    })
}

/// A labelled row of a dot plot: values per seed of one or more series.
struct Row {
    label: String,
    series: Vec<(Ink, Vec<f64>)>,
}

fn rows_panel(description: &str, title: &str, rows: &[Row], mark: Option<f64>) -> anyhow::Result<String> {
    let values = rows.iter().flat_map(|row| row.series.iter().flat_map(|(_, values)| values.iter().copied()));
    let around: Vec<f64> = values.chain(mark).collect();
    let (low, high) = around
        .iter()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(*value), high.max(*value)));
    // Intervals may be many times wider than what the seeds span; they are cut, not the picture stretched.
    let air = 0.35 * (high - low).max(0.5);
    let x = Axis::over(title, low - air..high + air);
    let level = |index: usize| (rows.len() - 1 - index) as f64;
    let labels = rows.iter().enumerate().map(|(index, row)| (level(index), row.label.clone())).collect();
    let y = Axis::with_ticks("", -0.6..rows.len() as f64 - 0.4, labels);
    panel(description, &x, &y, |plot| {
        if let Some(mark) = mark {
            plot.dashed((mark, y.range().start), (mark, y.range().end), Ink::Muted)?;
        }
        for (index, row) in rows.iter().enumerate() {
            let middle = 0.5 * (row.series.len() as f64 - 1.0);
            for (place, (ink, values)) in row.series.iter().enumerate() {
                draw_row(plot, *ink, values, level(index) + 0.34 * (middle - place as f64))?;
            }
        }
        Ok(())
    })
}

fn draw_row(plot: &mut Plot<'_, '_>, ink: Ink, values: &[f64], level: f64) -> anyhow::Result<()> {
    if values.is_empty() {
        return Ok(());
    }
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    if let Some(Interval { low, high, .. }) = mean_interval(values, crate::claim::LEVEL) {
        plot.line(&[(low, level), (high, level)], ink, 2.0, 0.55)?;
    }
    plot.dots(&values.iter().map(|value| (*value, level)).collect::<Vec<_>>(), ink, 3.2, false)?;
    plot.dots(&[(mean, level)], ink, 4.6, true)
}
