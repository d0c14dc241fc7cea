//! Where trainings end: accuracies after the last epoch, and what averaging adds.

use super::rows::{Across, Row, RowMarks, rows_panel};
use super::{Figure, INTERVALS, Mark, entry};
use crate::record::ITERATE;
use crate::report::panel::Ink;
use crate::report::{CellResult, main_average, weights_label};

/// Final accuracies, and what averaging adds, cell by cell.
pub(super) fn figure(cells: &[CellResult]) -> anyhow::Result<Figure> {
    let mut names: Vec<&str> = Vec::new();
    for cell in cells {
        if !names.contains(&cell.cell.as_str()) {
            names.push(&cell.cell);
        }
    }
    let percent = |cell: &CellResult| -> Vec<(u64, f64)> {
        cell.values.iter().map(|(seed, value)| (*seed, 100.0 * value)).collect()
    };
    let accuracies = names
        .iter()
        .map(|name| {
            let of_cell = cells.iter().filter(|cell| cell.cell == **name);
            let ink = |cell: &CellResult| if cell.weights == ITERATE { Ink::Iterate } else { Ink::Average };
            Row {
                label: (*name).to_owned(),
                marks: of_cell
                    .map(|cell| RowMarks {
                        name: weights_label(&cell.weights),
                        ink: ink(cell),
                        values: percent(cell),
                    })
                    .collect(),
            }
        })
        .collect::<Vec<_>>();
    let gains = names
        .iter()
        .map(|name| {
            let of_cell: Vec<&CellResult> = cells.iter().filter(|cell| cell.cell == **name).collect();
            let gain = |average: &CellResult, iterate: &CellResult| -> Vec<(u64, f64)> {
                let at = |seed: u64| {
                    iterate.values.iter().find(|(other, _)| *other == seed).map(|(_, value)| *value)
                };
                let gain = |(seed, value): &(u64, f64)| Some((*seed, 100.0 * (value - at(*seed)?)));
                average.values.iter().filter_map(gain).collect()
            };
            let iterate = of_cell.iter().find(|cell| cell.weights == ITERATE);
            let average = main_average(&of_cell);
            let values =
                average.zip(iterate).map(|(average, iterate)| gain(average, iterate)).unwrap_or_default();
            let marks = RowMarks { name: "average minus last iterate".to_owned(), ink: Ink::Average, values };
            Row { label: (*name).to_owned(), marks: vec![marks] }
        })
        .collect::<Vec<_>>();
    let mut panels = vec![rows_panel(
        "Test accuracy after the last epoch",
        "Test accuracy by cell",
        (Across::Linear, "test accuracy, %"),
        &accuracies,
        None,
    )?];
    let mut legend = vec![entry("last iterate", Ink::Iterate, Mark::Dot)];
    if cells.iter().any(|cell| cell.weights != ITERATE) {
        panels.push(rows_panel(
            "What averaging adds to the last iterate",
            "Gain of averaging by cell",
            (Across::Linear, "average minus last iterate, points"),
            &gains,
            Some(0.0),
        )?);
        legend.push(entry("average, and its gain", Ink::Average, Mark::Dot));
    }
    Ok(Figure {
        title: "Where the runs end".to_owned(),
        caption: format!("Filled: mean over seeds; {INTERVALS}"),
        legend,
        panels,
    })
}
