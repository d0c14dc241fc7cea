//! Where trainings end: accuracies after the last epoch, and what averaging adds.

use polder_plot::{Axis, Figure, Ink};

use super::INTERVALS;
use super::rows::{Row, RowMarks, rows_panel};
use crate::{CellResult, main_average, weights_label};
use polder_experiment::run::record::{ITERATE, REFRESHED, is_average};

/// Final accuracies, and what averaging adds, cell by cell.
pub(super) fn figure(cells: &[CellResult]) -> Figure {
    let mut names: Vec<&str> = Vec::new();
    for cell in cells {
        if !names.contains(&cell.cell.as_str()) {
            names.push(&cell.cell);
        }
    }
    let percent = |cell: &CellResult| -> Vec<(u64, f64)> {
        cell.values.iter().map(|(seed, value)| (*seed, 100.0 * value)).collect()
    };
    // The iterates, then the average that stands for all.
    let shown = |name: &str| -> Vec<&CellResult> {
        let of_cell: Vec<&CellResult> = cells.iter().filter(|cell| cell.cell == name).collect();
        let iterates = of_cell.iter().copied().filter(|cell| !is_average(&cell.weights));
        iterates.chain(main_average(&of_cell)).collect()
    };
    let main = main_average(&cells.iter().collect::<Vec<_>>());
    let average = main.map_or("average".to_owned(), |cell| weights_label(&cell.weights));
    let label = |weights: &str| match weights {
        ITERATE => "last iterate".to_owned(),
        REFRESHED => "last iterate, BN refreshed as an average's is".to_owned(),
        _ => average.clone(),
    };
    let accuracies = names
        .iter()
        .map(|name| {
            let mark = |cell: &CellResult| RowMarks {
                name: weights_label(&cell.weights),
                label: Some(label(&cell.weights)),
                ink: ink(&cell.weights),
                values: percent(cell),
            };
            Row { label: (*name).to_owned(), marks: shown(name).into_iter().map(mark).collect() }
        })
        .collect::<Vec<_>>();
    let gains = names
        .iter()
        .map(|name| {
            let of_cell = shown(name);
            let (iterates, average): (Vec<_>, Vec<_>) =
                of_cell.into_iter().partition(|cell| !is_average(&cell.weights));
            let gain = |iterate: &CellResult| -> Vec<(u64, f64)> {
                let at = |seed: u64| {
                    iterate.values.iter().find(|(other, _)| *other == seed).map(|(_, value)| *value)
                };
                let gain = |(seed, value): &(u64, f64)| Some((*seed, 100.0 * (value - at(*seed)?)));
                average.iter().flat_map(|average| &average.values).filter_map(gain).collect()
            };
            let marks = iterates.into_iter().map(|iterate| RowMarks {
                name: format!("average minus {}", weights_label(&iterate.weights)),
                label: None,
                ink: ink(&iterate.weights),
                values: gain(iterate),
            });
            Row { label: (*name).to_owned(), marks: marks.collect() }
        })
        .collect::<Vec<_>>();
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

fn ink(weights: &str) -> Ink {
    match weights {
        ITERATE => Ink::Orange,
        REFRESHED => Ink::Purple,
        _ => Ink::Blue,
    }
}
