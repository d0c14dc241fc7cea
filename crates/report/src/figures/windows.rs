//! From where on to average: the ends of the runs along the starts of the averages of one trajectory.

use std::collections::BTreeMap;

use polder_plot::{Axis, Figure, Ink, Panel};

use super::axes::curve;
use crate::groups::grouped;
use crate::{ExperimentReport, weights_label};
use polder_experiment::claim::Claim;
use polder_experiment::config::AveragingConfig;
use polder_experiment::run::record::{ITERATE, REFRESHED};

/// As few averages are better read from a table.
const FEWEST_AVERAGES: usize = 3;

/// A curve per cell of which claims compare several uniform averages with each other; `None` where there is none.
pub(super) fn figure(of: &ExperimentReport) -> Option<Figure> {
    let run = of.runs.first()?;
    let start = |name: &String| match run.config.averages.get(name)? {
        AveragingConfig::Tail { start } => Some((name.clone(), *start)),
        _ => None,
    };
    let terms = of.claims.iter().flat_map(|(Claim { test, .. }, _)| test.terms());
    let mut starts: BTreeMap<String, f64> = terms.clone().filter_map(|term| start(&term.weights)).collect();
    if starts.len() < FEWEST_AVERAGES {
        return None;
    }
    // With those that no claim is about.
    starts.extend(run.config.averages.keys().filter_map(start));
    // The last iterate is the average that starts with it, and is then evaluated as one.
    let last = if run.config.model.has_bn() { REFRESHED } else { ITERATE };
    starts.insert(last.to_owned(), 1.0);
    let compared = of.cells.iter().filter(|cell| terms.clone().any(|term| term.cell == cell.family));
    let by_cell = grouped(compared, |cell| cell.cell.as_str()).into_iter().enumerate();
    let curves = by_cell.map(|(index, (name, of_cell))| {
        let points = of_cell.into_iter().filter_map(|cell| Some((*starts.get(&cell.weights)?, cell)));
        curve(name.to_owned(), Ink::of_series(index), &points.collect::<Vec<_>>())
    });
    let series: Vec<_> = curves.flatten().collect();
    (!series.is_empty()).then(|| Figure {
        title: "From where on to average".to_owned(),
        caption: format!(
            "Uniform averages of one trajectory, by where they start; at the right end: {}. Mean over seeds, with the 95 % \
             t interval of the mean, which is cut where it reaches far.",
            weights_label(last)
        ),
        panels: vec![Panel {
            title: "Test accuracy after the last epoch".to_owned(),
            x: Axis::linear("start of the average, as a share of the run"),
            y: Axis::linear("test accuracy, %"),
            series,
        }],
    })
}
