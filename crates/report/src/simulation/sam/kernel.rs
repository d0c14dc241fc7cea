//! What experiment D2 shows: bias, variance and total of kernel regression over the steps, at the examples and at test points.

use polder_plot::Figure;
use polder_theory::sam::BiasVarianceCurve;
use polder_theory::sam::kernel::{ProblemReport, Report};

use super::bias_variance::{
    BIAS, Best, Style, TOTAL, VARIANCE, best_table, exact_changes, gains, measured_changes, panels,
};
use crate::simulation::{Summary, Table};
use polder_experiment::claim::Metric;

pub(crate) fn summary(report: &Report) -> Summary {
    Summary {
        metrics: metrics(report),
        tables: vec![
            table(report, "at the examples", |of| &of.training),
            table(report, "at the test points", |of| &of.test),
        ],
        figures: report.cells.iter().map(|of| figure(report, of)).collect(),
    }
}

fn metrics(report: &Report) -> Vec<Metric> {
    let n = report.config.num_replicates;
    let what = "bias, variance and total, examples and test points, against the closed form";
    let mut metrics = vec![Metric::agreement("agreement", what, &report.agreement)];
    if let Some(trade_off) = &report.trade_off {
        metrics.extend(exact_changes(trade_off, "closed-form", "examples"));
        metrics.extend(measured_changes(trade_off, "examples", n));
    }
    for (of, index) in report.cells.iter().zip(1..) {
        let sams = of.test.iter().filter(|curve| curve.rho > 0.0);
        if let Some(sam) = sams.max_by(|x, y| x.rho.total_cmp(&y.rho)) {
            let what = format!("problem {index}, largest radius, test error");
            metrics.extend(gains(sam, &format!("problem-{index}"), &what, n));
        }
    }
    metrics
}

fn table(report: &Report, place: &str, curves: fn(&ProblemReport) -> &[BiasVarianceCurve]) -> Table {
    let title = format!(
        "Kernel regression, {} examples, {} replicates: mean squared error {place} when stopped at the best \
         recorded step up to {}; ± at 95 %",
        report.config.num_examples, report.config.num_replicates, report.config.num_steps
    );
    let best = report.cells.iter().flat_map(|problem| {
        curves(problem).iter().map(move |curve| Best { problem, curve, top_eigenvalue: top(problem) })
    });
    let rows: Vec<Best<ProblemReport>> = best.collect();
    let columns = Table::of(title, &rows)
        .text("inputs", |of| of.problem.problem.dimension)
        .text("bandwidth", |of| of.problem.problem.bandwidth);
    best_table(columns)
}

fn figure(report: &Report, of: &ProblemReport) -> Figure {
    let config = &report.config;
    let panels_at = |prefix, curves: &[BiasVarianceCurve]| {
        let style = Style { prefix, error: "f(x)", unit: top(of), unit_name: " / d₁" };
        panels(curves, &[BIAS, VARIANCE, TOTAL], &style)
    };
    let mut panels = panels_at("examples: ", &of.training);
    panels.extend(panels_at("test points: ", &of.test));
    let title = format!("SAM in kernel regression on {}-dimensional inputs", of.problem.dimension);
    let caption = format!(
        "Gaussian kernel of bandwidth {}, {} examples, signal-to-noise ratio {}, step size {} / d₁, where d₁ is the \
         largest eigenvalue of the Gram matrix. Mean squared errors against the noise-free function. Lines are closed \
         forms, dots means over {} replicates with 95 % intervals; all dots of a panel share their noise.",
        of.problem.bandwidth,
        config.num_examples,
        config.signal_to_noise,
        config.step_share,
        config.num_replicates
    );
    Figure { title, caption, panels }
}

/// The largest eigenvalue of the Gram matrix.
fn top(of: &ProblemReport) -> f64 {
    of.eigenvalues.first().copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use polder_theory::sam::kernel::{Config, run};

    use super::*;

    #[test]
    fn all_names_differ_and_a_report_survives_its_record() {
        let report = run(&Config::smoke()).unwrap();
        let summary = summary(&report);
        let names: HashSet<&str> = summary.metrics.iter().map(|metric| metric.name.as_str()).collect();
        assert_eq!((summary.metrics.len(), names.len()), (9, 9));
        assert!(summary.figures.iter().all(|figure| figure.panels.len() == 6));
        let record = serde_json::to_string(&report).unwrap();
        assert_eq!(serde_json::from_str::<Report>(&record).unwrap(), report);
    }

    #[test]
    fn gradient_descent_alone_shows_only_whether_it_agrees() {
        let summary = summary(&run(&Config { rho_shares: vec![], ..Config::smoke() }).unwrap());
        assert_eq!(summary.metrics.len(), 1);
        assert_eq!(summary.tables[0].rows.len(), 2);
    }
}
