//! What experiment D2 shows: bias, variance and total of kernel regression over the steps, at the examples and at test points.

use super::{D2Cell, D2Report};
use crate::bias_variance::{BiasVarianceCurve, Part, Style, best_table, panels, push_best};
use crate::exhibit::{Evidence, Exhibit, Exhibits, Figure, Support, Table};

impl Exhibits for D2Report {
    fn exhibit(&self) -> Exhibit {
        Exhibit {
            evidence: self.evidence(),
            tables: vec![
                self.table("at the examples", |cell| &cell.training),
                self.table("at the test points", |cell| &cell.test),
            ],
            figures: self.cells.iter().map(|cell| self.figure(cell)).collect(),
        }
    }
}

impl D2Report {
    fn evidence(&self) -> Vec<Evidence> {
        let mut evidence = vec![Evidence::agreement(
            "agreement",
            "bias, variance and total, examples and test points, against the closed form",
            &self.agreement,
        )];
        let n = self.config.num_replicates;
        if let Some(trade_off) = &self.trade_off {
            let support = Support::Exact { n: trade_off.num_comparisons };
            let exact = |name, what, value| Evidence { support, ..Evidence::exact(name, what, value) };
            let (bias, variance) = (&trade_off.measured_bias, &trade_off.measured_variance);
            evidence.extend([
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
                Evidence::estimate(
                    "bias-change",
                    "examples, largest (SAM − GD) / GD of the squared bias at any step",
                    bias,
                    n,
                ),
                Evidence::estimate(
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
                evidence.push(Evidence::estimate(
                    format!("problem-{}-first-step-change", index + 1),
                    format!("{words} after step {}, SAM − GD", first.step),
                    &first.measured_change.total,
                    n,
                ));
            }
            evidence.push(Evidence::estimate(
                format!("problem-{}-best-stop-change", index + 1),
                format!("{words} each at its best step, SAM − GD"),
                &sam.best.measured_change,
                n,
            ));
        }
        evidence
    }

    fn table(&self, place: &str, curves: impl Fn(&D2Cell) -> &[BiasVarianceCurve]) -> Table {
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

    fn figure(&self, cell: &D2Cell) -> Figure {
        let parts = [Part::Bias, Part::Variance, Part::Total];
        let panels_at = |prefix, curves: &[BiasVarianceCurve]| {
            panels(curves, &parts, &Style { prefix, error: "f(x)", unit: top(cell), unit_name: " / d₁" })
        };
        let mut panels = panels_at("examples: ", &cell.training);
        panels.extend(panels_at("test points: ", &cell.test));
        let D2Cell { problem, .. } = cell;
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
fn top(cell: &D2Cell) -> f64 {
    cell.eigenvalues.first().copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::super::{D2Config, d2};
    use super::*;

    #[test]
    fn all_names_differ_and_a_report_survives_its_record() {
        let report = d2(&D2Config::smoke()).unwrap();
        let exhibit = report.exhibit();
        let names: HashSet<&str> = exhibit.evidence.iter().map(|evidence| evidence.name.as_str()).collect();
        assert_eq!((exhibit.evidence.len(), names.len()), (9, 9));
        assert!(exhibit.figures.iter().all(|figure| figure.panels.len() == 6));
        let record = serde_json::to_string(&report).unwrap();
        assert_eq!(serde_json::from_str::<D2Report>(&record).unwrap(), report);
    }

    #[test]
    fn gradient_descent_alone_shows_only_whether_it_agrees() {
        let exhibit = d2(&D2Config { rho_shares: vec![], ..D2Config::smoke() }).unwrap().exhibit();
        assert_eq!(exhibit.evidence.len(), 1);
        assert_eq!(exhibit.tables[0].rows.len(), 2);
    }
}
