//! What experiment D3 shows: how much more strongly minibatch SAM regularises, by the trace, the spectrum and the bias.

use polder_plot::Figure;
use polder_theory::sam::minibatch::{Report, Row};

use crate::simulation::{Summarize, Summary, Table, View, estimate_text, number_text};
use polder_experiment::claim::{Metric, Uncertainty};

mod panels;

impl Summarize for View<'_, Report> {
    fn summary(&self) -> Summary {
        let caption = format!(
            "Least squares with {} examples and {} features, radius {} / d₁ of the unbiased minibatch Hessian H_S. First: the \
             closed form (line) and means over {} random minibatches (dots, 95 % intervals). Second: the smallest eigenvalue of \
             E[H_S²] − H², where below 0 full-batch SAM is stronger in some direction. Third: eigenvalues of H + ρ E[H_S²]. \
             Fourth and fifth: squared bias averaged over isotropic coefficients, in closed form. Sixth: squared bias of the \
             predictions for one vector of coefficients, closed form (lines) and {} runs (dots, 95 % intervals).",
            self.config.num_examples,
            self.config.num_features,
            self.config.rho_share,
            self.config.num_minibatches,
            self.config.num_replicates
        );
        let panels = vec![
            self.trace_panel(),
            self.excess_panel(),
            self.spectrum_panel(),
            self.isotropic_panel(),
            self.ratio_panel(),
            self.training_panel(),
        ];
        let title = "Minibatch SAM regularises more".to_owned();
        Summary {
            metrics: self.metrics(),
            tables: vec![self.table()],
            figures: vec![Figure { title, caption, panels }],
        }
    }
}

impl View<'_, Report> {
    /// All batches but the full one.
    pub(super) fn minibatches(&self) -> impl Iterator<Item = &Row> + Clone {
        self.rows.iter().filter(|row| row.batch_size < self.config.num_examples)
    }

    fn metrics(&self) -> Vec<Metric> {
        let mut metrics = Vec::new();
        if let Some(ratio) = &self.smallest_trace_ratio {
            let what = "smallest tr E[H_S²] / tr H² over the minibatches";
            metrics.push(Metric::estimate("trace-ratio", what, ratio, self.config.num_minibatches));
        }
        metrics.push(Metric::agreement(
            "trace-agreement",
            "tr E[H_S²] against the closed form",
            &self.trace_agreement,
        ));
        metrics.push(Metric::agreement(
            "bias-agreement",
            "squared bias of the predictions against the closed form",
            &self.bias_agreement,
        ));
        let errors: Vec<f64> = self.rows.iter().filter_map(|row| row.enumeration_error).collect();
        if !errors.is_empty() {
            let what = "largest entry of E[H_S²] − its closed form, over the trace";
            metrics.push(Metric::largest("enumeration-error", what, errors));
        }
        let mut push = |name, what, values: Vec<f64>, worst: fn(f64, f64) -> f64| {
            let n = values.len() as u64;
            if let Some(value) = values.into_iter().reduce(worst) {
                metrics.push(Metric {
                    uncertainty: Uncertainty::Exact { n },
                    ..Metric::exact(name, what, value)
                });
            }
        };
        push(
            "smallest-excess",
            "smallest eigenvalue of (E[H_S²] − H²) / tr H²",
            self.minibatches().map(|row| row.smallest_excess).collect(),
            f64::min,
        );
        push(
            "smallest-excess-unscaled",
            "largest of these over the batch sizes, without n / |S|",
            self.minibatches().filter_map(|row| row.smallest_excess_unscaled).collect(),
            f64::max,
        );
        let full = self.rows.last().map_or(&[][..], |row| &row.bias);
        push(
            "isotropic-bias-change",
            "largest (minibatch − full) / full of the isotropic bias²",
            self.minibatches()
                .flat_map(|row| row.bias.iter().zip(full))
                .filter(|(_, full)| full.isotropic > 0.0)
                .map(|(row, full)| row.isotropic / full.isotropic - 1.0)
                .collect(),
            f64::max,
        );
        metrics
    }

    fn table(&self) -> Table {
        let title = format!(
            "Minibatch SAM, {} examples, {} features, ρ = {}, η = {}; tr H² = {}; ± at 95 %",
            self.config.num_examples,
            self.config.num_features,
            number_text(self.rho, 3),
            number_text(self.step_size, 3),
            number_text(self.full_batch_trace, 4)
        );
        let last = self.rows.last().and_then(|row| row.bias.last()).map_or(0, |bias| bias.step);
        let bias_head = format!("isotropic bias², step {last}");
        let heads = [
            "|S|",
            "tr E[H_S²]",
            "measured",
            "enumeration error",
            "min eig. of excess",
            "… unscaled",
            "top eig. of H + ρE[H_S²]",
            &bias_head,
        ];
        let mut table = Table::new(title, &heads);
        let optional = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |x| number_text(x, 2));
        for row in &self.rows {
            table.push(vec![
                row.batch_size.to_string(),
                number_text(row.trace, 5),
                if row.batch_size < self.config.num_examples {
                    estimate_text(&row.measured_trace)
                } else {
                    number_text(row.measured_trace.value, 5)
                },
                optional(row.enumeration_error),
                number_text(row.smallest_excess, 2),
                optional(row.smallest_excess_unscaled),
                number_text(row.effective_eigenvalues.first().copied().unwrap_or(0.0), 4),
                number_text(row.bias.last().map_or(0.0, |bias| bias.isotropic), 4),
            ]);
        }
        table
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use polder_theory::sam::minibatch::{Config, run};

    use super::*;

    #[test]
    fn all_names_differ_and_a_report_survives_its_record() {
        let report = run(&Config::smoke()).unwrap();
        let summary = View(&report).summary();
        let names: HashSet<&str> = summary.metrics.iter().map(|metric| metric.name.as_str()).collect();
        assert_eq!((summary.metrics.len(), names.len()), (7, 7));
        assert_eq!(summary.figures[0].panels.len(), 6);
        let record = serde_json::to_string(&report).unwrap();
        assert_eq!(serde_json::from_str::<Report>(&record).unwrap(), report);
    }

    #[test]
    fn the_full_batch_alone_is_compared_with_nothing() {
        let summary = View(&run(&Config { batch_sizes: vec![], ..Config::smoke() }).unwrap()).summary();
        let names: Vec<&str> = summary.metrics.iter().map(|metric| metric.name.as_str()).collect();
        assert_eq!(names, ["trace-agreement", "bias-agreement", "enumeration-error"]);
        assert_eq!(summary.tables[0].rows.len(), 1);
    }
}
