//! Where the runs end along the axis of a grid.

use std::collections::BTreeMap;

use polder_plot::{Axis, Figure, Ink, Panel, Series, Shape};

use crate::groups::grouped;
use crate::{CellResult, weights_label};
use polder_experiment::point::{Point, axis_name};

/// As few values of an axis are better read from a table.
const FEWEST_VALUES: usize = 3;

/// One panel per cell with a numeric axis that has several values; `None` where there is none.
pub(super) fn figure(cells: &[CellResult]) -> Option<Figure> {
    let families = grouped(cells, |cell| cell.family.as_str()).into_iter();
    let panels = families.filter_map(|(family, cells)| Some(panel(family, &longest_axis(&cells)?, &cells)));
    let panels: Vec<Panel> = panels.collect();
    let any = panels.iter().any(|panel| !panel.series.is_empty());
    any.then(|| Figure {
        title: "Where the runs end, along the axes of the grid".to_owned(),
        caption: "Test accuracy after the last epoch: mean over seeds, with the 95 % t interval of the mean, which is cut where \
                  it reaches far. A run that diverged has no value."
            .to_owned(),
        panels,
    })
}

/// The numeric axis with the most values.
fn longest_axis(cells: &[&CellResult]) -> Option<String> {
    let mut values: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for cell in cells {
        for key in cell.point.keys() {
            if let Some(number) = cell.point.number(key) {
                let known = values.entry(key).or_default();
                if !known.contains(&number) {
                    known.push(number);
                }
            }
        }
    }
    let (key, values) = values.into_iter().max_by_key(|(_, values)| values.len())?;
    (values.len() >= FEWEST_VALUES).then(|| key.to_owned())
}

fn panel(family: &str, axis: &str, cells: &[&CellResult]) -> Panel {
    let drawn = cells.iter().copied().filter(|cell| cell.mean.is_some() && cell.point.number(axis).is_some());
    let curves = grouped(drawn, |cell| (cell.point.without([axis]), cell.weights.as_str()));
    let has_one_kind = |weights: &str| curves.iter().all(|((_, other), _)| *other == weights);
    let label = |point: &Point, weights: &str| match has_one_kind(weights) {
        true if *point == Point::default() => weights_label(weights),
        true => point.to_string(),
        false => point.after(&weights_label(weights)),
    };
    let mut series = Vec::new();
    for (index, ((point, weights), of_curve)) in curves.iter().enumerate() {
        let points: Vec<(f64, &CellResult)> =
            of_curve.iter().filter_map(|cell| Some((cell.point.number(axis)?, *cell))).collect();
        series.extend(curve(label(point, weights), Ink::of_series(index), &points));
    }
    let numbers = || cells.iter().filter_map(|cell| cell.point.number(axis));
    let (low, high) = numbers().fold((f64::INFINITY, 0.0_f64), |(low, high), x| (low.min(x), high.max(x)));
    let across = if low > 0.0 && high / low >= 4.0 { Axis::log } else { Axis::linear };
    Panel {
        title: family.to_owned(),
        x: across(axis_name(axis)),
        y: Axis::linear("test accuracy, %"),
        series,
    }
}

/// Mean accuracies in per cent over numbers, with their intervals; nothing for cells without a mean.
pub(super) fn curve(label: String, ink: Ink, points: &[(f64, &CellResult)]) -> Vec<Series> {
    let mut means: Vec<(f64, f64)> =
        points.iter().filter_map(|(x, cell)| Some((*x, 100.0 * cell.mean?))).collect();
    means.sort_by(|left, right| left.0.total_cmp(&right.0));
    if means.is_empty() {
        return Vec::new();
    }
    let interval = |(x, cell): &(f64, &CellResult)| {
        cell.interval.map(|interval| (*x, 100.0 * interval.low, 100.0 * interval.high))
    };
    let intervals: Vec<(f64, f64, f64)> = points.iter().filter_map(interval).collect();
    let bars = (!intervals.is_empty()).then(|| Series::unnamed(ink, Shape::Intervals(intervals)));
    let line = Series::new(label, ink, Shape::Line(means.clone()));
    bars.into_iter().chain([line, Series::unnamed(ink, Shape::Dots(means))]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use polder_experiment::run::record::ITERATE;

    fn cell(point: &str, mean: Option<f64>) -> CellResult {
        CellResult {
            cell: String::new(),
            family: "SGD".to_owned(),
            point: Point::of(&point.parse().unwrap()),
            weights: ITERATE.to_owned(),
            values: mean.iter().map(|mean| (0, *mean)).collect(),
            mean,
            interval: None,
            planned: 1,
            diverged: Vec::new(),
        }
    }

    #[test]
    fn the_longest_numeric_axis_is_drawn_and_the_others_are_curves() {
        let mut cells = Vec::new();
        for batch in [16, 64] {
            for rate in [0.4, 0.1, 0.2] {
                let mean = (rate < 0.4 || batch == 64).then_some(0.5 + rate);
                cells.push(cell(&format!("batch_size = {batch}\nlearning_rate = {rate}"), mean));
            }
        }
        let figure = figure(&cells).unwrap();
        let [panel] = figure.panels.as_slice() else { panic!("one family") };
        assert_eq!(panel.x, Axis::log("learning rate"));
        let curves: Vec<_> = panel
            .series
            .iter()
            .filter_map(|series| match (&series.label, &series.shape) {
                (Some(label), Shape::Line(points)) => Some((label.as_str(), points.len(), points[0].0)),
                _ => None,
            })
            .collect();
        assert_eq!(curves, [("batch size 16", 2, 0.1), ("batch size 64", 3, 0.1)]);
    }

    #[test]
    fn a_grid_without_such_an_axis_has_no_such_figure() {
        assert!(figure(&[cell("dataset = 'cifar10'", Some(0.5)), cell("x = 1", None)]).is_none());
    }
}
