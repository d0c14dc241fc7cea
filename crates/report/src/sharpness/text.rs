//! The answers as text: a table of each checkpoint, weights side by side, and a few lines on sections.

use std::fmt::Write as _;

use super::{confidence, coordinates};
use crate::groups::distinct;
use polder_experiment::sharpness::{MeanEstimate, Moments};

use polder_experiment::sharpness::measurement::{CONFIDENCE, Eigenvalue, Found, LossAt, Measurement};
use polder_experiment::sharpness::measurement_spec::{Coordinates, Measure, SplitName};
use polder_experiment::sharpness::{OfOne, SharpnessReport as Report, StageReport};

pub fn text(report: &Report) -> String {
    let subset = &report.subset;
    let split = match subset.split {
        SplitName::Train => "training",
        SplitName::Test => "test",
    };
    let mut text = format!(
        "{}: {} on {}, {} weights\n{} {split} images without augmentation, BN refreshed over {} training images in \
         minibatches of {}\n",
        report.run,
        report.network,
        report.dataset,
        report.num_parameters,
        subset.images,
        subset.refresh_images,
        subset.batch_size
    );
    for stage in &report.stages {
        let _ =
            write!(text, "\nafter {} epochs, {} steps\n\n{}", stage.epoch, stage.step, table(&stage.of_one));
        sections(&mut text, stage);
    }
    text
}

/// One column for each set of weights.
fn table(of_one: &[OfOne]) -> String {
    let column = |weights: &OfOne| -> Vec<(String, String)> {
        let norm = ("norm of the weights".to_owned(), number(weights.norm));
        std::iter::once(norm).chain(weights.answers.iter().flat_map(rows_of)).collect()
    };
    let columns: Vec<_> = of_one.iter().map(column).collect();
    // Interrupted measurements have fewer rows: every label of any column has its row.
    let labels = distinct(columns.iter().flatten().map(|(label, _)| label.as_str()));
    let cell = |column: &[(String, String)], label: &str| {
        column.iter().find(|(own, _)| own == label).map_or("-".to_owned(), |(_, value)| value.clone())
    };
    let width = labels.iter().map(|label| label.chars().count()).max().unwrap_or(0);
    let mut lines = vec![format!("{:width$}", "")];
    lines.extend(labels.iter().map(|label| format!("{label:width$}")));
    for (weights, column) in of_one.iter().zip(&columns) {
        let cells: Vec<String> = std::iter::once(weights.name.clone())
            .chain(labels.iter().map(|label| cell(column, label)))
            .collect();
        let width = cells.iter().map(|cell| cell.chars().count()).max().unwrap_or(0);
        for (line, cell) in lines.iter_mut().zip(cells) {
            let _ = write!(line, "  {cell:>width$}");
        }
    }
    lines.into_iter().map(|line| line + "\n").collect()
}

/// What a finished answer says, each with its label.
fn rows_of(answer: &Measurement) -> Vec<(String, String)> {
    let measure = &answer.question.measure;
    if !answer.is_finished {
        return Vec::new();
    }
    let suffix = match coordinates(measure) {
        Some(Coordinates::ScaleInvariant) => ", scale-invariant",
        Some(Coordinates::Raw) | None => "",
    };
    let mean = |moments: &Moments| estimate(&moments.estimate(confidence(measure)));
    let own = |value: String| vec![(measure.label(), value)];
    match &answer.found {
        Found::Loss(Some(at)) => {
            vec![("loss".to_owned(), loss(at)), ("error".to_owned(), format!("{:.2} %", 100.0 * at.error))]
        }
        Found::Trace(state) => vec![
            ("trace".to_owned(), mean(&state.trace)),
            ("trace, scale-invariant".to_owned(), mean(&state.weighted)),
        ],
        Found::Eigenvalues(Some(found)) => {
            let value = |pair: &Eigenvalue| {
                let doubt = if pair.converged { "" } else { " (not converged)" };
                format!("{} ± {}{doubt}", number(pair.value), short(pair.residual))
            };
            let largest = found.largest.iter().zip(1..);
            let largest = largest.map(|(pair, rank)| (format!("eigenvalue {rank}{suffix}"), value(pair)));
            let smallest = found.smallest.iter();
            let smallest = smallest.map(|pair| (format!("smallest eigenvalue{suffix}"), value(pair)));
            largest.chain(smallest).collect()
        }
        Found::Density(state) => {
            let (least, greatest) = state.range().unwrap_or((f64::NAN, f64::NAN));
            let mean_of = |function: fn(f64) -> f64| estimate(&state.mean_of(function, CONFIDENCE));
            vec![
                (format!("spectrum{suffix}"), format!("{} to {}", number(least), number(greatest))),
                (format!("mean eigenvalue{suffix}"), mean_of(|x| x)),
                (format!("its negative part{suffix}"), mean_of(|x| x.min(0.0))),
            ]
        }
        Found::WorstCaseSharpness(Some(rise)) => own(number(rise.worst())),
        Found::AverageSharpness(state) => own(mean(&state.rises)),
        Found::MSharpness(rises) => own(mean(rises)),
        _ => Vec::new(),
    }
}

fn sections(text: &mut String, stage: &StageReport) {
    for (names, answer) in &stage.lines {
        let between = format!("line from {} to {}", names[0], names[1]);
        let (Measure::Line { places }, Found::Line { distance, losses }, true) =
            (&answer.question.measure, &answer.found, answer.is_finished)
        else {
            let _ = writeln!(text, "\n{between}: not finished");
            continue;
        };
        let along: Vec<(f64, f64)> =
            places.iter().zip(losses).filter_map(|(place, at)| Some((*place, at.loss?))).collect();
        let at = |wanted: f64| {
            along.iter().find(|(place, _)| *place == wanted).map_or(f64::NAN, |(_, loss)| *loss)
        };
        let least = along.iter().copied().min_by(|left, right| left.1.total_cmp(&right.1));
        let (place, lowest) = least.unwrap_or((f64::NAN, f64::NAN));
        let between_ends = along.iter().filter(|(place, _)| (0.0..=1.0).contains(place));
        let barrier =
            between_ends.map(|(_, loss)| *loss).fold(f64::NEG_INFINITY, f64::max) - at(0.0).max(at(1.0));
        let _ = writeln!(
            text,
            "\n{between}: distance {}, loss {} and {} at the ends, least {} at {place:.2}, {} above the higher end in \
             between",
            number(*distance),
            number(at(0.0)),
            number(at(1.0)),
            number(lowest),
            number(barrier)
        );
    }
    for (names, answer) in &stage.planes {
        let through = format!("plane through {}", names.join(", "));
        let (Found::Plane(section), true) = (&answer.found, answer.is_finished) else {
            let _ = writeln!(text, "\n{through}: not finished");
            continue;
        };
        let least = section.losses.iter().enumerate().filter_map(|(index, at)| Some((index, at.loss?)));
        if let Some((index, lowest)) = least.min_by(|left, right| left.1.total_cmp(&right.1)) {
            let (x, y) = (section.xs[index % section.xs.len()], section.ys[index / section.xs.len()]);
            let _ = writeln!(
                text,
                "\n{through}: least loss {} at ({}, {}), the corners being at {}",
                number(lowest),
                number(x),
                number(y),
                section.corners.map(|[x, y]| format!("({}, {})", number(x), number(y))).join(", ")
            );
        }
    }
}

fn loss(at: &LossAt) -> String {
    let Some(loss) = at.loss else { return "not finite".to_owned() };
    match at.standard_error {
        Some(standard_error) => format!("{} ± {}", number(loss), short(standard_error)),
        None => number(loss),
    }
}

fn estimate(estimate: &MeanEstimate) -> String {
    format!("{} [{}, {}]", number(estimate.mean), number(estimate.lower), number(estimate.upper))
}

/// Four significant digits, and an exponent where there would be many zeros.
pub(in crate::sharpness) fn number(value: f64) -> String {
    digits(value, 3.0)
}

fn short(value: f64) -> String {
    digits(value, 1.0)
}

fn digits(value: f64, after_first: f64) -> String {
    let size = value.abs();
    if size == 0.0 || !size.is_finite() {
        format!("{value}")
    } else if (1e-3..1e5).contains(&size) {
        format!("{value:.*}", (after_first - size.log10().floor()).clamp(0.0, 7.0) as usize)
    } else {
        format!("{value:.*e}", after_first as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_four_digits() {
        assert_eq!([0.0, 12.345_67, -0.012_345_6, 98_765.4].map(number), ["0", "12.35", "-0.01235", "98765"]);
        assert_eq!([6.7e-16, f64::INFINITY].map(number), ["6.700e-16", "inf"]);
        assert_eq!(short(0.012_345), "0.012");
    }
}
