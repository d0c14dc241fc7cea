//! The answers as figures: curvature, spectra, rises, lines and planes.

use polder_experiment::sharpness::{MeanEstimate, SpectralDensityState};
use polder_plot::{Axis, Figure, Ink, Panel, Series, Shape, contour};

use polder_experiment::sharpness::answer::{Answer, CONFIDENCE, Found, LossAt, PlaneSection};
use polder_experiment::sharpness::question::{Coordinates, Measure};
use polder_experiment::sharpness::{SharpnessReport as Report, StageReport};

/// Of intervals; lines of losses show it as a band.
const NORMAL_95: f64 = 1.959_963_985;

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
    let mut names = Vec::new();
    for of_one in report.stages.iter().flat_map(|stage| &stage.of_one) {
        if !names.contains(&of_one.name.as_str()) {
            names.push(of_one.name.as_str());
        }
    }
    names
}

/// SGD's iterates are orange and its averages blue, as everywhere.
fn ink(index: usize) -> Ink {
    [Ink::Orange, Ink::Blue, Ink::Green, Ink::Purple, Ink::Ochre, Ink::Gray][index % 6]
}

/// The finished answers about the weights `name` at one checkpoint.
fn answers<'a>(stage: &'a StageReport, name: &'a str) -> impl Iterator<Item = &'a Answer> {
    let of_one = stage.of_one.iter().filter(move |of_one| of_one.name == name);
    of_one.flat_map(|of_one| &of_one.answers).filter(|answer| answer.is_finished)
}

fn point(x: f64, estimate: &MeanEstimate) -> ((f64, f64), (f64, f64, f64)) {
    ((x, estimate.mean), (x, estimate.lower, estimate.upper))
}

/// Dots with intervals, and a line through them if there are several.
fn dots(
    series: &mut Vec<Series>,
    name: &str,
    ink: Ink,
    dots: Vec<(f64, f64)>,
    intervals: Vec<(f64, f64, f64)>,
) {
    if dots.is_empty() {
        return;
    }
    if dots.len() > 1 {
        series.push(Series::unnamed(ink, Shape::Line(dots.clone())));
    }
    series.push(Series::unnamed(ink, Shape::Intervals(intervals)));
    series.push(Series::new(name, ink, Shape::Dots(dots)));
}

fn traces(report: &Report) -> Figure {
    let trace = |answer: &Answer, index: usize| match (&answer.question.measure, &answer.found) {
        (Measure::Trace { config }, Found::Trace(state)) => {
            Some([state.trace, state.weighted][index].estimate(config.stopping.confidence))
        }
        _ => None,
    };
    let panels = BOTH.iter().enumerate().map(|(index, (_, title))| {
        let mut series = Vec::new();
        for (number, name) in names(report).into_iter().enumerate() {
            let (mut points, mut intervals) = (Vec::new(), Vec::new());
            for stage in &report.stages {
                // Where there is one checkpoint, the weights stand side by side.
                let x = if report.stages.len() > 1 { stage.step as f64 } else { number as f64 + 1.0 };
                for estimate in answers(stage, name).filter_map(|answer| trace(answer, index)) {
                    let (dot, interval) = point(x, &estimate);
                    points.push(dot);
                    intervals.push(interval);
                }
            }
            dots(&mut series, name, ink(number), points, intervals);
        }
        let x = if report.stages.len() > 1 {
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
        panels: panels.collect(),
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
    for (coordinates, title) in BOTH {
        let found = |stage, name| {
            answers(stage, name).find_map(|answer| match (&answer.question.measure, &answer.found) {
                (Measure::Eigenvalues { coordinates: own, .. }, Found::Eigenvalues(Some(found)))
                    if *own == coordinates =>
                {
                    Some(&found.largest)
                }
                _ => None,
            })
        };
        let (mut ranks, mut over_time) = (Vec::new(), Vec::new());
        for (number, name) in names(report).into_iter().enumerate() {
            if let Some(largest) = report.stages.last().and_then(|stage| found(stage, name)) {
                let places = || largest.iter().enumerate().map(|(rank, pair)| (rank as f64 + 1.0, pair));
                let points = places().map(|(rank, pair)| (rank, pair.value)).collect();
                let intervals = places()
                    .map(|(rank, pair)| (rank, pair.value - pair.residual, pair.value + pair.residual));
                dots(&mut ranks, name, ink(number), points, intervals.collect());
            }
            let mut points = Vec::new();
            for stage in &report.stages {
                let top = found(stage, name).and_then(|largest| largest.first());
                points.extend(top.map(|pair| (stage.step as f64, pair.value)));
            }
            dots(&mut over_time, name, ink(number), points, Vec::new());
        }
        let num_ranks = ranks.iter().map(|series: &Series| match &series.shape {
            Shape::Dots(dots) => dots.len(),
            _ => 0,
        });
        let (x, y) = (counting("rank", num_ranks.max().unwrap_or(0)), Axis::linear("eigenvalue"));
        panels.push(Panel { title: format!("Largest eigenvalues, {title}"), x, y, series: ranks });
        if report.stages.len() > 1 {
            let (x, y) = (Axis::linear("steps"), Axis::linear("eigenvalue"));
            panels.push(Panel { title: format!("Largest eigenvalue, {title}"), x, y, series: over_time });
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
    let panels = BOTH.map(|(coordinates, title)| {
        let mut found = Vec::<(usize, &str, &SpectralDensityState)>::new();
        for (number, name) in names(report).into_iter().enumerate() {
            for answer in stage.into_iter().flat_map(|stage| answers(stage, name)) {
                match (&answer.question.measure, &answer.found) {
                    (Measure::Density { coordinates: own, .. }, Found::Density(state))
                        if *own == coordinates =>
                    {
                        found.push((number, name, state));
                    }
                    _ => {}
                }
            }
        }
        let ranges: Vec<(f64, f64)> = found.iter().filter_map(|(.., state)| state.range()).collect();
        let span = ranges.iter().map(|(low, high)| high - low).fold(0.0, f64::max);
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

fn rises(report: &Report) -> Figure {
    let stage = report.stages.last();
    let mut panels = Vec::new();
    for (coordinates, title) in BOTH {
        let (mut worst, mut mean, mut micro) = (Vec::new(), Vec::new(), Vec::new());
        let mut micro_batch = 0;
        for (number, name) in names(report).into_iter().enumerate() {
            let mut points = [const { Vec::new() }; 3];
            let mut intervals = [const { Vec::new() }; 3];
            let mut add = |of: usize, rho: f64, value: f64, low: f64, high: f64| {
                points[of].push((rho, value));
                intervals[of].push((rho, low, high));
            };
            for answer in stage.into_iter().flat_map(|stage| answers(stage, name)) {
                match (&answer.question.measure, &answer.found) {
                    (Measure::WorstRise { coordinates: own, config }, Found::WorstRise(Some(rise)))
                        if *own == coordinates =>
                    {
                        add(0, config.rho, rise.worst(), f64::NAN, f64::NAN);
                    }
                    (Measure::AverageRise { coordinates: own, config }, Found::AverageRise(state))
                        if *own == coordinates =>
                    {
                        let found = state.rises.estimate(config.stopping.confidence);
                        add(1, config.rho, found.mean, found.lower, found.upper);
                    }
                    (
                        Measure::MSharpness { coordinates: own, rho, micro_batch: size },
                        Found::MSharpness(rises),
                    ) if *own == coordinates => {
                        micro_batch = *size;
                        let found = rises.estimate(CONFIDENCE);
                        add(2, *rho, found.mean, found.lower, found.upper);
                    }
                    _ => {}
                }
            }
            for ((series, points), intervals) in
                [&mut worst, &mut mean, &mut micro].into_iter().zip(points).zip(intervals)
            {
                dots(series, name, ink(number), points, intervals);
            }
        }
        let micro_title = format!("{micro_batch}-sharpness, {title}");
        for (what, series) in [
            (format!("Largest rise, {title}"), worst),
            (format!("Mean rise, {title}"), mean),
            (micro_title, micro),
        ] {
            // Radii are chosen by factors; a single one has no scale.
            let several = series.iter().any(|series| matches!(&series.shape, Shape::Line(_)));
            let (x, y) = if several {
                (Axis::log("distance rho"), Axis::log("rise of the loss"))
            } else {
                (Axis::linear("distance rho"), Axis::linear("rise of the loss"))
            };
            panels.push(Panel { title: what, x, y, series });
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

fn line(names: &[String], answer: &Answer) -> Option<Figure> {
    let (Measure::Line { places }, Found::Line { distance, losses }) =
        (&answer.question.measure, &answer.found)
    else {
        return None;
    };
    if losses.is_empty() {
        return None;
    }
    let along = || places.iter().copied().zip(losses);
    let at = |wanted: f64, of: fn(&LossAt) -> Option<f64>| {
        along().filter(|(place, _)| *place == wanted).find_map(|(place, loss)| Some((place, of(loss)?)))
    };
    let panel = |title: &str, y: Axis, of: fn(&LossAt) -> Option<f64>, band: Vec<(f64, f64, f64)>| {
        let curve = along().filter_map(|(place, loss)| Some((place, of(loss)?))).collect();
        let mut series = vec![Series::unnamed(Ink::Muted, Shape::Line(curve))];
        if !band.is_empty() {
            series.insert(0, Series::unnamed(Ink::Muted, Shape::Band(band)));
        }
        for (number, (end, name)) in [0.0, 1.0].into_iter().zip(names).enumerate() {
            let dots: Vec<(f64, f64)> = at(end, of).into_iter().collect();
            series.push(Series::new(name, ink(number), Shape::Dots(dots)));
        }
        let x = Axis::linear(format!("from {} (0) to {} (1)", names[0], names[1]));
        Panel { title: title.to_owned(), x, y, series }
    };
    let most_wrong = losses.iter().map(|at| at.error).fold(0.01, f64::max);
    let band = along().filter_map(|(place, loss)| {
        let (mean, half) = (loss.loss?, NORMAL_95 * loss.standard_error?);
        Some((place, mean - half, mean + half))
    });
    Some(Figure {
        title: format!("From {} to {}", names[0], names[1]),
        caption: format!(
            "The ends are {distance:.4} apart. BN is refreshed at every point. The band is the 95 % interval of the mean, the \
             images being a sample of their split."
        ),
        panels: vec![
            panel("Loss", Axis::linear("cross entropy (nats)"), |at| at.loss, band.collect()),
            panel(
                "Error",
                Axis::linear("fraction wrong").over(0.0, 1.2 * most_wrong),
                |at| Some(at.error),
                Vec::new(),
            ),
        ],
    })
}

/// Level curves in the colours of a series: as many as can be told apart.
const NUM_LEVELS: usize = 6;
const LEVEL_INKS: [Ink; NUM_LEVELS] =
    [Ink::Blue, Ink::Green, Ink::Ochre, Ink::Orange, Ink::Purple, Ink::Gray];

fn plane(names: &[String], answer: &Answer) -> Option<Figure> {
    let Found::Plane(section) = &answer.found else { return None };
    if section.losses.len() < section.xs.len() * section.ys.len() || section.losses.is_empty() {
        return None;
    }
    Some(Figure {
        title: format!("The plane of {}", names.join(", ")),
        caption: "Level curves; coordinates are distances between weights. BN is refreshed at every point of the grid.".to_owned(),
        panels: vec![
            level_panel(names, section, "Loss", |at| at.loss),
            level_panel(names, section, "Error", |at| Some(at.error)),
        ],
    })
}

fn level_panel(
    names: &[String],
    section: &PlaneSection,
    title: &str,
    of: fn(&LossAt) -> Option<f64>,
) -> Panel {
    let values: Vec<f64> = section.losses.iter().map(|loss| of(loss).unwrap_or(f64::NAN)).collect();
    let mut series = Vec::new();
    for (number, level) in levels(&values).into_iter().enumerate() {
        let pieces = contour(&section.xs, &section.ys, &values, level);
        // A place that is nowhere parts two pieces of one series.
        let points: Vec<(f64, f64)> =
            pieces.into_iter().flat_map(|[from, to]| [from, to, (f64::NAN, f64::NAN)]).collect();
        if !points.is_empty() {
            let label = format!("{} {}", title.to_lowercase(), super::text::number(level));
            series.push(Series::new(label, LEVEL_INKS[number % NUM_LEVELS], Shape::Line(points)));
        }
    }
    for (corner, name) in section.corners.iter().zip(names) {
        let index = names.iter().position(|other| other == name).unwrap_or(0);
        let ink = [Ink::Orange, Ink::Blue, Ink::Text][index % 3];
        series.push(Series::new(name, ink, Shape::Dots(vec![(corner[0], corner[1])])));
    }
    let axis = |label: String, places: &[f64]| match places {
        [first, .., last] => Axis::linear(label).over(*first, *last),
        _ => Axis::linear(label),
    };
    Panel {
        title: title.to_owned(),
        x: axis(format!("towards {}", names[1]), &section.xs),
        y: axis(format!("towards {}", names[2]), &section.ys),
        series,
    }
}

/// Between the least and the greatest value, closer together near the least: that is where the points are.
fn levels(values: &[f64]) -> Vec<f64> {
    let finite = || values.iter().copied().filter(|value| value.is_finite());
    let (low, high) = (finite().fold(f64::INFINITY, f64::min), finite().fold(f64::NEG_INFINITY, f64::max));
    if low >= high {
        return Vec::new();
    }
    let share = |i: usize| ((i as f64 + 0.5) / NUM_LEVELS as f64).powi(2);
    (0..NUM_LEVELS).map(|i| low + share(i) * (high - low)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_lie_within_the_values_and_closer_near_the_least() {
        let levels = levels(&[3.0, f64::NAN, 1.0, 2.0]);
        assert_eq!(levels.len(), NUM_LEVELS);
        assert!(levels[0] > 1.0 && levels[NUM_LEVELS - 1] < 3.0 && levels.is_sorted());
        assert!(levels[1] - levels[0] < levels[5] - levels[4]);
        assert!(super::levels(&[1.0, 1.0]).is_empty());
    }
}
