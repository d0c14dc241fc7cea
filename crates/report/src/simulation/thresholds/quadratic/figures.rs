//! The figures of experiment B1.

use polder_plot::{Axis, Figure, Ink, Panel, Series, Shape};
use polder_stats::Estimate;
use polder_theory::thresholds::BatchSize;
use polder_theory::thresholds::quadratic::{Regime, Report, Row, Trajectory};
use polder_theory::thresholds::{LogDistances, SHOWN};

use super::{OfDistribution, distribution_text, distributions};
use crate::simulation::series::{MeasuredSeries, level, line, panel};

/// Distributions with panels of their own, at most.
const MAX_PANELS: usize = 3;
/// By how much the batch sizes of neighbouring distributions are moved apart, as a factor.
const APART: f64 = 1.08;

pub(super) fn thresholds(report: &Report) -> Figure {
    let mut panels: Vec<Panel> =
        distributions(report).take(MAX_PANELS).map(|of| thresholds_panel(&of)).collect();
    panels.extend([
        deviations_panel(report, "C*(k)", |row| (row.measured_mean_square, row.mean_square)),
        deviations_panel(report, "C_as(k)", |row| (row.measured_almost_sure, row.almost_sure)),
        rates_panel(report),
    ]);
    Figure {
        title: "Thresholds of SGD on a stochastic quadratic".to_owned(),
        caption: "Above C* the mean square of the distance grows; above C_as almost every run leaves. Lines are predictions, dots are \
                  measured from drawn curvatures; the horizontal line is the threshold of gradient descent. Then: measured over \
                  predicted thresholds with 95 % intervals, and the growth of the log distance per step of all runs against the \
                  Lyapunov exponent."
            .to_owned(),
        panels,
    }
}

/// Predicted thresholds as lines and measured ones as dots, against the batch size.
fn thresholds_panel(of: &OfDistribution) -> Panel {
    let mut series = Vec::new();
    if let Some(all) = of.rows.iter().find(|row| row.batch_size == BatchSize::ALL) {
        series.push(Series::new("gradient descent", Ink::Muted, Shape::Horizontal(all.mean_square)));
    }
    let mut add = |label: &str, ink, thresholds: fn(&Row) -> (f64, Option<Estimate>)| {
        let found = of.rows.iter().filter_map(|row| Some((number(row.batch_size)?, thresholds(row))));
        series.push(line(label, ink, found.clone().map(|(k, (predicted, _))| (k, predicted))));
        let measured: Vec<_> = found.filter_map(|(k, (_, measured))| Some((k, measured?))).collect();
        series.extend(MeasuredSeries::estimates(measured).marks(ink));
    };
    add("almost surely, C_as(k)", Ink::Orange, |row| (row.almost_sure, row.measured_almost_sure));
    add("in mean square, C*(k)", Ink::Blue, |row| (row.mean_square, row.measured_mean_square));
    panel(distribution_text(of.distribution), Axis::log("batch size k"), Axis::linear("step size C"), series)
}

fn deviations_panel(report: &Report, of: &str, thresholds: fn(&Row) -> (Option<Estimate>, f64)) -> Panel {
    let mut series = vec![level(0.0)];
    for OfDistribution { index, distribution, rows, .. } in distributions(report) {
        let apart = APART.powf(index as f64 - 0.5 * (report.summaries.len() as f64 - 1.0));
        let deviations = rows.iter().filter_map(|row| {
            let (measured, predicted) = thresholds(row);
            let (measured, k) = (measured?, number(row.batch_size)?);
            let percent = |value: f64| 100.0 * (value / predicted - 1.0);
            Some((k * apart, [measured.value, measured.lower, measured.upper].map(percent)))
        });
        series.extend(
            MeasuredSeries::new(deviations).named(distribution_text(distribution), Ink::of_series(index)),
        );
    }
    let ends = series.iter().filter_map(|series| match &series.shape {
        Shape::Intervals(bars) => {
            bars.iter().map(|(_, low, high)| low.abs().max(high.abs())).reduce(f64::max)
        }
        _ => None,
    });
    let farthest = 1.1 * ends.reduce(f64::max).unwrap_or(1.0);
    let y = Axis::linear("measured over predicted − 1, %").over(-farthest, farthest);
    panel(format!("Deviation from {of}"), Axis::log("batch size k"), y, series)
}

fn rates_panel(report: &Report) -> Panel {
    let rates = report.rows.iter().flat_map(|row| &row.trajectories).map(|of| of.predicted_rate);
    let (low, high) =
        rates.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), rate| (low.min(rate), high.max(rate)));
    let mut series = vec![Series::new("equal", Ink::Muted, Shape::Dashed(vec![(low, low), (high, high)]))];
    for OfDistribution { index, distribution, rows, .. } in distributions(report) {
        let rates = rows.iter().flat_map(|row| &row.trajectories);
        let rates = rates.map(|of| (of.predicted_rate, of.measured_rate));
        series.extend(
            MeasuredSeries::estimates(rates).named(distribution_text(distribution), Ink::of_series(index)),
        );
    }
    let (x, y) = (Axis::linear("Lyapunov exponent"), Axis::linear("measured"));
    panel("Growth of the log distance per step", x, y, series)
}

pub(super) fn runs(report: &Report) -> Figure {
    let rows = distributions(report).take(MAX_PANELS).filter_map(|of| of.rows.first().copied());
    Figure {
        title: "Runs around the thresholds".to_owned(),
        caption: format!(
            "Median and 10-90 % band of {} runs from distance {}, at a tenth below C*, at the geometric mean of C* and C_as, and at a \
             tenth above C_as; dashed lines have the slope of the Lyapunov exponent. The gray curve is the exact root mean square \
             between the thresholds: it grows, although almost every run comes closer. Distances are cut at 1e−18 and 1e6.",
            report.config.num_runs, report.config.start_distance
        ),
        panels: rows.map(|row| runs_panel(row, report.config.start_distance)).collect(),
    }
}

fn runs_panel(row: &Row, start: f64) -> Panel {
    let highest = row.trajectories.iter().map(|of| ends(&of.distances).1).fold(0.0, f64::max);
    let mut series = Vec::new();
    for of in &row.trajectories {
        let (label, ink) = match of.regime {
            Regime::BelowBoth => ("below C*", Ink::Blue),
            Regime::Between => ("between", Ink::Purple),
            Regime::AboveBoth => ("above C_as", Ink::Orange),
        };
        series.extend(quantiles(&of.distances, label, ink));
        let (low, high) = ends(&of.distances);
        let predicted = growth(of, start, of.predicted_rate);
        let predicted = predicted.filter(|(_, distance)| (low..=high).contains(distance)).collect();
        series.push(Series::unnamed(Ink::Text, Shape::Dashed(predicted)));
        if of.regime == Regime::Between {
            let mean_square = growth(of, start, 0.5 * of.second_moment_factor.ln());
            let shown = mean_square.take_while(|(_, distance)| *distance <= highest);
            series.push(line("root mean square, between", Ink::Gray, shown));
        }
    }
    let title = format!("{}, k = {}", distribution_text(&row.law), row.batch_size);
    panel(title, Axis::linear("step"), Axis::log("distance to the minimiser"), series)
}

/// The band from the low to the high quantile, and the median as a line.
fn quantiles(distances: &LogDistances, label: &str, ink: Ink) -> [Series; 2] {
    let shown = distances.steps.iter().map(|step| *step as f64).take(num_shown(distances));
    let LogDistances { low, median, high, .. } = distances;
    let distance = |log: f64| 10_f64.powf(log);
    let band = shown.clone().zip(low.iter().zip(high));
    let band = band.map(|(step, (low, high))| (step, distance(*low), distance(*high))).collect();
    let median = shown.zip(median).map(|(step, log)| (step, distance(*log)));
    [Series::unnamed(ink, Shape::Band(band)), line(label, ink, median)]
}

/// Exponential growth from the start.
fn growth(of: &Trajectory, start: f64, rate: f64) -> impl Iterator<Item = (f64, f64)> {
    let steps = of.distances.steps.iter().map(|step| *step as f64);
    steps.map(move |step| (step, start * (rate * step).exp()))
}

/// The lowest and the highest distance of the band.
fn ends(distances: &LogDistances) -> (f64, f64) {
    let low = distances.low.iter().copied().fold(f64::INFINITY, f64::min);
    let high = distances.high.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    (10_f64.powf(low), 10_f64.powf(high))
}

/// The points up to the first at which most runs are at the end of what is shown.
fn num_shown(distances: &LogDistances) -> usize {
    let (low, high) = SHOWN;
    let leaves = |log: &f64| *log <= low.log10() || *log >= high.log10();
    distances.median.iter().position(leaves).map_or(distances.median.len(), |last| last + 1)
}

/// The batch size on an axis; `None` for all components.
fn number(batch_size: BatchSize) -> Option<f64> {
    match batch_size {
        BatchSize::Draws(k) => Some(f64::from(k.get())),
        BatchSize::All(_) => None,
    }
}
