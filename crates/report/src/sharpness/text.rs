//! The answers as text: a table of each checkpoint, weights side by side, and a few lines on sections.

use std::fmt::Write as _;

use polder_experiment::sharpness::MeanEstimate;

use polder_experiment::sharpness::answer::{Answer, CONFIDENCE, Eigenvalue, Found, LossAt};
use polder_experiment::sharpness::question::{Coordinates, Measure, SplitName};
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
    let mut columns: Vec<Vec<(String, String)>> = Vec::new();
    for weights in of_one {
        let mut rows = vec![("norm of the weights".to_owned(), number(weights.norm))];
        rows.extend(weights.answers.iter().flat_map(rows_of));
        columns.push(rows);
    }
    // Interrupted measurements have fewer rows: every label of any column has its row.
    let mut labels: Vec<&str> = Vec::new();
    for (label, _) in columns.iter().flatten() {
        if !labels.contains(&label.as_str()) {
            labels.push(label);
        }
    }
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

fn rows_of(answer: &Answer) -> Vec<(String, String)> {
    let measure = &answer.question.measure;
    let label = measure.label();
    if !answer.is_finished {
        return Vec::new();
    }
    let own = |value: String| vec![(label.clone(), value)];
    match (measure, &answer.found) {
        (_, Found::Loss(Some(at))) => {
            vec![("loss".to_owned(), loss(at)), ("error".to_owned(), format!("{:.2} %", 100.0 * at.error))]
        }
        (Measure::Trace { config }, Found::Trace(state)) => {
            let interval = |moments: &polder_experiment::sharpness::Moments| {
                estimate(&moments.estimate(config.stopping.confidence))
            };
            vec![
                ("trace".to_owned(), interval(&state.trace)),
                ("trace, scale-invariant".to_owned(), interval(&state.weighted)),
            ]
        }
        (Measure::Eigenvalues { coordinates, .. }, Found::Eigenvalues(Some(found))) => {
            let suffix = suffix(*coordinates);
            let value = |pair: &Eigenvalue| {
                let doubt = if pair.converged { "" } else { " (not converged)" };
                format!("{} ± {}{doubt}", number(pair.value), short(pair.residual))
            };
            let largest = found.largest.iter().zip(1..);
            let mut rows: Vec<(String, String)> =
                largest.map(|(pair, rank)| (format!("eigenvalue {rank}{suffix}"), value(pair))).collect();
            rows.extend(
                found.smallest.iter().map(|pair| (format!("smallest eigenvalue{suffix}"), value(pair))),
            );
            rows
        }
        (Measure::Density { coordinates, .. }, Found::Density(state)) => {
            let suffix = suffix(*coordinates);
            let (least, greatest) = state.range().unwrap_or((f64::NAN, f64::NAN));
            vec![
                (format!("spectrum{suffix}"), format!("{} to {}", number(least), number(greatest))),
                (format!("mean eigenvalue{suffix}"), estimate(&state.mean_of(|x| x, CONFIDENCE))),
                (format!("its negative part{suffix}"), estimate(&state.mean_of(|x| x.min(0.0), CONFIDENCE))),
            ]
        }
        (_, Found::WorstRise(Some(rise))) => own(number(rise.worst())),
        (Measure::AverageRise { config, .. }, Found::AverageRise(state)) => {
            own(estimate(&state.rises.estimate(config.stopping.confidence)))
        }
        (_, Found::MSharpness(rises)) => own(estimate(&rises.estimate(CONFIDENCE))),
        _ => Vec::new(),
    }
}

fn suffix(coordinates: Coordinates) -> &'static str {
    match coordinates {
        Coordinates::Raw => "",
        Coordinates::ScaleInvariant => ", scale-invariant",
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
pub(super) fn number(value: f64) -> String {
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
