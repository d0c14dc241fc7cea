//! What experiment A2 shows: the smoothed objective and where runs end, for several step sizes.

use polder_plot::{Axis, Figure, Ink, Panel, Series, Shape};
use polder_stats::Proportion;
use polder_theory::Landscape;
use polder_theory::averaging::minima::{Report, Row};

use super::{Ends, smoothing_panel};
use crate::simulation::series::{MeasuredSeries, panel};
use crate::simulation::{Summary, Table};
use polder_experiment::claim::Metric;

/// Step sizes with panels of their own, at most: one more panel sums them up.
const MAX_PANELS: usize = 5;

pub(crate) fn summary(report: &Report) -> Summary {
    let Report { config, sharp, .. } = report;
    let shown = shown(report);
    let ends = Figure {
        title: "Where runs end".to_owned(),
        caption: format!(
            "{} runs of {} steps per step size, started uniformly within {} of 0: last iterates, and averages over the second \
             half; the outer bars also count what lies farther out. Last: the share within {} of the sharp minimum, with 95 % \
             intervals.",
            config.num_runs, config.num_steps, config.start_radius, config.near
        ),
        panels: shown.iter().map(|row| ends_panel(report, row)).chain([shares_panel(report)]).collect(),
    };
    let curves = Figure {
        title: "What SGD descends".to_owned(),
        caption: format!(
            "f, with a flat minimum at 0 and a deeper, sharp one at {:.2}, and F, which is f averaged over the noise of one step. \
             Last: the standard deviation of where runs end, with 95 % intervals.",
            sharp.w
        ),
        panels: shown.iter().map(|row| section_panel(report, row)).chain([spreads_panel(report)]).collect(),
    };
    Summary { metrics: metrics(report), tables: vec![table(report)], figures: vec![ends, curves] }
}

/// Evenly chosen step sizes, the smallest and the largest among them.
fn shown(report: &Report) -> Vec<&Row> {
    let rows = &report.rows;
    let count = rows.len().min(MAX_PANELS);
    (0..count).map(|i| &rows[i * (rows.len() - 1) / (count - 1).max(1)]).collect()
}

fn metrics(report: &Report) -> Vec<Metric> {
    let n = report.config.num_runs;
    let leave = [
        ("iterates-that-leave", "last iterates", &report.iterates_that_leave),
        ("averages-that-leave", "averages", &report.averages_that_leave),
    ];
    let leave = leave.map(|(name, of, difference)| {
        let what = format!("share of {of} at the sharp minimum, smallest minus largest step size");
        Metric::difference(name, what, difference, n)
    });
    let mut metrics = Vec::from(leave);
    metrics.push(Metric::exact("gap", "f at the sharp minimum minus f at 0", gap(report)));
    for row in &report.rows {
        let name = |quantity: &str| format!("{quantity}-at-{}", row.step_size);
        let what = |quantity: &str| format!("{quantity}, step size {}", row.step_size);
        let (iterates, averages) = (&row.sharp_iterates, &row.sharp_averages);
        for (quantity, of, share) in
            [("sharp-iterates", "last iterates", iterates), ("sharp-averages", "averages", averages)]
        {
            let what = what(&format!("share of {of} at the sharp minimum"));
            metrics.push(Metric::proportion(name(quantity), what, share));
        }
        let over = what("share at the sharp minimum, last iterates minus averages of the same runs");
        let ratio = what("standard deviation of averages over that of last iterates");
        let gap = what("F at the sharp minimum of f minus F at 0");
        metrics.extend([
            Metric::estimate(name("iterates-over-averages"), over, &row.iterates_over_averages, n),
            Metric::estimate(name("spread-ratio"), ratio, &row.spread_ratio, n),
            Metric::exact(name("smoothed-gap"), gap, row.smoothed_gap),
        ]);
    }
    metrics
}

/// f at the sharp minimum minus f at the bottom of the bowl.
fn gap(report: &Report) -> f64 {
    report.sharp.value - report.config.landscape.value(0.0)
}

fn table(report: &Report) -> Table {
    let Report { config, sharp, rows, .. } = report;
    let title = format!(
        "Where {} runs of {} steps end; sharp minimum at {:.3} with curvature {:.1}, where gradient descent stays below step size \
         {:.4}; noise U[−{r}, {r}]; ± at 95 %",
        config.num_runs,
        config.num_steps,
        sharp.w,
        sharp.curvature,
        2.0 / sharp.curvature,
        r = config.noise_radius
    );
    Table::of(title, rows)
        .text("step size", |row| row.step_size)
        .number("F sharp − F flat", 3, |row| row.smoothed_gap)
        .text("iterates at sharp", |row| share_text(&row.sharp_iterates))
        .text("averages at sharp", |row| share_text(&row.sharp_averages))
        .estimate("st. dev. of iterates", |row| row.spread_of_iterates)
        .estimate("st. dev. of averages", |row| row.spread_of_averages)
        .estimate("ratio", |row| row.spread_ratio)
        .table()
}

/// A share in percent, and half the width of its interval.
fn share_text(share: &Proportion) -> String {
    format!("{:.1} ± {:.1} %", 100.0 * share.value, 50.0 * (share.upper - share.lower))
}

fn ends_panel(report: &Report, row: &Row) -> Panel {
    let Report { config, bin_edges, sharp, .. } = report;
    let (averages, iterates) = (&row.average_counts, &row.iterate_counts);
    let ends = Ends { num_runs: config.num_runs, bin_edges, averages, iterates };
    let panel = ends.panel(format!("Step size {}", row.step_size), ("sharp minimum", sharp.w));
    Panel { x: panel.x.over(-config.plot_radius, config.plot_radius), ..panel }
}

fn section_panel(report: &Report, row: &Row) -> Panel {
    let radius = report.config.start_radius.min(report.config.plot_radius);
    let curve = |values: &[f64]| {
        let points = report.w.iter().copied().zip(values.to_vec());
        points.filter(move |(w, _)| w.abs() <= radius)
    };
    let sharp = ("sharp minimum", report.sharp.w);
    smoothing_panel(row.step_size, sharp, curve(&report.objective), curve(&row.smoothed))
}

fn shares_panel(report: &Report) -> Panel {
    let share = |of: fn(&Row) -> &Proportion| {
        MeasuredSeries::shares(report.rows.iter().map(|row| (row.step_size, of(row))))
    };
    let mut shares = against_step(&share(|row| &row.sharp_iterates), &share(|row| &row.sharp_averages));
    // The histograms beside it name the same colours.
    for series in &mut shares {
        series.label = None;
    }
    let y = Axis::linear("share of runs, %");
    panel("Runs at the sharp minimum", Axis::log("step size η"), y, shares)
}

fn spreads_panel(report: &Report) -> Panel {
    let rows = report.rows.iter();
    let iterates = MeasuredSeries::estimates(rows.clone().map(|row| (row.step_size, row.spread_of_iterates)));
    let averages = MeasuredSeries::estimates(rows.map(|row| (row.step_size, row.spread_of_averages)));
    let y = Axis::linear("standard deviation");
    let spreads = against_step(&iterates, &averages);
    panel("Spread of where runs end", Axis::log("step size η"), y, spreads)
}

fn against_step(iterates: &MeasuredSeries, averages: &MeasuredSeries) -> Vec<Series> {
    let both = [("last iterate", Ink::Orange, iterates), ("average", Ink::Blue, averages)];
    let series = both.map(|(name, ink, found)| {
        let [bars, dots] = found.named(name, ink);
        [bars, Series::unnamed(ink, Shape::Line(found.values())), dots]
    });
    series.into_iter().flatten().collect()
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
        let summary = summary(&report);
        let names: BTreeSet<&str> = summary.metrics.iter().map(|metric| metric.name.as_str()).collect();
        assert_eq!(names.len(), summary.metrics.len());
        let shown = shown(&report);
        assert_eq!((shown[0].step_size, shown[4].step_size), (0.01, 0.01 * 11.0));
        assert_eq!(summary.tables[0].rows.len(), 11);
        assert!(summary.figures.iter().all(|figure| figure.panels.len() == 6));
    }

    #[test]
    fn the_smoothed_gap_starts_at_that_of_f() {
        let report = report(vec![1e-6, 0.1]);
        assert!((report.rows[0].smoothed_gap - gap(&report)).abs() < 1e-6, "{}", gap(&report));
        assert_eq!(summary(&report).figures[0].panels.len(), 3);
    }
}
