//! How flat the loss is where the runs end.

use polder_plot::{Axis, Figure, Ink};

use super::INTERVALS;
use super::rows::{Row, RowMarks, rows_panel};
use crate::flatness::{FlatnessResult, MEASURES};
use crate::weights_label;
use polder_experiment::run::record::ITERATE;

/// A panel per measure, a row per cell; `None` where nothing has been measured.
pub(super) fn figure(results: &[FlatnessResult]) -> Option<Figure> {
    if results.iter().all(|result| result.values.iter().all(Vec::is_empty)) {
        return None;
    }
    let mut cells: Vec<&str> = results.iter().map(|result| result.cell.as_str()).collect();
    cells.dedup();
    let style = |weights: &str| match weights {
        ITERATE => ("last iterate", Ink::Orange),
        _ => ("average", Ink::Blue),
    };
    let row = |cell: &str, measure: usize| Row {
        label: cell.to_owned(),
        marks: results
            .iter()
            .filter(|result| result.cell == cell)
            .map(|result| RowMarks {
                name: weights_label(&result.weights),
                label: Some(style(&result.weights).0.to_owned()),
                ink: style(&result.weights).1,
                values: result.values[measure].clone(),
            })
            .collect(),
    };
    let panels = MEASURES.iter().enumerate().map(|(measure, (_, name))| {
        let rows: Vec<Row> = cells.iter().map(|cell| row(cell, measure)).collect();
        let mut title = (*name).to_owned();
        title[..1].make_ascii_uppercase();
        rows_panel(&title, Axis::log(*name), &rows, None)
    });
    Some(Figure {
        title: "How flat the loss is where the runs end".to_owned(),
        caption: format!(
            "Of the Hessian of the mean cross entropy; scale-invariant: every weight in units of the norm of its filter. \
             Further left is flatter. Filled: geometric mean over seeds; {INTERVALS}"
        ),
        panels: panels.collect(),
    })
}
