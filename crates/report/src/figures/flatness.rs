//! How flat the loss is where the runs end.

use polder_plot::{Axis, Figure, Ink};

use super::INTERVALS;
use super::rows::{Row, RowMarks, rows_panel};
use crate::flatness::{FlatnessResult, MEASURES};
use crate::groups::grouped;
use crate::weights_label;
use polder_experiment::run::record::ITERATE;

/// A panel per measure, a row per cell; `None` where nothing has been measured.
pub(super) fn figure(results: &[FlatnessResult]) -> Option<Figure> {
    if results.iter().all(|result| result.values.iter().all(Vec::is_empty)) {
        return None;
    }
    let cells = grouped(results, |result| result.cell.as_str());
    let style = |weights: &str| match weights {
        ITERATE => ("last iterate", Ink::Orange),
        _ => ("average", Ink::Blue),
    };
    let panels = MEASURES.iter().enumerate().map(|(measure, (_, name))| {
        let marks = |result: &&FlatnessResult| {
            let (label, ink) = style(&result.weights);
            let (name, values) = (weights_label(&result.weights), result.values[measure].clone());
            RowMarks { name, label: Some(label.to_owned()), ink, values }
        };
        let row = |(cell, of_cell): &(&str, Vec<&FlatnessResult>)| Row {
            label: (*cell).to_owned(),
            marks: of_cell.iter().map(marks).collect(),
        };
        let rows: Vec<Row> = cells.iter().map(row).collect();
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
