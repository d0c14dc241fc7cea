//! What experiment D3 shows: how much more strongly minibatch SAM regularises, by the trace, the spectrum and the bias.

use super::{D3Report, D3Row};
use crate::exhibit::{
    Axis, Evidence, Exhibit, Exhibits, Figure, Ink, Panel, Series, Shape, Support, Table, estimate_text,
    number_text,
};

impl Exhibits for D3Report {
    fn exhibit(&self) -> Exhibit {
        let caption = format!(
            "Least squares with {} examples and {} features, radius {} / d₁ of the unbiased minibatch Hessian H_S. First: the \
             closed form (line) and means over {} random minibatches (dots, 95 % intervals). Second: eigenvalues of \
             H + ρ E[H_S²]. Third: squared bias averaged over isotropic coefficients, in closed form. Fourth: squared bias \
             of the predictions for one vector of coefficients, closed form (lines) and {} runs (dots, 95 % intervals).",
            self.config.num_examples,
            self.config.num_features,
            self.config.rho_share,
            self.config.num_minibatches,
            self.config.num_replicates
        );
        let panels =
            vec![self.trace_panel(), self.spectrum_panel(), self.isotropic_panel(), self.training_panel()];
        let title = "Minibatch SAM regularises more".to_owned();
        Exhibit {
            evidence: self.evidence(),
            tables: vec![self.table()],
            figures: vec![Figure { title, caption, panels }],
        }
    }
}

impl D3Report {
    /// All batches but the full one.
    fn minibatches(&self) -> impl Iterator<Item = &D3Row> + Clone {
        self.rows.iter().filter(|row| row.batch_size < self.config.num_examples)
    }

    fn evidence(&self) -> Vec<Evidence> {
        let mut evidence = Vec::new();
        if let Some(ratio) = &self.smallest_trace_ratio {
            let what = "smallest trace of E[H_S²] of a minibatch over that of H²";
            evidence.push(Evidence::estimate("trace-ratio", what, ratio, self.config.num_minibatches));
        }
        evidence.push(Evidence::agreement(
            "trace-agreement",
            "the traces of E[H_S²] against the closed form",
            &self.trace_agreement,
        ));
        evidence.push(Evidence::agreement(
            "bias-agreement",
            "the squared bias of the predictions at all steps against the closed form",
            &self.bias_agreement,
        ));
        let errors: Vec<f64> = self.rows.iter().filter_map(|row| row.enumeration_error).collect();
        if !errors.is_empty() {
            let what = "largest entry of E[H_S²] over all minibatches minus its closed form, as a share of the trace";
            evidence.push(Evidence::largest("enumeration-error", what, errors));
        }
        let mut push = |name, what, values: Vec<f64>, worst: fn(f64, f64) -> f64| {
            let n = values.len() as u64;
            if let Some(value) = values.into_iter().reduce(worst) {
                evidence
                    .push(Evidence { support: Support::Exact { n }, ..Evidence::exact(name, what, value) });
            }
        };
        push(
            "smallest-excess",
            "smallest eigenvalue of E[H_S²] − H² over the minibatches, as a share of tr H²",
            self.minibatches().map(|row| row.smallest_excess).collect(),
            f64::min,
        );
        push(
            "smallest-excess-unscaled",
            "the same without the factor n / |S|, for the minibatch where it is largest",
            self.minibatches().filter_map(|row| row.smallest_excess_unscaled).collect(),
            f64::max,
        );
        let full = self.rows.last().map_or(&[][..], |row| &row.bias);
        push(
            "isotropic-bias-change",
            "largest change of the isotropic squared bias from full batch to minibatch over all steps, as a share",
            self.minibatches()
                .flat_map(|row| row.bias.iter().zip(full))
                .filter(|(_, full)| full.isotropic > 0.0)
                .map(|(row, full)| row.isotropic / full.isotropic - 1.0)
                .collect(),
            f64::max,
        );
        evidence
    }

    fn table(&self) -> Table {
        let title = format!(
            "Minibatch SAM, {} examples, {} features, ρ = {}, η = {}; tr H² = {}; ± at 95 %",
            self.config.num_examples,
            self.config.num_features,
            number_text(self.rho, 3),
            number_text(self.step_size, 3),
            number_text(self.full_batch_trace, 4)
        );
        let last = self.rows.last().and_then(|row| row.bias.last()).map_or(0, |bias| bias.step);
        let bias_head = format!("isotropic bias², step {last}");
        let heads = [
            "batch size",
            "tr E[H_S²]",
            "measured",
            "enumeration error",
            "min eig. of excess",
            "… unscaled",
            "top eig. of H + ρE[H_S²]",
            &bias_head,
        ];
        let mut table = Table::new(title, &heads);
        let optional = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |x| number_text(x, 2));
        for row in &self.rows {
            table.push(vec![
                row.batch_size.to_string(),
                number_text(row.trace, 5),
                if row.batch_size < self.config.num_examples {
                    estimate_text(&row.measured_trace)
                } else {
                    number_text(row.measured_trace.value, 5)
                },
                optional(row.enumeration_error),
                number_text(row.smallest_excess, 2),
                optional(row.smallest_excess_unscaled),
                number_text(row.effective_eigenvalues.first().copied().unwrap_or(0.0), 4),
                number_text(row.bias.last().map_or(0.0, |bias| bias.isotropic), 4),
            ]);
        }
        table
    }

    fn trace_panel(&self) -> Panel {
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
        let measured = self.rows.iter().map(|row| (row.batch_size as f64, &row.measured_trace));
        let bars = measured.clone().map(|(b, trace)| (b, trace.lower / full, trace.upper / full)).collect();
        let dots = measured.map(|(b, trace)| (b, trace.value / full)).collect();
        Panel {
            title: "Mean squared Hessian".to_owned(),
            x: Axis::log("batch size |S|"),
            y: Axis::log("tr E[H_S²] / tr H²"),
            series: vec![
                Series::unnamed(Ink::Muted, Shape::Horizontal(1.0)),
                Series::new("closed form", Ink::Text, Shape::Line(law)),
                Series::unnamed(Ink::Text, Shape::Intervals(bars)),
                Series::new("measured", Ink::Text, Shape::Dots(dots)),
            ],
        }
    }

    /// Label and colour of every batch size; the full batch has one of its own.
    fn inks(&self) -> impl Iterator<Item = (&D3Row, String, Ink)> {
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

    fn spectrum_panel(&self) -> Panel {
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

    fn isotropic_panel(&self) -> Panel {
        let line = |(row, label, ink): (&D3Row, String, Ink)| {
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

    fn training_panel(&self) -> Panel {
        let (mut series, mut marks) = (Vec::new(), Vec::new());
        for (row, label, ink) in self.inks() {
            let theory = row.bias.iter().map(|bias| (bias.step as f64, bias.training)).collect();
            series.push(Series::new(label, ink, Shape::Line(theory)));
            let measured = row.bias.iter().map(|bias| (bias.step as f64, &bias.measured_training));
            let bars = measured.clone().map(|(step, found)| (step, found.lower, found.upper)).collect();
            marks.push(Series::unnamed(ink, Shape::Intervals(bars)));
            let dots = measured.map(|(step, found)| (step, found.value)).collect();
            marks.push(Series::unnamed(ink, Shape::Dots(dots)));
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
    use std::collections::HashSet;

    use super::super::{D3Config, d3};
    use super::*;

    #[test]
    fn all_names_differ_and_a_report_survives_its_record() {
        let report = d3(&D3Config::smoke()).unwrap();
        let exhibit = report.exhibit();
        let names: HashSet<&str> = exhibit.evidence.iter().map(|evidence| evidence.name.as_str()).collect();
        assert_eq!((exhibit.evidence.len(), names.len()), (7, 7));
        assert_eq!(exhibit.figures[0].panels.len(), 4);
        let record = serde_json::to_string(&report).unwrap();
        assert_eq!(serde_json::from_str::<D3Report>(&record).unwrap(), report);
    }

    #[test]
    fn the_full_batch_alone_is_compared_with_nothing() {
        let exhibit = d3(&D3Config { batch_sizes: vec![], ..D3Config::smoke() }).unwrap().exhibit();
        let names: Vec<&str> = exhibit.evidence.iter().map(|evidence| evidence.name.as_str()).collect();
        assert_eq!(names, ["trace-agreement", "bias-agreement", "enumeration-error"]);
        assert_eq!(exhibit.tables[0].rows.len(), 1);
    }

    #[test]
    fn the_line_of_the_trace_meets_the_closed_form_at_every_batch_size() {
        let report = d3(&D3Config::smoke()).unwrap();
        let panel = report.trace_panel();
        let Shape::Line(line) = &panel.series[1].shape else { panic!("{panel:?}") };
        for row in &report.rows {
            let (_, ratio) = line.iter().find(|(b, _)| *b == row.batch_size as f64).unwrap();
            assert!((ratio * report.full_batch_trace / row.trace - 1.0).abs() < 1e-12);
        }
    }
}
