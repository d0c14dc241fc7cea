//! How trainings went: accuracy and loss over the epochs.

use std::collections::BTreeMap;

use super::samples::Samples;
use super::{Figure, Mark, Panel, entry};
use crate::panel::{Axis, Ink, Plot, panel};
use crate::{RunResult, main_average_of, weights_label};
use polder_experiment::config::ScheduleConfig;
use polder_experiment::record::{EpochRecord, ITERATE};

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
pub(super) fn figure(runs: &[&RunResult], curve: Curve) -> anyhow::Result<Figure> {
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
    let y_title = if curve == Curve::Accuracy { "accuracy, %" } else { "cross entropy, nats" };
    let y = Axis::around(y_title, all);
    let every = (epochs / 6.0).ceil().max(1.0);
    let ticks =
        (0..=(epochs / every) as u64).map(|index| (index as f64 * every, (index as f64 * every).to_string()));
    let x = Axis::with_ticks("epoch", 0.0..epochs * 1.02, ticks.collect());
    let mut panels = Vec::new();
    for (cell, of_cell) in &cells {
        let description =
            format!("{} by epoch, {cell}", if curve == Curve::Accuracy { "Accuracy" } else { "Loss" });
        let decays = decays(of_cell[0]);
        let mut series = vec![
            Series::of("training", of_cell, Ink::Training, |epoch| curve.of_training(epoch)),
            Series::of("last iterate, test", of_cell, Ink::Iterate, |epoch| curve.of(epoch, ITERATE)),
        ];
        let averages = of_cell[0].config.averages.keys().map(String::as_str);
        series.extend(main_average_of(averages).map(|average| {
            let name = format!("{}, test", weights_label(average));
            Series::of(&name, of_cell, Ink::Average, |epoch| curve.of(epoch, average))
        }));
        let svg = panel(&description, &x, &y, |plot| {
            decays.iter().try_for_each(|epoch| {
                plot.dashed((*epoch, f64::NEG_INFINITY), (*epoch, y.range().end), Ink::Muted)
            })?;
            series.iter().try_for_each(|series| series.draw(plot))
        })?;
        let of_decays = Samples {
            series: "decay of the learning rate".to_owned(),
            mark: "vertical line",
            rows: decays.iter().map(|epoch| [Some(*epoch), None, None, None, None]).collect(),
        };
        panels.push(Panel {
            title: (*cell).to_owned(),
            svg,
            x: "epoch".to_owned(),
            y: y_title.to_owned(),
            samples: std::iter::once(of_decays).chain(series.iter().flat_map(Series::samples)).collect(),
        });
    }
    let mut legend = vec![entry("last iterate, test", Ink::Iterate, Mark::Line)];
    let mut averages = runs.iter().flat_map(|run| run.config.averages.keys().map(String::as_str));
    if let Some(average) = main_average_of(&mut averages) {
        legend.push(entry(&format!("{}, test", weights_label(average)), Ink::Average, Mark::Line));
    }
    legend.push(entry("training", Ink::Training, Mark::Line));
    if runs.iter().any(|run| !decays(run).is_empty()) {
        legend.push(entry("decay of the learning rate", Ink::Muted, Mark::Dashed));
    }
    let what = if curve == Curve::Accuracy { "Accuracy" } else { "Loss" };
    Ok(Figure {
        title: format!("{what} over the epochs"),
        caption: "Thick: mean over seeds; thin: each seed. A dashed line is where the learning rate falls. Values on the training \
                  split are means over an epoch of augmented images, each at the weights that met it."
            .to_owned(),
        legend,
        panels,
    })
}

/// The epochs after which the learning rate of a schedule with steps falls.
fn decays(run: &RunResult) -> Vec<f64> {
    if !matches!(run.config.schedule, ScheduleConfig::MultiStep { .. }) {
        return Vec::new();
    }
    let schedule = run.config.schedule();
    let falls = |epoch: &u64| schedule.at(*epoch) < schedule.at(epoch - 1);
    (1..run.config.training.epochs).filter(falls).map(|epoch| epoch as f64).collect()
}

/// A value over the epochs, by seed.
struct Series {
    name: String,
    ink: Ink,
    by_seed: Vec<(u64, Vec<(f64, f64)>)>,
    /// Where all seeds have a value.
    mean: Vec<(f64, f64)>,
}

impl Series {
    fn of(name: &str, runs: &[&RunResult], ink: Ink, value: impl Fn(&EpochRecord) -> Option<f64>) -> Self {
        let mut by_epoch: BTreeMap<u64, Vec<f64>> = BTreeMap::new();
        let mut by_seed = Vec::new();
        for run in runs {
            let points: Vec<(f64, f64)> =
                run.epochs().filter_map(|epoch| Some((epoch.epoch as f64, value(epoch)?))).collect();
            for (epoch, value) in &points {
                by_epoch.entry(*epoch as u64).or_default().push(*value);
            }
            by_seed.push((run.seed, points));
        }
        let mean = by_epoch
            .iter()
            .filter(|(_, values)| values.len() == runs.len())
            .map(|(epoch, values)| (*epoch as f64, values.iter().sum::<f64>() / values.len() as f64))
            .collect();
        Self { name: name.to_owned(), ink, by_seed, mean }
    }

    /// Each seed thin, their mean thick where all of them are; single points become dots.
    fn draw(&self, plot: &mut Plot<'_, '_>) -> anyhow::Result<()> {
        if self.by_seed.len() > 1 {
            self.by_seed.iter().try_for_each(|(_, points)| plot.line(points, self.ink, 1.0, 0.4))?;
        }
        plot.line(&self.mean, self.ink, 2.2, 1.0)?;
        if self.mean.len() <= 4 {
            plot.dots(&self.mean, self.ink, 3.0, true)?;
        }
        Ok(())
    }

    fn samples(&self) -> Vec<Samples> {
        let of_seed = |(seed, points): &(u64, Vec<(f64, f64)>)| {
            Samples::points(&format!("{}, seed {seed}", self.name), "thin line", points)
        };
        let mean = Samples::points(&format!("{}, mean over seeds", self.name), "line", &self.mean);
        let seeds = self.by_seed.iter().filter(|_| self.by_seed.len() > 1).map(of_seed);
        std::iter::once(mean).chain(seeds).collect()
    }
}
