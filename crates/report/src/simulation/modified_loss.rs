//! What experiment C1 shows: the error under each loss against the step size, its order, and the composition of minibatches.

use polder_plot::{Axis, Figure, Ink, Panel, Series, Shape};
use polder_theory::modified_loss::ModifiedLoss;
use polder_theory::modified_loss::{CompositionRow, Config, Fit, Report, Row};

use crate::simulation::{Measured, Summarize, Summary, Table, View, estimate_text, number_text};
use polder_experiment::claim::Metric;

/// The errors of the default losses to four digits, from an independent calculation: the step size, then the errors in the order of
/// [`ModifiedLoss::ALL`].
const KNOWN: [(f64, [f64; 3]); 4] = [
    (0.1, [2.165e-2, 5.697e-3, 2.580e-3]),
    (0.05, [6.199e-3, 1.140e-3, 3.729e-4]),
    (0.025, [1.663e-3, 2.382e-4, 5.020e-5]),
    (0.0125, [4.311e-4, 5.289e-5, 6.515e-6]),
];

impl Summarize for View<'_, Report> {
    fn summary(&self) -> Summary {
        let orders: Vec<String> = self.fits.iter().map(|fit| format!("{:.3}", fit.order.value)).collect();
        let caption = format!(
            "Distance of the mean iterate after one epoch from gradient flow on each loss. First: {} given losses; dashed, the \
             orders 2, 2 and 3 through the smallest step size. Second: root mean square error over {} random problems of {} \
             minibatches, 95 % intervals, fitted power laws; with the next order taken out the orders are {}. Third: the penalty \
             of the modified loss on average over which examples meet in a minibatch.",
            self.config.losses.len(),
            self.config.num_instances,
            self.config.num_minibatches,
            orders.join(", "),
        );
        let panels = vec![self.error_panel(), self.fit_panel(), self.composition_panel()];
        let title = "Error orders of three gradient flows".to_owned();
        Summary {
            metrics: self.metrics(),
            tables: vec![self.error_table(), self.order_table(), self.composition_table()],
            figures: vec![Figure { title, caption, panels }],
        }
    }
}

/// What claims call a loss, and what figures do.
fn names(loss: ModifiedLoss) -> (&'static str, &'static str) {
    match loss {
        ModifiedLoss::Plain => ("plain", "C"),
        ModifiedLoss::GradientDescent => ("gradient-descent", "modified, GD"),
        ModifiedLoss::Sgd => ("sgd", "modified, SGD"),
    }
}

fn order(loss: ModifiedLoss) -> i32 {
    if loss == ModifiedLoss::Sgd { 3 } else { 2 }
}

fn ink(loss: ModifiedLoss) -> Ink {
    match loss {
        ModifiedLoss::Plain => Ink::Purple,
        ModifiedLoss::GradientDescent => Ink::Orange,
        ModifiedLoss::Sgd => Ink::Blue,
    }
}

impl View<'_, Report> {
    fn metrics(&self) -> Vec<Metric> {
        let mut metrics: Vec<Metric> = self
            .fits
            .iter()
            .map(|fit| {
                let (name, loss) = names(fit.loss);
                let what = format!("order of the error in the step size, flow on {loss}");
                Metric::estimate(format!("order-{name}"), what, &fit.order, self.config.num_instances)
            })
            .collect();
        let known = self.deviations_from_known();
        if !known.is_empty() {
            let what = "largest difference from the known table of errors, in units of its fourth digit";
            metrics.push(Metric::largest("table-residual", what, known));
        }
        let residuals = self.compositions.iter().map(|row| row.enumerated / row.formula - 1.0);
        let what = "largest relative difference of the mean penalty over all divisions into minibatches and its formula";
        metrics.push(Metric::largest("composition-residual", what, residuals));
        metrics
    }

    /// Differences from the known errors in units of their fourth digit, where they were measured.
    fn deviations_from_known(&self) -> Vec<f64> {
        let default = Config::default();
        if self.config.losses != default.losses || self.config.start != default.start {
            return Vec::new();
        }
        let known = |row: &Row| KNOWN.iter().find(|(step_size, _)| *step_size == row.step_size);
        let rows = self.rows.iter().filter_map(|row| Some((row, known(row)?)));
        let deviations = rows.flat_map(|(row, (_, errors))| {
            row.errors.iter().zip(errors).map(|(found, known)| {
                let unit = 10.0_f64.powi(known.log10().floor() as i32 - 3);
                (found.error - known) / unit
            })
        });
        deviations.collect()
    }

    fn error_table(&self) -> Table {
        let title = format!(
            "Distance of the mean iterate of one epoch from three gradient flows, {} given losses, from w = {}",
            self.config.losses.len(),
            self.config.start
        );
        let heads = [
            "step size",
            "mean iterate",
            "flow on C",
            "slope",
            "modified, GD",
            "slope",
            "modified, SGD",
            "slope",
        ];
        let mut table = Table::new(title, &heads);
        for row in &self.rows {
            let mut cells = vec![row.step_size.to_string(), number_text(row.mean_iterate.value, 6)];
            for error in &row.errors {
                cells.push(format!("{:.3e}", error.error).replace('-', "−"));
                cells.push(error.local_order.map_or_else(String::new, |slope| number_text(slope, 3)));
            }
            table.push(cells);
        }
        table
    }

    fn order_table(&self) -> Table {
        let title = format!(
            "Order of the root mean square error over {} random problems of {} minibatches; ± at 95 %",
            self.config.num_instances, self.config.num_minibatches
        );
        let mut table =
            Table::new(title, &["flow on", "order", "expected", "power law", "error at the smallest step"]);
        for fit in &self.fits {
            table.push(vec![
                names(fit.loss).1.to_owned(),
                estimate_text(&fit.order),
                order(fit.loss).to_string(),
                estimate_text(&fit.law.exponent),
                self.fit_points(fit).last().map_or_else(String::new, |(_, error)| number_text(error[0], 3)),
            ]);
        }
        table
    }

    fn composition_table(&self) -> Table {
        let title = format!(
            "Penalty of the modified loss of SGD, mean over all divisions of {} examples, step size {}",
            self.config.num_examples, self.config.step_sizes[0]
        );
        let mut table = Table::new(title, &["batch size", "enumerated", "formula"]);
        for row in &self.compositions {
            let number = |value| number_text(value, 6);
            table.push(vec![row.batch_size.to_string(), number(row.enumerated), number(row.formula)]);
        }
        table
    }

    fn error_panel(&self) -> Panel {
        let mut series = Vec::new();
        for (index, loss) in ModifiedLoss::ALL.into_iter().enumerate() {
            let points: Vec<(f64, f64)> =
                self.rows.iter().map(|row| (row.step_size, row.errors[index].error)).collect();
            let ascending = |points: &[(f64, f64)]| {
                let mut points = points.to_vec();
                points.sort_by(|a, b| a.0.total_cmp(&b.0));
                points
            };
            let sorted = ascending(&points);
            if let (Some(&(from, error)), Some(&(to, _))) = (sorted.first(), sorted.last()) {
                let end = error * (to / from).powi(order(loss));
                let line = Shape::Dashed(vec![(from, error), (to, end)]);
                series.push(Series::unnamed(ink(loss), line));
            }
            series.push(Series::new(names(loss).1, ink(loss), Shape::Dots(points)));
        }
        Panel {
            title: "Given losses".to_owned(),
            x: Axis::log("step size ε"),
            y: Axis::log("|E w − flow| after one epoch"),
            series,
        }
    }

    /// Step sizes with the error and the ends of its interval, the largest step size first.
    fn fit_points(&self, fit: &Fit) -> Vec<(f64, [f64; 3])> {
        let errors = fit.errors.iter().map(|error| [error.value, error.lower, error.upper]);
        let mut points: Vec<_> = self.config.fit_step_sizes.iter().copied().zip(errors).collect();
        points.sort_by(|a, b| b.0.total_cmp(&a.0));
        points
    }

    fn fit_panel(&self) -> Panel {
        let mut series = Vec::new();
        for fit in &self.fits {
            let points = self.fit_points(fit);
            let line = points.iter().map(|(x, _)| (*x, fit.law.prefactor * x.powf(fit.law.exponent.value)));
            series.push(Series::unnamed(ink(fit.loss), Shape::Line(line.collect())));
            series.extend(Measured::new(points).named(names(fit.loss).1, ink(fit.loss)));
        }
        Panel {
            title: "Random problems".to_owned(),
            x: Axis::log("step size ε"),
            y: Axis::log("RMS error after one epoch"),
            series,
        }
    }

    fn composition_panel(&self) -> Panel {
        let points = |value: fn(&CompositionRow) -> f64| -> Vec<(f64, f64)> {
            self.compositions.iter().map(|row| (row.batch_size as f64, value(row))).collect()
        };
        Panel {
            title: "Penalty against the batch size".to_owned(),
            x: Axis::linear("batch size B"),
            y: Axis::linear("mean penalty"),
            series: vec![
                Series::new("formula", Ink::Green, Shape::Line(points(|row| row.formula))),
                Series::new("all divisions", Ink::Text, Shape::Dots(points(|row| row.enumerated))),
            ],
        }
    }
}

#[cfg(test)]
mod tests {
    use polder_theory::modified_loss::CubicLoss;
    use polder_theory::modified_loss::run;

    use super::*;

    fn names_of(report: &Report) -> Vec<String> {
        View(report).summary().metrics.into_iter().map(|metric| metric.name).collect()
    }

    #[test]
    fn a_smoke_run_meets_the_known_table_and_survives_a_record() {
        let report = run(&Config::smoke()).unwrap();
        let read = serde_json::from_str(&serde_json::to_string(&report).unwrap()).unwrap();
        assert_eq!(report, read);
        let expected =
            ["order-plain", "order-gradient-descent", "order-sgd", "table-residual", "composition-residual"];
        assert_eq!(names_of(&report), expected);
        let deviations = View(&report).deviations_from_known();
        assert_eq!(deviations.len(), 12);
        assert!(deviations.iter().all(|deviation| deviation.abs() <= 0.5), "{deviations:?}");
    }

    #[test]
    fn other_losses_and_step_sizes_have_no_known_table() {
        let other =
            Config { losses: vec![CubicLoss { curvature: 1.0, center: 0.0, skew: 0.1 }], ..Config::smoke() };
        assert!(!names_of(&run(&other).unwrap()).contains(&"table-residual".to_owned()));
        let unknown_step = Config { step_sizes: vec![0.03], ..Config::smoke() };
        assert!(View(&run(&unknown_step).unwrap()).deviations_from_known().is_empty());
    }

    #[test]
    fn a_step_size_that_leaves_the_finite_numbers_is_refused() {
        let error = run(&Config { step_sizes: vec![1e200], ..Config::smoke() }).unwrap_err();
        assert!(!error.to_string().is_empty());
        let equal = run(&Config { step_sizes: vec![0.05, 0.05], ..Config::smoke() }).unwrap();
        assert!(equal.rows[1].errors.iter().all(|error| error.local_order.is_none()));
    }
}
