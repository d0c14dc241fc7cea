//! What part of an axis a panel shows, from what is drawn.

use std::ops::Range;

use crate::{Axis, AxisScale, Panel, Shape};

/// An interval may reach this share of what the marks span beyond them; a longer one is cut, not the picture stretched.
const BEYOND: f64 = 0.35;

/// The ranges of both axes, in their own coordinates.
pub(crate) fn ranges(of: &Panel) -> (Range<f64>, Range<f64>) {
    (range(of, &of.x, |mark| mark.x), range(of, &of.y, |mark| mark.y))
}

/// Where a value lies along an axis: its decimal logarithm on a logarithmic one, and nowhere if it has none.
pub(crate) fn place(axis: &Axis, value: f64) -> f64 {
    match axis.scale {
        AxisScale::Linear | AxisScale::Whole => value,
        AxisScale::Log if value > 0.0 => value.log10(),
        AxisScale::Log => f64::NAN,
    }
}

/// What a mark adds to the ranges of the axes.
struct Extent {
    x: (f64, f64),
    y: (f64, f64),
    /// Ends of intervals may be cut.
    may_be_cut: bool,
}

fn range(of: &Panel, along: &Axis, part: fn(&Extent) -> (f64, f64)) -> Range<f64> {
    if let Some((low, high)) = along.range {
        return place(along, low)..place(along, high);
    }
    let drawn = span(of, along, part);
    let air = if drawn.end > drawn.start { 0.06 * (drawn.end - drawn.start) } else { 0.5 };
    // Counts and shares begin at zero, and nothing is below.
    let start = if drawn.start == 0.0 && along.scale != AxisScale::Log { 0.0 } else { drawn.start - air };
    start..drawn.end + air
}

/// The range of what is drawn along an axis.
fn span(of: &Panel, along: &Axis, part: fn(&Extent) -> (f64, f64)) -> Range<f64> {
    let (mut firm, mut soft) = ((f64::INFINITY, f64::NEG_INFINITY), (f64::INFINITY, f64::NEG_INFINITY));
    for extent in of.series.iter().flat_map(|series| extents(&series.shape)) {
        let (low, high) = part(&extent);
        for value in [place(along, low), place(along, high)].into_iter().filter(|value| value.is_finite()) {
            let span = if extent.may_be_cut && low < high { &mut soft } else { &mut firm };
            *span = (span.0.min(value), span.1.max(value));
        }
    }
    if firm.0 > firm.1 {
        firm = if soft.0 > soft.1 { (0.0, 1.0) } else { soft };
    }
    let beyond = BEYOND * (firm.1 - firm.0);
    soft.0.clamp(firm.0 - beyond, firm.0)..soft.1.clamp(firm.1, firm.1 + beyond)
}

fn extents(shape: &Shape) -> Vec<Extent> {
    let firm = |x, y| Extent { x, y, may_be_cut: false };
    match shape {
        Shape::Line(points) | Shape::Dashed(points) | Shape::Dots(points) | Shape::Circles(points) => {
            points.iter().map(|&(x, y)| firm((x, x), (y, y))).collect()
        }
        Shape::Words(words) => words.iter().map(|&(x, y, _)| firm((x, x), (y, y))).collect(),
        Shape::Intervals(intervals) => intervals
            .iter()
            .map(|&(x, low, high)| Extent { x: (x, x), y: (low, high), may_be_cut: true })
            .collect(),
        Shape::Across(intervals) => intervals
            .iter()
            .map(|&(y, low, high)| Extent { x: (low, high), y: (y, y), may_be_cut: true })
            .collect(),
        Shape::Band(band) => band.iter().map(|&(x, low, high)| firm((x, x), (low, high))).collect(),
        Shape::Bars(bars) => bars.iter().map(|&(from, to, height)| firm((from, to), (0.0, height))).collect(),
        Shape::Vertical(x) => vec![firm((*x, *x), (f64::NAN, f64::NAN))],
        Shape::Horizontal(y) => vec![firm((f64::NAN, f64::NAN), (*y, *y))],
    }
}
