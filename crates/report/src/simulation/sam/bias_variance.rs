//! How curves of bias and variance are drawn: theory as lines, Monte Carlo as dots with intervals on top of them.

use polder_plot::{Axis, Ink, Panel};
use polder_stats::Estimate;
use polder_theory::sam::{BiasVariance, BiasVarianceCurve, BiasVarianceEstimate, BiasVarianceRow, TradeOff};

use crate::simulation::series::{MeasuredSeries, level, line, panel};
use crate::simulation::table::{Columns, Table, estimate_text, number_text};
use crate::simulation::{estimates, extreme};
use polder_experiment::claim::Metric;

/// What a panel shows of curves.
#[derive(Clone, Copy)]
pub(super) struct Part {
    title: &'static str,
    /// What the axis calls it.
    quantity: &'static str,
    /// What the axis calls differences of it.
    plural: &'static str,
    /// Variances and totals span decades; an estimate of a squared bias can be negative.
    is_log: bool,
    /// Whether it is shown minus that of gradient descent, which then has no curve of its own.
    is_change: bool,
    exact: fn(&BiasVariance) -> f64,
    estimate: fn(&BiasVarianceEstimate) -> Estimate,
}

pub(super) const BIAS: Part = Part {
    title: "bias",
    quantity: "squared bias",
    plural: "squared biases",
    is_log: false,
    is_change: false,
    exact: |of| of.bias_squared,
    estimate: |of| of.bias_squared,
};

pub(super) const VARIANCE: Part = Part {
    title: "variance",
    quantity: "variance",
    plural: "variances",
    is_log: true,
    is_change: false,
    exact: |of| of.variance,
    estimate: |of| of.variance,
};

pub(super) const TOTAL: Part = Part {
    title: "total",
    quantity: "mean squared error",
    plural: "totals",
    exact: BiasVariance::total,
    estimate: |of| of.total,
    ..VARIANCE
};

impl Part {
    /// The same minus that of gradient descent.
    pub(super) const fn change(self) -> Self {
        Self { is_change: true, ..self }
    }

    fn theory(&self, row: &BiasVarianceRow) -> f64 {
        (self.exact)(if self.is_change { &row.change } else { &row.theory })
    }

    fn measured(&self, row: &BiasVarianceRow) -> Estimate {
        (self.estimate)(if self.is_change { &row.measured_change } else { &row.measured })
    }

    fn title(&self) -> String {
        format!("{}{}", self.title, if self.is_change { ", SAM − GD" } else { "" })
    }

    fn axis(&self, error: &str) -> Axis {
        let Self { quantity, plural, is_log, .. } = self;
        if self.is_change {
            return Axis::linear(format!("difference of {plural}"));
        }
        let label = format!("{quantity} of {error}");
        if *is_log { Axis::log(label) } else { Axis::linear(label) }
    }
}

/// How panels of curves are written.
pub(super) struct Style<'a> {
    /// What the titles begin with.
    pub prefix: &'a str,
    /// The estimate whose errors these are, as the axis calls it.
    pub error: &'a str,
    /// Radii are multiplied by this.
    pub unit: f64,
    /// What then follows them.
    pub unit_name: &'a str,
}

impl Style<'_> {
    /// What the legend calls gradient descent, and SAM by its radius.
    fn label(&self, rho: f64) -> String {
        if rho == 0.0 {
            "gradient descent".to_owned()
        } else {
            format!("SAM, ρ = {}{}", trimmed(rho * self.unit), self.unit_name)
        }
    }
}

/// Three significant digits without zeros at the end.
fn trimmed(value: f64) -> String {
    let text = number_text(value, 3);
    if text.contains('.') && !text.contains('e') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

/// One panel per part.
pub(super) fn panels(curves: &[BiasVarianceCurve], parts: &[Part], style: &Style) -> Vec<Panel> {
    let inks = [Ink::Orange, Ink::Blue, Ink::Green, Ink::Purple, Ink::Ochre, Ink::Gray];
    let panel_of = |part: &Part| {
        let (mut lines, mut marks) = (Vec::new(), Vec::new());
        if part.is_change {
            lines.push(level(0.0));
        }
        for (curve, ink) in curves.iter().zip(inks.into_iter().cycle()) {
            // Gradient descent minus itself is nothing to see.
            if part.is_change && curve.rho == 0.0 {
                continue;
            }
            let rows = curve.rows.iter().map(|row| (row.step as f64, row));
            let theory = rows.clone().map(|(step, row)| (step, part.theory(row)));
            lines.push(line(style.label(curve.rho), ink, theory));
            let measured = rows.map(|(step, row)| (step, part.measured(row)));
            marks.extend(MeasuredSeries::estimates(measured).marks(ink));
        }
        lines.append(&mut marks);
        let title = format!("{}{}", style.prefix, part.title());
        panel(title, Axis::log("step k"), part.axis(style.error), lines)
    };
    parts.iter().map(panel_of).collect()
}

/// Closed form and measurement at some recorded steps, at most `num_steps` and the last of them among these.
pub(super) fn curve_table(title: String, curves: &[BiasVarianceCurve], num_steps: usize) -> Table {
    let num_rows = curves.first().map_or(0, |curve| curve.rows.len());
    let every = num_rows.div_ceil(num_steps.max(1)).max(1);
    let mut steps: Vec<usize> = (0..num_rows).rev().step_by(every).collect();
    steps.reverse();
    let at = |step: usize| curves.iter().map(move |curve| (curve.rho, &curve.rows[step]));
    let rows: Vec<(f64, &BiasVarianceRow)> = steps.into_iter().flat_map(at).collect();
    let columns =
        Table::of(title, &rows).text("step", |(_, row)| row.step).text("ρ", |(rho, _)| trimmed(*rho));
    let parts = [("bias²", BIAS), ("variance", VARIANCE), ("total", TOTAL), ("− GD", TOTAL.change())];
    let columns = parts.into_iter().fold(columns, |columns, (head, part)| {
        let shown = |rho: f64, text: String| if part.is_change && rho == 0.0 { String::new() } else { text };
        columns
            .text(head, |(rho, row)| shown(*rho, number_text(part.theory(row), 5)))
            .text("measured", |(rho, row)| shown(*rho, estimate_text(&part.measured(row))))
    });
    columns.table()
}

/// A curve of a problem, and the largest eigenvalue of that problem.
pub(super) struct Best<'a, P> {
    pub problem: &'a P,
    pub curve: &'a BiasVarianceCurve,
    pub top_eigenvalue: f64,
}

/// Adds where stopping is best and what it gains. Radii are written in units of 1 over the largest eigenvalue.
pub(super) fn best_table<P>(columns: Columns<'_, Best<'_, P>>) -> Table {
    let shown = |of: &Best<P>, text: String| if of.curve.rho == 0.0 { String::new() } else { text };
    columns
        .text("ρ d₁", |of| trimmed(of.curve.rho * of.top_eigenvalue))
        .text("best step", |of| of.curve.best.step)
        .number("best total", 4, |of| of.curve.best.total)
        .text("− GD", |of| shown(of, number_text(of.curve.best.change, 3)))
        .text("measured", |of| shown(of, estimate_text(&of.curve.best.measured_change)))
        .text("largest deviation", |of| format!("{:.2} s.e.", of.curve.largest_deviation()))
        .table()
}

/// What SAM does to bias and variance in closed form, at any step.
pub(super) fn exact_changes(of: &TradeOff, name: &str, what: &str) -> [Metric; 2] {
    let change = |quantity, words, value| {
        let what = format!("{what}, {words}, closed form");
        extreme(format!("{name}-{quantity}-change"), what, value, of.num_comparisons)
    };
    [
        change("bias", "largest (SAM − GD) / GD of the squared bias", of.bias),
        change("variance", "smallest (SAM − GD) / GD of the variance", of.variance),
    ]
}

/// The same measured.
pub(super) fn measured_changes(of: &TradeOff, what: &str, num_replicates: u64) -> Vec<Metric> {
    let bias = format!("{what}, largest (SAM − GD) / GD of the squared bias at any step");
    let variance = format!("{what}, smallest (SAM − GD) / GD of the variance at any step");
    let changes = [
        ("bias-change".to_owned(), bias, &of.measured_bias),
        ("variance-change".to_owned(), variance, &of.measured_variance),
    ];
    estimates(num_replicates, changes)
}

/// What SAM gains in total after the first step, and with the best choice of when to stop.
pub(super) fn gains(sam: &BiasVarianceCurve, name: &str, what: &str, num_replicates: u64) -> Vec<Metric> {
    let first = sam.rows.first().map(|first| {
        let what = format!("{what} after step {}, SAM − GD", first.step);
        (format!("{name}-first-step-change"), what, &first.measured_change.total)
    });
    let what = format!("{what} each at its best step, SAM − GD");
    let best = (format!("{name}-best-stop-change"), what, &sam.best.measured_change);
    first.into_iter().chain([best]).flat_map(|gain| estimates(num_replicates, [gain])).collect()
}

#[cfg(test)]
mod tests {
    use polder_plot::Shape;
    use polder_theory::sam::curves;

    use super::*;

    fn two_curves() -> Vec<BiasVarianceCurve> {
        let error = |shift: f64| vec![vec![vec![1.0 + shift], vec![0.5]], vec![vec![0.9 + shift], vec![0.4]]];
        let law = |_, _| BiasVariance { bias_squared: 1.0, variance: 0.1 };
        curves(&[0.0, 0.25], &[1, 10], law, &[error(0.1), error(-0.1), error(0.0)])
    }

    #[test]
    fn every_curve_is_a_line_under_dots_with_intervals() {
        let curves = two_curves();
        let style = Style { prefix: "T: ", error: "w", unit: 2.0, unit_name: " / d₁" };
        let panels = panels(&curves, &[BIAS, TOTAL.change()], &style);
        let labels = |panel: &Panel| -> Vec<String> {
            panel.series.iter().filter_map(|series| series.label.clone()).collect()
        };
        assert_eq!(labels(&panels[0]), ["gradient descent", "SAM, ρ = 0.5 / d₁"]);
        assert_eq!(labels(&panels[1]), ["SAM, ρ = 0.5 / d₁"]);
        assert_eq!((panels[0].series.len(), panels[1].series.len()), (6, 4));
        assert_eq!((panels[0].title.as_str(), panels[0].y.label.as_str()), ("T: bias", "squared bias of w"));
        assert!(matches!(panels[0].series[0].shape, Shape::Line(_)));
        assert!(matches!(panels[0].series[5].shape, Shape::Dots(_)));
    }

    #[test]
    fn tables_are_thinned_but_keep_the_last_step() {
        let curves = two_curves();
        let steps = |num_steps| -> Vec<String> {
            let table = curve_table("T".to_owned(), &curves, num_steps);
            table.rows.iter().map(|row| row[0].clone()).collect()
        };
        assert_eq!(steps(2), ["1", "1", "10", "10"]);
        assert_eq!(steps(1), ["10", "10"]);
    }
}
