//! What experiment D1 shows: bias, variance and total over the steps, and what SAM gains and loses by them.

use polder_plot::{Figure, Panel};
use polder_theory::sam::BiasVarianceCurve;
use polder_theory::sam::least_squares::{GridPoint, Report};

use super::bias_variance::{
    BIAS, Best, Part, Style, TOTAL, VARIANCE, best_table, curve_table, exact_changes, gains,
    measured_changes, panels,
};
use crate::simulation::table::number_text;
use crate::simulation::{Summary, Table};
use polder_experiment::claim::Metric;

/// As many panels as a figure can hold.
const MAX_PANELS: usize = 6;

pub(crate) fn summary(report: &Report) -> Summary {
    let config = &report.config;
    let problems = [
        Problem { signal: "strong", coefficients: &config.coefficients, curves: &report.high_signal },
        Problem { signal: "weak", coefficients: &config.low_signal_coefficients, curves: &report.low_signal },
    ];
    let tables = problems.iter().map(|problem| problem.table(report)).chain([grid_table(report)]);
    let figures = problems.iter().map(|problem| problem.figure(report)).chain(grid_figures(report));
    Summary { metrics: metrics(report), tables: tables.collect(), figures: figures.collect() }
}

fn metrics(report: &Report) -> Vec<Metric> {
    let n = report.config.num_replicates;
    let agreements = [
        ("table-agreement", "two small", &report.table_agreement),
        ("grid-agreement", "random", &report.grid_agreement),
    ];
    let agreements = agreements.map(|(name, problems, agreement)| {
        let what = format!("{problems} problems, bias, variance and total against the closed form");
        Metric::agreement(name, what, agreement)
    });
    let mut metrics = Vec::from(agreements);
    metrics.extend(report.table_trade_off.iter().flat_map(|of| measured_changes(of, "strong signal", n)));
    metrics.extend(report.grid_trade_off.iter().flat_map(|of| exact_changes(of, "grid", "random problems")));
    for (signal, curves) in [("high", &report.high_signal), ("low", &report.low_signal)] {
        if let Some(sam) = curves.get(1) {
            let what = format!("{signal} signal, mean |w − β|²");
            metrics.extend(gains(sam, &format!("{signal}-signal"), &what, n));
        }
    }
    metrics
}

/// One of the small problems.
struct Problem<'a> {
    signal: &'static str,
    coefficients: &'a [f64],
    curves: &'a [BiasVarianceCurve],
}

impl Problem<'_> {
    fn words(&self, report: &Report) -> String {
        let numbers = |values: &[f64]| -> String {
            values.iter().map(|value| number_text(*value, 2)).collect::<Vec<_>>().join(", ")
        };
        format!(
            "Least squares with a {} signal: eigenvalues ({}), β = ({}), σ = {}, η = {}",
            self.signal,
            numbers(&report.config.eigenvalues),
            numbers(self.coefficients),
            report.config.noise_sd,
            report.config.step_size,
        )
    }

    fn table(&self, report: &Report) -> Table {
        let title = format!("{}; {} replicates, ± at 95 %", self.words(report), report.config.num_replicates);
        curve_table(title, self.curves, 6)
    }

    fn figure(&self, report: &Report) -> Figure {
        let parts = [BIAS, VARIANCE, TOTAL, BIAS.change(), VARIANCE.change(), TOTAL.change()];
        let style = Style { prefix: "", error: "w", unit: 1.0, unit_name: "" };
        let caption = format!(
            "{}. Errors of the parameters, w − β. Lines are closed forms, dots means over {} replicates with 95 % \
             intervals. All dots of a panel share their noise, so that differences are paired.",
            self.words(report),
            report.config.num_replicates
        );
        let title = format!("Bias and variance of SAM on least squares, {} signal", self.signal);
        Figure { title, caption, panels: panels(self.curves, &parts, &style) }
    }
}

fn grid_table(report: &Report) -> Table {
    let grid = &report.config.grid;
    let title = format!(
        "Random least squares, {} examples, {} replicates: mean |X(w − β)|² / n when stopped at the best recorded step \
         up to {}; ± at 95 %",
        grid.num_examples, grid.num_replicates, grid.num_steps
    );
    let best = report.grid.iter().flat_map(|problem| {
        let top_eigenvalue = problem.top_eigenvalue;
        problem.predictions.iter().map(move |curve| Best { problem, curve, top_eigenvalue })
    });
    let rows: Vec<Best<GridPoint>> = best.collect();
    let columns = Table::of(title, &rows)
        .text("features", |of| of.problem.num_features)
        .text("SNR", |of| of.problem.signal_to_noise)
        .number("σ", 3, |of| of.problem.noise_sd);
    best_table(columns)
}

fn grid_figures(report: &Report) -> Vec<Figure> {
    let grid = &report.config.grid;
    let caption = format!(
        "{} examples, features with covariance diag(j^−{}), step size {} / d₁, where d₁ is the largest eigenvalue. Errors \
         of the predictions, X(w − β) / √n. Lines are closed forms, dots means over {} replicates with 95 % intervals; all dots of a \
         panel share their noise.",
        grid.num_examples, grid.decay, grid.step_share, grid.num_replicates
    );
    let panels_of = |point: &GridPoint, parts: &[Part]| -> Vec<Panel> {
        let prefix = format!("p = {}, SNR {}: ", point.num_features, point.signal_to_noise);
        let (unit, unit_name) = (point.top_eigenvalue, " / d₁");
        panels(&point.predictions, parts, &Style { prefix: &prefix, error: "Xw / √n", unit, unit_name })
    };
    let totals: Vec<Panel> = report.grid.iter().flat_map(|point| panels_of(point, &[TOTAL])).collect();
    // For every number of features the middle one of the ratios.
    let ratios = report.grid.chunks(grid.signal_to_noise.len().max(1));
    let middle = ratios.filter_map(|points| points.get(points.len() / 2));
    let causes: Vec<Panel> =
        middle.flat_map(|point| panels_of(point, &[BIAS, VARIANCE, TOTAL.change()])).collect();
    let mut figures = Vec::new();
    for (what, panels) in [("Total error", totals), ("Bias and variance", causes)] {
        let title = format!("{what} of SAM on random least squares");
        figures.extend(panels.chunks(MAX_PANELS).map(|panels| Figure {
            title: title.clone(),
            caption: caption.clone(),
            panels: panels.to_vec(),
        }));
    }
    figures
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use polder_theory::sam::least_squares::{Config, Grid, run};

    use super::*;

    #[test]
    fn all_names_differ_and_a_report_survives_its_record() {
        let report = run(&Config::smoke()).unwrap();
        let summary = summary(&report);
        let names: HashSet<&str> = summary.metrics.iter().map(|metric| metric.name.as_str()).collect();
        assert_eq!((summary.metrics.len(), names.len()), (10, 10));
        assert!(summary.metrics.iter().all(|metric| metric.value.is_finite()), "{:?}", summary.metrics);
        assert_eq!(summary.figures.len(), 4);
        let record = serde_json::to_string(&report).unwrap();
        assert_eq!(serde_json::from_str::<super::Report>(&record).unwrap(), report);
    }

    #[test]
    fn without_a_grid_or_noise_the_rest_is_shown() {
        let grid = Grid { num_features: vec![], ..Config::smoke().grid };
        let config = Config { grid, noise_sd: 0.0, num_replicates: 3, ..Config::smoke() };
        let summary = summary(&run(&config).unwrap());
        let names: Vec<&str> = summary.metrics.iter().map(|metric| metric.name.as_str()).collect();
        assert!(
            names.contains(&"high-signal-best-stop-change") && !names.contains(&"bias-change"),
            "{names:?}"
        );
        assert_eq!(summary.figures.len(), 2);
        assert!(summary.tables[2].rows.is_empty());
    }
}
