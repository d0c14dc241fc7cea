//! What experiment D4 shows: learning curves of both students, and how sharp each pair ends.

use polder_plot::{Axis, Figure, Ink, Panel, Series, Shape};
use polder_theory::sam::students::{Comparison, Report, Row, Student};

use crate::simulation::series::{MeasuredSeries, level, line, panel};
use crate::simulation::{Summary, Table};
use polder_experiment::claim::Metric;

pub(crate) fn summary(report: &Report) -> Summary {
    let Report { config, rows, .. } = report;
    let outcomes = outcomes(report);
    let difference = |outcome: &Outcome| {
        let Outcome { name, quantity, of, when, comparison } = outcome;
        let (name, what) = (format!("{name}-change"), format!("{quantity}{of}{when}, SAM − GD"));
        Metric::estimate(name, what, &comparison.difference, config.num_replicates)
    };
    let title = format!(
        "Students of {} units, teachers of {}, label noise {} of the signal's deviation; {} replicates, ± at 95 %",
        config.student_units, config.teacher_units, config.noise_share, config.num_replicates
    );
    let curves = "Learning curves: test error in units of the teacher's variance, training loss; ± at 95 %";
    Summary {
        metrics: outcomes.iter().map(difference).collect(),
        tables: vec![
            Table::of(title, &outcomes)
                .text("", |outcome| format!("{}{}", outcome.quantity, outcome.when))
                .estimate("gradient descent", |outcome| outcome.comparison.gradient_descent)
                .estimate("SAM", |outcome| outcome.comparison.sam)
                .estimate("SAM − GD, paired", |outcome| outcome.comparison.difference)
                .table(),
            Table::of(curves, rows)
                .text("step", |row| row.step)
                .estimate("test error, GD", |row| row.test_error.gradient_descent)
                .estimate("test error, SAM", |row| row.test_error.sam)
                .estimate("SAM − GD", |row| row.test_error.difference)
                .estimate("training, GD", |row| row.training_loss.gradient_descent)
                .estimate("training, SAM", |row| row.training_loss.sam)
                .table(),
        ],
        figures: vec![figure(report)],
    }
}

/// What is compared between the students.
struct Outcome<'a> {
    /// What claims call it, before `-change`.
    name: &'static str,
    quantity: &'static str,
    /// What the table leaves out of the quantity.
    of: &'static str,
    when: &'static str,
    comparison: &'a Comparison,
}

fn outcomes(report: &Report) -> Vec<Outcome<'_>> {
    let last = report.rows.last();
    let (test_error, training_loss) = (last.map(|row| &row.test_error), last.map(|row| &row.training_loss));
    let (top_eigenvalue, trace) = (Some(&report.top_eigenvalue), Some(&report.trace));
    let best = Some(&report.best_test_error);
    let outcomes = [
        ("top-eigenvalue", "largest eigenvalue", " of the Hessian", ", last step", top_eigenvalue),
        ("trace", "trace", " of the Hessian", ", last step", trace),
        ("best-test-error", "lowest test error", " over the recorded steps", "", best),
        ("last-test-error", "test error", "", ", last step", test_error),
        ("last-training-loss", "training loss", "", ", last step", training_loss),
    ];
    let outcomes = outcomes.into_iter().filter_map(|(name, quantity, of, when, comparison)| {
        Some(Outcome { name, quantity, of, when, comparison: comparison? })
    });
    outcomes.collect()
}

fn figure(report: &Report) -> Figure {
    let config = &report.config;
    let caption = format!(
        "One-hidden-layer ReLU students ({} units) of random teachers ({} units) with label noise, {} examples, full \
         batch, step size {}, SAM with ρ = {}. Above: means over {} replicates with 95 % intervals; the difference of \
         the test errors is paired. Below: one dot per replicate; SAM is lower below the diagonal.",
        config.student_units,
        config.teacher_units,
        config.num_examples,
        config.step_size,
        config.rho,
        config.num_replicates
    );
    let panels = vec![
        curve_panel(report, "Training loss", "training loss", |row| &row.training_loss),
        curve_panel(report, "Test error", "test error / variance of teacher", |row| &row.test_error),
        difference_panel(report),
        pair_panel(report, "Largest eigenvalue of the Hessian", |student| student.top_eigenvalue),
        pair_panel(report, "Trace of the Hessian", |student| student.trace),
        pair_panel(report, "Lowest test error", |student| student.best_test_error),
    ];
    Figure { title: "Students trained by gradient descent and by SAM".to_owned(), caption, panels }
}

fn curve_panel(report: &Report, title: &str, label: &str, quantity: fn(&Row) -> &Comparison) -> Panel {
    let mut series = Vec::new();
    let found = report.rows.iter().map(|row| (row.step as f64, quantity(row)));
    let descent =
        MeasuredSeries::estimates(found.clone().map(|(step, found)| (step, found.gradient_descent)));
    let sam = MeasuredSeries::estimates(found.map(|(step, found)| (step, found.sam)));
    for (name, ink, found) in [("gradient descent", Ink::Orange, descent), ("SAM", Ink::Blue, sam)] {
        series.extend(found.marks(ink));
        series.push(line(name, ink, found.values()));
    }
    panel(title, Axis::log("step k"), Axis::log(label), series)
}

fn difference_panel(report: &Report) -> Panel {
    // The differences of the first steps are much larger and of no interest.
    let late = &report.rows[report.rows.len() / 2..];
    let found = late.iter().map(|row| (row.step as f64, row.test_error.difference));
    let [bars, dots] = MeasuredSeries::estimates(found).marks(Ink::Blue);
    let (title, y) = ("Test error, SAM − GD, later steps", Axis::linear("difference of test errors"));
    panel(title, Axis::log("step k"), y, vec![level(0.0), bars, dots])
}

fn pair_panel(report: &Report, title: &str, quantity: fn(&Student) -> f64) -> Panel {
    let pairs = report.replicates.iter();
    let places: Vec<(f64, f64)> =
        pairs.map(|pair| (quantity(&pair.gradient_descent), quantity(&pair.sam))).collect();
    let values = places.iter().flat_map(|(x, y)| [*x, *y]);
    let (low, high) = (values.clone().fold(f64::INFINITY, f64::min), values.fold(f64::MIN, f64::max));
    // One range for both axes, so that the diagonal is one.
    let air = 0.06 * (high - low).max(1e-9 * high.abs());
    let (low, high) = (low - air, high + air);
    let series = vec![
        Series::unnamed(Ink::Muted, Shape::Dashed(vec![(low, low), (high, high)])),
        Series::unnamed(Ink::Text, Shape::Dots(places)),
    ];
    let (x, y) = (Axis::linear("gradient descent"), Axis::linear("SAM"));
    panel(title, x.over(low, high), y.over(low, high), series)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use polder_theory::sam::students::{Config, run};

    use super::*;

    #[test]
    fn all_names_differ_and_a_report_survives_its_record() {
        let config = Config { num_steps: 20, num_points: 4, num_replicates: 3, ..Config::smoke() };
        let report = run(&config).unwrap();
        let summary = summary(&report);
        let names: HashSet<&str> = summary.metrics.iter().map(|metric| metric.name.as_str()).collect();
        assert_eq!((summary.metrics.len(), names.len()), (5, 5));
        assert_eq!(summary.figures[0].panels.len(), 6);
        let record = serde_json::to_string(&report).unwrap();
        assert_eq!(serde_json::from_str::<Report>(&record).unwrap(), report);
    }

    #[test]
    fn both_axes_of_pairs_show_the_same_range() {
        let config = Config { num_steps: 5, num_points: 2, num_replicates: 2, ..Config::smoke() };
        let panel = pair_panel(&run(&config).unwrap(), "T", |student| student.trace);
        assert_eq!(panel.x.range, panel.y.range);
        let (low, high) = panel.x.range.unwrap();
        let Shape::Dots(places) = &panel.series[1].shape else { panic!("{panel:?}") };
        assert!(places.iter().all(|(x, y)| low < *x && *x < high && low < *y && *y < high));
    }
}
