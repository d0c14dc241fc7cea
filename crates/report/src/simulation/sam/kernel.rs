//! What experiment D2 shows: bias, variance and total of kernel regression over the steps, at the examples and at test points.

use polder_plot::Figure;
use polder_theory::sam::BiasVarianceCurve;
use polder_theory::sam::kernel::{ProblemReport, Report};

use super::bias_variance::{Part, Style, best_table, panels, push_best};
use crate::simulation::{Summarize, Summary, Table, View};
use polder_experiment::claim::{Metric, Uncertainty};

impl Summarize for View<'_, Report> {
    fn summary(&self) -> Summary {
        Summary {
            metrics: self.metrics(),
            tables: vec![
                self.table("at the examples", |cell| &cell.training),
                self.table("at the test points", |cell| &cell.test),
            ],
            figures: self.cells.iter().map(|cell| self.figure(cell)).collect(),
        }
    }
}

impl View<'_, Report> {
    fn metrics(&self) -> Vec<Metric> {
        let mut metrics = vec![Metric::agreement(
            "agreement",
            "bias, variance and total, examples and test points, against the closed form",
            &self.agreement,
        )];
        let n = self.config.num_replicates;
        if let Some(trade_off) = &self.trade_off {
            let uncertainty = Uncertainty::Exact { n: trade_off.num_comparisons };
            let exact = |name, what, value| Metric { uncertainty, ..Metric::exact(name, what, value) };
            let (bias, variance) = (&trade_off.measured_bias, &trade_off.measured_variance);
            metrics.extend([
                exact(
                    "closed-form-bias-change",
                    "examples, largest (SAM − GD) / GD of the squared bias, closed form",
                    trade_off.bias,
                ),
                exact(
                    "closed-form-variance-change",
                    "examples, smallest (SAM − GD) / GD of the variance, closed form",
                    trade_off.variance,
                ),
                Metric::estimate(
                    "bias-change",
                    "examples, largest (SAM − GD) / GD of the squared bias at any step",
                    bias,
                    n,
                ),
                Metric::estimate(
                    "variance-change",
                    "examples, smallest (SAM − GD) / GD of the variance at any step",
                    variance,
                    n,
                ),
            ]);
        }
        for (index, cell) in self.cells.iter().enumerate() {
            let words = format!("problem {}, largest radius, test error", index + 1);
            let largest =
                cell.test.iter().filter(|curve| curve.rho > 0.0).max_by(|x, y| x.rho.total_cmp(&y.rho));
            let Some(sam) = largest else { continue };
            if let Some(first) = sam.rows.first() {
                metrics.push(Metric::estimate(
                    format!("problem-{}-first-step-change", index + 1),
                    format!("{words} after step {}, SAM − GD", first.step),
                    &first.measured_change.total,
                    n,
                ));
            }
            metrics.push(Metric::estimate(
                format!("problem-{}-best-stop-change", index + 1),
                format!("{words} each at its best step, SAM − GD"),
                &sam.best.measured_change,
                n,
            ));
        }
        metrics
    }

    fn table(&self, place: &str, curves: impl Fn(&ProblemReport) -> &[BiasVarianceCurve]) -> Table {
        let title = format!(
            "Kernel regression, {} examples, {} replicates: mean squared error {place} when stopped at the best \
             recorded step up to {}; ± at 95 %",
            self.config.num_examples, self.config.num_replicates, self.config.num_steps
        );
        let mut table = best_table(title, &["inputs", "bandwidth"]);
        for cell in &self.cells {
            let cells = [cell.problem.dimension.to_string(), cell.problem.bandwidth.to_string()];
            push_best(&mut table, &cells, curves(cell), top(cell));
        }
        table
    }

    fn figure(&self, cell: &ProblemReport) -> Figure {
        let parts = [Part::Bias, Part::Variance, Part::Total];
        let panels_at = |prefix, curves: &[BiasVarianceCurve]| {
            panels(curves, &parts, &Style { prefix, error: "f(x)", unit: top(cell), unit_name: " / d₁" })
        };
        let mut panels = panels_at("examples: ", &cell.training);
        panels.extend(panels_at("test points: ", &cell.test));
        let ProblemReport { problem, .. } = cell;
        let title = format!("SAM in kernel regression on {}-dimensional inputs", problem.dimension);
        let caption = format!(
            "Gaussian kernel of bandwidth {}, {} examples, signal-to-noise ratio {}, step size {} / d₁, where d₁ is the \
             largest eigenvalue of the Gram matrix. Mean squared errors against the noise-free function. Lines are closed \
             forms, dots means over {} replicates with 95 % intervals; all dots of a panel share their noise.",
            problem.bandwidth,
            self.config.num_examples,
            self.config.signal_to_noise,
            self.config.step_share,
            self.config.num_replicates
        );
        Figure { title, caption, panels }
    }
}

/// The largest eigenvalue of the Gram matrix.
fn top(cell: &ProblemReport) -> f64 {
    cell.eigenvalues.first().copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use polder_theory::sam::kernel::{Config, run};

    use super::*;

    #[test]
    fn all_names_differ_and_a_report_survives_its_record() {
        let report = run(&Config::smoke()).unwrap();
        let summary = View(&report).summary();
        let names: HashSet<&str> = summary.metrics.iter().map(|metric| metric.name.as_str()).collect();
        assert_eq!((summary.metrics.len(), names.len()), (9, 9));
        assert!(summary.figures.iter().all(|figure| figure.panels.len() == 6));
        let record = serde_json::to_string(&report).unwrap();
        assert_eq!(serde_json::from_str::<Report>(&record).unwrap(), report);
    }

    #[test]
    fn gradient_descent_alone_shows_only_whether_it_agrees() {
        let summary = View(&run(&Config { rho_shares: vec![], ..Config::smoke() }).unwrap()).summary();
        assert_eq!(summary.metrics.len(), 1);
        assert_eq!(summary.tables[0].rows.len(), 2);
    }
}
