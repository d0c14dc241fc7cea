//! The figures of experiment B1.

use polder_plot::{Axis, Figure, Ink, Panel, Series, Shape};
use polder_theory::Estimate;
use polder_theory::thresholds::BatchSize;
use polder_theory::thresholds::quadratic::{Place, Report, Row, Trajectory};
use polder_theory::thresholds::{LogDistances, SHOWN};

use super::law_text;
use crate::simulation::{Measured, View};

/// Laws with panels of their own, at most.
const MOST_LAWS: usize = 3;
/// By how much the batch sizes of neighbouring laws are moved apart, as a factor.
const APART: f64 = 1.08;

impl View<'_, Report> {
    pub(super) fn thresholds_figure(&self) -> Figure {
        let mut panels: Vec<Panel> = self
            .laws()
            .take(MOST_LAWS)
            .map(|(_, law, _, rows)| Panel {
                title: law_text(law),
                x: Axis::log("batch size k"),
                y: Axis::linear("step size C"),
                series: thresholds(&rows),
            })
            .collect();
        panels.extend([
            self.deviations_panel("Deviation from C*(k)", &|row| (row.measured_mean_square, row.mean_square)),
            self.deviations_panel("Deviation from C_as(k)", &|row| {
                (row.measured_almost_sure, row.almost_sure)
            }),
            self.rates_panel(),
        ]);
        Figure {
            title: "Thresholds of SGD on a stochastic quadratic".to_owned(),
            caption: "Above C* the mean square of the distance grows, above C_as almost every run leaves: predictions are lines, what \
                      drawn curvatures give are dots; the horizontal line is gradient descent's threshold. Then measured over predicted \
                      thresholds with 95 % intervals, and the growth of the log distance per step of all runs against the Lyapunov \
                      exponent."
                .to_owned(),
            panels,
        }
    }

    fn deviations_panel(&self, title: &str, thresholds: &dyn Fn(&Row) -> (Option<Estimate>, f64)) -> Panel {
        let mut series = vec![Series::unnamed(Ink::Muted, Shape::Horizontal(0.0))];
        for (index, law, _, rows) in self.laws() {
            let apart = APART.powf(index as f64 - 0.5 * (self.summaries.len() as f64 - 1.0));
            let deviations = rows.iter().filter_map(|row| {
                let (measured, predicted) = thresholds(row);
                let (measured, k) = (measured?, number(row.batch_size)?);
                let percent = |value: f64| 100.0 * (value / predicted - 1.0);
                Some((k * apart, [measured.value, measured.lower, measured.upper].map(percent)))
            });
            series.extend(Measured::new(deviations).named(law_text(law), Ink::of_series(index)));
        }
        let ends = series.iter().filter_map(|series| match &series.shape {
            Shape::Intervals(bars) => {
                bars.iter().map(|(_, low, high)| low.abs().max(high.abs())).reduce(f64::max)
            }
            _ => None,
        });
        let farthest = 1.1 * ends.reduce(f64::max).unwrap_or(1.0);
        Panel {
            title: title.to_owned(),
            x: Axis::log("batch size k"),
            y: Axis::linear("measured over predicted − 1, %").over(-farthest, farthest),
            series,
        }
    }

    fn rates_panel(&self) -> Panel {
        let rates =
            self.rows.iter().flat_map(|row| &row.trajectories).map(|trajectory| trajectory.predicted_rate);
        let (low, high) = rates
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), rate| (low.min(rate), high.max(rate)));
        let mut series =
            vec![Series::new("equal", Ink::Muted, Shape::Dashed(vec![(low, low), (high, high)]))];
        for (index, law, _, rows) in self.laws() {
            let trajectories = rows.iter().flat_map(|row| &row.trajectories);
            let rates = trajectories.map(|trajectory| (trajectory.predicted_rate, &trajectory.measured_rate));
            series.extend(Measured::estimates(rates).named(law_text(law), Ink::of_series(index)));
        }
        Panel {
            title: "Growth of the log distance per step".to_owned(),
            x: Axis::linear("Lyapunov exponent"),
            y: Axis::linear("measured"),
            series,
        }
    }

    pub(super) fn runs_figure(&self) -> Figure {
        let panels = self
            .laws()
            .take(MOST_LAWS)
            .filter_map(|(_, law, _, rows)| {
                let row = rows.first()?;
                Some(Panel {
                    title: format!("{}, k = {}", law_text(law), row.batch_size),
                    x: Axis::linear("step"),
                    y: Axis::log("distance to the minimiser"),
                    series: self.runs(row),
                })
            })
            .collect();
        Figure {
            title: "Runs around the thresholds".to_owned(),
            caption: format!(
                "Median and 10-90 % band of {} runs from distance {}, at a tenth below C*, at the geometric mean of C* and C_as, and at a \
                 tenth above C_as; dashed lines have the slope of the Lyapunov exponent. The gray curve is the exact root mean square \
                 between the thresholds: it grows, although almost every run comes closer. Distances are cut at 1e−18 and 1e6.",
                self.config.num_runs, self.config.start_distance
            ),
            panels,
        }
    }

    fn runs(&self, row: &Row) -> Vec<Series> {
        let start = self.config.start_distance;
        let mut series = Vec::new();
        for trajectory in &row.trajectories {
            let (label, ink) = match trajectory.place {
                Place::BelowBoth => ("below C*", Ink::Blue),
                Place::Between => ("between", Ink::Purple),
                Place::AboveBoth => ("above C_as", Ink::Orange),
            };
            let distances = &trajectory.distances;
            let shown = num_shown(distances);
            let points = |logs: &[f64]| -> Vec<(f64, f64)> {
                distances
                    .steps
                    .iter()
                    .zip(logs)
                    .take(shown)
                    .map(|(step, log)| (*step as f64, 10_f64.powf(*log)))
                    .collect()
            };
            let band = points(&distances.low).into_iter().zip(&distances.high);
            let band = band.map(|((step, low), high)| (step, low, 10_f64.powf(*high))).collect();
            series.push(Series::unnamed(ink, Shape::Band(band)));
            series.push(Series::new(label, ink, Shape::Line(points(&distances.median))));
            let (low, high) = ends(distances);
            let growth = |rate: f64| -> Vec<(f64, f64)> {
                let all =
                    distances.steps.iter().map(|step| (*step as f64, start * (rate * *step as f64).exp()));
                all.filter(|(_, distance)| (low..=high).contains(distance)).collect()
            };
            series.push(Series::unnamed(Ink::Text, Shape::Dashed(growth(trajectory.predicted_rate))));
            if trajectory.place == Place::Between {
                let rate = 0.5 * trajectory.second_moment_factor.ln();
                series.push(Series::new(
                    "root mean square, between",
                    Ink::Gray,
                    Shape::Line(self.shown_growth(row, rate)),
                ));
            }
        }
        series
    }

    /// Exponential growth from the start, as far as the runs of `row` are shown.
    fn shown_growth(&self, row: &Row, rate: f64) -> Vec<(f64, f64)> {
        let highest =
            row.trajectories.iter().map(|trajectory| ends(&trajectory.distances).1).fold(0.0, f64::max);
        let steps =
            row.trajectories.first().map_or(&[][..], |trajectory: &Trajectory| &trajectory.distances.steps);
        let points =
            steps.iter().map(|step| (*step as f64, self.config.start_distance * (rate * *step as f64).exp()));
        points.take_while(|(_, distance)| *distance <= highest).collect()
    }
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

/// Predicted thresholds as lines and measured ones as dots, against the batch size.
fn thresholds(rows: &[&Row]) -> Vec<Series> {
    let mut series = Vec::new();
    if let Some(all) = rows.iter().find(|row| row.batch_size == BatchSize::ALL) {
        series.push(Series::new("gradient descent", Ink::Muted, Shape::Horizontal(all.mean_square)));
    }
    let mut add = |label: &str, ink, thresholds: &dyn Fn(&Row) -> (f64, Option<Estimate>)| {
        let found = rows.iter().filter_map(|row| Some((number(row.batch_size)?, thresholds(row))));
        let line = found.clone().map(|(k, (predicted, _))| (k, predicted)).collect();
        series.push(Series::new(label, ink, Shape::Line(line)));
        let measured: Vec<_> = found.filter_map(|(k, (_, measured))| Some((k, measured?))).collect();
        series.extend(Measured::estimates(measured.iter().map(|(k, found)| (*k, found))).marks(ink));
    };
    add("almost surely, C_as(k)", Ink::Orange, &|row| (row.almost_sure, row.measured_almost_sure));
    add("in mean square, C*(k)", Ink::Blue, &|row| (row.mean_square, row.measured_mean_square));
    series
}

/// The batch size on an axis; `None` for all components.
fn number(batch_size: BatchSize) -> Option<f64> {
    match batch_size {
        BatchSize::Draws(k) => Some(f64::from(k.get())),
        BatchSize::All(_) => None,
    }
}
