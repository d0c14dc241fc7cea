//! Figures as data: panels with two axes, and series of points in a few shapes.

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
}

/// How values become places on an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AxisScale {
    /// Equal differences are equal distances.
    Linear,
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
    /// The area between two curves: x, low, high.
    Band(Vec<(f64, f64, f64)>),
    /// The bars of a histogram, from 0 upwards: left edge, right edge, height.
    Bars(Vec<(f64, f64, f64)>),
    /// A dashed line at one x over the whole height.
    Vertical(f64),
    /// A dashed line at one y over the whole width.
    Horizontal(f64),
}

/// Colours that stay apart for every kind of colour vision, on light and on dark ground.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    /// As words are.
    Text,
    /// As what stands back is.
    Muted,
    /// SGD's iterates, in figures that show its average.
    Orange,
    /// Averages, in figures that show iterates.
    Blue,
    /// Smoothed objectives and predictions, in figures that show measurements.
    Green,
    /// A further series.
    Purple,
    /// A further series.
    Ochre,
    /// A further series, faint.
    Gray,
}

impl Ink {
    /// For series without a colour of their own, in this order.
    pub const SERIES: [Self; 6] =
        [Self::Blue, Self::Orange, Self::Green, Self::Purple, Self::Ochre, Self::Gray];

    /// The colour of the series number `index`; they repeat.
    pub const fn of_series(index: usize) -> Self {
        Self::SERIES[index % Self::SERIES.len()]
    }
}

impl Axis {
    /// A linear axis over all that is drawn.
    pub fn linear(label: impl Into<String>) -> Self {
        Self { label: label.into(), scale: AxisScale::Linear, range: None }
    }

    /// A logarithmic axis over all that is drawn.
    pub fn log(label: impl Into<String>) -> Self {
        Self { label: label.into(), scale: AxisScale::Log, range: None }
    }

    /// The same axis over a range of its own.
    #[must_use]
    pub fn over(self, low: f64, high: f64) -> Self {
        Self { range: Some((low, high)), ..self }
    }
}

impl Series {
    /// A series that the legend names.
    pub fn new(label: impl Into<String>, ink: Ink, shape: Shape) -> Self {
        Self { label: Some(label.into()), ink, shape }
    }

    /// A series that the legend leaves out.
    pub fn unnamed(ink: Ink, shape: Shape) -> Self {
        Self { label: None, ink, shape }
    }
}
