//! One term of a claim about a grid: a number for every seed, at a place or along an axis.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::measurements::{Measure, Measurements, Place};
use super::top::top;
use crate::config::parts;
use crate::point::{Point, axis_name};
use polder_stats::mean;

/// `coefficient` times a measure of `weights` in `cell`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Term {
    /// The name of a cell of the grid.
    pub cell: String,
    /// `iterate`, `iterate-refreshed` (at the end of the run, with the BN refresh that averages get), or the name of an average.
    pub weights: String,
    /// With what it enters the sum of a contrast.
    #[serde(default = "one")]
    pub coefficient: f64,
    #[serde(default)]
    pub measure: Measure,
    /// Values of axes. The claim is tested for every value of the axes that none of its terms fixes.
    #[serde(default, skip_serializing_if = "toml::Table::is_empty")]
    #[schemars(schema_with = "parts::part_of_a_run")]
    pub at: toml::Table,
    /// After this fraction of the run; at its end when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<f64>,
    /// The axis along which the place is taken that is best on average over seeds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub best_over: Option<String>,
    /// The axis along which, seed by seed, the logarithm to base 2 of the best value is what counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub optimum_over: Option<String>,
}

fn one() -> f64 {
    1.0
}

/// A term's number by seed.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Values {
    pub(super) by_seed: BTreeMap<u64, f64>,
    /// What was chosen on the way, for the reader.
    pub(super) note: Option<String>,
    /// Seeds whose best value is the first or last of the axis, or stands beside a place that diverged: where the top lies is
    /// not known.
    pub(super) unplaced: usize,
    /// Runs that diverged and leave a seed without a number.
    pub(super) diverged: usize,
}

impl Values {
    /// Whether runs have ended of which it has a number, or which diverged.
    pub(super) fn is_run(&self) -> bool {
        !self.by_seed.is_empty() || self.diverged > 0
    }
}

impl Term {
    /// The axes that the term names.
    pub fn axes(&self) -> Vec<String> {
        let reduced = self.best_over.iter().chain(&self.optimum_over).cloned();
        reduced.chain(Point::of(&self.at).keys().map(str::to_owned)).collect()
    }

    /// Terms of one run pair whatever its seed.
    pub(super) fn is_of_the_same_runs(&self, other: &Self) -> bool {
        self.cell == other.cell
            && self.at == other.at
            && self.best_over == other.best_over
            && self.optimum_over == other.optimum_over
    }

    /// Its number by seed where the axes have the values of `case`.
    pub(super) fn values(&self, case: &Point, measurements: &Measurements) -> Values {
        // Another term may leave open, and so fix in `case`, the axis over which this one looks for the best.
        let reduced = self.best_over.iter().chain(&self.optimum_over).map(String::as_str);
        let fixed = Point::of(&self.at).joined(&case.without(reduced));
        let places: Vec<&Place> = measurements.places(&self.cell, &fixed).collect();
        let mut values = match (&self.best_over, &self.optimum_over) {
            (None, None) => places.first().map_or_else(Values::default, |place| Values {
                by_seed: self.at_place(place),
                note: self.lost_to_logarithms(place),
                diverged: place.diverged().len(),
                ..Values::default()
            }),
            (Some(axis), _) => self.best(axis, &places),
            (None, Some(axis)) => self.optimum(axis, &places),
        };
        values.by_seed.values_mut().for_each(|value| *value *= self.coefficient);
        values
    }

    fn at_place(&self, place: &Place) -> BTreeMap<u64, f64> {
        place.values(&self.weights, self.measure, self.progress)
    }

    /// What the reader must know of seeds that have no number because a trace or eigenvalue is not positive.
    fn lost_to_logarithms(&self, place: &Place) -> Option<String> {
        let lost = place.num_without_logarithm(&self.weights, self.measure);
        let seeds = if lost == 1 { "seed" } else { "seeds" };
        (lost > 0).then(|| {
            format!(
                "excluded {lost} {seeds} of `{}` ({}): a value of 0 or less has no logarithm",
                self.cell, self.weights
            )
        })
    }

    /// The place whose mean over seeds is highest. Chosen on the seeds that are then counted, so its mean is biased upward, by
    /// at most the noise of the best of so many places; the note says so.
    ///
    /// Every place needs the same seeds to be compared: those that have ended everywhere.
    fn best(&self, axis: &str, places: &[&Place]) -> Values {
        let seeds = ended_everywhere(places);
        if seeds.is_empty() {
            return Values::default();
        }
        let whole = places.iter().copied().filter_map(|place| {
            let mut by_seed = self.at_place(place);
            by_seed.retain(|seed, _| seeds.contains(seed));
            // Where a seed diverged nothing is best.
            (by_seed.len() == seeds.len()).then(|| {
                let height = mean(&by_seed.values().copied().collect::<Vec<_>>());
                (height, by_seed, place)
            })
        });
        let left_out: usize = places.iter().map(|place| place.diverged().intersection(&seeds).count()).sum();
        let Some((_, by_seed, best)) = whole.max_by(|left, right| left.0.total_cmp(&right.0)) else {
            return Values { diverged: left_out, ..Values::default() };
        };
        let chosen = best.point.only(&BTreeSet::from([axis.to_owned()]));
        let mut note = format!(
            "`{}` is best at {chosen}, chosen by the mean over the same seeds and images, which flatters it",
            self.cell
        );
        if is_at_an_end(best, axis, places) {
            note += "; that is the first or last of the axis, and what lies beyond may be better";
        }
        if left_out > 0 {
            let runs = if left_out == 1 { "run" } else { "runs" };
            let _ =
                write!(note, "; places of the axis where a run diverged ({left_out} {runs}) are left out");
        }
        Values { by_seed, note: Some(note), ..Values::default() }
    }

    /// The top of the parabola through the best place and its neighbours, over the logarithm of the axis.
    fn optimum(&self, axis: &str, places: &[&Place]) -> Values {
        let mut along: Vec<(f64, BTreeMap<u64, f64>)> = places
            .iter()
            .filter_map(|place| {
                let at = place.point.number(axis).filter(|number| *number > 0.0)?;
                Some((at.log2(), self.at_place(place)))
            })
            .collect();
        along.sort_by(|left, right| left.0.total_cmp(&right.0));
        let mut values = Values::default();
        for seed in ended_everywhere(places) {
            let curve: Vec<(f64, Option<f64>)> =
                along.iter().map(|(at, values)| (*at, values.get(&seed).copied())).collect();
            let Some((at, is_unplaced)) = top(&curve) else {
                values.diverged += places.iter().filter(|place| place.diverged().contains(&seed)).count();
                continue;
            };
            values.by_seed.insert(seed, at);
            values.unplaced += usize::from(is_unplaced);
        }
        if !values.by_seed.is_empty() {
            let typical = mean(&values.by_seed.values().copied().collect::<Vec<_>>()).exp2();
            values.note = Some(format!("the best {} of `{}` is {typical:.3}", axis_name(axis), self.cell));
        }
        values
    }
}

fn ended_everywhere(places: &[&Place]) -> BTreeSet<u64> {
    let mut seeds = places.iter().map(|place| place.ended());
    let first = seeds.next().unwrap_or_default();
    seeds.fold(first, |common, seeds| common.intersection(&seeds).copied().collect())
}

/// Whether no place lies beyond `place` on one side of the axis; not asked of values that are no numbers.
fn is_at_an_end(place: &Place, axis: &str, places: &[&Place]) -> bool {
    let Some(at) = place.point.number(axis) else { return false };
    let others = || places.iter().filter_map(|place| place.point.number(axis));
    !others().any(|other| other < at) || !others().any(|other| other > at)
}

#[cfg(test)]
mod tests {
    use super::super::measurements::tests::{at, finished};
    use super::*;
    use crate::claim::measurements::Measured;

    fn term(text: &str) -> Term {
        toml::from_str(&format!("cell = 'SGD'\nweights = 'iterate'\n{text}")).unwrap()
    }

    /// Accuracy -(log2 rate - top)^2, by seed.
    fn measurements(tops: &[f64]) -> Measurements {
        let mut measurements = Measurements::default();
        for exponent in -4..=0 {
            for (seed, top) in (0..).zip(tops) {
                let accuracy = 0.9 - 0.01 * (f64::from(exponent) - top).powi(2);
                let point = at(&format!("schedule.learning_rate = {:?}", f64::from(exponent).exp2()));
                measurements.add("SGD", &point, seed, finished(&[("iterate", accuracy)]));
            }
        }
        measurements
    }

    #[test]
    fn the_optimum_is_the_top_of_a_parabola_and_an_end_is_noted() {
        let optimum = term("optimum_over = 'schedule.learning_rate'");
        let values = optimum.values(&Point::default(), &measurements(&[-2.3, -1.6]));
        assert!((values.by_seed[&0] + 2.3).abs() < 1e-9 && (values.by_seed[&1] + 1.6).abs() < 1e-9);
        assert_eq!(values.unplaced, 0);
        let beyond = optimum.values(&Point::default(), &measurements(&[1.0]));
        assert_eq!((beyond.by_seed[&0], beyond.unplaced), (0.0, 1));
    }

    #[test]
    fn the_best_place_is_best_on_average_and_its_seeds_are_what_counts() {
        let best = term("best_over = 'schedule.learning_rate'");
        let values = best.values(&Point::default(), &measurements(&[-2.0, -2.0, -1.0]));
        assert_eq!(values.by_seed, BTreeMap::from([(0, 0.9), (1, 0.9), (2, 0.89)]));
        assert!(values.note.unwrap().contains("learning rate 0.25"));
        let at_an_end = best.values(&Point::default(), &measurements(&[0.0])).note.unwrap();
        assert!(at_an_end.contains("first or last of the axis"), "{at_an_end}");
    }

    #[test]
    fn beside_a_place_that_diverged_the_best_is_known_and_its_optimum_is_not() {
        let mut measurements = measurements(&[1.0]);
        let diverged = Measured { has_ended: true, has_diverged: true, ..Measured::default() };
        measurements.add("SGD", &at("schedule.learning_rate = 1.0"), 0, diverged);
        let values = |text| term(text).values(&Point::default(), &measurements);
        let optimum = values("optimum_over = 'schedule.learning_rate'");
        assert_eq!((optimum.by_seed[&0], optimum.unplaced), (-1.0, 1));
        let note = values("best_over = 'schedule.learning_rate'").note.unwrap();
        assert!(
            note.contains("0.5") && note.contains("diverged (1 run)") && !note.contains("first or last"),
            "{note}"
        );
        assert_eq!(values("at.schedule.learning_rate = 1.0").diverged, 1);
    }

    /// Runs of an earlier version lack an evaluation, and did not diverge for that.
    #[test]
    fn what_was_not_evaluated_did_not_diverge() {
        let mut optimum = term("optimum_over = 'schedule.learning_rate'");
        optimum.weights = "iterate-refreshed".to_owned();
        let values = optimum.values(&Point::default(), &measurements(&[-2.0]));
        assert_eq!(values, Values::default());
    }

    #[test]
    fn where_every_place_lost_a_seed_none_is_best() {
        let mut measurements = measurements(&[-2.0, -2.0]);
        let diverged = Measured { has_ended: true, has_diverged: true, ..Measured::default() };
        for exponent in -4..=0 {
            let point = at(&format!("schedule.learning_rate = {:?}", f64::from(exponent).exp2()));
            measurements.add("SGD", &point, 1, diverged.clone());
        }
        let values = term("best_over = 'schedule.learning_rate'").values(&Point::default(), &measurements);
        assert_eq!(values, Values { diverged: 5, ..Values::default() });
    }

    #[test]
    fn an_axis_that_another_term_leaves_open_is_still_searched() {
        let case = at("schedule.learning_rate = 1.0");
        let best = term("best_over = 'schedule.learning_rate'").values(&case, &measurements(&[-2.0]));
        assert_eq!(best.by_seed, BTreeMap::from([(0, 0.9)]));
        let optimum = term("optimum_over = 'schedule.learning_rate'").values(&case, &measurements(&[-2.0]));
        assert_eq!(optimum.by_seed, BTreeMap::from([(0, -2.0)]));
    }

    #[test]
    fn a_seed_that_is_not_finished_everywhere_does_not_count() {
        let mut measurements = measurements(&[-2.0, -2.0]);
        measurements.add("SGD", &at("schedule.learning_rate = 1.0"), 1, Measured::default());
        let values = term("optimum_over = 'schedule.learning_rate'").values(&Point::default(), &measurements);
        assert_eq!(values.by_seed.keys().copied().collect::<Vec<_>>(), [0]);
    }
}
