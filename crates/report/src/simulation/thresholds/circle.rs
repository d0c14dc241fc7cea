//! What experiment B2 shows.

use polder_theory::thresholds::circle::Report;

use super::escape::{Escape, Section};
use crate::simulation::Summary;

pub(crate) fn summary(report: &Report) -> Summary {
    let section = Section { x: "x, through both minimisers", y: "value", points: &report.section, dim: 1.0 };
    let function = "a flat and a sharp bowl";
    Escape { report: &report.escape, config: &report.config.runs, function, section }.summary()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use polder_theory::thresholds::circle::{Config, run};
    use polder_theory::thresholds::escape::EscapeConfig;

    use super::*;
    use polder_experiment::claim::Metric;

    fn metrics(runs: EscapeConfig) -> Vec<Metric> {
        summary(&run(&Config { runs, ..Config::default() }).unwrap()).metrics
    }

    #[test]
    fn a_smoke_run_shows_that_distances_grow_as_predicted_and_survives_a_record() {
        let report = run(&Config::smoke()).unwrap();
        let read = serde_json::from_str(&serde_json::to_string(&report).unwrap()).unwrap();
        assert_eq!(report, read);
        assert!(report.escape.growth.unwrap().holds(), "{:?}", report.escape.growth);
        assert!(report.escape.growth_of_gradient_descent.unwrap() < 1e-8);
        let summary = summary(&report);
        let names: BTreeSet<&str> = summary.metrics.iter().map(|metric| metric.name.as_str()).collect();
        assert_eq!(names.len(), summary.metrics.len(), "every name once");
        assert!(!names.contains("left-mixed"), "all coordinates are alike");
        let panels: Vec<usize> = summary.figures.iter().map(|figure| figure.panels.len()).collect();
        assert_eq!(panels, [6, 3, 3]);
        assert_eq!(summary.tables.len(), 3);
    }

    #[test]
    fn metrics_whose_step_sizes_are_not_run_are_left_out() {
        let few = EscapeConfig { num_runs: 4, num_steps: 20, ..EscapeConfig::default() };
        let names = |runs: EscapeConfig| -> Vec<String> {
            metrics(runs).into_iter().map(|metric| metric.name).collect()
        };
        let above = names(EscapeConfig { factors: vec![1.2], ..few.clone() });
        assert!(!above.iter().any(|name| name.ends_with("below")), "{above:?}");
        let none = names(EscapeConfig { factors: vec![], batch_sizes: vec![], ..few });
        assert_eq!(none, ["mean-square-residual"]);
    }
}
