//! The legend of a figure: an entry for each label.

use crate::{Figure, Ink, Shape};

/// What a colour and a mark stand for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LegendEntry {
    /// What the series is called.
    pub label: String,
    /// Its colour.
    pub ink: Ink,
    /// How it is drawn.
    pub mark: Mark,
}

/// How a series is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// A curve, or bars of intervals.
    Line,
    /// A dashed line.
    Dashed,
    /// Dots.
    Dot,
    /// A filled area.
    Area,
}

/// The labels of all panels in their order, each once.
pub fn legend(figure: &Figure) -> Vec<LegendEntry> {
    let mut entries = Vec::new();
    for series in figure.panels.iter().flat_map(|panel| &panel.series) {
        let Some(label) = &series.label else { continue };
        let entry = LegendEntry { label: label.clone(), ink: series.ink, mark: mark(&series.shape) };
        if !entries.contains(&entry) {
            entries.push(entry);
        }
    }
    entries
}

fn mark(shape: &Shape) -> Mark {
    match shape {
        Shape::Line(_) | Shape::Intervals(_) | Shape::Across(_) | Shape::Words(_) => Mark::Line,
        Shape::Dashed(_) | Shape::Vertical(_) | Shape::Horizontal(_) => Mark::Dashed,
        Shape::Dots(_) | Shape::Circles(_) => Mark::Dot,
        Shape::Band(_) | Shape::Bars(_) => Mark::Area,
    }
}
