//! What was measured at the places of a grid, seed by seed.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::point::Point;
use crate::run::flatness::Flatness;

/// What claims about trained networks can be about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Measure {
    /// Fraction of test images classified rightly.
    #[default]
    Accuracy,
    /// Fraction of training images classified rightly, as they were met in the epoch; of the iterate alone.
    TrainAccuracy,
    /// Trace of the Hessian.
    Trace,
    /// The same with every weight in units of the norm of its filter.
    RelativeTrace,
    LargestEigenvalue,
    RelativeLargestEigenvalue,
}

impl Measure {
    /// Whether it is of `flatness.json`. Differences of these are taken of their logarithms to base 2.
    pub fn is_flatness(self) -> bool {
        !matches!(self, Self::Accuracy | Self::TrainAccuracy)
    }
}

/// One run as claims see it.
#[derive(Clone, Debug, Default)]
pub struct Measured {
    /// It will not go on: finished, or diverged and then without final values.
    pub has_ended: bool,
    pub has_diverged: bool,
    /// After epochs that were evaluated: how much of the run had passed, training accuracy, test accuracies by weights.
    pub epochs: Vec<(f64, f64, BTreeMap<String, f64>)>,
    pub flatness: BTreeMap<String, Flatness>,
}

/// All runs of an experiment.
#[derive(Clone, Debug, Default)]
pub struct Measurements {
    places: Vec<Place>,
}

/// The runs of one configuration.
#[derive(Clone, Debug)]
pub struct Place {
    pub cell: String,
    pub point: Point,
    seeds: BTreeMap<u64, Measured>,
}

impl Measured {
    /// A measure of some weights: at the end, or after the first evaluation at or beyond `progress` of the run.
    pub fn value(&self, weights: &str, measure: Measure, progress: Option<f64>) -> Option<f64> {
        if !self.has_ended || self.has_diverged {
            return None;
        }
        let at = |(passed, _, _): &&(f64, f64, _)| progress.is_none_or(|progress| *passed >= progress - 1e-9);
        let epoch = match progress {
            None => self.epochs.last(),
            Some(_) => self.epochs.iter().find(at),
        };
        match measure {
            Measure::Accuracy => epoch?.2.get(weights).copied(),
            Measure::TrainAccuracy => Some(epoch?.1),
            flatness => self.flatness(weights, flatness).filter(|value| *value > 0.0).map(f64::log2),
        }
    }

    /// A measure of `flatness.json` as it is, of any sign.
    fn flatness(&self, weights: &str, measure: Measure) -> Option<f64> {
        let flatness = self.flatness.get(weights)?;
        match measure {
            Measure::Trace => flatness.trace,
            Measure::RelativeTrace => flatness.relative_trace,
            Measure::LargestEigenvalue => flatness.largest_eigenvalue,
            Measure::RelativeLargestEigenvalue => flatness.relative_largest_eigenvalue,
            Measure::Accuracy | Measure::TrainAccuracy => None,
        }
    }
}

impl Measurements {
    /// Notes a run.
    pub fn add(&mut self, cell: &str, point: &Point, seed: u64, measured: Measured) {
        let known = self.places.iter().position(|place| place.cell == cell && place.point == *point);
        let index = known.unwrap_or_else(|| {
            let (cell, point) = (cell.to_owned(), point.clone());
            self.places.push(Place { cell, point, seeds: BTreeMap::new() });
            self.places.len() - 1
        });
        self.places[index].seeds.insert(seed, measured);
    }

    /// The places of a cell that agree with `at`.
    pub fn places<'a>(&'a self, cell: &'a str, at: &'a Point) -> impl Iterator<Item = &'a Place> {
        self.places.iter().filter(move |place| place.cell == cell && place.point.agrees(at))
    }
}

impl Place {
    /// A measure by seed, where it is known.
    pub fn values(&self, weights: &str, measure: Measure, progress: Option<f64>) -> BTreeMap<u64, f64> {
        let value = |(seed, run): (&u64, &Measured)| Some((*seed, run.value(weights, measure, progress)?));
        self.seeds.iter().filter_map(value).collect()
    }

    /// How many seeds have a measure of flatness of 0 or less, which has no logarithm.
    pub fn num_without_logarithm(&self, weights: &str, measure: Measure) -> usize {
        self.seeds
            .values()
            .filter(|run| run.flatness(weights, measure).is_some_and(|value| value <= 0.0))
            .count()
    }

    /// Seeds whose runs diverged.
    pub fn diverged(&self) -> BTreeSet<u64> {
        self.seeds.iter().filter(|(_, run)| run.has_diverged).map(|(seed, _)| *seed).collect()
    }

    /// Seeds whose runs will not go on.
    pub(crate) fn ended(&self) -> BTreeSet<u64> {
        self.seeds.iter().filter(|(_, run)| run.has_ended).map(|(seed, _)| *seed).collect()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A finished run with these test accuracies at its end.
    pub(crate) fn finished(accuracies: &[(&str, f64)]) -> Measured {
        let by_weights = accuracies.iter().map(|(weights, value)| ((*weights).to_owned(), *value)).collect();
        Measured { has_ended: true, epochs: vec![(1.0, 0.5, by_weights)], ..Measured::default() }
    }

    pub(crate) fn at(text: &str) -> Point {
        Point::of(&text.parse().unwrap())
    }

    #[test]
    fn values_are_those_of_the_end_or_of_the_first_evaluation_after_a_while() {
        let accuracy = |value: f64| BTreeMap::from([("iterate".to_owned(), value)]);
        let mut run = finished(&[]);
        run.epochs = vec![(0.25, 0.3, accuracy(0.4)), (0.5, 0.4, accuracy(0.5)), (1.0, 0.5, accuracy(0.6))];
        let value = |run: &Measured, progress| run.value("iterate", Measure::Accuracy, progress);
        assert_eq!(
            [None, Some(0.25), Some(0.3)].map(|at| value(&run, at)),
            [Some(0.6), Some(0.4), Some(0.5)]
        );
        assert_eq!(run.value("iterate", Measure::TrainAccuracy, None), Some(0.5));
        assert_eq!(run.value("tail", Measure::Accuracy, None), None);
        run.has_diverged = true;
        assert_eq!(value(&run, None), None, "a run that diverged has no final values");
    }

    #[test]
    fn flatness_counts_by_doublings() {
        let mut run = finished(&[]);
        run.flatness.insert("tail".to_owned(), Flatness { trace: Some(8.0), ..Flatness::default() });
        assert_eq!(run.value("tail", Measure::Trace, None), Some(3.0));
        assert_eq!(run.value("tail", Measure::RelativeTrace, None), None);
    }
}
