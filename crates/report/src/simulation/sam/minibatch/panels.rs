//! The panels of experiment D3.

use polder_plot::{Axis, Ink, Panel, Series, Shape};
use polder_theory::Estimate;
use polder_theory::sam::minibatch::{Report, Row};

use crate::simulation::{Measured, View};

impl View<'_, Report> {
    pub(super) fn trace_panel(&self) -> Panel {
        let full = self.full_batch_trace;
        let n = self.config.num_examples as f64;
        // (n - b) / (b (n - 1)), what the excess is proportional to.
        let factor = |b: f64| (n - b) / (b * (n - 1.0));
        let smallest = self.rows.first().map_or(1, |row| row.batch_size);
        let excess =
            self.minibatches().next().map_or(0.0, |row| (row.trace - full) / factor(row.batch_size as f64));
        let law = (smallest..=self.config.num_examples)
            .map(|b| (b as f64, (full + excess * factor(b as f64)) / full))
            .collect();
        let ratio = |trace: &Estimate| [trace.value, trace.lower, trace.upper].map(|end| end / full);
        let measured =
            Measured::new(self.rows.iter().map(|row| (row.batch_size as f64, ratio(&row.measured_trace))));
        let [bars, dots] = measured.named("measured", Ink::Text);
        Panel {
            title: "Mean squared Hessian".to_owned(),
            x: Axis::log("batch size |S|"),
            y: Axis::log("tr E[H_S²] / tr H²"),
            series: vec![
                Series::unnamed(Ink::Muted, Shape::Horizontal(1.0)),
                Series::new("closed form", Ink::Text, Shape::Line(law)),
                bars,
                dots,
            ],
        }
    }

    /// Label and colour of every batch size; the full batch has one of its own.
    fn inks(&self) -> impl Iterator<Item = (&Row, String, Ink)> {
        let n = self.config.num_examples;
        let full = (Ink::Orange, format!("|S| = {n}, full batch"));
        let inks = [Ink::Blue, Ink::Green, Ink::Purple, Ink::Ochre, Ink::Gray];
        self.rows.iter().enumerate().map(move |(index, row)| {
            if row.batch_size == n {
                (row, full.1.clone(), full.0)
            } else {
                (row, format!("|S| = {}", row.batch_size), inks[index % inks.len()])
            }
        })
    }

    pub(super) fn spectrum_panel(&self) -> Panel {
        let mut series = Vec::new();
        for (row, label, ink) in self.inks() {
            let places: Vec<(f64, f64)> =
                row.effective_eigenvalues.iter().enumerate().map(|(i, l)| ((i + 1) as f64, *l)).collect();
            series.push(Series::unnamed(ink, Shape::Dots(places.clone())));
            series.push(Series::new(label, ink, Shape::Line(places)));
        }
        Panel {
            title: "Effective curvature".to_owned(),
            x: Axis::linear("number i of the eigenvalue"),
            y: Axis::log("eigenvalue of H + ρ E[H_S²]"),
            series,
        }
    }

    pub(super) fn isotropic_panel(&self) -> Panel {
        let line = |(row, label, ink): (&Row, String, Ink)| {
            let places = row.bias.iter().map(|bias| (bias.step as f64, bias.isotropic)).collect();
            Series::new(label, ink, Shape::Line(places))
        };
        Panel {
            title: "Bias, isotropic coefficients".to_owned(),
            x: Axis::log("step k"),
            y: Axis::linear("squared bias of w"),
            series: self.inks().map(line).collect(),
        }
    }

    pub(super) fn ratio_panel(&self) -> Panel {
        let full = self.rows.last().map_or(&[][..], |row| &row.bias);
        let mut series = vec![Series::unnamed(Ink::Muted, Shape::Horizontal(1.0))];
        for (row, label, ink) in self.inks().filter(|(row, ..)| row.batch_size < self.config.num_examples) {
            let places = row.bias.iter().zip(full).map(|(bias, full)| {
                // A bias that has left the range of numbers is no larger than the other.
                let ratio = if full.isotropic > 0.0 { bias.isotropic / full.isotropic } else { 1.0 };
                (bias.step as f64, ratio)
            });
            series.push(Series::new(label, ink, Shape::Line(places.collect())));
        }
        Panel {
            title: "Bias over that of the full batch".to_owned(),
            x: Axis::log("step k"),
            y: Axis::linear("ratio of squared biases of w"),
            series,
        }
    }

    pub(super) fn excess_panel(&self) -> Panel {
        let scaled: Vec<(f64, f64)> =
            self.rows.iter().map(|row| (row.batch_size as f64, row.smallest_excess)).collect();
        let unscaled: Vec<(f64, f64)> = self
            .rows
            .iter()
            .filter_map(|row| Some((row.batch_size as f64, row.smallest_excess_unscaled?)))
            .collect();
        Panel {
            title: "Smallest eigenvalue of the excess".to_owned(),
            x: Axis::log("batch size |S|"),
            y: Axis::linear("min eig(E[H_S²] − H²) / tr H²"),
            series: vec![
                Series::unnamed(Ink::Muted, Shape::Horizontal(0.0)),
                Series::unnamed(Ink::Text, Shape::Line(scaled.clone())),
                Series::unnamed(Ink::Text, Shape::Dots(scaled)),
                Series::new("without n / |S|", Ink::Muted, Shape::Dashed(unscaled.clone())),
                Series::unnamed(Ink::Muted, Shape::Circles(unscaled)),
            ],
        }
    }

    pub(super) fn training_panel(&self) -> Panel {
        let (mut series, mut marks) = (Vec::new(), Vec::new());
        for (row, label, ink) in self.inks() {
            let theory = row.bias.iter().map(|bias| (bias.step as f64, bias.training)).collect();
            series.push(Series::new(label, ink, Shape::Line(theory)));
            let measured = row.bias.iter().map(|bias| (bias.step as f64, &bias.measured_training));
            marks.extend(Measured::estimates(measured).marks(ink));
        }
        series.append(&mut marks);
        Panel {
            title: "Bias of the predictions".to_owned(),
            x: Axis::log("step k"),
            y: Axis::linear("squared bias of Xw / √n"),
            series,
        }
    }
}

#[cfg(test)]
mod tests {
    use polder_theory::sam::minibatch::{Config, run};

    use super::*;

    #[test]
    fn the_line_of_the_trace_meets_the_closed_form_at_every_batch_size() {
        let report = run(&Config::smoke()).unwrap();
        let panel = View(&report).trace_panel();
        let Shape::Line(line) = &panel.series[1].shape else { panic!("{panel:?}") };
        for row in &report.rows {
            let (_, ratio) = line.iter().find(|(b, _)| *b == row.batch_size as f64).unwrap();
            assert!((ratio * report.full_batch_trace / row.trace - 1.0).abs() < 1e-12);
        }
    }
}
