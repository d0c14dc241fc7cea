//! How flat the loss is where the runs end.

use super::rows::{Across, Row, RowMarks, rows_panel};
use super::{Figure, INTERVALS, Mark, entry};
use crate::flatness::{FlatnessResult, MEASURES};
use crate::panel::Ink;
use crate::weights_label;
use polder_experiment::record::ITERATE;

/// A panel per measure, a row per cell; `None` where nothing has been measured.
pub(super) fn figure(results: &[FlatnessResult]) -> anyhow::Result<Option<Figure>> {
    if results.iter().all(|result| result.values.iter().all(Vec::is_empty)) {
        return Ok(None);
    }
    let mut cells: Vec<&str> = results.iter().map(|result| result.cell.as_str()).collect();
    cells.dedup();
    let ink = |weights: &str| if weights == ITERATE { Ink::Iterate } else { Ink::Average };
    let row = |cell: &str, measure: usize| Row {
        label: cell.to_owned(),
        marks: results
            .iter()
            .filter(|result| result.cell == cell)
            .map(|result| RowMarks {
                name: weights_label(&result.weights),
                ink: ink(&result.weights),
                values: result.values[measure].clone(),
            })
            .collect(),
    };
    let panels = MEASURES.iter().enumerate().map(|(measure, (_, name))| {
        let rows: Vec<Row> = cells.iter().map(|cell| row(cell, measure)).collect();
        let mut title = (*name).to_owned();
        title[..1].make_ascii_uppercase();
        rows_panel(&title, &format!("{title} by cell"), (Across::Log, name), &rows, None)
    });
    let mut legend = vec![entry("last iterate", Ink::Iterate, Mark::Dot)];
    if results.iter().any(|result| result.weights != ITERATE) {
        legend.push(entry("average", Ink::Average, Mark::Dot));
    }
    Ok(Some(Figure {
        title: "How flat the loss is where the runs end".to_owned(),
        caption: format!(
            "Of the Hessian of the mean cross entropy; scale-invariant: every weight in units of the norm of its filter. \
             Further left is flatter. Filled: geometric mean over seeds; {INTERVALS}"
        ),
        legend,
        panels: panels.collect::<anyhow::Result<_>>()?,
    }))
}
