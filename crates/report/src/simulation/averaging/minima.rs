//! What experiment A2 shows: the smoothed objective and where runs end, for several step sizes.

use polder_plot::{Axis, Figure, Ink, Panel, Series, Shape};
use polder_theory::Estimate;
use polder_theory::Proportion;
use polder_theory::averaging::minima::{Report, Row};

use crate::simulation::{Measured, Summarize, Summary, Table, View, estimate_text, number_text};
use polder_experiment::claim::Metric;

/// Step sizes with panels of their own, at most: one more panel sums them up.
const MOST_PANELS: usize = 5;

impl Summarize for View<'_, Report> {
    fn summary(&self) -> Summary {
        let shown = self.shown();
        let mut ends: Vec<Panel> = shown.iter().map(|row| self.ends_panel(row)).collect();
        ends.push(self.shares_panel());
        let mut curves: Vec<Panel> = shown.iter().map(|row| self.section_panel(row)).collect();
        curves.push(self.spreads_panel());
        let config = &self.config;
        let ends = Figure {
            title: "Where runs end".to_owned(),
            caption: format!(
                "{} runs of {} steps per step size, started uniformly within {} of 0: last iterates, and averages over the second \
                 half; what lies further out is counted in the outer bars. Last: the share within {} of the sharp minimum, with 95 % \
                 intervals.",
                config.num_runs, config.num_steps, config.start_radius, config.near
            ),
            panels: ends,
        };
        let curves = Figure {
            title: "What SGD descends".to_owned(),
            caption: format!(
                "f, with a flat minimum at 0 and a deeper, sharp one at {:.2}, and F, which is f averaged over the noise of one step. \
                 Last: the standard deviation of where runs end, with 95 % intervals.",
                self.sharp.w
            ),
            panels: curves,
        };
        Summary { metrics: self.metrics(), tables: vec![self.table()], figures: vec![ends, curves] }
    }
}

impl View<'_, Report> {
    /// Evenly chosen step sizes, the smallest and the largest among them.
    fn shown(&self) -> Vec<&Row> {
        let count = self.rows.len().min(MOST_PANELS);
        (0..count).map(|i| &self.rows[i * (self.rows.len() - 1) / (count - 1).max(1)]).collect()
    }

    fn metrics(&self) -> Vec<Metric> {
        let n = self.config.num_runs;
        let mut metrics = vec![
            Metric::difference(
                "iterates-that-leave",
                "share of last iterates at the sharp minimum, smallest minus largest step size",
                &self.iterates_that_leave,
                n,
            ),
            Metric::difference(
                "averages-that-leave",
                "share of averages at the sharp minimum, smallest minus largest step size",
                &self.averages_that_leave,
                n,
            ),
            Metric::exact("gap", "f at the sharp minimum minus f at 0", self.gap()),
        ];
        for row in &self.rows {
            let step = row.step_size;
            let name = |quantity: &str| format!("{quantity}-at-{step}");
            let what = |quantity: &str| format!("{quantity}, step size {step}");
            metrics.extend([
                Metric::proportion(
                    name("sharp-iterates"),
                    what("share of last iterates at the sharp minimum"),
                    &row.sharp_iterates,
                ),
                Metric::proportion(
                    name("sharp-averages"),
                    what("share of averages at the sharp minimum"),
                    &row.sharp_averages,
                ),
                Metric::estimate(
                    name("iterates-over-averages"),
                    what("share at the sharp minimum, last iterates minus averages of the same runs"),
                    &row.iterates_over_averages,
                    n,
                ),
                Metric::estimate(
                    name("spread-ratio"),
                    what("standard deviation of averages over that of last iterates"),
                    &row.spread_ratio,
                    n,
                ),
                Metric::exact(
                    name("smoothed-gap"),
                    what("F at the sharp minimum of f minus F at 0"),
                    row.smoothed_gap,
                ),
            ]);
        }
        metrics
    }

    /// f at the sharp minimum minus f at the bottom of the bowl.
    fn gap(&self) -> f64 {
        use polder_theory::Landscape;
        self.sharp.value - self.config.landscape.value(0.0)
    }

    fn table(&self) -> Table {
        let config = &self.config;
        let title = format!(
            "Where {} runs of {} steps end; sharp minimum at {:.3} with curvature {:.1}, where gradient descent stays below step size \
             {:.4}; noise U[−{r}, {r}]; ± at 95 %",
            config.num_runs,
            config.num_steps,
            self.sharp.w,
            self.sharp.curvature,
            2.0 / self.sharp.curvature,
            r = config.noise_radius
        );
        let heads = [
            "step size",
            "F sharp − F flat",
            "iterates at sharp",
            "averages at sharp",
            "st. dev. of iterates",
            "st. dev. of averages",
            "ratio",
        ];
        let mut table = Table::new(title, &heads);
        for row in &self.rows {
            table.push(vec![
                row.step_size.to_string(),
                number_text(row.smoothed_gap, 3),
                share_text(&row.sharp_iterates),
                share_text(&row.sharp_averages),
                estimate_text(&row.spread_of_iterates),
                estimate_text(&row.spread_of_averages),
                estimate_text(&row.spread_ratio),
            ]);
        }
        table
    }

    fn ends_panel(&self, row: &Row) -> Panel {
        let bars = |counts: &[u64]| {
            let bins = self.bin_edges.windows(2).zip(counts).filter(|(_, count)| **count > 0);
            let share = |count: u64| 100.0 * count as f64 / self.config.num_runs as f64;
            Shape::Bars(bins.map(|(edges, count)| (edges[0], edges[1], share(*count))).collect())
        };
        Panel {
            title: format!("Step size {}", row.step_size),
            x: Axis::linear("where a run ends").over(-self.config.plot_radius, self.config.plot_radius),
            y: Axis::linear("share of runs, %"),
            series: vec![
                Series::new("average", Ink::Blue, bars(&row.average_counts)),
                Series::new("last iterate", Ink::Orange, bars(&row.iterate_counts)),
                Series::new("sharp minimum", Ink::Muted, Shape::Vertical(self.sharp.w)),
            ],
        }
    }

    fn section_panel(&self, row: &Row) -> Panel {
        let radius = self.config.start_radius.min(self.config.plot_radius);
        let curve = |values: &[f64]| {
            let points = self.w.iter().copied().zip(values.iter().copied());
            Shape::Line(points.filter(|(w, _)| w.abs() <= radius).collect())
        };
        Panel {
            title: format!("f and smoothed F, step size {}", row.step_size),
            x: Axis::linear("w"),
            y: Axis::linear("value"),
            series: vec![
                Series::new("sharp minimum", Ink::Muted, Shape::Vertical(self.sharp.w)),
                Series::new("f", Ink::Text, curve(&self.objective)),
                Series::new("F", Ink::Green, curve(&row.smoothed)),
            ],
        }
    }

    fn shares_panel(&self) -> Panel {
        let percent = |share: &Proportion| [share.value, share.lower, share.upper].map(|x| 100.0 * x);
        let mut shares =
            self.against_step(&|row| percent(&row.sharp_iterates), &|row| percent(&row.sharp_averages));
        // The histograms beside it name the same colours.
        for series in &mut shares {
            series.label = None;
        }
        Panel {
            title: "Runs at the sharp minimum".to_owned(),
            x: Axis::log("step size η"),
            y: Axis::linear("share of runs, %"),
            series: shares,
        }
    }

    fn spreads_panel(&self) -> Panel {
        let ends = |spread: &Estimate| [spread.value, spread.lower, spread.upper];
        let spreads =
            self.against_step(&|row| ends(&row.spread_of_iterates), &|row| ends(&row.spread_of_averages));
        Panel {
            title: "Spread of where runs end".to_owned(),
            x: Axis::log("step size η"),
            y: Axis::linear("standard deviation"),
            series: spreads,
        }
    }

    /// Value, low and high of iterates and of averages over the step sizes.
    fn against_step(
        &self,
        iterates: &dyn Fn(&Row) -> [f64; 3],
        averages: &dyn Fn(&Row) -> [f64; 3],
    ) -> Vec<Series> {
        let mut series = Vec::new();
        for (name, ink, quantity) in
            [("last iterate", Ink::Orange, iterates), ("average", Ink::Blue, averages)]
        {
            let points = Measured::new(self.rows.iter().map(|row| (row.step_size, quantity(row))));
            series.push(points.bars(ink));
            series.push(Series::unnamed(ink, Shape::Line(points.values())));
            series.push(Series::new(name, ink, Shape::Dots(points.values())));
        }
        series
    }
}

/// A share in percent, and half the width of its interval.
fn share_text(share: &Proportion) -> String {
    format!("{:.1} ± {:.1} %", 100.0 * share.value, 50.0 * (share.upper - share.lower))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use polder_theory::averaging::minima::{Config, run};

    use super::*;

    fn report(step_sizes: Vec<f64>) -> Report {
        run(&Config { num_runs: 20, num_steps: 200, step_sizes, ..Config::smoke() }).unwrap()
    }

    #[test]
    fn the_report_survives_its_record() {
        let report = report(Config::smoke().step_sizes);
        assert_eq!(report, serde_json::from_str(&serde_json::to_string(&report).unwrap()).unwrap());
    }

    #[test]
    fn names_are_unique_and_the_shown_step_sizes_reach_from_end_to_end() {
        let step_sizes: Vec<f64> = (1..=11).map(|i| 0.01 * f64::from(i)).collect();
        let report = report(step_sizes);
        let summary = View(&report).summary();
        let names: BTreeSet<&str> = summary.metrics.iter().map(|metric| metric.name.as_str()).collect();
        assert_eq!(names.len(), summary.metrics.len());
        let view = View(&report);
        let shown = view.shown();
        assert_eq!((shown[0].step_size, shown[4].step_size), (0.01, 0.01 * 11.0));
        assert_eq!(summary.tables[0].rows.len(), 11);
        assert!(summary.figures.iter().all(|figure| figure.panels.len() == 6));
    }

    #[test]
    fn the_smoothed_gap_starts_at_that_of_f() {
        let report = report(vec![1e-6, 0.1]);
        assert!((report.rows[0].smoothed_gap - View(&report).gap()).abs() < 1e-6, "{}", View(&report).gap());
        assert_eq!(View(&report).summary().figures[0].panels.len(), 3);
    }
}
