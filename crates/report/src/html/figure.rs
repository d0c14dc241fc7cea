//! A figure on the page, with what the page's script makes files of.

use minijinja::value::Value;
use polder_plot::svg::{LegendEntry, Mark, frame, legend, panel};
use polder_plot::{Panel, csv};
use serde::Serialize;
use serde_json::json;

use crate::figure_files::FigureFile;

#[derive(Serialize)]
pub(super) struct FigureView {
    /// Of the files beside the page, and of those that the page makes.
    name: String,
    title: String,
    caption: String,
    legend: Vec<LegendView>,
    panels: Vec<PanelView>,
    /// The standalone picture with holes for the panels.
    frame: Value,
    /// The table behind the picture, as the script reads it.
    data: Value,
}

#[derive(Serialize)]
struct LegendView {
    label: String,
    class: &'static str,
    variable: &'static str,
}

#[derive(Serialize)]
pub(super) struct PanelView {
    title: String,
    svg: Value,
}

impl FigureView {
    pub(super) fn new(file: &FigureFile) -> Self {
        let figure = &file.figure;
        let blocks: Vec<_> = csv::blocks(figure)
            .iter()
            .map(|block| json!({ "head": block.head, "rows": block.rows }))
            .collect();
        let data = json!({ "header": csv::header(), "blocks": blocks });
        Self {
            name: file.name.clone(),
            title: figure.title.clone(),
            caption: figure.caption.clone(),
            legend: legend(figure).iter().map(LegendView::new).collect(),
            panels: figure.panels.iter().map(PanelView::new).collect(),
            frame: Value::from_safe_string(frame(figure)),
            data: Value::from_safe_string(in_script(&data.to_string())),
        }
    }
}

impl LegendView {
    fn new(entry: &LegendEntry) -> Self {
        Self {
            label: entry.label.clone(),
            class: match entry.mark {
                Mark::Line => "line",
                Mark::Dashed => "dashed",
                Mark::Dot => "dot",
                Mark::Area => "area",
            },
            variable: entry.ink.variable(),
        }
    }
}

impl PanelView {
    pub(super) fn new(of: &Panel) -> Self {
        Self { title: of.title.clone(), svg: Value::from_safe_string(panel(of)) }
    }
}

/// Nothing in a text may end the element that holds it, or begin a comment there.
fn in_script(json: &str) -> String {
    json.replace('<', "\\u003c")
}
