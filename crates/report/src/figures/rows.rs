//! Dot plots: a row for each cell of a grid, in it the seeds of each set of weights, their mean and its interval.

use super::Panel;
use super::samples::Samples;
use crate::panel::{Axis, Ink, Plot, log_axis, panel};
use polder_experiment::claim::{Interval, LEVEL, mean_interval};

/// How numbers lie across, and so what their mean is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Across {
    Linear,
    /// Decimal logarithms; the mean is geometric.
    Log,
}

/// A labelled row of a dot plot.
pub(super) struct Row {
    pub(super) label: String,
    pub(super) marks: Vec<RowMarks>,
}

/// Values per seed in a row; on a logarithmic axis above 0.
pub(super) struct RowMarks {
    pub(super) name: String,
    pub(super) ink: Ink,
    pub(super) values: Vec<(u64, f64)>,
}

impl Across {
    fn place(self, value: f64) -> f64 {
        match self {
            Self::Linear => value,
            Self::Log => value.log10(),
        }
    }

    fn value(self, place: f64) -> f64 {
        match self {
            Self::Linear => place,
            Self::Log => 10_f64.powf(place),
        }
    }

    fn axis(self, title: &str, range: std::ops::Range<f64>) -> Axis {
        match self {
            Self::Linear => Axis::over(title, range),
            Self::Log => log_axis(title, range),
        }
    }

    /// The least that a picture spans, on both sides of what it shows.
    fn least_span(self) -> f64 {
        match self {
            Self::Linear => 0.5,
            Self::Log => 0.15,
        }
    }
}

/// The rows one below the other, with a dashed line at `mark`; `label` names what lies across.
pub(super) fn rows_panel(
    title: &str,
    description: &str,
    (across, label): (Across, &str),
    rows: &[Row],
    mark: Option<f64>,
) -> anyhow::Result<Panel> {
    let values = rows.iter().flat_map(|row| row.marks.iter().flat_map(|marks| marks.places(across)));
    let around: Vec<f64> = values.chain(mark).collect();
    let (low, high) = around
        .iter()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(*value), high.max(*value)));
    // Intervals may be many times wider than what the seeds span; they are cut, not the picture stretched.
    let air = 0.35 * (high - low).max(across.least_span());
    let x = across.axis(label, low - air..high + air);
    let level = |index: usize| (rows.len() - 1 - index) as f64;
    let labels = rows.iter().enumerate().map(|(index, row)| (level(index), row.label.clone())).collect();
    let y = Axis::with_ticks("", -0.6..rows.len() as f64 - 0.4, labels);
    let svg = panel(description, &x, &y, |plot| {
        if let Some(mark) = mark {
            plot.dashed((mark, y.range().start), (mark, y.range().end), Ink::Muted)?;
        }
        for (index, row) in rows.iter().enumerate() {
            let middle = 0.5 * (row.marks.len() as f64 - 1.0);
            // However many there are, they stay nearer to their own row than to the next.
            let apart = 0.34_f64.min(0.8 / row.marks.len() as f64);
            for (place, marks) in row.marks.iter().enumerate() {
                marks.draw(plot, across, level(index) + apart * (middle - place as f64))?;
            }
        }
        Ok(())
    })?;
    let samples =
        rows.iter().flat_map(|row| row.marks.iter().flat_map(|marks| marks.samples(&row.label, across)));
    Ok(Panel {
        title: title.to_owned(),
        svg,
        x: label.to_owned(),
        y: String::new(),
        samples: samples.collect(),
    })
}

impl RowMarks {
    fn places(&self, across: Across) -> impl Iterator<Item = f64> {
        self.values.iter().map(move |(_, value)| across.place(*value))
    }

    /// Where the mean lies, and its interval where there are seeds enough.
    fn mean(&self, across: Across) -> Option<(f64, Option<Interval>)> {
        let values: Vec<f64> = self.places(across).collect();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        (!values.is_empty()).then(|| (mean, mean_interval(&values, LEVEL)))
    }

    fn draw(&self, plot: &mut Plot<'_, '_>, across: Across, level: f64) -> anyhow::Result<()> {
        let Some((mean, interval)) = self.mean(across) else { return Ok(()) };
        if let Some(Interval { low, high, .. }) = interval {
            plot.line(&[(low, level), (high, level)], self.ink, 2.0, 0.55)?;
        }
        plot.dots(
            &self.places(across).map(|place| (place, level)).collect::<Vec<_>>(),
            self.ink,
            3.2,
            false,
        )?;
        plot.dots(&[(mean, level)], self.ink, 4.6, true)
    }

    /// A row has a name and no height, so every number lies across.
    fn samples(&self, row: &str, scale: Across) -> Vec<Samples> {
        let across = |series: String, mark, from: f64, to: Option<f64>| Samples {
            series,
            mark,
            rows: vec![[Some(from), to, None, None, None]],
        };
        let name = format!("{row}: {}", self.name);
        let mut samples = Vec::new();
        if let Some((mean, interval)) = self.mean(scale) {
            samples.push(across(format!("{name}, mean over seeds"), "dot", scale.value(mean), None));
            samples.extend(interval.map(|interval| {
                let [low, high] = [interval.low, interval.high].map(|end| scale.value(end));
                across(format!("{name}, mean over seeds"), "interval", low, Some(high))
            }));
        }
        let of_seed =
            |(seed, value): &(u64, f64)| across(format!("{name}, seed {seed}"), "circle", *value, None);
        samples.extend(self.values.iter().map(of_seed));
        samples
    }
}
