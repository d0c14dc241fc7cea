//! The pictures of runs that start next to a minimiser.

use polder_plot::{Axis, Figure, Ink, Panel, Series, Shape};
use polder_theory::thresholds::BatchSize;
use polder_theory::thresholds::escape::{EscapeRow, FASTEST, StepChoice, Thresholds};

use super::Escape;
use crate::simulation::series::{MeasuredSeries, level, line, panel};

/// Panels of a figure with one panel per batch size, at most.
const NUM_PANELS: usize = 3;
/// Distances that figures show: below, rounding takes over.
const SHOWN: (f64, f64) = (1e-14, 1e2);
/// Figures of distances show this many times the steps that the slowest run is predicted to take to leave.
const MARGIN: f64 = 3.0;

impl Escape<'_> {
    /// The first batch sizes and the last one.
    fn shown_batch_sizes(&self) -> Vec<(usize, BatchSize)> {
        let all: Vec<_> = self.config.batch_sizes.iter().copied().enumerate().collect();
        let first = all.len().min(NUM_PANELS).saturating_sub(1);
        all.iter().take(first).chain(all.last()).copied().collect()
    }

    fn ink(&self, start: usize) -> Ink {
        match start {
            0 => Ink::Orange,
            last if last == self.flattest() => Ink::Blue,
            mixed => Ink::of_series(2 + mixed),
        }
    }

    /// Distances over the steps around the sharp and the flat minimiser, just above and just below the sharp one's threshold.
    pub(super) fn distance_figure(&self) -> Figure {
        let factors = || self.config.factors.iter().copied();
        let above = factors().filter(|factor| *factor > 1.0).reduce(f64::min);
        let below = factors().filter(|factor| *factor < 1.0).reduce(f64::max);
        let shown = self.shown_batch_sizes();
        let panels = above.into_iter().chain(below).flat_map(|factor| {
            shown.iter().map(move |&(_, batch_size)| self.distance_panel(factor, batch_size))
        });
        Figure {
            title: "Distances around both minimisers".to_owned(),
            caption: format!(
                "Distance to the minimiser that runs start at, at step sizes around the sharp minimiser's almost-sure threshold; \
                 the flat one's is larger. Lines are medians of {} runs, bands go from the 10 % to the 90 % quantile; dashed \
                 lines have the predicted slope, the Lyapunov exponent at the minimiser.",
                self.config.num_runs
            ),
            panels: panels.collect(),
        }
    }

    fn distance_panel(&self, factor: f64, batch_size: BatchSize) -> Panel {
        let choice = StepChoice::OfAlmostSure(factor);
        let num_steps = self.steps_to_leave(choice);
        let series = [self.flattest(), 0].into_iter().flat_map(|start| {
            let rows = self.rows(start, |of| of == choice).into_iter();
            let row = rows.into_iter().find(|row| row.batch_size == batch_size);
            row.map_or_else(Vec::new, |row| self.distance_series(row, num_steps))
        });
        let title = format!("{factor} of the threshold, batch size {batch_size}");
        let x = Axis::linear("step").over(0.0, num_steps);
        panel(title, x, Axis::log("distance to the minimiser"), series.collect())
    }

    /// The steps that a figure shows: a multiple of those that the slowest runs from the sharp minimiser are predicted to take for the
    /// way from where they start to where they have left.
    fn steps_to_leave(&self, choice: StepChoice) -> f64 {
        let way = (self.config.exit_distance / self.config.start_distance).ln().max(1.0);
        let rates = self.rows(0, |of| of == choice).into_iter().filter_map(|row| row.predicted_rate);
        let slowest = rates.map(f64::abs).fold(f64::INFINITY, f64::min);
        let least = MARGIN * way / slowest;
        let recorded = self.report.rows.first().map_or(&[][..], |row| &row.distances.steps);
        let enough = recorded.iter().map(|step| *step as f64).find(|step| *step > 0.0 && *step >= least);
        enough.unwrap_or(self.config.num_steps as f64)
    }

    fn distance_series(&self, row: &EscapeRow, num_steps: f64) -> Vec<Series> {
        let distances = &row.distances;
        let distance = |log: f64| 10.0_f64.powf(log).clamp(SHOWN.0, SHOWN.1);
        // A curve ends where it reaches the lowest distance shown.
        let points = |logs: &[f64]| -> Vec<(f64, f64)> {
            let all = distances.steps.iter().zip(logs).map(|(step, log)| (*step as f64, distance(*log)));
            let end = logs.iter().position(|log| distance(*log) <= SHOWN.0).unwrap_or(logs.len());
            all.take(end + 1).take_while(|(step, _)| *step <= num_steps).collect()
        };
        let high = points(&distances.high).into_iter().zip(&distances.low);
        let band = high.map(|((step, high), low)| (step, distance(*low), high)).collect();
        let ink = self.ink(row.start);
        let mut series = vec![
            Series::unnamed(ink, Shape::Band(band)),
            line(self.name(row.start), ink, points(&distances.median)),
        ];
        if let Some(rate) = row.predicted_rate.filter(|rate| *rate != 0.0) {
            let from = self.config.start_distance;
            // Up to where the runs have left, or down to what is shown.
            let to = if rate > 0.0 { self.config.exit_distance } else { SHOWN.0 };
            let end = ((to / from).ln() / rate).clamp(0.0, num_steps);
            let slope = vec![(0.0, from), (end, from * (rate * end).exp())];
            series.push(Series::new("predicted slope", Ink::Text, Shape::Dashed(slope)));
        }
        series
    }

    /// Shares of runs that leave each minimiser against the step size.
    pub(super) fn leaving_figure(&self) -> Figure {
        let shown = self.shown_batch_sizes().into_iter();
        Figure {
            title: "Runs that leave a minimiser".to_owned(),
            caption: format!(
                "Share of {} runs of {} steps that moved more than {} away from the minimiser at which they start, with 95 % \
                 intervals. Vertical lines are predicted thresholds: almost sure for each minimiser, and in mean square for the \
                 sharp one.",
                self.config.num_runs, self.config.num_steps, self.config.exit_distance
            ),
            panels: shown.map(|(index, batch_size)| self.leaving_panel(index, batch_size)).collect(),
        }
    }

    fn leaving_panel(&self, index: usize, batch_size: BatchSize) -> Panel {
        let of = |start: usize| &self.report.minimizers[start].thresholds[index];
        let (sharp, flat) = (of(0), of(self.flattest()));
        let mut series = vec![
            Series::new("threshold, sharp", Ink::Orange, Shape::Vertical(sharp.almost_sure)),
            Series::new("threshold, flat", Ink::Blue, Shape::Vertical(flat.almost_sure)),
            Series::new("mean square, sharp", Ink::Muted, Shape::Vertical(sharp.mean_square)),
        ];
        // The mixed minimisers last, as rings around what they coincide with.
        for start in [self.flattest(), 0].into_iter().chain(1..self.flattest()) {
            let mut rows = self.rows(start, |_| true);
            rows.retain(|row| row.batch_size == batch_size);
            let shares = MeasuredSeries::shares(rows.iter().map(|row| (row.step_size, &row.left)));
            let is_mixed = start > 0 && start < self.flattest();
            let mark = if is_mixed { Shape::Circles } else { Shape::Dots };
            let ink = self.ink(start);
            series.push(shares.bars(ink));
            series.push(Series::new(format!("from {}", self.name(start)), ink, mark(shares.values())));
        }
        let x = axis("step size C", self.report.rows.iter().map(|row| row.step_size));
        let y = Axis::linear("runs that leave, %").over(-4.0, 104.0);
        panel(format!("batch size {batch_size}"), x, y, series)
    }

    /// The function, the thresholds against the batch size, and measured against predicted rates.
    pub(super) fn prediction_figure(&self) -> Figure {
        let mut panels = vec![self.section_panel(), self.threshold_panel()];
        panels.extend(self.rate_panel());
        Figure {
            title: "Function, thresholds and rates".to_owned(),
            caption: "First: the mean of all components along a line through the minimisers. Second: predicted step sizes beyond \
                      which distances grow, almost surely and in mean square; gray: those of gradient descent on all \
                      components. Third: growth of the log distance, measured (with 95 % intervals) against the Lyapunov \
                      exponent; on the line both agree."
                .to_owned(),
            panels,
        }
    }

    fn section_panel(&self) -> Panel {
        let section = &self.section;
        let dot = |start: usize| {
            let minimizer = &self.report.minimizers[start];
            let place = (minimizer.position[0], minimizer.value / section.dim);
            Series::new(self.name(start), self.ink(start), Shape::Dots(vec![place]))
        };
        let function = line("f", Ink::Text, section.points.iter().copied());
        let series = vec![function, dot(0), dot(self.flattest())];
        panel("Mean of the components", Axis::linear(section.x), Axis::linear(section.y), series)
    }

    fn threshold_panel(&self) -> Panel {
        let mut series = Vec::new();
        for start in [self.flattest(), 0] {
            let thresholds = &self.report.minimizers[start].thresholds;
            let (ink, name) = (self.ink(start), self.name(start));
            let numbered = |threshold: fn(&Thresholds) -> f64| {
                let of_draws = thresholds.iter().filter_map(|at| match at.batch_size {
                    BatchSize::Draws(k) => Some((f64::from(k.get()), threshold(at))),
                    BatchSize::All(_) => None,
                });
                let mut points: Vec<(f64, f64)> = of_draws.collect();
                points.sort_by(|a, b| a.0.total_cmp(&b.0));
                points
            };
            for at in thresholds.iter().filter(|at| at.batch_size == BatchSize::ALL) {
                series.push(level(at.almost_sure));
            }
            let (almost_sure, mean_square) = (numbered(|at| at.almost_sure), numbered(|at| at.mean_square));
            series.extend([
                Series::unnamed(ink, Shape::Dots(almost_sure.clone())),
                line(format!("{name}, almost sure"), ink, almost_sure),
                Series::unnamed(ink, Shape::Circles(mean_square.clone())),
                Series::new(format!("{name}, mean square"), ink, Shape::Dashed(mean_square)),
            ]);
        }
        let all = self.report.minimizers.iter().flat_map(|minimizer| &minimizer.thresholds);
        let y = axis("step size C", all.flat_map(|at| [at.mean_square, at.almost_sure]));
        panel("Thresholds", Axis::log("batch size k"), y, series)
    }

    /// `None` where noise holds the distances up.
    fn rate_panel(&self) -> Option<Panel> {
        let mut series = Vec::new();
        let (mut least, mut most) = (f64::INFINITY, f64::NEG_INFINITY);
        for start in [self.flattest(), 0] {
            let rows = self.rows(start, |_| true);
            let rates = rows.into_iter().filter_map(EscapeRow::rates);
            let rates: Vec<_> = rates.filter(|(predicted, _)| *predicted >= FASTEST).collect();
            for (predicted, _) in &rates {
                (least, most) = (least.min(*predicted), most.max(*predicted));
            }
            series.extend(MeasuredSeries::estimates(rates).named(self.name(start), self.ink(start)));
        }
        if least >= most {
            return None;
        }
        series.insert(0, line("predicted", Ink::Green, [(least, least), (most, most)]));
        let (x, y) = (Axis::linear("Lyapunov exponent"), Axis::linear("measured"));
        Some(panel("Growth of log distance per step", x, y, series))
    }
}

/// An axis for positive values: logarithmic where they differ much.
fn axis(label: &str, values: impl Iterator<Item = f64>) -> Axis {
    let (low, high) =
        values.fold((f64::INFINITY, 0.0), |(low, high), value| (f64::min(low, value), f64::max(high, value)));
    if high > 8.0 * low { Axis::log(label) } else { Axis::linear(label) }
}
