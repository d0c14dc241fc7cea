//! The marks of a series within the frame of a panel.

use std::fmt::Write as _;
use std::ops::Range;

use super::text::{escape, length};
use crate::extent::place;
use crate::{Panel, Series, Shape, Weight};

/// The plotting area: what both axes show, in their own coordinates, and its edges in CSS pixels.
pub(super) struct Canvas<'a> {
    pub(super) panel: &'a Panel,
    pub(super) x: Range<f64>,
    pub(super) y: Range<f64>,
    pub(super) left: f64,
    pub(super) right: f64,
    pub(super) top: f64,
    pub(super) bottom: f64,
}

type Point = (f64, f64);

impl Canvas<'_> {
    /// Where a coordinate lies in the picture.
    pub(super) fn across(&self, x: f64) -> f64 {
        self.left + (x - self.x.start) / (self.x.end - self.x.start) * (self.right - self.left)
    }

    /// Where a coordinate lies in the picture, whose places count from above.
    pub(super) fn up(&self, y: f64) -> f64 {
        self.bottom - (y - self.y.start) / (self.y.end - self.y.start) * (self.bottom - self.top)
    }

    /// Adds the marks of a series.
    pub(super) fn draw(&self, svg: &mut String, series: &Series) {
        let (ink, weight) = (series.ink.light(), series.weight);
        let filled = |opacity: f64| format!("fill=\"{ink}\" fill-opacity=\"{opacity}\"");
        let (attributes, body) = match &series.shape {
            Shape::Line(points) => {
                let (width, opacity) = match weight {
                    Weight::Faint => (1.0, 0.4),
                    Weight::Plain => (1.8, 1.0),
                    Weight::Strong => (2.2, 1.0),
                };
                (stroke(ink, width, opacity), path(&self.curve(points)))
            }
            Shape::Dashed(points) => (dashes(ink, 1.6), path(&self.curve(points))),
            Shape::Vertical(x) => {
                let x = place(&self.panel.x, *x);
                (dashes(ink, 1.2), path(&self.lines(&[(x, self.y.start), (x, self.y.end)])))
            }
            Shape::Horizontal(y) => {
                let y = place(&self.panel.y, *y);
                (dashes(ink, 1.2), path(&self.lines(&[(self.x.start, y), (self.x.end, y)])))
            }
            Shape::Intervals(intervals) => {
                let ends = intervals.iter().map(|of| self.upright(of));
                let ends = ends.map(|(x, low, high)| self.lines(&[(x, low), (x, high)]));
                (interval_stroke(ink, weight), path(&ends.collect::<String>()))
            }
            Shape::Across(intervals) => {
                let ends = intervals.iter().map(|&(y, low, high)| {
                    let (y, low) = (place(&self.panel.y, y), place(&self.panel.x, low));
                    self.lines(&[(low.max(self.x.start), y), (place(&self.panel.x, high), y)])
                });
                (interval_stroke(ink, weight), path(&ends.collect::<String>()))
            }
            Shape::Dots(points) => {
                let radius = if weight == Weight::Strong { 4.6 } else { 3.2 };
                (format!("fill=\"{ink}\""), self.circles(points, radius))
            }
            Shape::Circles(points) => (stroke(ink, 1.2, 0.8), self.circles(points, 3.2)),
            Shape::Band(band) => (filled(0.18), path(&self.band(band))),
            Shape::Bars(bars) => {
                let opacity = match weight {
                    Weight::Faint => 0.25,
                    Weight::Plain => 0.72,
                    Weight::Strong => 1.0,
                };
                (filled(opacity), path(&bars.iter().map(|bar| self.bar(bar)).collect::<String>()))
            }
            Shape::Words(words) => {
                let words = words.iter().map(|(x, y, word)| {
                    let (x, y) = self.pixels(self.clamp(self.at(&(*x, *y))));
                    format!("<text x=\"{}\" y=\"{}\">{}</text>", length(x), length(y - 3.0), escape(word))
                });
                (format!("fill=\"{ink}\" text-anchor=\"middle\""), words.collect())
            }
        };
        if !body.is_empty() {
            let _ = writeln!(svg, "<g {attributes}>{body}</g>");
        }
    }

    /// The coordinates of a point.
    fn at(&self, &(x, y): &Point) -> Point {
        (place(&self.panel.x, x), place(&self.panel.y, y))
    }

    fn pixels(&self, (x, y): Point) -> Point {
        (self.across(x), self.up(y))
    }

    fn clamp(&self, (x, y): Point) -> Point {
        (x.clamp(self.x.start, self.x.end), y.clamp(self.y.start, self.y.end))
    }

    /// The low end of an interval on a logarithmic axis may be 0 or below: it is then the edge of the picture.
    fn upright(&self, &(x, low, high): &(f64, f64, f64)) -> (f64, f64, f64) {
        let (x, low) = self.at(&(x, low));
        (x, if low.is_nan() { self.y.start } else { low }, place(&self.panel.y, high))
    }

    fn circles(&self, points: &[Point], radius: f64) -> String {
        let places = points.iter().map(|point| self.at(point));
        let inside = places.filter(|(x, y)| within(&self.x, *x) && within(&self.y, *y));
        let circle = |point| {
            let (x, y) = self.pixels(point);
            format!("<circle cx=\"{}\" cy=\"{}\" r=\"{radius}\"/>", length(x), length(y))
        };
        inside.map(circle).collect()
    }

    fn bar(&self, &(from, to, height): &(f64, f64, f64)) -> String {
        // A bar on a logarithmic axis begins at its edge.
        let ground = Some(place(&self.panel.y, 0.0)).filter(|ground| ground.is_finite());
        let corner = |x, y| self.pixels(self.clamp((place(&self.panel.x, x), y)));
        let (left, bottom) = corner(from, ground.unwrap_or(self.y.start));
        let (right, top) = corner(to, place(&self.panel.y, height));
        let [left, right, top, bottom] = [left, right, top, bottom].map(length);
        if left == right || top == bottom || [&left, &right, &top].iter().any(|edge| *edge == "NaN") {
            return String::new();
        }
        format!("M{left} {bottom}V{top}H{right}V{bottom}z")
    }

    /// The outline of the area between two curves.
    fn band(&self, band: &[(f64, f64, f64)]) -> String {
        let parts = band.iter().map(|part| self.upright(part));
        let (low, high): (Vec<Point>, Vec<Point>) = parts
            .filter(|(x, low, high)| [x, low, high].iter().all(|value| value.is_finite()))
            .map(|(x, low, high)| (self.clamp((x, low)), self.clamp((x, high))))
            .unzip();
        let mut outline = String::new();
        for point in low.into_iter().chain(high.into_iter().rev()) {
            let (x, y) = self.pixels(point);
            let command = if outline.is_empty() { 'M' } else { 'L' };
            let _ = write!(outline, "{command}{} {}", length(x), length(y));
        }
        if outline.is_empty() { outline } else { outline + "z" }
    }

    /// The parts of a curve that lie in the picture, as the data of a path.
    fn curve(&self, points: &[Point]) -> String {
        self.lines(&points.iter().map(|point| self.at(point)).collect::<Vec<_>>())
    }

    /// The same for coordinates. A point that is nowhere ends a part; a part without a length is left out, for it has no
    /// direction, and some programs refuse to stroke it.
    fn lines(&self, places: &[Point]) -> String {
        let (mut data, mut pen) = (String::new(), None);
        for pair in places.windows(2) {
            let Some((from, to)) = cut(pair[0], pair[1], &self.x, &self.y) else { continue };
            let [from, to] =
                [from, to].map(|point| self.pixels(point)).map(|(x, y)| [x, y].map(length).join(" "));
            if from == to {
                continue;
            }
            if pen.as_ref() != Some(&from) {
                data.extend(["M", from.as_str()]);
            }
            data.extend(["L", to.as_str()]);
            pen = Some(to);
        }
        data
    }
}

fn within(range: &Range<f64>, value: f64) -> bool {
    range.start <= value && value <= range.end
}

fn path(data: &str) -> String {
    if data.is_empty() { String::new() } else { format!("<path d=\"{data}\"/>") }
}

fn stroke(ink: &str, width: f64, opacity: f64) -> String {
    let faint = if opacity < 1.0 { format!(" stroke-opacity=\"{opacity}\"") } else { String::new() };
    format!("fill=\"none\" stroke=\"{ink}\" stroke-width=\"{width}\" stroke-linejoin=\"round\"{faint}")
}

fn interval_stroke(ink: &str, weight: Weight) -> String {
    if weight == Weight::Faint { stroke(ink, 2.0, 0.55) } else { stroke(ink, 1.6, 1.0) }
}

fn dashes(ink: &str, width: f64) -> String {
    stroke(ink, width, 1.0) + " stroke-dasharray=\"4 3\""
}

/// The part of a straight line between two points that lies in a rectangle.
fn cut(from: Point, to: Point, x: &Range<f64>, y: &Range<f64>) -> Option<(Point, Point)> {
    if ![from.0, from.1, to.0, to.1].iter().all(|value| value.is_finite()) {
        return None;
    }
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let (mut enter, mut leave) = (0.0_f64, 1.0_f64);
    for (start, step, range) in [(from.0, dx, x), (from.1, dy, y)] {
        if step == 0.0 {
            if !within(range, start) {
                return None;
            }
            continue;
        }
        let (a, b) = ((range.start - start) / step, (range.end - start) / step);
        enter = enter.max(a.min(b));
        leave = leave.min(a.max(b));
    }
    let at = |share: f64| match share {
        0.0 => from,
        1.0 => to,
        _ => (from.0 + share * dx, from.1 + share * dy),
    };
    (enter <= leave).then(|| (at(enter), at(leave)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Axis, Figure, Ink, csv, svg};

    #[test]
    fn lines_are_cut_at_the_edge_of_the_picture() {
        let (x, y) = (0.0..1.0, 0.0..1.0);
        assert_eq!(cut((0.0, 0.0), (1.0, 1.0), &x, &y), Some(((0.0, 0.0), (1.0, 1.0))));
        assert_eq!(cut((0.0, -1.0), (1.0, 1.0), &x, &y), Some(((0.5, 0.0), (1.0, 1.0))));
        assert_eq!(cut((0.0, 2.0), (1.0, 3.0), &x, &y), None);
        assert_eq!(cut((0.0, f64::NAN), (1.0, 3.0), &x, &y), None);
    }

    #[test]
    fn a_series_on_logarithmic_axes_is_a_picture_and_what_has_no_logarithm_is_left_out() {
        let panel = Panel {
            title: "t".to_owned(),
            x: Axis::log("x"),
            y: Axis::log("y"),
            series: vec![
                Series::new("a", Ink::Blue, Shape::Dots(vec![(1e-3, 1.0), (1e2, 0.0), (1e2, 2.0)])),
                Series::new("a", Ink::Blue, Shape::Intervals(vec![(1e-3, -1.0, 1.5)])),
                Series::unnamed(Ink::Green, Shape::Band(vec![(1e-3, 0.5, 1.5), (1.0, 1.0, 2.0)])),
            ],
        };
        let drawn = svg::panel(&panel);
        assert_eq!(drawn.matches("<circle").count(), 2, "{drawn}");
        assert!(!drawn.contains("NaN"), "{drawn}");
        let figure = Figure { title: String::new(), caption: String::new(), panels: vec![panel] };
        assert_eq!(svg::legend(&figure).len(), 2);
        let table = csv::table(&figure);
        let named: Vec<&str> = table.lines().skip(1).map(|row| &row[..row.find(",x,").unwrap()]).collect();
        assert_eq!(named, ["t,a,dot", "t,a,dot", "t,a,dot", "t,a,interval", "t,,band", "t,,band"]);
    }

    #[test]
    fn a_curve_is_one_path_whose_parts_end_where_a_point_is_nowhere() {
        let nowhere = (f64::NAN, f64::NAN);
        let panel = Panel {
            title: String::new(),
            x: Axis::linear("").over(0.0, 1.0),
            y: Axis::linear("").over(0.0, 1.0),
            series: Vec::new(),
        };
        let canvas = Canvas {
            panel: &panel,
            x: 0.0..1.0,
            y: 0.0..1.0,
            left: 0.0,
            right: 10.0,
            top: 0.0,
            bottom: 10.0,
        };
        let points = [(0.0, 0.0), (0.5, 0.5), (0.501, 0.501), (1.0, 0.5), nowhere, (0.0, 1.0), (1.0, 1.0)];
        assert_eq!(canvas.lines(&points), "M0 10L5 5L10 5M0 0L10 0");
        assert_eq!(canvas.lines(&[(0.5, 0.5), (0.5, 0.5)]), "");
    }
}
