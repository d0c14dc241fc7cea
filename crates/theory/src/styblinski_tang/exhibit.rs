//! What experiment B3 shows.

use super::{B3Report, Components};
use crate::escape::EscapeExhibit;
use crate::exhibit::{Axis, Exhibit, Exhibits, Ink, Panel, Series, Shape};

impl Exhibits for B3Report {
    fn exhibit(&self) -> Exhibit {
        let minimizers = &self.escape.minimizers;
        let dim = self.config.dim as f64;
        // All coordinates of the sharpest minimiser are alike, and so are those of the flattest.
        let dot = |name, ink, index: usize| {
            let minimizer = &minimizers[index];
            Series::new(name, ink, Shape::Dots(vec![(minimizer.position[0], minimizer.value / dim)]))
        };
        let section = Panel {
            title: "Mean of the components".to_owned(),
            x: Axis::linear("one coordinate"),
            y: Axis::linear("what it adds to the value"),
            series: vec![
                Series::new("f", Ink::Text, Shape::Line(self.section.clone())),
                dot("sharp", Ink::Orange, 0),
                dot("flat", Ink::Blue, minimizers.len() - 1),
            ],
        };
        let function = match self.config.components {
            Components::Scaled { .. } => "scaled Styblinski-Tang functions",
            Components::Shifted { .. } => "shifted Styblinski-Tang functions",
        };
        EscapeExhibit { report: &self.escape, config: &self.config.runs, function, section }.exhibit()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::{B3Config, b3};
    use super::*;
    use crate::escape::EscapeConfig;

    #[test]
    fn a_smoke_run_shows_that_distances_grow_as_predicted_and_survives_a_record() {
        let report = b3(&B3Config::smoke()).unwrap();
        let read = serde_json::from_str(&serde_json::to_string(&report).unwrap()).unwrap();
        assert_eq!(report, read);
        assert!(report.escape.growth.unwrap().holds(), "{:?}", report.escape.growth);
        assert!(report.escape.growth_of_gradient_descent.unwrap() < 1e-5);
        let exhibit = report.exhibit();
        let names: BTreeSet<&str> = exhibit.evidence.iter().map(|evidence| evidence.name.as_str()).collect();
        assert_eq!(names.len(), exhibit.evidence.len(), "every name once");
        assert!(names.contains("left-mixed"), "{names:?}");
        assert_eq!(exhibit.tables.len(), 4);
    }

    #[test]
    fn where_noise_holds_distances_up_nothing_is_said_about_their_growth() {
        let runs = EscapeConfig { num_runs: 4, num_steps: 20, ..EscapeConfig::default() };
        let report = b3(&B3Config { runs, components: Components::Shifted { by: 0.05 }, dim: 1 }).unwrap();
        let exhibit = report.exhibit();
        assert!(!exhibit.evidence.iter().any(|evidence| evidence.name.starts_with("growth")));
        assert!(exhibit.evidence.iter().any(|evidence| evidence.name == "left-difference"));
        assert_eq!(exhibit.figures[2].panels.len(), 2);
    }
}
