//! A figure on the page, with what the page's script makes files of.

use minijinja::context;
use minijinja::value::Value;
use polder_plot::svg::{LegendEntry, Mark, frame, legend, panel};
use polder_plot::{Figure, Panel, csv};
use serde_json::json;

use crate::figure_files::FigureFile;

/// The figure under the name of its files, the standalone picture with holes for the panels, and the table behind the picture as the
/// script reads it.
pub(super) fn figure(file: &FigureFile) -> Value {
    let figure = &file.figure;
    let blocks: Vec<_> =
        csv::blocks(figure).iter().map(|block| json!({ "head": block.head, "rows": block.rows })).collect();
    let data = json!({ "header": csv::header(), "blocks": blocks });
    context! {
        name => file.name.as_str(),
        title => figure.title.as_str(),
        caption => figure.caption.as_str(),
        legend => legend(figure).iter().map(legend_entry).collect::<Vec<_>>(),
        panels => panels(figure),
        frame => Value::from_safe_string(frame(figure)),
        // Nothing in a text may end the element that holds it, or begin a comment there.
        data => Value::from_safe_string(data.to_string().replace('<', "\\u003c")),
    }
}

fn legend_entry(entry: &LegendEntry) -> Value {
    let class = match entry.mark {
        Mark::Line => "line",
        Mark::Dashed => "dashed",
        Mark::Dot => "dot",
        Mark::Area => "area",
    };
    context! { label => entry.label.as_str(), class, variable => entry.ink.variable() }
}

/// The panels of a figure, each a picture within the page.
pub(super) fn panels(of: &Figure) -> Vec<Value> {
    let view =
        |of: &Panel| context! { title => of.title.as_str(), svg => Value::from_safe_string(panel(of)) };
    of.panels.iter().map(view).collect()
}
