//! A figure on the page, with what the page's script makes files of.

use minijinja::value::Value;
use serde::Serialize;

use crate::figure_files::FigureFile;
use crate::figures::{LegendEntry, Mark, samples};
use crate::svg_file;

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

#[derive(Serialize)]
struct Data {
    header: String,
    blocks: Vec<samples::Block>,
}

impl FigureView {
    /// # Errors
    /// If the data cannot be written as JSON.
    pub(super) fn new(file: &FigureFile) -> anyhow::Result<Self> {
        let figure = &file.figure;
        let data = Data { header: samples::header(), blocks: samples::blocks(figure) };
        Ok(Self {
            name: file.name.clone(),
            title: figure.title.clone(),
            caption: figure.caption.clone(),
            legend: figure.legend.iter().map(LegendView::new).collect(),
            panels: figure.panels.iter().map(|panel| PanelView::new(&panel.title, &panel.svg)).collect(),
            frame: Value::from_safe_string(svg_file::frame(figure)),
            data: Value::from_safe_string(in_script(&serde_json::to_string(&data)?)),
        })
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
    pub(super) fn new(title: &str, svg: &str) -> Self {
        Self { title: title.to_owned(), svg: Value::from_safe_string(svg.to_owned()) }
    }
}

/// Nothing in a text may end the element that holds it, or begin a comment there.
fn in_script(json: &str) -> String {
    json.replace('<', "\\u003c")
}
