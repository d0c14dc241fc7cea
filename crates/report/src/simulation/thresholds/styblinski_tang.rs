//! What experiment B3 shows.

use polder_theory::thresholds::styblinski_tang::{Components, Report};

use super::escape::{Escape, Section};
use crate::simulation::Summary;

pub(crate) fn summary(report: &Report) -> Summary {
    let (dim, points) = (report.config.dim as f64, report.section.as_slice());
    let section = Section { x: "one coordinate", y: "what it adds to the value", points, dim };
    let function = match report.config.components {
        Components::Scaled { .. } => "scaled Styblinski-Tang functions",
        Components::Shifted { .. } => "shifted Styblinski-Tang functions",
    };
    Escape { report: &report.escape, config: &report.config.runs, function, section }.summary()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use polder_theory::thresholds::escape::EscapeConfig;
    use polder_theory::thresholds::styblinski_tang::{Config, run};

    use super::*;

    #[test]
    fn a_smoke_run_shows_that_distances_grow_as_predicted_and_survives_a_record() {
        let report = run(&Config::smoke()).unwrap();
        let read = serde_json::from_str(&serde_json::to_string(&report).unwrap()).unwrap();
        assert_eq!(report, read);
        assert!(report.escape.growth.unwrap().holds(), "{:?}", report.escape.growth);
        assert!(report.escape.growth_of_gradient_descent.unwrap() < 1e-5);
        let summary = summary(&report);
        let names: BTreeSet<&str> = summary.metrics.iter().map(|metric| metric.name.as_str()).collect();
        assert_eq!(names.len(), summary.metrics.len(), "every name once");
        assert!(names.contains("left-mixed"), "{names:?}");
        assert_eq!(summary.tables.len(), 4);
    }

    #[test]
    fn where_noise_holds_distances_up_nothing_is_said_about_their_growth() {
        let runs = EscapeConfig { num_runs: 4, num_steps: 20, ..EscapeConfig::default() };
        let report = run(&Config { runs, components: Components::Shifted { by: 0.05 }, dim: 1 }).unwrap();
        let summary = summary(&report);
        assert!(!summary.metrics.iter().any(|metric| metric.name.starts_with("growth")));
        assert!(summary.metrics.iter().any(|metric| metric.name == "left-difference"));
        assert_eq!(summary.figures[2].panels.len(), 2);
    }
}
