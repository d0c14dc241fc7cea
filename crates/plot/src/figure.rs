//! Figures as data: panels with two axes, and series of points in a few shapes.

use crate::Ink;

/// Panels that belong together, under one caption. Equal labels of series mean one entry of the legend.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// A few words.
    pub title: String,
    /// What each panel shows, and what intervals and bands are.
    pub caption: String,
    /// From left to right.
    pub panels: Vec<Panel>,
}

/// One plot.
#[derive(Clone, Debug, PartialEq)]
pub struct Panel {
    /// A few words.
    pub title: String,
    /// Across.
    pub x: Axis,
    /// Upwards.
    pub y: Axis,
    /// Drawn in this order, the later over the earlier.
    pub series: Vec<Series>,
}

/// What an axis measures.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// The quantity, with its unit if it has one.
    pub label: String,
    /// How values become places.
    pub scale: AxisScale,
    /// What is shown; `None`: all that is drawn, and some air.
    pub range: Option<(f64, f64)>,
    /// What stands at 0, 1, 2 and so on, from the left or from below, instead of numbers; empty: numbers.
    pub names: Vec<String>,
}

/// How values become places on an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AxisScale {
    /// Equal differences are equal distances.
    Linear,
    /// As [`Linear`](Self::Linear), for counts: only whole numbers are labelled.
    Whole,
    /// Equal ratios are equal distances; values that are not above 0 are left out.
    Log,
}

/// Marks of one kind in one colour.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// What the legend says; `None`: nothing.
    pub label: Option<String>,
    /// The colour.
    pub ink: Ink,
    /// The marks.
    pub shape: Shape,
    /// How much the marks stand out.
    pub weight: Weight,
    /// What the table of numbers calls the series.
    pub numbers: Numbers,
}

/// How much marks stand out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// One of many: a thin line, a pale bar.
    Faint,
    /// As most marks.
    Plain,
    /// A mean among single values: a thick line, a large dot, a full bar.
    Strong,
}

/// What the table of numbers calls a series.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Numbers {
    /// As the legend does; without a label, as the legend calls another series of the same colour.
    Labelled,
    /// By a name of its own.
    Named(String),
    /// The table leaves the series out.
    Left,
}

/// The marks of a series.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// A curve through points.
    Line(Vec<(f64, f64)>),
    /// A dashed curve through points.
    Dashed(Vec<(f64, f64)>),
    /// Filled dots.
    Dots(Vec<(f64, f64)>),
    /// Hollow dots.
    Circles(Vec<(f64, f64)>),
    /// Upright bars from the low to the high end of an interval: x, low, high.
    Intervals(Vec<(f64, f64, f64)>),
    /// Level bars from the low to the high end of an interval: y, low, high.
    Across(Vec<(f64, f64, f64)>),
    /// The area between two curves: x, low, high.
    Band(Vec<(f64, f64, f64)>),
    /// The bars of a histogram, from 0 upwards: left edge, right edge, height.
    Bars(Vec<(f64, f64, f64)>),
    /// Words just above points. They are no numbers, so no table has them.
    Words(Vec<(f64, f64, String)>),
    /// A dashed line at one x over the whole height.
    Vertical(f64),
    /// A dashed line at one y over the whole width.
    Horizontal(f64),
}

impl Axis {
    /// A linear axis over all that is drawn.
    pub fn linear(label: impl Into<String>) -> Self {
        Self { label: label.into(), scale: AxisScale::Linear, range: None, names: Vec::new() }
    }

    /// A linear axis on which only whole numbers are labelled.
    pub fn whole(label: impl Into<String>) -> Self {
        Self { scale: AxisScale::Whole, ..Self::linear(label) }
    }

    /// A logarithmic axis over all that is drawn.
    pub fn log(label: impl Into<String>) -> Self {
        Self { scale: AxisScale::Log, ..Self::linear(label) }
    }

    /// An axis with names at 0, 1, 2 and so on.
    pub fn named(names: Vec<String>) -> Self {
        let range = Some((-0.6, names.len() as f64 - 0.4));
        Self { range, names, ..Self::linear("") }
    }

    /// The same axis over a range of its own.
    #[must_use]
    pub fn over(self, low: f64, high: f64) -> Self {
        Self { range: Some((low, high)), ..self }
    }

    /// The same axis over all finite `values` and some air.
    #[must_use]
    pub fn around(self, values: impl IntoIterator<Item = f64>) -> Self {
        let finite = values.into_iter().filter(|value| value.is_finite());
        let (low, high) = finite
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
        if low > high {
            return self;
        }
        let air = if high > low { 0.06 * (high - low) } else { 0.5_f64.max(0.01 * high.abs()) };
        self.over(low - air, high + air)
    }
}

impl Series {
    /// A series that the legend names.
    pub fn new(label: impl Into<String>, ink: Ink, shape: Shape) -> Self {
        Self { label: Some(label.into()), ..Self::unnamed(ink, shape) }
    }

    /// A series that the legend leaves out.
    pub fn unnamed(ink: Ink, shape: Shape) -> Self {
        Self { label: None, ink, shape, weight: Weight::Plain, numbers: Numbers::Labelled }
    }

    /// The same series, standing out more or less.
    #[must_use]
    pub fn weighing(self, weight: Weight) -> Self {
        Self { weight, ..self }
    }

    /// The same series under a name of its own in the table of numbers.
    #[must_use]
    pub fn called(self, name: impl Into<String>) -> Self {
        Self { numbers: Numbers::Named(name.into()), ..self }
    }

    /// The same series without a place in the table of numbers.
    #[must_use]
    pub fn without_numbers(self) -> Self {
        Self { numbers: Numbers::Left, ..self }
    }
}
