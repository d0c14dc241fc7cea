//! The figures of a law, from the points that its report holds.

use std::ops::Range;

use plot::{AxisScale, Shape};
use polder_plot as plot;

use super::samples::Samples;
use super::{Figure, LegendEntry, Mark, Panel};
use crate::panel::{Axis, Ink, Plot, log_axis, panel};

/// An interval may reach this share of what the marks span beyond them; a longer one is cut, not the picture stretched.
const BEYOND: f64 = 0.35;

/// Draws the panels and collects the legend.
pub(super) fn figure(figure: &plot::Figure) -> anyhow::Result<Figure> {
    let mut legend = Vec::<LegendEntry>::new();
    for series in figure.panels.iter().flat_map(|panel| &panel.series) {
        let Some(label) = &series.label else { continue };
        let (ink, mark) = (Ink::from(series.ink), mark(&series.shape));
        if !legend.iter().any(|entry| entry.label == *label && entry.ink == ink && entry.mark == mark) {
            legend.push(LegendEntry { label: label.clone(), ink, mark });
        }
    }
    let panels = figure.panels.iter().map(|panel| {
        Ok(Panel {
            title: panel.title.clone(),
            svg: draw(panel)?,
            x: panel.x.label.clone(),
            y: panel.y.label.clone(),
            samples: samples(figure, panel),
        })
    });
    Ok(Figure {
        title: figure.title.clone(),
        caption: figure.caption.clone(),
        legend,
        panels: panels.collect::<anyhow::Result<_>>()?,
    })
}

/// A series without a name in the legend is called as the one whose colour it has: the intervals around its dots, say.
fn samples(figure: &plot::Figure, panel: &plot::Panel) -> Vec<Samples> {
    let named = |ink| {
        let all = panel.series.iter().chain(figure.panels.iter().flat_map(|panel| &panel.series));
        all.filter(|series| series.ink == ink).find_map(|series| series.label.as_deref())
    };
    let of_series = |series: &plot::Series| {
        let name = series.label.as_deref().or_else(|| named(series.ink)).unwrap_or_default();
        Samples::of_shape(name, &series.shape)
    };
    panel.series.iter().map(of_series).collect()
}

fn mark(shape: &Shape) -> Mark {
    match shape {
        Shape::Line(_) | Shape::Intervals(_) => Mark::Line,
        Shape::Dashed(_) | Shape::Vertical(_) | Shape::Horizontal(_) => Mark::Dashed,
        Shape::Dots(_) | Shape::Circles(_) => Mark::Dot,
        Shape::Band(_) | Shape::Bars(_) => Mark::Area,
    }
}

impl From<plot::Ink> for Ink {
    fn from(ink: plot::Ink) -> Self {
        match ink {
            plot::Ink::Text => Self::Text,
            plot::Ink::Muted => Self::Muted,
            plot::Ink::Orange => Self::Iterate,
            plot::Ink::Blue => Self::Average,
            plot::Ink::Green => Self::Smoothed,
            plot::Ink::Purple => Self::Purple,
            plot::Ink::Ochre => Self::Ochre,
            plot::Ink::Gray => Self::Training,
        }
    }
}

fn draw(of: &plot::Panel) -> anyhow::Result<String> {
    let x = axis(&of.x, &spans(of, &of.x, |mark| mark.x));
    let y = axis(&of.y, &spans(of, &of.y, |mark| mark.y));
    panel(&format!("{}: {} against {}", of.title, of.y.label, of.x.label), &x, &y, |plot| {
        let canvas = Canvas { panel: of, x: x.range(), y: y.range() };
        of.series.iter().try_for_each(|series| canvas.series(plot, series))
    })
}

/// What a mark adds to the ranges of the axes.
struct Extent {
    x: (f64, f64),
    y: (f64, f64),
    /// Ends of intervals and bands may be cut.
    may_be_cut: bool,
}

fn extents(shape: &Shape) -> Vec<Extent> {
    let point = |&(x, y): &(f64, f64)| Extent { x: (x, x), y: (y, y), may_be_cut: false };
    let upright = |&(x, low, high): &(f64, f64, f64)| Extent { x: (x, x), y: (low, high), may_be_cut: true };
    let bar =
        |&(from, to, height): &(f64, f64, f64)| Extent { x: (from, to), y: (0.0, height), may_be_cut: false };
    match shape {
        Shape::Line(points) | Shape::Dashed(points) | Shape::Dots(points) | Shape::Circles(points) => {
            points.iter().map(point).collect()
        }
        Shape::Intervals(intervals) => intervals.iter().map(upright).collect(),
        Shape::Band(band) => {
            band.iter().map(upright).map(|extent| Extent { may_be_cut: false, ..extent }).collect()
        }
        Shape::Bars(bars) => bars.iter().map(bar).collect(),
        Shape::Vertical(x) => vec![Extent { x: (*x, *x), y: (f64::NAN, f64::NAN), may_be_cut: false }],
        Shape::Horizontal(y) => vec![Extent { x: (f64::NAN, f64::NAN), y: (*y, *y), may_be_cut: false }],
    }
}

/// The range of what is drawn along an axis, in its own coordinates.
fn spans(of: &plot::Panel, along: &plot::Axis, part: impl Fn(&Extent) -> (f64, f64)) -> Range<f64> {
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

/// Where a value lies along an axis: its decimal logarithm on a logarithmic one, and nowhere if it has none.
fn place(axis: &plot::Axis, value: f64) -> f64 {
    match axis.scale {
        AxisScale::Linear => value,
        AxisScale::Log if value > 0.0 => value.log10(),
        AxisScale::Log => f64::NAN,
    }
}

fn axis(of: &plot::Axis, drawn: &Range<f64>) -> Axis {
    let range = if let Some((low, high)) = of.range {
        place(of, low)..place(of, high)
    } else {
        let air = if drawn.end > drawn.start { 0.06 * (drawn.end - drawn.start) } else { 0.5 };
        // Counts and shares begin at zero, and nothing is below.
        let start = if drawn.start == 0.0 && of.scale == AxisScale::Linear { 0.0 } else { drawn.start - air };
        start..drawn.end + air
    };
    match of.scale {
        AxisScale::Linear => Axis::over(&of.label, range),
        AxisScale::Log => log_axis(&of.label, range),
    }
}

struct Canvas<'a> {
    panel: &'a plot::Panel,
    x: Range<f64>,
    y: Range<f64>,
}

impl Canvas<'_> {
    fn at(&self, &(x, y): &(f64, f64)) -> (f64, f64) {
        (place(&self.panel.x, x), place(&self.panel.y, y))
    }

    /// The low end of an interval on a logarithmic axis may be 0 or below: it is then the edge of the picture.
    fn upright(&self, &(x, low, high): &(f64, f64, f64)) -> (f64, f64, f64) {
        let (x, low) = self.at(&(x, low));
        (x, if low.is_nan() { self.y.start } else { low }, place(&self.panel.y, high))
    }

    fn series(&self, plot: &mut Plot<'_, '_>, series: &plot::Series) -> anyhow::Result<()> {
        let ink = Ink::from(series.ink);
        match &series.shape {
            Shape::Line(points) => {
                self.pieces(points).iter().try_for_each(|piece| plot.line(piece, ink, 1.8, 1.0))
            }
            Shape::Dashed(points) => {
                self.pieces(points).iter().try_for_each(|piece| plot.dashes(piece, ink, 1.6))
            }
            Shape::Dots(points) => plot.dots(&self.inside(points), ink, 3.2, true),
            Shape::Circles(points) => plot.dots(&self.inside(points), ink, 3.2, false),
            Shape::Intervals(intervals) => intervals
                .iter()
                .map(|interval| self.upright(interval))
                .filter(|(x, low, high)| {
                    self.x.contains(x) && *high >= self.y.start && *low <= self.y.end && low < high
                })
                .try_for_each(|(x, low, high)| plot.line(&[(x, low), (x, high)], ink, 1.6, 1.0)),
            Shape::Band(band) => {
                let band: Vec<_> = band.iter().map(|part| self.upright(part)).collect();
                plot.band(&band, ink, 0.18)
            }
            Shape::Bars(bars) => {
                bars.iter().try_for_each(|&(from, to, height)| plot.bar(from..to, height, ink, 0.72))
            }
            Shape::Vertical(x) => {
                let x = place(&self.panel.x, *x);
                plot.dashes(&[(x, self.y.start), (x, self.y.end)], ink, 1.2)
            }
            Shape::Horizontal(y) => {
                let y = place(&self.panel.y, *y);
                plot.dashes(&[(self.x.start, y), (self.x.end, y)], ink, 1.2)
            }
        }
    }

    fn inside(&self, points: &[(f64, f64)]) -> Vec<(f64, f64)> {
        let within = |range: &Range<f64>, value: f64| range.start <= value && value <= range.end;
        let places = points.iter().map(|point| self.at(point));
        places.filter(|(x, y)| within(&self.x, *x) && within(&self.y, *y)).collect()
    }

    /// The parts of a curve that lie in the picture; a point that is nowhere ends a part.
    fn pieces(&self, points: &[(f64, f64)]) -> Vec<Vec<(f64, f64)>> {
        let places: Vec<(f64, f64)> = points.iter().map(|point| self.at(point)).collect();
        let mut pieces = Vec::<Vec<(f64, f64)>>::new();
        for pair in places.windows(2) {
            let Some((from, to)) = cut(pair[0], pair[1], &self.x, &self.y) else { continue };
            match pieces.last_mut() {
                Some(piece) if piece.last() == Some(&from) => piece.push(to),
                _ => pieces.push(vec![from, to]),
            }
        }
        pieces
    }
}

/// The part of a straight line between two points that lies in a rectangle.
fn cut(from: (f64, f64), to: (f64, f64), x: &Range<f64>, y: &Range<f64>) -> Option<((f64, f64), (f64, f64))> {
    if ![from.0, from.1, to.0, to.1].iter().all(|value| value.is_finite()) {
        return None;
    }
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let (mut enter, mut leave) = (0.0_f64, 1.0_f64);
    for (start, step, range) in [(from.0, dx, x), (from.1, dy, y)] {
        if step == 0.0 {
            if start < range.start || start > range.end {
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
        let panel = plot::Panel {
            title: "t".to_owned(),
            x: plot::Axis::log("x"),
            y: plot::Axis::log("y"),
            series: vec![
                plot::Series::new(
                    "a",
                    plot::Ink::Blue,
                    Shape::Dots(vec![(1e-3, 1.0), (1e2, 0.0), (1e2, 2.0)]),
                ),
                plot::Series::new("a", plot::Ink::Blue, Shape::Intervals(vec![(1e-3, -1.0, 1.5)])),
                plot::Series::unnamed(plot::Ink::Green, Shape::Band(vec![(1e-3, 0.5, 1.5), (1.0, 1.0, 2.0)])),
            ],
        };
        let svg = draw(&panel).unwrap();
        assert_eq!(svg.matches("<circle").count(), 2, "{svg}");
        let figure = plot::Figure { title: String::new(), caption: String::new(), panels: vec![panel] };
        let drawn = super::figure(&figure).unwrap();
        assert_eq!(drawn.legend.len(), 2);
        let named: Vec<_> = drawn.panels[0].samples.iter().map(|of| (of.series.as_str(), of.mark)).collect();
        assert_eq!(named, [("a", "dot"), ("a", "interval"), ("", "band")]);
    }
}
