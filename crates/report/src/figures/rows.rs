//! Dot plots: a row for each cell of a grid, in it the seeds of each set of weights, their mean and its interval.

use polder_plot::{Axis, AxisScale, Ink, Panel, Series, Shape, Weight};
use polder_stats::mean;

use polder_experiment::claim::{Interval, LEVEL, mean_interval};

/// A labelled row of a dot plot.
pub(super) struct Row {
    pub(super) label: String,
    pub(super) marks: Vec<RowMarks>,
}

/// Values per seed in a row; on a logarithmic axis above 0.
pub(super) struct RowMarks {
    /// In the table of numbers.
    pub(super) name: String,
    /// In the legend.
    pub(super) label: Option<String>,
    pub(super) ink: Ink,
    pub(super) values: Vec<(u64, f64)>,
}

/// The rows one below the other, with a dashed line at `mark`. On a logarithmic axis means are geometric.
pub(super) fn rows_panel(title: &str, x: Axis, rows: &[Row], mark: Option<f64>) -> Panel {
    // What a picture spans at least, on both sides of what it shows.
    let least = if x.scale == AxisScale::Log { 0.15 } else { 0.5 };
    let marks = rows.iter().flat_map(|row| &row.marks);
    let values = marks.flat_map(|marks| marks.values.iter().map(|(_, value)| *value)).chain(mark);
    let (low, high) = values
        .map(|value| place(x.scale, value))
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
    // Intervals may be many times wider than what the seeds span; they are cut, not the picture stretched.
    let air = 0.35 * (high - low).max(least);
    let ends = [low - air, high + air].map(|end| value(x.scale, end));
    let mut series: Vec<Series> = mark
        .map(|mark| Series::unnamed(Ink::Muted, Shape::Vertical(mark)).without_numbers())
        .into_iter()
        .collect();
    for (row, level) in rows.iter().rev().zip(0..).collect::<Vec<_>>().into_iter().rev() {
        let middle = 0.5 * (row.marks.len() as f64 - 1.0);
        // However many there are, they stay nearer to their own row than to the next.
        let apart = 0.34_f64.min(0.8 / row.marks.len() as f64);
        for (place, marks) in row.marks.iter().enumerate() {
            let level = f64::from(level) + apart * (middle - place as f64);
            series.extend(marks.series(&row.label, x.scale, level));
        }
    }
    let names = rows.iter().rev().map(|row| row.label.clone()).collect();
    Panel { title: title.to_owned(), x: x.over(ends[0], ends[1]), y: Axis::named(names), series }
}

/// Where a value lies, and so what means are taken of.
fn place(scale: AxisScale, value: f64) -> f64 {
    if scale == AxisScale::Log { value.log10() } else { value }
}

fn value(scale: AxisScale, place: f64) -> f64 {
    if scale == AxisScale::Log { 10_f64.powf(place) } else { place }
}

impl RowMarks {
    /// The mean, its interval where there are seeds enough, and each seed.
    fn series(&self, row: &str, scale: AxisScale, level: f64) -> Vec<Series> {
        if self.values.is_empty() {
            return Vec::new();
        }
        let name = format!("{row}: {}", self.name);
        let places: Vec<f64> = self.values.iter().map(|(_, value)| place(scale, *value)).collect();
        let mean = mean(&places);
        let dot = |value: f64| vec![(value, level)];
        let mean = Series {
            label: self.label.clone(),
            ..Series::unnamed(self.ink, Shape::Dots(dot(value(scale, mean)))).weighing(Weight::Strong)
        };
        let mut series = vec![mean.called(format!("{name}, mean over seeds"))];
        if let Some(Interval { low, high, .. }) = mean_interval(&places, LEVEL) {
            let interval = Shape::Across(vec![(level, value(scale, low), value(scale, high))]);
            let interval = Series::unnamed(self.ink, interval).weighing(Weight::Faint);
            series.push(interval.called(format!("{name}, mean over seeds")));
        }
        series.extend(self.values.iter().map(|(seed, value)| {
            Series::unnamed(self.ink, Shape::Circles(dot(*value))).called(format!("{name}, seed {seed}"))
        }));
        series
    }
}
