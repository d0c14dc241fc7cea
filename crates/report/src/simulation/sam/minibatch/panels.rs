//! The panels of experiment D3.

use polder_plot::{Axis, Ink, Panel, Series, Shape};
use polder_stats::Estimate;
use polder_theory::sam::minibatch::{Bias, Report, Row};

use super::minibatches;
use crate::simulation::series::{MeasuredSeries, level, line, panel};

pub(super) fn panels(report: &Report) -> Vec<Panel> {
    vec![
        trace_panel(report),
        excess_panel(report),
        spectrum_panel(report),
        isotropic_panel(report),
        ratio_panel(report),
        training_panel(report),
    ]
}

fn trace_panel(report: &Report) -> Panel {
    let full = report.full_batch_trace;
    let num_examples = report.config.num_examples;
    let n = num_examples as f64;
    // (n - b) / (b (n - 1)), what the excess is proportional to.
    let factor = |b: f64| (n - b) / (b * (n - 1.0));
    let first = minibatches(report).next();
    let excess = first.map_or(0.0, |row| (row.trace - full) / factor(row.batch_size as f64));
    let smallest = report.rows.first().map_or(1, |row| row.batch_size);
    let closed_form =
        (smallest..=num_examples).map(|b| (b as f64, (full + excess * factor(b as f64)) / full));
    let ratio = |trace: &Estimate| [trace.value, trace.lower, trace.upper].map(|end| end / full);
    let measured = MeasuredSeries::new(
        report.rows.iter().map(|row| (row.batch_size as f64, ratio(&row.measured_trace))),
    );
    let mut series = vec![level(1.0), line("closed form", Ink::Text, closed_form)];
    series.extend(measured.named("measured", Ink::Text));
    let y = Axis::log("tr E[H_S²] / tr H²");
    panel("Mean squared Hessian", Axis::log("batch size |S|"), y, series)
}

fn excess_panel(report: &Report) -> Panel {
    let rows = report.rows.iter().map(|row| (row.batch_size as f64, row));
    let scaled: Vec<_> = rows.clone().map(|(b, row)| (b, row.smallest_excess)).collect();
    let unscaled: Vec<_> = rows.filter_map(|(b, row)| Some((b, row.smallest_excess_unscaled?))).collect();
    let series = vec![
        level(0.0),
        Series::unnamed(Ink::Text, Shape::Line(scaled.clone())),
        Series::unnamed(Ink::Text, Shape::Dots(scaled)),
        Series::new("without n / |S|", Ink::Muted, Shape::Dashed(unscaled.clone())),
        Series::unnamed(Ink::Muted, Shape::Circles(unscaled)),
    ];
    let y = Axis::linear("min eig(E[H_S²] − H²) / tr H²");
    panel("Smallest eigenvalue of the excess", Axis::log("batch size |S|"), y, series)
}

/// Label and colour of every batch size; the full batch has one of its own.
fn inks(report: &Report) -> impl Iterator<Item = (&Row, String, Ink)> {
    let n = report.config.num_examples;
    let inks = [Ink::Blue, Ink::Green, Ink::Purple, Ink::Ochre, Ink::Gray];
    report.rows.iter().zip(inks.into_iter().cycle()).map(move |(row, ink)| {
        if row.batch_size == n {
            (row, format!("|S| = {n}, full batch"), Ink::Orange)
        } else {
            (row, format!("|S| = {}", row.batch_size), ink)
        }
    })
}

/// A quantity of the bias over the steps.
fn over_steps(row: &Row, quantity: fn(&Bias) -> f64) -> impl Iterator<Item = (f64, f64)> {
    row.bias.iter().map(move |bias| (bias.step as f64, quantity(bias)))
}

fn spectrum_panel(report: &Report) -> Panel {
    let series = inks(report).flat_map(|(row, label, ink)| {
        let points: Vec<_> = (1..).map(f64::from).zip(row.effective_eigenvalues.iter().copied()).collect();
        [Series::unnamed(ink, Shape::Dots(points.clone())), line(label, ink, points)]
    });
    let (x, y) = (Axis::linear("number i of the eigenvalue"), Axis::log("eigenvalue of H + ρ E[H_S²]"));
    panel("Effective curvature", x, y, series.collect())
}

fn isotropic_panel(report: &Report) -> Panel {
    let lines =
        inks(report).map(|(row, label, ink)| line(label, ink, over_steps(row, |bias| bias.isotropic)));
    let y = Axis::linear("squared bias of w");
    panel("Bias, isotropic coefficients", Axis::log("step k"), y, lines.collect())
}

fn ratio_panel(report: &Report) -> Panel {
    let full = report.rows.last().map_or(&[][..], |row| &row.bias);
    let mut series = vec![level(1.0)];
    for (row, label, ink) in inks(report).filter(|(row, ..)| row.batch_size < report.config.num_examples) {
        let ratios = over_steps(row, |bias| bias.isotropic).zip(full).map(|((step, bias), full)| {
            // A bias that has left the range of numbers is no larger than the other.
            (step, if full.isotropic > 0.0 { bias / full.isotropic } else { 1.0 })
        });
        series.push(line(label, ink, ratios));
    }
    let y = Axis::linear("ratio of squared biases of w");
    panel("Bias over that of the full batch", Axis::log("step k"), y, series)
}

fn training_panel(report: &Report) -> Panel {
    let (mut series, mut marks) = (Vec::new(), Vec::new());
    for (row, label, ink) in inks(report) {
        series.push(line(label, ink, over_steps(row, |bias| bias.training)));
        let measured = row.bias.iter().map(|bias| (bias.step as f64, bias.measured_training));
        marks.extend(MeasuredSeries::estimates(measured).marks(ink));
    }
    series.append(&mut marks);
    let y = Axis::linear("squared bias of Xw / √n");
    panel("Bias of the predictions", Axis::log("step k"), y, series)
}

#[cfg(test)]
mod tests {
    use polder_theory::sam::minibatch::{Config, run};

    use super::*;

    #[test]
    fn the_line_of_the_trace_meets_the_closed_form_at_every_batch_size() {
        let report = run(&Config::smoke()).unwrap();
        let panel = trace_panel(&report);
        let Shape::Line(line) = &panel.series[1].shape else { panic!("{panel:?}") };
        for row in &report.rows {
            let (_, ratio) = line.iter().find(|(b, _)| *b == row.batch_size as f64).unwrap();
            assert!((ratio * report.full_batch_trace / row.trace - 1.0).abs() < 1e-12);
        }
    }
}
