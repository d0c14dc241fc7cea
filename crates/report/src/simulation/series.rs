//! MeasuredSeries values over an axis, as series of dots, lines and bars of intervals.

use polder_plot::{Axis, Ink, Panel, Series, Shape};
use polder_stats::{Estimate, PowerLaw, Proportion};

/// A panel of some series.
pub(super) fn panel(title: impl Into<String>, x: Axis, y: Axis, series: Vec<Series>) -> Panel {
    Panel { title: title.into(), x, y, series }
}

/// A curve that the legend names.
pub(super) fn line(
    label: impl Into<String>,
    ink: Ink,
    points: impl IntoIterator<Item = (f64, f64)>,
) -> Series {
    Series::new(label, ink, Shape::Line(points.into_iter().collect()))
}

/// What values are compared with: a level that the legend leaves out.
pub(super) fn level(y: f64) -> Series {
    Series::unnamed(Ink::Muted, Shape::Horizontal(y))
}

/// A power law from a little below `first` to a little above `last`.
pub(super) fn power_law(law: &PowerLaw, (first, last): (f64, f64)) -> Vec<(f64, f64)> {
    [first / 1.2, last * 1.2].map(|x| (x, law.prefactor * x.powf(law.exponent.value))).to_vec()
}

/// Values with the ends of their intervals, each at a place on the x axis.
#[derive(Clone, Debug, Default)]
pub(super) struct MeasuredSeries(Vec<(f64, [f64; 3])>);

impl MeasuredSeries {
    /// From places, and at each the value with the low and the high end of its interval.
    pub(super) fn new(points: impl IntoIterator<Item = (f64, [f64; 3])>) -> Self {
        Self(points.into_iter().collect())
    }

    /// Estimates as they are.
    pub(super) fn estimates(points: impl IntoIterator<Item = (f64, Estimate)>) -> Self {
        Self::new(points.into_iter().map(|(x, found)| (x, [found.value, found.lower, found.upper])))
    }

    /// Sizes of estimates, for a logarithmic axis.
    pub(super) fn sizes(points: impl IntoIterator<Item = (f64, Estimate)>) -> Self {
        Self::new(points.into_iter().map(|(x, found)| {
            let [one, other] = [found.lower.abs(), found.upper.abs()];
            // An interval that holds 0 has no lower end on a logarithmic axis.
            let low = if found.lower * found.upper < 0.0 { 0.0 } else { one.min(other) };
            (x, [found.value.abs(), low, one.max(other)])
        }))
    }

    /// Shares of runs in percent.
    pub(super) fn shares<'a>(points: impl IntoIterator<Item = (f64, &'a Proportion)>) -> Self {
        let percent = |share: &Proportion| [share.value, share.lower, share.upper].map(|end| 100.0 * end);
        Self::new(points.into_iter().map(|(x, share)| (x, percent(share))))
    }

    /// The values alone.
    pub(super) fn values(&self) -> Vec<(f64, f64)> {
        self.0.iter().map(|(x, [value, ..])| (*x, *value)).collect()
    }

    /// The intervals, without an entry in the legend.
    pub(super) fn bars(&self, ink: Ink) -> Series {
        Series::unnamed(
            ink,
            Shape::Intervals(self.0.iter().map(|(x, [_, low, high])| (*x, *low, *high)).collect()),
        )
    }

    /// Intervals and dots, without entries in the legend.
    pub(super) fn marks(&self, ink: Ink) -> [Series; 2] {
        [self.bars(ink), Series::unnamed(ink, Shape::Dots(self.values()))]
    }

    /// Intervals, and dots that the legend names.
    pub(super) fn named(&self, name: impl Into<String>, ink: Ink) -> [Series; 2] {
        [self.bars(ink), Series::new(name, ink, Shape::Dots(self.values()))]
    }
}
