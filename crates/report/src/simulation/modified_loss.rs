//! What experiment C1 shows: the error under each loss against the step size, its order, and the composition of minibatches.

use polder_plot::{Axis, Figure, Ink, Panel, Series, Shape};
use polder_theory::modified_loss::{Config, Fit, ModifiedLoss, Report, Row};

use crate::simulation::series::{MeasuredSeries, line, panel};
use crate::simulation::table::number_text;
use crate::simulation::{Summary, Table};
use polder_experiment::claim::Metric;

/// The errors of the default losses to four digits, from an independent calculation: the step size, then the errors in the order of
/// [`ModifiedLoss::ALL`].
const KNOWN: [(f64, [f64; 3]); 4] = [
    (0.1, [2.165e-2, 5.697e-3, 2.580e-3]),
    (0.05, [6.199e-3, 1.140e-3, 3.729e-4]),
    (0.025, [1.663e-3, 2.382e-4, 5.020e-5]),
    (0.0125, [4.311e-4, 5.289e-5, 6.515e-6]),
];

pub(crate) fn summary(report: &Report) -> Summary {
    let Report { config, fits, .. } = report;
    let orders: Vec<String> = fits.iter().map(|fit| format!("{:.3}", fit.order.value)).collect();
    let caption = format!(
        "Distance of the mean iterate after one epoch from gradient flow on each loss. First: {} given losses; dashed, the \
         orders 2, 2 and 3 through the smallest step size. Second: root mean square error over {} random problems of {} \
         minibatches, 95 % intervals, fitted power laws; corrected for the next order, the orders are {}. Third: the penalty of \
         the modified loss, averaged over all divisions of the examples into minibatches.",
        config.losses.len(),
        config.num_instances,
        config.num_minibatches,
        orders.join(", "),
    );
    let panels = vec![error_panel(report), fit_panel(report), composition_panel(report)];
    let title = "Error orders of three gradient flows".to_owned();
    Summary {
        metrics: metrics(report),
        tables: vec![error_table(report), order_table(report), composition_table(report)],
        figures: vec![Figure { title, caption, panels }],
    }
}

/// How a loss is shown.
struct Look {
    /// What claims call it.
    name: &'static str,
    /// What figures call it.
    label: &'static str,
    ink: Ink,
    /// The expected order of its error.
    order: i32,
}

fn look(loss: ModifiedLoss) -> Look {
    let (name, label, ink, order) = match loss {
        ModifiedLoss::Plain => ("plain", "C", Ink::Purple, 2),
        ModifiedLoss::GradientDescent => ("gradient-descent", "modified, GD", Ink::Orange, 2),
        ModifiedLoss::Sgd => ("sgd", "modified, SGD", Ink::Blue, 3),
    };
    Look { name, label, ink, order }
}

fn metrics(report: &Report) -> Vec<Metric> {
    let order = |fit: &Fit| {
        let Look { name, label, .. } = look(fit.loss);
        let what = format!("order of the error in the step size, flow on {label}");
        Metric::estimate(format!("order-{name}"), what, &fit.order, report.config.num_instances)
    };
    let mut metrics: Vec<Metric> = report.fits.iter().map(order).collect();
    let known = deviations_from_known(report);
    if !known.is_empty() {
        let what = "largest difference from the known table of errors, in units of its fourth digit";
        metrics.push(Metric::largest("table-residual", what, known));
    }
    let residuals = report.compositions.iter().map(|row| row.enumerated / row.formula - 1.0);
    let what =
        "largest relative difference of the mean penalty over all divisions into minibatches and its formula";
    metrics.push(Metric::largest("composition-residual", what, residuals));
    metrics
}

/// Differences from the known errors in units of their fourth digit, where they were measured.
fn deviations_from_known(report: &Report) -> Vec<f64> {
    let default = Config::default();
    if report.config.losses != default.losses || report.config.start != default.start {
        return Vec::new();
    }
    let known = |row: &Row| KNOWN.iter().find(|(step_size, _)| *step_size == row.step_size);
    let rows = report.rows.iter().filter_map(|row| Some((row, known(row)?)));
    let deviations = rows.flat_map(|(row, (_, errors))| {
        row.errors.iter().zip(errors).map(|(found, known)| {
            let unit = 10.0_f64.powi(known.log10().floor() as i32 - 3);
            (found.error - known) / unit
        })
    });
    deviations.collect()
}

fn error_table(report: &Report) -> Table {
    let title = format!(
        "Distance of the mean iterate of one epoch from three gradient flows, {} given losses, from w = {}",
        report.config.losses.len(),
        report.config.start
    );
    let columns = Table::of(title, &report.rows).text("step size", |row| row.step_size).number(
        "mean iterate",
        6,
        |row| row.mean_iterate.value,
    );
    let slope = |order: Option<f64>| order.map_or_else(String::new, |slope| number_text(slope, 3));
    let losses = ["flow on C", "modified, GD", "modified, SGD"].into_iter().enumerate();
    let columns = losses.fold(columns, |columns, (index, head)| {
        columns
            .text(head, |row| format!("{:.3e}", row.errors[index].error).replace('-', "−"))
            .text("slope", |row| slope(row.errors[index].local_order))
    });
    columns.table()
}

fn order_table(report: &Report) -> Table {
    let title = format!(
        "Order of the root mean square error over {} random problems of {} minibatches; ± at 95 %",
        report.config.num_instances, report.config.num_minibatches
    );
    let smallest = |fit: &Fit| fit_points(report, fit).last().map(|(_, error)| number_text(error[0], 3));
    Table::of(title, &report.fits)
        .text("flow on", |fit| look(fit.loss).label)
        .estimate("order", |fit| fit.order)
        .text("expected", |fit| look(fit.loss).order)
        .estimate("power law", |fit| fit.law.exponent)
        .text("error at the smallest step", |fit| smallest(fit).unwrap_or_default())
        .table()
}

fn composition_table(report: &Report) -> Table {
    let title = format!(
        "Penalty of the modified loss of SGD, mean over all divisions of {} examples, step size {}",
        report.config.num_examples, report.config.step_sizes[0]
    );
    Table::of(title, &report.compositions)
        .text("batch size", |row| row.batch_size)
        .number("enumerated", 6, |row| row.enumerated)
        .number("formula", 6, |row| row.formula)
        .table()
}

fn error_panel(report: &Report) -> Panel {
    let mut series = Vec::new();
    for (index, loss) in ModifiedLoss::ALL.into_iter().enumerate() {
        let Look { label, ink, order, .. } = look(loss);
        let points: Vec<(f64, f64)> =
            report.rows.iter().map(|row| (row.step_size, row.errors[index].error)).collect();
        let mut ascending = points.clone();
        ascending.sort_by(|a, b| a.0.total_cmp(&b.0));
        if let (Some(&(from, error)), Some(&(to, _))) = (ascending.first(), ascending.last()) {
            let end = error * (to / from).powi(order);
            series.push(Series::unnamed(ink, Shape::Dashed(vec![(from, error), (to, end)])));
        }
        series.push(Series::new(label, ink, Shape::Dots(points)));
    }
    panel("Given losses", Axis::log("step size ε"), Axis::log("|E w − flow| after one epoch"), series)
}

/// Step sizes with the error and the ends of its interval, the largest step size first.
fn fit_points(report: &Report, fit: &Fit) -> Vec<(f64, [f64; 3])> {
    let errors = fit.errors.iter().map(|error| [error.value, error.lower, error.upper]);
    let mut points: Vec<_> = report.config.fit_step_sizes.iter().copied().zip(errors).collect();
    points.sort_by(|a, b| b.0.total_cmp(&a.0));
    points
}

fn fit_panel(report: &Report) -> Panel {
    let mut series = Vec::new();
    for fit in &report.fits {
        let Look { label, ink, .. } = look(fit.loss);
        let points = fit_points(report, fit);
        let law = points.iter().map(|(x, _)| (*x, fit.law.prefactor * x.powf(fit.law.exponent.value)));
        series.push(Series::unnamed(ink, Shape::Line(law.collect())));
        series.extend(MeasuredSeries::new(points).named(label, ink));
    }
    panel("Random problems", Axis::log("step size ε"), Axis::log("RMS error after one epoch"), series)
}

fn composition_panel(report: &Report) -> Panel {
    let rows = report.compositions.iter().map(|row| (row.batch_size as f64, row));
    let formula = line("formula", Ink::Green, rows.clone().map(|(b, row)| (b, row.formula)));
    let divisions = Shape::Dots(rows.map(|(b, row)| (b, row.enumerated)).collect());
    let series = vec![formula, Series::new("all divisions", Ink::Text, divisions)];
    let title = "Penalty against the batch size";
    panel(title, Axis::linear("batch size B"), Axis::linear("mean penalty"), series)
}

#[cfg(test)]
mod tests {
    use polder_theory::modified_loss::CubicLoss;
    use polder_theory::modified_loss::run;

    use super::*;

    fn names_of(report: &Report) -> Vec<String> {
        summary(report).metrics.into_iter().map(|metric| metric.name).collect()
    }

    #[test]
    fn a_smoke_run_meets_the_known_table_and_survives_a_record() {
        let report = run(&Config::smoke()).unwrap();
        let read = serde_json::from_str(&serde_json::to_string(&report).unwrap()).unwrap();
        assert_eq!(report, read);
        let expected =
            ["order-plain", "order-gradient-descent", "order-sgd", "table-residual", "composition-residual"];
        assert_eq!(names_of(&report), expected);
        let deviations = deviations_from_known(&report);
        assert_eq!(deviations.len(), 12);
        assert!(deviations.iter().all(|deviation| deviation.abs() <= 0.5), "{deviations:?}");
    }

    #[test]
    fn other_losses_and_step_sizes_have_no_known_table() {
        let other =
            Config { losses: vec![CubicLoss { curvature: 1.0, center: 0.0, skew: 0.1 }], ..Config::smoke() };
        assert!(!names_of(&run(&other).unwrap()).contains(&"table-residual".to_owned()));
        let unknown_step = Config { step_sizes: vec![0.03], ..Config::smoke() };
        assert!(deviations_from_known(&run(&unknown_step).unwrap()).is_empty());
    }

    #[test]
    fn a_step_size_that_leaves_the_finite_numbers_is_refused() {
        let error = run(&Config { step_sizes: vec![1e200], ..Config::smoke() }).unwrap_err();
        assert!(!error.to_string().is_empty());
        let equal = run(&Config { step_sizes: vec![0.05, 0.05], ..Config::smoke() }).unwrap();
        assert!(equal.rows[1].errors.iter().all(|error| error.local_order.is_none()));
    }
}
