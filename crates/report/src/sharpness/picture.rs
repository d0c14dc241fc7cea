//! The answers as figures: curvature, spectra, rises; lines and planes are in `sections`.

mod sections;

use polder_experiment::sharpness::{MeanEstimate, Moments, SpectralDensityState};
use polder_plot::{Axis, Figure, Ink, Panel, Series, Shape};

use self::sections::{line, plane};
use super::{confidence, coordinates};
use crate::groups::distinct;
use polder_experiment::sharpness::measurement::{Eigenvalue, Found, Measurement};
use polder_experiment::sharpness::measurement_spec::{Coordinates, Measure};
use polder_experiment::sharpness::{SharpnessReport as Report, StageReport};

/// The width of the bells that spectra are smoothed by, as a share of what the spectrum spans.
const BELL: f64 = 0.01;
const DENSITY_POINTS: usize = 400;
/// Densities are shown down to this share of what one eigenvalue of all adds to their peak.
const DENSITY_FLOOR: f64 = 0.1;

const BOTH: [(Coordinates, &str); 2] =
    [(Coordinates::Raw, "raw"), (Coordinates::ScaleInvariant, "scale-invariant")];

/// All figures; those without a finished answer are left out.
pub fn figures(report: &Report) -> Vec<Figure> {
    let mut figures = vec![traces(report), eigenvalues(report), densities(report), rises(report)];
    if let Some(stage) = report.stages.last() {
        figures.extend(stage.lines.iter().filter_map(|(names, answer)| line(names, answer)));
        figures.extend(stage.planes.iter().filter_map(|(names, answer)| plane(names, answer)));
    }
    figures.retain(|figure| figure.panels.iter().any(|panel| !panel.series.is_empty()));
    for figure in &mut figures {
        figure.panels.retain(|panel| !panel.series.is_empty());
    }
    figures
}

/// Names of weights in the order in which they first appear: the order of their colours.
fn names(report: &Report) -> Vec<&str> {
    distinct(report.stages.iter().flat_map(|stage| &stage.of_one).map(|of_one| of_one.name.as_str()))
}

/// SGD's iterates are orange and its averages blue, as everywhere.
fn ink(index: usize) -> Ink {
    [Ink::Orange, Ink::Blue, Ink::Green, Ink::Purple, Ink::Ochre, Ink::Gray][index % 6]
}

/// The finished answers about the weights `name` at one checkpoint.
fn answers<'a>(stage: &'a StageReport, name: &'a str) -> impl Iterator<Item = &'a Measurement> {
    let of_one = stage.of_one.iter().filter(move |of_one| of_one.name == name);
    of_one.flat_map(|of_one| &of_one.answers).filter(|answer| answer.is_finished)
}

/// Those of the answers that were measured in such units of weights.
fn answers_in<'a>(
    stage: &'a StageReport,
    name: &'a str,
    units: Coordinates,
) -> impl Iterator<Item = &'a Measurement> {
    answers(stage, name).filter(move |answer| coordinates(&answer.question.measure) == Some(units))
}

/// A value with the ends of its interval, at a place on the x axis.
type Dot = (f64, [f64; 3]);

/// A value without an interval.
fn exact(value: f64) -> [f64; 3] {
    [value, f64::NAN, f64::NAN]
}

fn ends(estimate: &MeanEstimate) -> [f64; 3] {
    [estimate.mean, estimate.lower, estimate.upper]
}

/// For each set of weights dots with intervals, and a line through them if there are several. `dots` takes the number and the name of
/// the weights.
fn series<'a, I: IntoIterator<Item = Dot>>(
    report: &'a Report,
    dots: impl Fn(usize, &'a str) -> I,
) -> Vec<Series> {
    let mut series = Vec::new();
    for (number, name) in names(report).into_iter().enumerate() {
        let (ink, dots): (Ink, Vec<Dot>) = (ink(number), dots(number, name).into_iter().collect());
        let values: Vec<(f64, f64)> = dots.iter().map(|(x, [value, ..])| (*x, *value)).collect();
        if values.len() > 1 {
            series.push(Series::unnamed(ink, Shape::Line(values.clone())));
        }
        if !values.is_empty() {
            let intervals = dots.iter().map(|(x, [_, low, high])| (*x, *low, *high));
            series.push(Series::unnamed(ink, Shape::Intervals(intervals.collect())));
            series.push(Series::new(name, ink, Shape::Dots(values)));
        }
    }
    series
}

fn traces(report: &Report) -> Figure {
    let has_several = report.stages.len() > 1;
    let panels = BOTH.map(|(units, title)| {
        let trace = |answer: &Measurement| match &answer.found {
            Found::Trace(state) => {
                let trace = if units == Coordinates::Raw { state.trace } else { state.weighted };
                Some(ends(&trace.estimate(confidence(&answer.question.measure))))
            }
            _ => None,
        };
        let series = series(report, |number, name| {
            report.stages.iter().flat_map(move |stage| {
                // Where there is one checkpoint, the weights stand side by side.
                let x = if has_several { stage.step as f64 } else { number as f64 + 1.0 };
                answers(stage, name).filter_map(trace).map(move |trace| (x, trace))
            })
        });
        let x = if has_several {
            Axis::linear("steps")
        } else {
            counting("weights, in the order of the legend", names(report).len())
        };
        let y = around_intervals("trace of the Hessian", &series);
        Panel { title: format!("Trace, {title}"), x, y, series }
    });
    Figure {
        title: "Trace of the Hessian".to_owned(),
        caption: "With 95 % intervals over random probes. Scale-invariant: every weight in units of the norm of its filter, so \
                  that scaling what batch normalization follows changes nothing."
            .to_owned(),
        panels: panels.into(),
    }
}

/// An axis for whole numbers from 1.
fn counting(label: &str, num: usize) -> Axis {
    Axis::linear(label).over(0.0, (num as f64 + 1.0).max(3.0))
}

/// An axis that cuts no interval.
fn around_intervals(label: &str, series: &[Series]) -> Axis {
    let ends = series.iter().flat_map(|series| match &series.shape {
        Shape::Intervals(intervals) => intervals.iter().flat_map(|(_, low, high)| [*low, *high]).collect(),
        _ => Vec::new(),
    });
    Axis::linear(label).around(ends)
}

fn eigenvalues(report: &Report) -> Figure {
    let mut panels = Vec::new();
    for (units, title) in BOTH {
        let largest = |stage, name| -> &[Eigenvalue] {
            let found = answers_in(stage, name, units).find_map(|answer| match &answer.found {
                Found::Eigenvalues(found) => found.as_ref(),
                _ => None,
            });
            found.map_or(&[], |found| &found.largest)
        };
        let last = |name| report.stages.last().map_or(&[][..], |stage| largest(stage, name));
        let ranks = series(report, |_, name| {
            let within =
                |pair: &Eigenvalue| [pair.value, pair.value - pair.residual, pair.value + pair.residual];
            last(name).iter().enumerate().map(move |(rank, pair)| (rank as f64 + 1.0, within(pair)))
        });
        let num_ranks = names(report).into_iter().map(|name| last(name).len()).max().unwrap_or(0);
        let eigenvalue = || Axis::linear("eigenvalue");
        let (title_of_ranks, x) = (format!("Largest eigenvalues, {title}"), counting("rank", num_ranks));
        panels.push(Panel { title: title_of_ranks, x, y: eigenvalue(), series: ranks });
        if report.stages.len() > 1 {
            let over_time = series(report, |_, name| {
                let stages = report.stages.iter();
                stages.filter_map(move |stage| {
                    Some((stage.step as f64, exact(largest(stage, name).first()?.value)))
                })
            });
            let (title, x) = (format!("Largest eigenvalue, {title}"), Axis::linear("steps"));
            panels.push(Panel { title, x, y: eigenvalue(), series: over_time });
        }
    }
    Figure {
        title: "Largest eigenvalues of the Hessian".to_owned(),
        caption: "By Lanczos' process. An eigenvalue lies within the bar of each dot, which is often shorter than the dot."
            .to_owned(),
        panels,
    }
}

fn densities(report: &Report) -> Figure {
    let stage = report.stages.last();
    let panels = BOTH.map(|(units, title)| {
        let found = names(report).into_iter().enumerate().flat_map(|(number, name)| {
            let answers = stage.into_iter().flat_map(move |stage| answers_in(stage, name, units));
            answers.filter_map(move |answer| match &answer.found {
                Found::Density(state) => Some((number, name, state)),
                _ => None,
            })
        });
        let found: Vec<(usize, &str, &SpectralDensityState)> = found.collect();
        let ranges = found.iter().filter_map(|(.., state)| state.range());
        let span = ranges.map(|(low, high)| high - low).fold(0.0, f64::max);
        let width = if span > 0.0 { BELL * span } else { 1.0 };
        let (mut series, mut peak) = (Vec::new(), 0.0_f64);
        for (number, name, state) in found {
            let grid = state.grid(DENSITY_POINTS, width);
            let density = state.smoothed(&grid, width);
            peak = density.iter().copied().fold(peak, f64::max);
            let points = grid.into_iter().zip(density).collect();
            series.push(Series::new(name, ink(number), Shape::Line(points)));
        }
        let y = Axis::log("density").over(DENSITY_FLOOR * peak / report.num_parameters as f64, 3.0 * peak);
        Panel { title: format!("Spectrum, {title}"), x: Axis::linear("eigenvalue"), y, series }
    });
    Figure {
        title: "Density of the eigenvalues".to_owned(),
        caption: format!(
            "By stochastic Lanczos quadrature, smoothed by a bell whose standard deviation is {} % of what the eigenvalues \
             span.",
            100.0 * BELL
        ),
        panels: panels.into(),
    }
}

/// A rise of the loss at a distance: its position among the panels, what it is called, and the rise.
fn rise(answer: &Measurement) -> Option<(usize, String, Dot)> {
    let estimate = |moments: &Moments| ends(&moments.estimate(confidence(&answer.question.measure)));
    match (&answer.question.measure, &answer.found) {
        (Measure::WorstCaseSharpness { config, .. }, Found::WorstCaseSharpness(Some(rise))) => {
            Some((0, "Largest rise".to_owned(), (config.rho, exact(rise.worst()))))
        }
        (Measure::AverageSharpness { config, .. }, Found::AverageSharpness(state)) => {
            Some((1, "Mean rise".to_owned(), (config.rho, estimate(&state.rises))))
        }
        (Measure::MSharpness { rho, micro_batch, .. }, Found::MSharpness(rises)) => {
            Some((2, format!("{micro_batch}-sharpness"), (*rho, estimate(rises))))
        }
        _ => None,
    }
}

fn rises(report: &Report) -> Figure {
    let stage = report.stages.last();
    let mut panels = Vec::new();
    for (units, title) in BOTH {
        let rises = |name| {
            let answers = stage.into_iter().flat_map(move |stage| answers_in(stage, name, units));
            answers.filter_map(rise)
        };
        for position in 0..3 {
            let of_kind = |name| rises(name).filter(move |(at, ..)| *at == position);
            let Some((_, what, _)) = names(report).into_iter().flat_map(of_kind).last() else { continue };
            let series = series(report, |_, name| of_kind(name).map(|(.., dot)| dot));
            // Radii are chosen by factors; a single one has no scale.
            let several = series.iter().any(|series| matches!(&series.shape, Shape::Line(_)));
            let axis = if several { Axis::log } else { Axis::linear };
            let (x, y) = (axis("distance rho"), axis("rise of the loss"));
            panels.push(Panel { title: format!("{what}, {title}"), x, y, series });
        }
    }
    Figure {
        title: "Rises of the loss".to_owned(),
        caption: "Largest: the best that projected ascent finds within rho. Mean: over directions of length rho. m-sharpness: the rise at \
                  the end of SAM's step, averaged over micro-batches of m images that each choose their own. With 95 % \
                  intervals. Scale-invariant radii are relative to the norms of filters."
            .to_owned(),
        panels,
    }
}
