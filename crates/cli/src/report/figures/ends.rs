//! Where trainings end: accuracies after the last epoch, and what averaging adds.

use super::samples::Samples;
use super::{Figure, Mark, Panel, entry};
use crate::claim::{Interval, LEVEL, mean_interval};
use crate::record::ITERATE;
use crate::report::panel::{Axis, Ink, Plot, panel};
use crate::report::{CellResult, main_average, weights_label};

/// Final accuracies, and what averaging adds, cell by cell.
pub(super) fn figure(cells: &[CellResult]) -> anyhow::Result<Figure> {
    let mut names: Vec<&str> = Vec::new();
    for cell in cells {
        if !names.contains(&cell.cell.as_str()) {
            names.push(&cell.cell);
        }
    }
    let percent = |cell: &CellResult| -> Vec<(u64, f64)> {
        cell.values.iter().map(|(seed, value)| (*seed, 100.0 * value)).collect()
    };
    let accuracies = names
        .iter()
        .map(|name| {
            let of_cell = cells.iter().filter(|cell| cell.cell == **name);
            let ink = |cell: &CellResult| if cell.weights == ITERATE { Ink::Iterate } else { Ink::Average };
            Row {
                label: (*name).to_owned(),
                marks: of_cell
                    .map(|cell| RowMarks {
                        name: weights_label(&cell.weights),
                        ink: ink(cell),
                        values: percent(cell),
                    })
                    .collect(),
            }
        })
        .collect::<Vec<_>>();
    let gains = names
        .iter()
        .map(|name| {
            let of_cell: Vec<&CellResult> = cells.iter().filter(|cell| cell.cell == **name).collect();
            let gain = |average: &CellResult, iterate: &CellResult| -> Vec<(u64, f64)> {
                let at = |seed: u64| {
                    iterate.values.iter().find(|(other, _)| *other == seed).map(|(_, value)| *value)
                };
                let gain = |(seed, value): &(u64, f64)| Some((*seed, 100.0 * (value - at(*seed)?)));
                average.values.iter().filter_map(gain).collect()
            };
            let iterate = of_cell.iter().find(|cell| cell.weights == ITERATE);
            let average = main_average(&of_cell);
            let values =
                average.zip(iterate).map(|(average, iterate)| gain(average, iterate)).unwrap_or_default();
            let marks = RowMarks { name: "average minus last iterate".to_owned(), ink: Ink::Average, values };
            Row { label: (*name).to_owned(), marks: vec![marks] }
        })
        .collect::<Vec<_>>();
    let mut panels = vec![rows_panel(
        "Test accuracy after the last epoch",
        "Test accuracy by cell",
        "test accuracy, %",
        &accuracies,
        None,
    )?];
    let mut legend = vec![entry("last iterate", Ink::Iterate, Mark::Dot)];
    if cells.iter().any(|cell| cell.weights != ITERATE) {
        panels.push(rows_panel(
            "What averaging adds to the last iterate",
            "Gain of averaging by cell",
            "average minus last iterate, points",
            &gains,
            Some(0.0),
        )?);
        legend.push(entry("average, and its gain", Ink::Average, Mark::Dot));
    }
    Ok(Figure {
        title: "Where the runs end".to_owned(),
        caption: "Filled: mean over seeds; hollow: each seed; bar: 95 % t interval of the mean, cut at the edge of \
                  the picture. With two seeds the interval rests on one degree of freedom and is wide."
            .to_owned(),
        legend,
        panels,
    })
}

/// A labelled row of a dot plot.
struct Row {
    label: String,
    marks: Vec<RowMarks>,
}

/// Values per seed in a row.
struct RowMarks {
    name: String,
    ink: Ink,
    values: Vec<(u64, f64)>,
}

fn rows_panel(
    title: &str,
    description: &str,
    across: &str,
    rows: &[Row],
    mark: Option<f64>,
) -> anyhow::Result<Panel> {
    let values = rows.iter().flat_map(|row| row.marks.iter().flat_map(RowMarks::numbers));
    let around: Vec<f64> = values.chain(mark).collect();
    let (low, high) = around
        .iter()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(*value), high.max(*value)));
    // Intervals may be many times wider than what the seeds span; they are cut, not the picture stretched.
    let air = 0.35 * (high - low).max(0.5);
    let x = Axis::over(across, low - air..high + air);
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
                marks.draw(plot, level(index) + apart * (middle - place as f64))?;
            }
        }
        Ok(())
    })?;
    let samples = rows.iter().flat_map(|row| row.marks.iter().flat_map(|marks| marks.samples(&row.label)));
    Ok(Panel {
        title: title.to_owned(),
        svg,
        x: across.to_owned(),
        y: String::new(),
        samples: samples.collect(),
    })
}

impl RowMarks {
    fn numbers(&self) -> impl Iterator<Item = f64> {
        self.values.iter().map(|(_, value)| *value)
    }

    /// The mean, and its interval where there are seeds enough.
    fn mean(&self) -> Option<(f64, Option<Interval>)> {
        let values: Vec<f64> = self.numbers().collect();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        (!values.is_empty()).then(|| (mean, mean_interval(&values, LEVEL)))
    }

    fn draw(&self, plot: &mut Plot<'_, '_>, level: f64) -> anyhow::Result<()> {
        let Some((mean, interval)) = self.mean() else { return Ok(()) };
        if let Some(Interval { low, high, .. }) = interval {
            plot.line(&[(low, level), (high, level)], self.ink, 2.0, 0.55)?;
        }
        plot.dots(&self.numbers().map(|value| (value, level)).collect::<Vec<_>>(), self.ink, 3.2, false)?;
        plot.dots(&[(mean, level)], self.ink, 4.6, true)
    }

    /// A row has a name and no height, so every number lies across.
    fn samples(&self, row: &str) -> Vec<Samples> {
        let across = |series: String, mark, from: f64, to: Option<f64>| Samples {
            series,
            mark,
            rows: vec![[Some(from), to, None, None, None]],
        };
        let name = format!("{row}: {}", self.name);
        let mut samples = Vec::new();
        if let Some((mean, interval)) = self.mean() {
            samples.push(across(format!("{name}, mean over seeds"), "dot", mean, None));
            samples.extend(interval.map(|interval| {
                across(format!("{name}, mean over seeds"), "interval", interval.low, Some(interval.high))
            }));
        }
        let of_seed =
            |(seed, value): &(u64, f64)| across(format!("{name}, seed {seed}"), "circle", *value, None);
        samples.extend(self.values.iter().map(of_seed));
        samples
    }
}
