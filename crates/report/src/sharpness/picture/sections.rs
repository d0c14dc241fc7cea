//! The loss on lines and planes through weights, as figures.

use polder_plot::{Axis, Figure, Ink, Panel, Series, Shape, contour};

use super::ink;
use crate::sharpness::text::number;
use polder_experiment::sharpness::measurement::{Found, LossAt, Measurement, PlaneSection};
use polder_experiment::sharpness::measurement_spec::Measure;

/// Of intervals; lines of losses show it as a band.
const NORMAL_95: f64 = 1.959_963_985;

/// Loss and error on the line between two sets of weights; `None` where nothing is known of it.
pub(super) fn line(names: &[String], answer: &Measurement) -> Option<Figure> {
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

/// Loss and error on the plane of three sets of weights; `None` until all of it is known.
pub(super) fn plane(names: &[String], answer: &Measurement) -> Option<Figure> {
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
    for (index, level) in levels(&values).into_iter().enumerate() {
        let pieces = contour(&section.xs, &section.ys, &values, level);
        // A place that is nowhere parts two pieces of one series.
        let points: Vec<(f64, f64)> =
            pieces.into_iter().flat_map(|[from, to]| [from, to, (f64::NAN, f64::NAN)]).collect();
        if !points.is_empty() {
            let label = format!("{} {}", title.to_lowercase(), number(level));
            series.push(Series::new(label, LEVEL_INKS[index % NUM_LEVELS], Shape::Line(points)));
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
