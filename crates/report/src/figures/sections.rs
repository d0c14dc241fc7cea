//! The loss on the line between two sets of weights of a run.

use polder_plot::{Axis, Figure, Ink, Panel, Series, Shape};

use crate::groups::grouped;
use crate::{ExperimentReport, RunResult, weights_label};
use polder_experiment::run::flatness::{Section, SectionPoint};

/// What is drawn of a section.
type Side = fn(&Section) -> &[SectionPoint];
const SIDES: [(&str, Ink, Side); 2] = [
    ("training images", Ink::Orange, |section| &section.train),
    ("test images", Ink::Blue, |section| &section.test),
];

/// A figure per pair of weights, with a panel per cell and a curve per seed.
pub(super) fn figures(of: &ExperimentReport) -> Vec<Figure> {
    let pairs = of.experiment.flatness.iter().filter_map(|settings| settings.sections.as_ref());
    pairs.flat_map(|sections| &sections.between).filter_map(|between| figure(of, between)).collect()
}

/// `None` where nothing has been measured.
fn figure(of: &ExperimentReport, between: &[String; 2]) -> Option<Figure> {
    // Cells in the order of all runs, not of those that are measured.
    let cells = grouped(&of.runs, |run| run.cell.as_str()).into_iter();
    let cells = cells.map(|(cell, runs)| (cell, sections(&runs, between)));
    let cells: Vec<_> = cells.filter(|(_, sections)| !sections.is_empty()).collect();
    let [from, to] = between.each_ref().map(|name| weights_label(name));
    (!cells.is_empty()).then(|| Figure {
        title: format!("The loss between {from} and {to}"),
        caption: format!(
            "Mean cross entropy on the straight line through both, with BN refreshed at every place: at 0 the {from}, at 1 the {to}; \
             on both sides the line goes on by half its length. A curve per seed, over images without augmentation."
        ),
        panels: cells.iter().map(|(cell, sections)| panel(cell, sections)).collect(),
    })
}

fn sections<'a>(runs: &[&'a RunResult], between: &[String; 2]) -> Vec<&'a Section> {
    let sections = runs.iter().flat_map(|run| &run.flatness).flat_map(|record| &record.sections);
    sections.filter(|section| section.between == *between).collect()
}

fn panel(cell: &str, sections: &[&Section]) -> Panel {
    let mut series = [0.0, 1.0].map(|end| Series::unnamed(Ink::Muted, Shape::Vertical(end))).to_vec();
    for (name, ink, side) in SIDES {
        for (index, section) in sections.iter().enumerate() {
            let points = side(section).iter().filter_map(|point| Some((point.at, point.loss?)));
            let line = Shape::Line(points.collect());
            let label = (index == 0).then(|| name.to_owned());
            series.push(Series { label, ..Series::unnamed(ink, line) });
        }
    }
    Panel {
        title: cell.to_owned(),
        x: Axis::linear("place on the line"),
        y: Axis::linear("mean cross entropy"),
        series,
    }
}
