//! How curves of bias and variance are drawn: theory as lines, Monte Carlo as dots with intervals on top of them.

use polder_plot::{Axis, Ink, Panel, Series, Shape};
use polder_theory::Estimate;
use polder_theory::sam::{BiasVarianceCurve, BiasVarianceRow};

use crate::simulation::{Measured, Table, estimate_text, number_text};

/// What a panel shows of curves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Bias,
    Variance,
    Total,
    /// The squared bias minus that of gradient descent.
    BiasChange,
    /// The variance minus that of gradient descent.
    VarianceChange,
    /// The total minus that of gradient descent.
    Change,
}

impl Part {
    fn theory(self, row: &BiasVarianceRow) -> f64 {
        match self {
            Self::Bias => row.theory.bias_squared,
            Self::Variance => row.theory.variance,
            Self::Total => row.theory.total(),
            Self::BiasChange => row.change.bias_squared,
            Self::VarianceChange => row.change.variance,
            Self::Change => row.change.total(),
        }
    }

    fn measured(self, row: &BiasVarianceRow) -> &Estimate {
        match self {
            Self::Bias => &row.measured.bias_squared,
            Self::Variance => &row.measured.variance,
            Self::Total => &row.measured.total,
            Self::BiasChange => &row.measured_change.bias_squared,
            Self::VarianceChange => &row.measured_change.variance,
            Self::Change => &row.measured_change.total,
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Bias => "bias",
            Self::Variance => "variance",
            Self::Total => "total",
            Self::BiasChange => "bias, SAM − GD",
            Self::VarianceChange => "variance, SAM − GD",
            Self::Change => "total, SAM − GD",
        }
    }

    /// Whether it is compared with gradient descent, which then has no curve of its own.
    fn is_change(self) -> bool {
        matches!(self, Self::BiasChange | Self::VarianceChange | Self::Change)
    }

    /// Variances and totals span decades; an estimate of a squared bias can be negative.
    fn axis(self, error: &str) -> Axis {
        match self {
            Self::Bias => Axis::linear(format!("squared bias of {error}")),
            Self::Variance => Axis::log(format!("variance of {error}")),
            Self::Total => Axis::log(format!("mean squared error of {error}")),
            Self::BiasChange => Axis::linear("difference of squared biases"),
            Self::VarianceChange => Axis::linear("difference of variances"),
            Self::Change => Axis::linear("difference of totals"),
        }
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

/// What the legend calls gradient descent, and SAM by its radius times `unit`.
fn label(rho: f64, unit: f64, unit_name: &str) -> String {
    if rho == 0.0 {
        "gradient descent".to_owned()
    } else {
        format!("SAM, ρ = {}{unit_name}", trimmed(rho * unit))
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
    let panel = |&part: &Part| {
        let (mut lines, mut marks) = (Vec::new(), Vec::new());
        if part.is_change() {
            lines.push(Series::unnamed(Ink::Muted, Shape::Horizontal(0.0)));
        }
        for (curve, ink) in curves.iter().zip(inks.into_iter().cycle()) {
            // Gradient descent minus itself is nothing to see.
            if part.is_change() && curve.rho == 0.0 {
                continue;
            }
            let theory = curve.rows.iter().map(|row| (row.step as f64, part.theory(row))).collect();
            lines.push(Series::new(label(curve.rho, style.unit, style.unit_name), ink, Shape::Line(theory)));
            let measured = curve.rows.iter().map(|row| (row.step as f64, part.measured(row)));
            marks.extend(Measured::estimates(measured).marks(ink));
        }
        lines.append(&mut marks);
        let title = format!("{}{}", style.prefix, part.title());
        Panel { title, x: Axis::log("step k"), y: part.axis(style.error), series: lines }
    };
    parts.iter().map(panel).collect()
}

/// Closed form and measurement at some recorded steps, at most `num_steps` and the last of them among these.
pub(super) fn curve_table(title: String, curves: &[BiasVarianceCurve], num_steps: usize) -> Table {
    let heads =
        ["step", "ρ", "bias²", "measured", "variance", "measured", "total", "measured", "− GD", "measured"];
    let mut table = Table::new(title, &heads);
    let num_rows = curves.first().map_or(0, |curve| curve.rows.len());
    let every = num_rows.div_ceil(num_steps.max(1)).max(1);
    for index in (0..num_rows).rev().step_by(every).collect::<Vec<_>>().into_iter().rev() {
        for curve in curves {
            let row = &curve.rows[index];
            let mut cells = vec![row.step.to_string(), trimmed(curve.rho)];
            for part in [Part::Bias, Part::Variance, Part::Total, Part::Change] {
                let is_zero = part == Part::Change && curve.rho == 0.0;
                cells.push(if is_zero { String::new() } else { number_text(part.theory(row), 5) });
                cells.push(if is_zero { String::new() } else { estimate_text(part.measured(row)) });
            }
            table.push(cells);
        }
    }
    table
}

/// An empty table for [`push_best`] whose first columns are `heads`.
pub(super) fn best_table(title: String, heads: &[&str]) -> Table {
    let mut all = heads.to_vec();
    all.extend(["ρ d₁", "best step", "best total", "− GD", "measured", "largest deviation"]);
    Table::new(title, &all)
}

/// Adds one row per curve: where stopping is best and what it gains. Radii are written in units of 1 over `top_eigenvalue`.
pub(super) fn push_best(
    table: &mut Table,
    cells: &[String],
    curves: &[BiasVarianceCurve],
    top_eigenvalue: f64,
) {
    for curve in curves {
        let mut row = cells.to_vec();
        let is_descent = curve.rho == 0.0;
        row.extend([
            trimmed(curve.rho * top_eigenvalue),
            curve.best.step.to_string(),
            number_text(curve.best.total, 4),
            if is_descent { String::new() } else { number_text(curve.best.change, 3) },
            if is_descent { String::new() } else { estimate_text(&curve.best.measured_change) },
            format!("{:.2} s.e.", curve.largest_deviation()),
        ]);
        table.push(row);
    }
}

#[cfg(test)]
mod tests {
    use polder_theory::sam::{BiasVariance, curves};

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
        let panels = panels(&curves, &[Part::Bias, Part::Change], &style);
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
        let mut table = best_table("T".to_owned(), &["n"]);
        push_best(&mut table, &["3".to_owned()], &curves, 1.0);
        assert_eq!(table.rows.len(), 2);
    }
}
