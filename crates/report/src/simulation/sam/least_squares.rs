//! What experiment D1 shows: bias, variance and total over the steps, and what SAM gains and loses by them.

use polder_plot::{Figure, Panel};
use polder_theory::sam::BiasVarianceCurve;
use polder_theory::sam::least_squares::{GridPoint, Report};

use super::bias_variance::{Part, Style, best_table, curve_table, panels, push_best};
use crate::simulation::{Summarize, Summary, Table, View, number_text};
use polder_experiment::claim::{Metric, Uncertainty};

/// As many panels as a figure can hold.
const MAX_PANELS: usize = 6;

impl Summarize for View<'_, Report> {
    fn summary(&self) -> Summary {
        let mut tables = vec![
            self.problem_table("strong", &self.config.coefficients, &self.high_signal),
            self.problem_table("weak", &self.config.low_signal_coefficients, &self.low_signal),
        ];
        tables.push(self.grid_table());
        let mut figures = vec![
            self.problem_figure("strong", &self.config.coefficients, &self.high_signal),
            self.problem_figure("weak", &self.config.low_signal_coefficients, &self.low_signal),
        ];
        figures.extend(self.grid_figures());
        Summary { metrics: self.metrics(), tables, figures }
    }
}

impl View<'_, Report> {
    fn metrics(&self) -> Vec<Metric> {
        let mut metrics = vec![
            Metric::agreement(
                "table-agreement",
                "two small problems, bias, variance and total against the closed form",
                &self.table_agreement,
            ),
            Metric::agreement(
                "grid-agreement",
                "random problems, bias, variance and total against the closed form",
                &self.grid_agreement,
            ),
        ];
        if let Some(trade_off) = &self.table_trade_off {
            let n = self.config.num_replicates;
            metrics.push(Metric::estimate(
                "bias-change",
                "strong signal, largest (SAM − GD) / GD of the squared bias at any step",
                &trade_off.measured_bias,
                n,
            ));
            metrics.push(Metric::estimate(
                "variance-change",
                "strong signal, smallest (SAM − GD) / GD of the variance at any step",
                &trade_off.measured_variance,
                n,
            ));
        }
        if let Some(trade_off) = &self.grid_trade_off {
            let uncertainty = Uncertainty::Exact { n: trade_off.num_comparisons };
            let exact = |name, what, value| Metric { uncertainty, ..Metric::exact(name, what, value) };
            metrics.push(exact(
                "grid-bias-change",
                "random problems, largest (SAM − GD) / GD of the squared bias, closed form",
                trade_off.bias,
            ));
            metrics.push(exact(
                "grid-variance-change",
                "random problems, smallest (SAM − GD) / GD of the variance, closed form",
                trade_off.variance,
            ));
        }
        for (signal, curves) in [("high", &self.high_signal), ("low", &self.low_signal)] {
            let Some(sam) = curves.get(1) else { continue };
            if let Some(first) = sam.rows.first() {
                metrics.push(Metric::estimate(
                    format!("{signal}-signal-first-step-change"),
                    format!("{signal} signal, mean |w − β|² after step {}, SAM − GD", first.step),
                    &first.measured_change.total,
                    self.config.num_replicates,
                ));
            }
            metrics.push(Metric::estimate(
                format!("{signal}-signal-best-stop-change"),
                format!("{signal} signal, mean |w − β|² each at its best step, SAM − GD"),
                &sam.best.measured_change,
                self.config.num_replicates,
            ));
        }
        metrics
    }

    fn problem_words(&self, strength: &str, coefficients: &[f64]) -> String {
        let numbers = |values: &[f64]| -> String {
            values.iter().map(|value| number_text(*value, 2)).collect::<Vec<_>>().join(", ")
        };
        format!(
            "Least squares with a {strength} signal: eigenvalues ({}), β = ({}), σ = {}, η = {}",
            numbers(&self.config.eigenvalues),
            numbers(coefficients),
            self.config.noise_sd,
            self.config.step_size,
        )
    }

    fn problem_table(&self, strength: &str, coefficients: &[f64], curves: &[BiasVarianceCurve]) -> Table {
        let title = format!(
            "{}; {} replicates, ± at 95 %",
            self.problem_words(strength, coefficients),
            self.config.num_replicates
        );
        curve_table(title, curves, 6)
    }

    fn problem_figure(&self, strength: &str, coefficients: &[f64], curves: &[BiasVarianceCurve]) -> Figure {
        let parts =
            [Part::Bias, Part::Variance, Part::Total, Part::BiasChange, Part::VarianceChange, Part::Change];
        let style = Style { prefix: "", error: "w", unit: 1.0, unit_name: "" };
        let caption = format!(
            "{}. Errors of the parameters, w − β. Lines are closed forms, dots means over {} replicates with 95 % \
             intervals. All dots of a panel share their noise, so that differences are paired.",
            self.problem_words(strength, coefficients),
            self.config.num_replicates
        );
        let title = format!("Bias and variance of SAM on least squares, {strength} signal");
        Figure { title, caption, panels: panels(curves, &parts, &style) }
    }

    fn grid_table(&self) -> Table {
        let grid = &self.config.grid;
        let title = format!(
            "Random least squares, {} examples, {} replicates: mean |X(w − β)|² / n when stopped at the best recorded step \
             up to {}; ± at 95 %",
            grid.num_examples, grid.num_replicates, grid.num_steps
        );
        let mut table = best_table(title, &["features", "SNR", "σ"]);
        for cell in &self.grid {
            let cells = [
                cell.num_features.to_string(),
                cell.signal_to_noise.to_string(),
                number_text(cell.noise_sd, 3),
            ];
            push_best(&mut table, &cells, &cell.predictions, cell.top_eigenvalue);
        }
        table
    }

    fn grid_figures(&self) -> Vec<Figure> {
        let grid = &self.config.grid;
        let words = format!(
            "{} examples, features with covariance diag(j^−{}), step size {} / d₁, where d₁ is the largest eigenvalue. Errors \
             of the predictions, X(w − β) / √n. Lines are closed forms, dots means over {} replicates with 95 % intervals; all dots of a \
             panel share their noise.",
            grid.num_examples, grid.decay, grid.step_share, grid.num_replicates
        );
        let cell_panels = |cell: &GridPoint, parts: &[Part]| -> Vec<Panel> {
            let prefix = format!("p = {}, SNR {}: ", cell.num_features, cell.signal_to_noise);
            let style =
                Style {
                    prefix: &prefix, error: "Xw / √n", unit: cell.top_eigenvalue, unit_name: " / d₁"
                };
            panels(&cell.predictions, parts, &style)
        };
        let mut figures = Vec::new();
        let totals: Vec<Panel> =
            self.grid.iter().flat_map(|cell| cell_panels(cell, &[Part::Total])).collect();
        for panels in totals.chunks(MAX_PANELS) {
            let title = "Total error of SAM on random least squares".to_owned();
            figures.push(Figure { title, caption: words.clone(), panels: panels.to_vec() });
        }
        let parts = [Part::Bias, Part::Variance, Part::Change];
        // For every number of features the middle one of the ratios.
        let num_ratios = grid.signal_to_noise.len().max(1);
        let middle = self.grid.chunks(num_ratios).filter_map(|cells| cells.get(cells.len() / 2));
        let causes: Vec<Panel> = middle.flat_map(|cell| cell_panels(cell, &parts)).collect();
        for panels in causes.chunks(MAX_PANELS) {
            let title = "Bias and variance of SAM on random least squares".to_owned();
            figures.push(Figure { title, caption: words.clone(), panels: panels.to_vec() });
        }
        figures
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use polder_theory::sam::least_squares::{Config, Grid, run};

    use super::*;

    #[test]
    fn all_names_differ_and_a_report_survives_its_record() {
        let report = run(&Config::smoke()).unwrap();
        let summary = View(&report).summary();
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
        let summary = View(&run(&config).unwrap()).summary();
        let names: Vec<&str> = summary.metrics.iter().map(|metric| metric.name.as_str()).collect();
        assert!(
            names.contains(&"high-signal-best-stop-change") && !names.contains(&"bias-change"),
            "{names:?}"
        );
        assert_eq!(summary.figures.len(), 2);
        assert!(summary.tables[2].rows.is_empty());
    }
}
