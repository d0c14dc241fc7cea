//! What experiment B1 shows: predicted and measured thresholds against the batch size, growth rates, and runs around them.

mod figures;

use polder_stats::Estimate;
use polder_theory::thresholds::CurvatureDistribution;
use polder_theory::thresholds::quadratic::{DistributionSummary, Regime, Report, Row, Trajectory};

use crate::simulation::table::{estimate_text, number_text};
use crate::simulation::{Summary, Table};
use polder_experiment::claim::Metric;

pub(crate) fn summary(report: &Report) -> Summary {
    Summary {
        metrics: metrics(report),
        tables: vec![thresholds_table(report), rates_table(report)],
        figures: vec![figures::thresholds(report), figures::runs(report)],
    }
}

/// One distribution of the curvature, with its summary and rows.
struct OfDistribution<'a> {
    index: usize,
    distribution: &'a CurvatureDistribution,
    summary: &'a DistributionSummary,
    rows: Vec<&'a Row>,
}

fn distributions(report: &Report) -> impl Iterator<Item = OfDistribution<'_>> {
    report.config.laws.iter().zip(&report.summaries).enumerate().map(|(index, (distribution, summary))| {
        let rows = report.rows.iter().filter(|row| row.law == *distribution).collect();
        OfDistribution { index, distribution, summary, rows }
    })
}

fn metrics(report: &Report) -> Vec<Metric> {
    let mut metrics: Vec<Metric> =
        distributions(report).flat_map(|of| distribution_metrics(report, &of)).collect();
    if let Some(rates) = &report.rates {
        let what = "growth of the log distance per step against the Lyapunov exponent, in standard errors";
        metrics.push(Metric::agreement("rates", what, rates));
    }
    // Without chance the rate is that of gradient descent, up to rounding.
    let certain = report.rows.iter().filter(|row| !row.is_random()).flat_map(|row| &row.trajectories);
    let residuals: Vec<f64> = certain.map(|of| of.measured_rate.value - of.predicted_rate).collect();
    if !residuals.is_empty() {
        let what = "largest difference of gradient descent's growth per step from log|1 − C E Q|";
        metrics.push(Metric::largest("gradient-descent-residual", what, residuals));
    }
    metrics
}

fn distribution_metrics(
    report: &Report,
    OfDistribution { index, distribution, summary, rows }: &OfDistribution,
) -> Vec<Metric> {
    let config = &report.config;
    let slug = slug(distribution, *index);
    let name = |quantity: &str| format!("{quantity}-{slug}");
    let what = |quantity: &str| format!("{quantity}; {}", distribution_text(distribution));
    let mut metrics = Vec::new();
    for (quantity, threshold, over, estimate) in [
        ("mean-square", "C*(k)", "k", summary.mean_square_deviation),
        ("almost-sure", "C_as(k)", "the k with an exact C_as(k)", summary.almost_sure_deviation),
    ] {
        let name = name(&format!("{quantity}-deviation"));
        let what = what(&format!("largest |measured / {threshold} − 1| over {over}"));
        metrics.extend(estimate.map(|of| Metric::estimate(name, what, &of, config.num_draws)));
    }
    for (regime, extreme, at, estimate) in [
        ("below", "largest", "a tenth below C*", summary.largest_rate_below),
        ("between", "largest", "between C* and C_as", summary.largest_rate_between),
        ("above", "smallest", "a tenth above C_as", summary.smallest_rate_above),
    ] {
        let name = name(&format!("rate-{regime}"));
        let what = what(&format!("{extreme} growth of the log distance per step over k, {at}"));
        metrics.extend(estimate.map(|of| Metric::estimate(name, what, &of, config.num_runs)));
    }
    let between = rows.iter().filter_map(|row| row.at(Regime::Between));
    if let Some(smallest) = between.map(|of| of.second_moment_factor).reduce(f64::min) {
        let words = "smallest factor of the mean square per step over k, between C* and C_as";
        metrics.push(Metric::exact(name("mean-square-factor-between"), what(words), smallest));
    }
    for row in rows {
        let k = row.batch_size;
        let mut threshold = |quantity, words: &str, value| {
            let name = format!("{quantity}-threshold-{slug}-k{k}");
            metrics.push(Metric::exact(name, what(words), value));
        };
        threshold("mean-square", &format!("C*({k})"), row.mean_square);
        if row.almost_sure_is_exact {
            threshold("almost-sure", &format!("C_as({k})"), row.almost_sure);
        }
    }
    metrics
}

fn thresholds_table(report: &Report) -> Table {
    let title = format!(
        "Thresholds: predicted, and measured from {} drawn curvatures; ± at 95 %; ~ marks a prediction from draws",
        report.config.num_draws
    );
    let measured = |of: &Option<Estimate>| of.as_ref().map_or_else(|| "–".to_owned(), estimate_text);
    let mark = |row: &Row| if row.almost_sure_is_exact { "" } else { "~" };
    Table::of(title, &report.rows)
        .text("curvature", |row| distribution_text(&row.law))
        .text("k", |row| row.batch_size)
        .number("C*(k)", 5, |row| row.mean_square)
        .text("measured", |row| measured(&row.measured_mean_square))
        .text("C_as(k)", |row| format!("{}{}", mark(row), number_text(row.almost_sure, 5)))
        .text("measured", |row| measured(&row.measured_almost_sure))
        .number("C_as / C*", 4, |row| row.almost_sure / row.mean_square)
        .table()
}

fn rates_table(report: &Report) -> Table {
    let title = format!(
        "Between the thresholds: the mean square grows while runs come closer; {} runs of {} steps; ± at 95 %",
        report.config.num_runs, report.config.num_steps
    );
    let between = report.rows.iter().filter_map(|row| Some((row, row.at(Regime::Between)?)));
    let rows: Vec<(&Row, &Trajectory)> = between.collect();
    Table::of(title, &rows)
        .text("curvature", |(row, _)| distribution_text(&row.law))
        .text("k", |(row, _)| row.batch_size)
        .number("step size", 4, |(_, of)| of.step_size)
        .text("mean square per step", |(_, of)| format!("× {}", number_text(of.second_moment_factor, 4)))
        .estimate("log distance per step", |(_, of)| of.measured_rate)
        .number("Lyapunov exponent", 4, |(_, of)| of.predicted_rate)
        .table()
}

/// A distribution within a name: lower case, and unique together with its index.
fn slug(distribution: &CurvatureDistribution, index: usize) -> String {
    match distribution {
        CurvatureDistribution::TwoPoint { low, high } => format!("two-point-{low}-{high}"),
        CurvatureDistribution::LogNormal { mean, variance } => format!("lognormal-{mean}-{variance}"),
        CurvatureDistribution::Sample { .. } => format!("sample-{index}"),
    }
}

fn distribution_text(distribution: &CurvatureDistribution) -> String {
    match distribution {
        CurvatureDistribution::TwoPoint { low, high } => format!("{{{low}, {high}}}"),
        CurvatureDistribution::LogNormal { mean, variance } => {
            format!("lognormal, mean {mean}, variance {variance}")
        }
        CurvatureDistribution::Sample { values } => format!("one of {}", values.len()),
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
            CurvatureDistribution::Sample { values: vec![1.0, 2.0, 4.0] },
            CurvatureDistribution::Sample { values: vec![1.0, 3.0, 4.0] },
            CurvatureDistribution::TwoPoint { low: 1.0, high: 9.0 },
        ];
        let summary = summary(&run(&Config { laws, ..tiny() }).unwrap());
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
        let summary = summary(&report);
        let residual = summary.metrics.last().unwrap();
        assert!(residual.name == "gradient-descent-residual" && residual.value < 1e-12, "{residual:?}");
        assert!(summary.tables[1].rows.is_empty());
    }
}
