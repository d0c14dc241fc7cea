//! The numbers behind a figure as one tidy table: a row per mark.

use polder_plot::Shape;
use serde::Serialize;

use super::Figure;
use polder_experiment::csv;

/// What names a series, and the five numbers that a mark may have.
const HEADER: [&str; 10] =
    ["panel", "series", "mark", "x_axis", "y_axis", "x", "x_end", "y", "y_low", "y_high"];

/// Digits that a reader could tell apart in the largest picture, and some more.
const DIGITS: usize = 7;

/// The marks of one series in a panel.
#[derive(Clone, Debug, PartialEq)]
pub struct Samples {
    /// As the legend names it, with the seed where there is one.
    pub series: String,
    /// How it is drawn, in a word or two.
    pub mark: &'static str,
    /// x, end of x, y, low and high end of y; what a mark does not have is absent.
    pub rows: Vec<[Option<f64>; 5]>,
}

/// The rows of one series: the fields that they share once, then the numbers of each.
#[derive(Debug, PartialEq, Serialize)]
pub struct Block {
    /// The first five fields of every row, with the comma that ends them.
    head: String,
    /// The other fields, a line each.
    rows: String,
}

impl Samples {
    /// Points of a curve, or dots.
    pub fn points(series: &str, mark: &'static str, points: &[(f64, f64)]) -> Self {
        let rows = points.iter().map(|(x, y)| [Some(*x), None, Some(*y), None, None]).collect();
        Self { series: series.to_owned(), mark, rows }
    }

    /// The marks of a law's series.
    pub(super) fn of_shape(series: &str, shape: &Shape) -> Self {
        let upright = |mark: &'static str, marks: &[(f64, f64, f64)]| Self {
            series: series.to_owned(),
            mark,
            rows: marks
                .iter()
                .map(|(x, low, high)| [Some(*x), None, None, Some(*low), Some(*high)])
                .collect(),
        };
        match shape {
            Shape::Line(points) => Self::points(series, "line", points),
            Shape::Dashed(points) => Self::points(series, "dashed line", points),
            Shape::Dots(points) => Self::points(series, "dot", points),
            Shape::Circles(points) => Self::points(series, "circle", points),
            Shape::Intervals(marks) => upright("interval", marks),
            Shape::Band(marks) => upright("band", marks),
            Shape::Bars(bars) => Self {
                series: series.to_owned(),
                mark: "bar",
                rows: bars
                    .iter()
                    .map(|(from, to, height)| [Some(*from), Some(*to), Some(*height), None, None])
                    .collect(),
            },
            Shape::Vertical(x) => Self {
                series: series.to_owned(),
                mark: "vertical line",
                rows: vec![[Some(*x), None, None, None, None]],
            },
            Shape::Horizontal(y) => Self {
                series: series.to_owned(),
                mark: "horizontal line",
                rows: vec![[None, None, Some(*y), None, None]],
            },
        }
    }
}

/// All rows of a figure, series by series. Text of the table: [`text`].
pub fn blocks(figure: &Figure) -> Vec<Block> {
    let of_panel = |panel: &super::Panel| {
        let block = |samples: &Samples| Block {
            head: head([&panel.title, &samples.series, samples.mark, &panel.x, &panel.y]),
            rows: samples.rows.iter().map(|row| row.map(field).join(",")).collect::<Vec<_>>().join("\n"),
        };
        panel.samples.iter().filter(|samples| !samples.rows.is_empty()).map(block).collect::<Vec<_>>()
    };
    figure.panels.iter().flat_map(of_panel).collect()
}

fn head(fields: [&str; 5]) -> String {
    csv::row(fields).trim_end_matches('\n').to_owned() + ","
}

/// The table as a file.
pub fn text(blocks: &[Block]) -> String {
    let mut text = csv::row(HEADER);
    for block in blocks {
        for row in block.rows.split('\n') {
            text += &block.head;
            text += row;
            text.push('\n');
        }
    }
    text
}

/// The first line of the table.
pub fn header() -> String {
    csv::row(HEADER)
}

/// A number, or nothing where there is none.
fn field(value: Option<f64>) -> String {
    let Some(value) = value.filter(|value| value.is_finite()) else { return String::new() };
    let rounded: f64 = format!("{value:.*e}", DIGITS - 1).parse().unwrap_or(value);
    if rounded == 0.0 || (1e-4..1e9).contains(&rounded.abs()) {
        rounded.to_string()
    } else {
        format!("{rounded:e}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::Panel;

    #[test]
    fn every_mark_is_a_row_that_says_what_it_belongs_to() {
        let shapes = [
            Shape::Line(vec![(0.0, 1.0 / 3.0), (1.0, f64::NAN)]),
            Shape::Band(vec![(2.0, -1e-12, 1.5)]),
            Shape::Bars(vec![(0.0, 1.0, 12.0)]),
            Shape::Vertical(0.5),
            Shape::Horizontal(7.0),
        ];
        let panel = Panel {
            title: "left, or right".to_owned(),
            svg: String::new(),
            x: "η".to_owned(),
            y: "loss".to_owned(),
            samples: shapes.iter().map(|shape| Samples::of_shape("SGD", shape)).collect(),
        };
        let figure =
            Figure { title: String::new(), caption: String::new(), legend: Vec::new(), panels: vec![panel] };
        let text = text(&blocks(&figure));
        let rows: Vec<&str> = text.lines().collect();
        assert_eq!(
            rows,
            [
                "panel,series,mark,x_axis,y_axis,x,x_end,y,y_low,y_high",
                "\"left, or right\",SGD,line,η,loss,0,,0.3333333,,",
                "\"left, or right\",SGD,line,η,loss,1,,,,",
                "\"left, or right\",SGD,band,η,loss,2,,,-1e-12,1.5",
                "\"left, or right\",SGD,bar,η,loss,0,1,12,,",
                "\"left, or right\",SGD,vertical line,η,loss,0.5,,,,",
                "\"left, or right\",SGD,horizontal line,η,loss,,,7,,",
            ]
        );
        assert!(text.starts_with(&header()) && text.ends_with('\n'));
    }
}
