//! Where trainings end: accuracies after the last epoch, and what averaging adds.

use polder_plot::{Axis, Figure, Ink};

use super::INTERVALS;
use super::rows::{Row, RowMarks, rows_panel};
use crate::groups::grouped;
use crate::{CellResult, main_average, weights_label};
use polder_experiment::run::record::{ITERATE, REFRESHED, is_average};

/// Final accuracies, and what averaging adds, cell by cell.
pub(super) fn figure(cells: &[CellResult]) -> Figure {
    let main = main_average(&cells.iter().collect::<Vec<_>>());
    let average = main.map_or("average".to_owned(), |cell| weights_label(&cell.weights));
    let label = |weights: &str| match weights {
        ITERATE => "last iterate".to_owned(),
        REFRESHED => "last iterate, BN refreshed as an average's is".to_owned(),
        _ => average.clone(),
    };
    let accuracy = |cell: &CellResult| RowMarks {
        name: weights_label(&cell.weights),
        label: Some(label(&cell.weights)),
        ink: ink(&cell.weights),
        values: cell.values.iter().map(|(seed, value)| (*seed, 100.0 * value)).collect(),
    };
    let (mut accuracies, mut gains) = (Vec::new(), Vec::new());
    for (name, of_cell) in grouped(cells, |cell| cell.cell.as_str()) {
        // The average that stands for all averages of the cell.
        let average = main_average(&of_cell);
        let iterates: Vec<_> = of_cell.into_iter().filter(|cell| !is_average(&cell.weights)).collect();
        let marks = iterates.iter().copied().chain(average).map(accuracy).collect();
        accuracies.push(Row { label: name.to_owned(), marks });
        let gain = |iterate: &CellResult| RowMarks {
            name: format!("average minus {}", weights_label(&iterate.weights)),
            label: None,
            ink: ink(&iterate.weights),
            values: average.map_or_else(Vec::new, |average| gains_of(iterate, average)),
        };
        gains.push(Row { label: name.to_owned(), marks: iterates.into_iter().map(gain).collect() });
    }
    let title = "Test accuracy after the last epoch";
    let mut panels = vec![rows_panel(title, Axis::linear("test accuracy, %"), &accuracies, None)];
    if cells.iter().any(|cell| is_average(&cell.weights)) {
        let title = "What averaging adds to the last iterate";
        panels.push(rows_panel(title, Axis::linear("average minus iterate, points"), &gains, Some(0.0)));
    }
    Figure {
        title: "Where the runs end".to_owned(),
        caption: format!(
            "Filled: mean over seeds; {INTERVALS} Gains have the colour of the iterate that they are taken from."
        ),
        panels,
    }
}

/// By how many percentage points the average is better, seed by seed.
fn gains_of(iterate: &CellResult, average: &CellResult) -> Vec<(u64, f64)> {
    let at = |seed: u64| iterate.values.iter().find(|(other, _)| *other == seed).map(|(_, value)| *value);
    let gain = |(seed, value): &(u64, f64)| Some((*seed, 100.0 * (value - at(*seed)?)));
    average.values.iter().filter_map(gain).collect()
}

fn ink(weights: &str) -> Ink {
    match weights {
        ITERATE => Ink::Orange,
        REFRESHED => Ink::Purple,
        _ => Ink::Blue,
    }
}
