//! What experiment B1 shows: predicted and measured thresholds against the batch size, growth rates, and runs around them.

mod figures;

use polder_theory::Estimate;
use polder_theory::thresholds::CurvatureLaw;
use polder_theory::thresholds::quadratic::{LawSummary, Place, Report, Row};

use crate::simulation::{Summarize, Summary, Table, View, estimate_text, number_text};
use polder_experiment::claim::Metric;

impl Summarize for View<'_, Report> {
    fn summary(&self) -> Summary {
        Summary {
            metrics: self.metrics(),
            tables: vec![self.thresholds_table(), self.rates_table()],
            figures: vec![self.thresholds_figure(), self.runs_figure()],
        }
    }
}

impl View<'_, Report> {
    /// The laws with their summaries and rows.
    fn laws(&self) -> impl Iterator<Item = (usize, &CurvatureLaw, &LawSummary, Vec<&Row>)> {
        self.config.laws.iter().zip(&self.summaries).enumerate().map(|(index, (law, summary))| {
            (index, law, summary, self.rows.iter().filter(|row| row.law == *law).collect())
        })
    }

    fn metrics(&self) -> Vec<Metric> {
        let mut metrics = Vec::new();
        for (index, law, summary, rows) in self.laws() {
            let slug = slug(law, index);
            let name = |quantity: &str| format!("{quantity}-{slug}");
            let what = |quantity: &str| format!("{quantity}; {}", law_text(law));
            let worst = [
                (
                    "mean-square-deviation",
                    "largest |measured / C*(k) − 1| over k",
                    summary.mean_square_deviation,
                    self.config.num_draws,
                ),
                (
                    "almost-sure-deviation",
                    "largest |measured / C_as(k) − 1| over the k with an exact C_as(k)",
                    summary.almost_sure_deviation,
                    self.config.num_draws,
                ),
                (
                    "rate-below",
                    "largest growth of the log distance per step over k, a tenth below C*",
                    summary.largest_rate_below,
                    self.config.num_runs,
                ),
                (
                    "rate-between",
                    "largest growth of the log distance per step over k, between C* and C_as",
                    summary.largest_rate_between,
                    self.config.num_runs,
                ),
                (
                    "rate-above",
                    "smallest growth of the log distance per step over k, a tenth above C_as",
                    summary.smallest_rate_above,
                    self.config.num_runs,
                ),
            ];
            for (quantity, words, estimate, n) in worst {
                if let Some(estimate) = estimate {
                    metrics.push(Metric::estimate(name(quantity), what(words), &estimate, n));
                }
            }
            let factors: Vec<f64> = rows
                .iter()
                .filter_map(|row| row.at(Place::Between))
                .map(|trajectory| trajectory.second_moment_factor)
                .collect();
            if !factors.is_empty() {
                let smallest = factors.iter().copied().fold(f64::INFINITY, f64::min);
                let words = "smallest factor of the mean square per step over k, between C* and C_as";
                metrics.push(Metric::exact(name("mean-square-factor-between"), what(words), smallest));
            }
            for row in rows {
                let k = row.batch_size;
                metrics.push(Metric::exact(
                    format!("mean-square-threshold-{slug}-k{k}"),
                    what(&format!("C*({k})")),
                    row.mean_square,
                ));
                if row.almost_sure_is_exact {
                    metrics.push(Metric::exact(
                        format!("almost-sure-threshold-{slug}-k{k}"),
                        what(&format!("C_as({k})")),
                        row.almost_sure,
                    ));
                }
            }
        }
        if let Some(rates) = &self.rates {
            let words =
                "growth of the log distance per step against the Lyapunov exponent, in standard errors";
            metrics.push(Metric::agreement("rates", words, rates));
        }
        // Without chance the rate is that of gradient descent, up to rounding.
        let residuals: Vec<f64> = self
            .rows
            .iter()
            .filter(|row| !row.is_random())
            .flat_map(|row| &row.trajectories)
            .map(|trajectory| trajectory.measured_rate.value - trajectory.predicted_rate)
            .collect();
        if !residuals.is_empty() {
            let words = "largest difference of gradient descent's growth per step from log|1 − C E Q|";
            metrics.push(Metric::largest("gradient-descent-residual", words, residuals));
        }
        metrics
    }

    fn thresholds_table(&self) -> Table {
        let title = format!(
            "Thresholds: predicted, and measured from {} drawn curvatures; ± at 95 %; ~ marks a prediction from draws",
            self.config.num_draws
        );
        let heads = ["curvature", "k", "C*(k)", "measured", "C_as(k)", "measured", "C_as / C*"];
        let mut table = Table::new(title, &heads);
        for row in &self.rows {
            let measured =
                |estimate: Option<&Estimate>| estimate.map_or_else(|| "–".to_owned(), estimate_text);
            let mark = if row.almost_sure_is_exact { "" } else { "~" };
            table.push(vec![
                law_text(&row.law),
                row.batch_size.to_string(),
                number_text(row.mean_square, 5),
                measured(row.measured_mean_square.as_ref()),
                format!("{mark}{}", number_text(row.almost_sure, 5)),
                measured(row.measured_almost_sure.as_ref()),
                number_text(row.almost_sure / row.mean_square, 4),
            ]);
        }
        table
    }

    fn rates_table(&self) -> Table {
        let title = format!(
            "Between the thresholds: the mean square grows while runs come closer; {} runs of {} steps; ± at 95 %",
            self.config.num_runs, self.config.num_steps
        );
        let heads = [
            "curvature",
            "k",
            "step size",
            "mean square per step",
            "log distance per step",
            "Lyapunov exponent",
        ];
        let mut table = Table::new(title, &heads);
        for row in &self.rows {
            if let Some(trajectory) = row.at(Place::Between) {
                table.push(vec![
                    law_text(&row.law),
                    row.batch_size.to_string(),
                    number_text(trajectory.step_size, 4),
                    format!("× {}", number_text(trajectory.second_moment_factor, 4)),
                    estimate_text(&trajectory.measured_rate),
                    number_text(trajectory.predicted_rate, 4),
                ]);
            }
        }
        table
    }
}

/// A law within a name: lower case, and unique together with its index.
fn slug(law: &CurvatureLaw, index: usize) -> String {
    match law {
        CurvatureLaw::TwoPoint { low, high } => format!("two-point-{low}-{high}"),
        CurvatureLaw::LogNormal { mean, variance } => format!("lognormal-{mean}-{variance}"),
        CurvatureLaw::Sample { .. } => format!("sample-{index}"),
    }
}

fn law_text(law: &CurvatureLaw) -> String {
    match law {
        CurvatureLaw::TwoPoint { low, high } => format!("{{{low}, {high}}}"),
        CurvatureLaw::LogNormal { mean, variance } => format!("lognormal, mean {mean}, variance {variance}"),
        CurvatureLaw::Sample { values } => format!("one of {}", values.len()),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use polder_theory::thresholds::BatchSize;
    use polder_theory::thresholds::quadratic::{Config, run};

    use super::*;

    fn tiny() -> Config {
        Config { num_draws: 2000, num_runs: 5, num_steps: 20, ..Config::smoke() }
    }

    #[test]
    fn the_report_survives_its_record() {
        let report = run(&tiny()).unwrap();
        assert_eq!(report, serde_json::from_str(&serde_json::to_string(&report).unwrap()).unwrap());
    }

    #[test]
    fn every_quantity_has_a_name_of_its_own() {
        let laws = vec![
            CurvatureLaw::Sample { values: vec![1.0, 2.0, 4.0] },
            CurvatureLaw::Sample { values: vec![1.0, 3.0, 4.0] },
            CurvatureLaw::TwoPoint { low: 1.0, high: 9.0 },
        ];
        let summary = View(&run(&Config { laws, ..tiny() }).unwrap()).summary();
        let names: BTreeSet<&str> = summary.metrics.iter().map(|metric| metric.name.as_str()).collect();
        assert_eq!(names.len(), summary.metrics.len());
        assert!(
            names.contains("almost-sure-threshold-two-point-1-9-k1")
                && names.contains("rate-between-sample-1")
        );
        assert_eq!(summary.tables[0].rows.len(), 18);
        assert_eq!(summary.tables[1].rows.len(), 15);
    }

    #[test]
    fn gradient_descent_alone_has_thresholds_and_nothing_to_measure() {
        let report = run(&Config { batch_sizes: vec![BatchSize::ALL], ..tiny() }).unwrap();
        assert_eq!(report, serde_json::from_str(&serde_json::to_string(&report).unwrap()).unwrap());
        let summary = View(&report).summary();
        let residual = summary.metrics.last().unwrap();
        assert!(residual.name == "gradient-descent-residual" && residual.value < 1e-12, "{residual:?}");
        assert!(summary.tables[1].rows.is_empty());
    }
}
