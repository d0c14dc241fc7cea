//! What experiment D4 shows: learning curves of both students, and how sharp each pair ends.

use polder_plot::{Axis, Figure, Ink, Panel, Series, Shape};
use polder_theory::sam::students::{Comparison, Report, Row, Student};

use crate::simulation::{Measured, Summarize, Summary, Table, View, estimate_text};
use polder_experiment::claim::Metric;

impl Summarize for View<'_, Report> {
    fn summary(&self) -> Summary {
        Summary {
            metrics: self.metrics(),
            tables: vec![self.outcome_table(), self.curve_table()],
            figures: vec![self.figure()],
        }
    }
}

impl View<'_, Report> {
    fn metrics(&self) -> Vec<Metric> {
        let n = self.config.num_replicates;
        let difference = |name, what, comparison: &Comparison| {
            let what = format!("{what}, SAM − GD");
            Metric::estimate(name, what, &comparison.difference, n)
        };
        let mut metrics = vec![
            difference(
                "top-eigenvalue-change",
                "largest eigenvalue of the Hessian, last step",
                &self.top_eigenvalue,
            ),
            difference("trace-change", "trace of the Hessian, last step", &self.trace),
            difference(
                "best-test-error-change",
                "lowest test error over the recorded steps",
                &self.best_test_error,
            ),
        ];
        if let Some(last) = self.rows.last() {
            metrics.push(difference("last-test-error-change", "test error, last step", &last.test_error));
            metrics.push(difference(
                "last-training-loss-change",
                "training loss, last step",
                &last.training_loss,
            ));
        }
        metrics
    }

    fn outcome_table(&self) -> Table {
        let title = format!(
            "Students of {} units, teachers of {}, label noise {} of the signal's deviation; {} replicates, ± at 95 %",
            self.config.student_units,
            self.config.teacher_units,
            self.config.noise_share,
            self.config.num_replicates
        );
        let mut table = Table::new(title, &["", "gradient descent", "SAM", "SAM − GD, paired"]);
        let mut push = |what: &str, comparison: &Comparison| {
            table.push(vec![
                what.to_owned(),
                estimate_text(&comparison.gradient_descent),
                estimate_text(&comparison.sam),
                estimate_text(&comparison.difference),
            ]);
        };
        push("largest eigenvalue, last step", &self.top_eigenvalue);
        push("trace, last step", &self.trace);
        push("lowest test error", &self.best_test_error);
        if let Some(last) = self.rows.last() {
            push("test error, last step", &last.test_error);
            push("training loss, last step", &last.training_loss);
        }
        table
    }

    fn curve_table(&self) -> Table {
        let title =
            "Learning curves: test error in units of the teacher's variance, training loss; ± at 95 %";
        let heads =
            ["step", "test error, GD", "test error, SAM", "SAM − GD", "training, GD", "training, SAM"];
        let mut table = Table::new(title, &heads);
        for row in &self.rows {
            table.push(vec![
                row.step.to_string(),
                estimate_text(&row.test_error.gradient_descent),
                estimate_text(&row.test_error.sam),
                estimate_text(&row.test_error.difference),
                estimate_text(&row.training_loss.gradient_descent),
                estimate_text(&row.training_loss.sam),
            ]);
        }
        table
    }

    fn figure(&self) -> Figure {
        let caption = format!(
            "One-hidden-layer ReLU students ({} units) of random teachers ({} units) with label noise, {} examples, full \
             batch, step size {}, SAM with ρ = {}. Above: means over {} replicates with 95 % intervals; the difference of \
             the test errors is paired. Below: every replicate by itself; dots under the diagonal are where SAM is lower.",
            self.config.student_units,
            self.config.teacher_units,
            self.config.num_examples,
            self.config.step_size,
            self.config.rho,
            self.config.num_replicates
        );
        let panels = vec![
            self.curve_panel("Training loss", "training loss", |row| &row.training_loss),
            self.curve_panel("Test error", "test error / variance of teacher", |row| &row.test_error),
            self.difference_panel(),
            self.pair_panel("Largest eigenvalue of the Hessian", |student| student.top_eigenvalue),
            self.pair_panel("Trace of the Hessian", |student| student.trace),
            self.pair_panel("Lowest test error", |student| student.best_test_error),
        ];
        Figure { title: "Students trained by gradient descent and by SAM".to_owned(), caption, panels }
    }

    fn curve_panel(&self, title: &str, label: &str, quantity: impl Fn(&Row) -> &Comparison + Copy) -> Panel {
        let mut series = Vec::new();
        for (name, ink, is_sam) in [("gradient descent", Ink::Orange, false), ("SAM", Ink::Blue, true)] {
            let found = self.rows.iter().map(|row| {
                let comparison = quantity(row);
                (row.step as f64, if is_sam { &comparison.sam } else { &comparison.gradient_descent })
            });
            let found = Measured::estimates(found);
            series.extend(found.marks(ink));
            series.push(Series::new(name, ink, Shape::Line(found.values())));
        }
        Panel { title: title.to_owned(), x: Axis::log("step k"), y: Axis::log(label), series }
    }

    fn difference_panel(&self) -> Panel {
        // The differences of the first steps are much larger and of no interest.
        let late = &self.rows[self.rows.len() / 2..];
        let found = late.iter().map(|row| (row.step as f64, &row.test_error.difference));
        let [bars, dots] = Measured::estimates(found).marks(Ink::Blue);
        Panel {
            title: "Test error, SAM − GD, later steps".to_owned(),
            x: Axis::log("step k"),
            y: Axis::linear("difference of test errors"),
            series: vec![Series::unnamed(Ink::Muted, Shape::Horizontal(0.0)), bars, dots],
        }
    }

    fn pair_panel(&self, title: &str, quantity: impl Fn(&Student) -> f64) -> Panel {
        let places: Vec<(f64, f64)> = self
            .replicates
            .iter()
            .map(|pair| (quantity(&pair.gradient_descent), quantity(&pair.sam)))
            .collect();
        let values = places.iter().flat_map(|(x, y)| [*x, *y]);
        let (low, high) = (values.clone().fold(f64::INFINITY, f64::min), values.fold(f64::MIN, f64::max));
        // One range for both axes, so that the diagonal is one.
        let air = 0.06 * (high - low).max(1e-9 * high.abs());
        let (low, high) = (low - air, high + air);
        Panel {
            title: title.to_owned(),
            x: Axis::linear("gradient descent").over(low, high),
            y: Axis::linear("SAM").over(low, high),
            series: vec![
                Series::unnamed(Ink::Muted, Shape::Dashed(vec![(low, low), (high, high)])),
                Series::unnamed(Ink::Text, Shape::Dots(places)),
            ],
        }
    }
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
        let summary = View(&report).summary();
        let names: HashSet<&str> = summary.metrics.iter().map(|metric| metric.name.as_str()).collect();
        assert_eq!((summary.metrics.len(), names.len()), (5, 5));
        assert_eq!(summary.figures[0].panels.len(), 6);
        let record = serde_json::to_string(&report).unwrap();
        assert_eq!(serde_json::from_str::<Report>(&record).unwrap(), report);
    }

    #[test]
    fn both_axes_of_pairs_show_the_same_range() {
        let config = Config { num_steps: 5, num_points: 2, num_replicates: 2, ..Config::smoke() };
        let panel = View(&run(&config).unwrap()).pair_panel("T", |student| student.trace);
        assert_eq!(panel.x.range, panel.y.range);
        let (low, high) = panel.x.range.unwrap();
        let Shape::Dots(places) = &panel.series[1].shape else { panic!("{panel:?}") };
        assert!(places.iter().all(|(x, y)| low < *x && *x < high && low < *y && *y < high));
    }
}
