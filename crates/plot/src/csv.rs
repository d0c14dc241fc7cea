//! The numbers of a figure as one tidy table: a row per mark.

use crate::{Axis, Figure, Numbers, Panel, Series, Shape};

/// What names a series, and the five numbers that a mark may have.
const HEADER: [&str; 10] =
    ["panel", "series", "mark", "x_axis", "y_axis", "x", "x_end", "y", "y_low", "y_high"];

/// Digits that a reader could tell apart in the largest picture, and some more.
const DIGITS: usize = 7;

/// x, end of x, y, low and high end of y; what a mark does not have is absent.
type Row = [Option<f64>; 5];

/// Rows of the table that share their first fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// The first five fields of every row, with the comma that ends them.
    pub head: String,
    /// The other fields, a line each.
    pub rows: String,
}

/// The table as a file.
pub fn table(figure: &Figure) -> String {
    let mut text = header();
    for block in blocks(figure) {
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
    HEADER.join(",") + "\n"
}

/// All rows of a figure, series by series.
pub fn blocks(figure: &Figure) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    for panel in &figure.panels {
        for series in panel.series.iter().filter(|series| series.numbers != Numbers::Left) {
            let (mark, rows) = marks(series, panel);
            if rows.is_empty() {
                continue;
            }
            let fields = [&panel.title, name(series, panel, figure), mark, &panel.x.label, &panel.y.label];
            let head: String = fields.iter().map(|field| quoted(field) + ",").collect();
            let rows = rows.iter().map(|row| row.map(number).join(",")).collect::<Vec<_>>().join("\n");
            match blocks.last_mut().filter(|block| block.head == head) {
                Some(block) => block.rows.extend(["\n", rows.as_str()]),
                None => blocks.push(Block { head, rows }),
            }
        }
    }
    blocks
}

/// A series without a name in the legend is called as the one whose colour it has: the intervals around its dots, say.
fn name<'a>(series: &'a Series, panel: &'a Panel, figure: &'a Figure) -> &'a str {
    if let Numbers::Named(name) = &series.numbers {
        return name;
    }
    let all = panel.series.iter().chain(figure.panels.iter().flat_map(|panel| &panel.series));
    let named = || all.filter(|other| other.ink == series.ink).find_map(|other| other.label.as_deref());
    series.label.as_deref().or_else(named).unwrap_or_default()
}

/// How the marks of a series are drawn, in a word or two, and their numbers.
fn marks(series: &Series, panel: &Panel) -> (&'static str, Vec<Row>) {
    // A named place has no number.
    let on = |axis: &Axis, value: f64| axis.names.is_empty().then_some(value);
    let (x, y) = (|value: f64| on(&panel.x, value), |value: f64| on(&panel.y, value));
    let points =
        |points: &[(f64, f64)]| points.iter().map(|&(at, up)| [x(at), None, y(up), None, None]).collect();
    let upright = |marks: &[(f64, f64, f64)]| {
        marks.iter().map(|&(at, low, high)| [x(at), None, None, y(low), y(high)]).collect()
    };
    match &series.shape {
        Shape::Line(of) if series.weight == crate::Weight::Faint => ("thin line", points(of)),
        Shape::Line(of) => ("line", points(of)),
        Shape::Dashed(of) => ("dashed line", points(of)),
        Shape::Dots(of) => ("dot", points(of)),
        Shape::Circles(of) => ("circle", points(of)),
        Shape::Intervals(of) => ("interval", upright(of)),
        Shape::Across(of) => {
            ("interval", of.iter().map(|&(up, low, high)| [x(low), x(high), y(up), None, None]).collect())
        }
        Shape::Band(of) => ("band", upright(of)),
        Shape::Bars(of) => {
            ("bar", of.iter().map(|&(from, to, height)| [x(from), x(to), y(height), None, None]).collect())
        }
        Shape::Words(_) => ("words", Vec::new()),
        Shape::Vertical(at) => ("vertical line", vec![[x(*at), None, None, None, None]]),
        Shape::Horizontal(up) => ("horizontal line", vec![[None, None, y(*up), None, None]]),
    }
}

/// Quoted as RFC 4180 says where that is needed.
fn quoted(field: &str) -> String {
    if field.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}

/// A number, or nothing where there is none.
fn number(value: Option<f64>) -> String {
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
    use crate::{Ink, Weight};

    fn figure(y: Axis, series: Vec<Series>) -> Figure {
        let panel = Panel { title: "left, or right".to_owned(), x: Axis::linear("η"), y, series };
        Figure { title: String::new(), caption: String::new(), panels: vec![panel] }
    }

    #[test]
    fn every_mark_is_a_row_that_says_what_it_belongs_to() {
        let shapes = [
            Shape::Line(vec![(0.0, 1.0 / 3.0), (1.0, f64::NAN)]),
            Shape::Band(vec![(2.0, -1e-12, 1.5)]),
            Shape::Bars(vec![(0.0, 1.0, 12.0)]),
            Shape::Vertical(0.5),
            Shape::Vertical(0.75),
            Shape::Horizontal(7.0),
        ];
        let mut series = shapes.map(|shape| Series::new("SGD", Ink::Blue, shape)).to_vec();
        series.push(Series::unnamed(Ink::Blue, Shape::Dots(Vec::new())));
        let figure = figure(Axis::linear("loss"), series);
        let text = table(&figure);
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
                "\"left, or right\",SGD,vertical line,η,loss,0.75,,,,",
                "\"left, or right\",SGD,horizontal line,η,loss,,,7,,",
            ]
        );
        assert_eq!(blocks(&figure).len(), 5, "neighbours that share their first fields are one block");
        assert!(text.starts_with(&header()) && text.ends_with('\n'));
    }

    #[test]
    fn named_places_have_no_number_and_a_series_may_have_a_name_of_its_own_or_stay_out() {
        let faint = Series::new("mean", Ink::Blue, Shape::Line(vec![(1.0, 0.0)])).weighing(Weight::Faint);
        let series = vec![
            faint.called("seed \"3\""),
            Series::unnamed(Ink::Blue, Shape::Across(vec![(0.0, 2.0, 3.0)])),
            Series::unnamed(Ink::Blue, Shape::Vertical(0.0)).without_numbers(),
            Series::unnamed(Ink::Blue, Shape::Words(vec![(0.0, 0.0, "a".to_owned())])),
        ];
        let text = table(&figure(Axis::named(vec!["row".to_owned()]), series));
        let rows: Vec<&str> = text.lines().skip(1).collect();
        assert_eq!(
            rows,
            [
                "\"left, or right\",\"seed \"\"3\"\"\",thin line,η,,1,,,,",
                "\"left, or right\",mean,interval,η,,2,3,,,",
            ]
        );
    }
}
