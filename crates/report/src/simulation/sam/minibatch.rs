//! What experiment D3 shows: how much more strongly minibatch SAM regularises, by the trace, the spectrum and the bias.

mod panels;

use polder_plot::Figure;
use polder_theory::sam::minibatch::{Report, Row};

use crate::simulation::table::{estimate_text, number_text};
use crate::simulation::{Summary, Table, extreme};
use polder_experiment::claim::Metric;

pub(crate) fn summary(report: &Report) -> Summary {
    let config = &report.config;
    let caption = format!(
        "Least squares with {} examples and {} features, radius {} / d₁ of the unbiased minibatch Hessian H_S. First: the \
         closed form (line) and means over {} random minibatches (dots, 95 % intervals). Second: the smallest eigenvalue of \
         E[H_S²] − H², where below 0 full-batch SAM is stronger in some direction. Third: eigenvalues of H + ρ E[H_S²]. \
         Fourth and fifth: squared bias averaged over isotropic coefficients, in closed form. Sixth: squared bias of the \
         predictions for one vector of coefficients, closed form (lines) and {} runs (dots, 95 % intervals).",
        config.num_examples,
        config.num_features,
        config.rho_share,
        config.num_minibatches,
        config.num_replicates
    );
    let title = "Minibatch SAM regularises more".to_owned();
    let figure = Figure { title, caption, panels: panels::panels(report) };
    Summary { metrics: metrics(report), tables: vec![table(report)], figures: vec![figure] }
}

/// All batches but the full one.
fn minibatches(report: &Report) -> impl Iterator<Item = &Row> + Clone {
    report.rows.iter().filter(|row| row.batch_size < report.config.num_examples)
}

fn metrics(report: &Report) -> Vec<Metric> {
    let mut metrics = Vec::new();
    if let Some(ratio) = &report.smallest_trace_ratio {
        let what = "smallest tr E[H_S²] / tr H² over the minibatches";
        metrics.push(Metric::estimate("trace-ratio", what, ratio, report.config.num_minibatches));
    }
    for (name, what, agreement) in [
        ("trace-agreement", "tr E[H_S²] against the closed form", &report.trace_agreement),
        ("bias-agreement", "squared bias of the predictions against the closed form", &report.bias_agreement),
    ] {
        metrics.push(Metric::agreement(name, what, agreement));
    }
    let errors: Vec<f64> = report.rows.iter().filter_map(|row| row.enumeration_error).collect();
    if !errors.is_empty() {
        let what = "largest entry of E[H_S²] − its closed form, over the trace";
        metrics.push(Metric::largest("enumeration-error", what, errors));
    }
    let mut push = |name, what, values: Vec<f64>, worst: fn(f64, f64) -> f64| {
        let n = values.len() as u64;
        metrics.extend(values.into_iter().reduce(worst).map(|value| extreme(name, what, value, n)));
    };
    let scaled = minibatches(report).map(|row| row.smallest_excess).collect();
    push("smallest-excess", "smallest eigenvalue of (E[H_S²] − H²) / tr H²", scaled, f64::min);
    let unscaled = minibatches(report).filter_map(|row| row.smallest_excess_unscaled).collect();
    let what = "largest over the batch sizes of the same eigenvalue, with H_S not scaled by n / |S|";
    push("smallest-excess-unscaled", what, unscaled, f64::max);
    let full = report.rows.last().map_or(&[][..], |row| &row.bias);
    let changes = minibatches(report)
        .flat_map(|row| row.bias.iter().zip(full))
        .filter(|(_, full)| full.isotropic > 0.0)
        .map(|(row, full)| row.isotropic / full.isotropic - 1.0);
    let what = "largest (minibatch − full) / full of the isotropic bias²";
    push("isotropic-bias-change", what, changes.collect(), f64::max);
    metrics
}

fn table(report: &Report) -> Table {
    let title = format!(
        "Minibatch SAM, {} examples, {} features, ρ = {}, η = {}; tr H² = {}; ± at 95 %",
        report.config.num_examples,
        report.config.num_features,
        number_text(report.rho, 3),
        number_text(report.step_size, 3),
        number_text(report.full_batch_trace, 4)
    );
    let measured = |row: &Row| {
        let is_full = row.batch_size >= report.config.num_examples;
        let trace = &row.measured_trace;
        if is_full { number_text(trace.value, 5) } else { estimate_text(trace) }
    };
    let optional = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |x| number_text(x, 2));
    let last = report.rows.last().and_then(|row| row.bias.last()).map_or(0, |bias| bias.step);
    Table::of(title, &report.rows)
        .text("|S|", |row| row.batch_size)
        .number("tr E[H_S²]", 5, |row| row.trace)
        .text("measured", measured)
        .text("enumeration error", |row| optional(row.enumeration_error))
        .number("min eig. of excess", 2, |row| row.smallest_excess)
        .text("… unscaled", |row| optional(row.smallest_excess_unscaled))
        .number("top eig. of H + ρE[H_S²]", 4, |row| {
            row.effective_eigenvalues.first().copied().unwrap_or(0.0)
        })
        .number(format!("isotropic bias², step {last}"), 4, |row| {
            row.bias.last().map_or(0.0, |bias| bias.isotropic)
        })
        .table()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use polder_theory::sam::minibatch::{Config, run};

    use super::*;

    #[test]
    fn all_names_differ_and_a_report_survives_its_record() {
        let report = run(&Config::smoke()).unwrap();
        let summary = summary(&report);
        let names: HashSet<&str> = summary.metrics.iter().map(|metric| metric.name.as_str()).collect();
        assert_eq!((summary.metrics.len(), names.len()), (7, 7));
        assert_eq!(summary.figures[0].panels.len(), 6);
        let record = serde_json::to_string(&report).unwrap();
        assert_eq!(serde_json::from_str::<Report>(&record).unwrap(), report);
    }

    #[test]
    fn the_full_batch_alone_is_compared_with_nothing() {
        let summary = summary(&run(&Config { batch_sizes: vec![], ..Config::smoke() }).unwrap());
        let names: Vec<&str> = summary.metrics.iter().map(|metric| metric.name.as_str()).collect();
        assert_eq!(names, ["trace-agreement", "bias-agreement", "enumeration-error"]);
        assert_eq!(summary.tables[0].rows.len(), 1);
    }
}
