//! How trainings went: accuracy and loss over the epochs.

use std::collections::BTreeMap;

use polder_plot::{Axis, Figure, Ink, Panel, Series, Shape, Weight};

use crate::groups::grouped;
use crate::{RunResult, main_average_of, weights_label};
use polder_experiment::config::ScheduleConfig;
use polder_experiment::run::record::{EpochRecord, ITERATE};

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
pub(super) fn figure(runs: &[&RunResult], curve: Curve) -> Figure {
    let cells = grouped(runs.iter().copied(), |run| run.cell.as_str());
    let (what, label) = match curve {
        Curve::Accuracy => ("Accuracy", "accuracy, %"),
        Curve::Loss => ("Loss", "cross entropy, nats"),
    };
    let all = runs.iter().flat_map(|run| run.epochs()).flat_map(|epoch| {
        let tested = epoch.evaluations.keys().filter_map(|weights| curve.of(epoch, weights));
        tested.chain(curve.of_training(epoch)).collect::<Vec<_>>()
    });
    let epochs = runs.iter().map(|run| run.config.training.epochs).max().unwrap_or(1) as f64;
    let (x, y) = (Axis::whole("epoch").over(0.0, 1.02 * epochs), Axis::linear(label).around(all));
    let panels = cells.iter().map(|(cell, of_cell)| Panel {
        title: (*cell).to_owned(),
        x: x.clone(),
        y: y.clone(),
        series: all_series(of_cell, curve),
    });
    Figure {
        title: format!("{what} over the epochs"),
        caption: "Thick: mean over seeds; thin: each seed. A dashed line is where the learning rate falls. Values on the training \
                  split are means over an epoch of augmented images, each at the weights that met it."
            .to_owned(),
        panels: panels.collect(),
    }
}

/// The curves of one cell.
fn all_series(runs: &[&RunResult], curve: Curve) -> Vec<Series> {
    let decay = |epoch| Series::new("decay of the learning rate", Ink::Muted, Shape::Vertical(epoch));
    let mut all: Vec<Series> = decays(runs[0]).into_iter().map(decay).collect();
    all.extend(series("training", runs, Ink::Gray, |epoch| curve.of_training(epoch)));
    all.extend(series("last iterate, test", runs, Ink::Orange, |epoch| curve.of(epoch, ITERATE)));
    let averages = runs[0].config.averages.keys().map(String::as_str);
    if let Some(average) = main_average_of(averages) {
        let name = format!("{}, test", weights_label(average));
        all.extend(series(&name, runs, Ink::Blue, |epoch| curve.of(epoch, average)));
    }
    all
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

/// A value over the epochs: the mean thick where all seeds have a value, each seed thin; short curves have dots.
fn series(
    name: &str,
    runs: &[&RunResult],
    ink: Ink,
    value: impl Fn(&EpochRecord) -> Option<f64>,
) -> Vec<Series> {
    let mut by_epoch: BTreeMap<u64, Vec<f64>> = BTreeMap::new();
    let mut seeds = Vec::new();
    for run in runs {
        let points: Vec<(f64, f64)> =
            run.epochs().filter_map(|epoch| Some((epoch.epoch as f64, value(epoch)?))).collect();
        for (epoch, value) in &points {
            by_epoch.entry(*epoch as u64).or_default().push(*value);
        }
        let seed = Series::unnamed(ink, Shape::Line(points)).weighing(Weight::Faint);
        seeds.push(seed.called(format!("{name}, seed {}", run.seed)));
    }
    let mean: Vec<(f64, f64)> = by_epoch
        .iter()
        .filter(|(_, values)| values.len() == runs.len())
        .map(|(epoch, values)| (*epoch as f64, polder_stats::mean(values)))
        .collect();
    let dots = (mean.len() <= 4).then(|| Series::unnamed(ink, Shape::Dots(mean.clone())).without_numbers());
    let line = Series::new(name, ink, Shape::Line(mean)).weighing(Weight::Strong);
    let mut all = vec![line.called(format!("{name}, mean over seeds"))];
    all.extend(seeds.into_iter().filter(|_| runs.len() > 1));
    all.extend(dots);
    all
}
