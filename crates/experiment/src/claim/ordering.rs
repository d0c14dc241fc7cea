//! Orderings: a measure rises, or falls, from each value of an axis to the next.

use std::cmp::Ordering;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::contrast::{diverged_note, too_few};
use super::term::Values;
use super::{Finding, LEVEL, Measurements, Term, Unit, Verdict};
use crate::point::Point;
use polder_stats::{holm, mean, mean_interval, one_sided};

/// Which way an axis is walked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    Rising,
    Falling,
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rising => "rising at every step",
            Self::Falling => "falling at every step",
        })
    }
}

/// Tests every step along an axis by paired t tests, one in each direction at 2.5 %, all steps together by Holm's procedure: so
/// no step that counts has zero in its 95 % interval, and one that has not may yet not count. The effect is the step that tells
/// least for the claim.
pub(super) fn evaluate(
    of: &Term,
    along: &str,
    case: &Point,
    direction: Direction,
    minimum_seeds: usize,
    measurements: &Measurements,
) -> Finding {
    let fixed = Point::of(&of.at).joined(case);
    let mut places: Vec<(f64, Point)> = Vec::new();
    for place in measurements.places(&of.cell, &fixed) {
        let at = place.point.only(&[along.to_owned()].into()).joined(case);
        match place.point.number(along) {
            Some(number) if !places.iter().any(|(_, known)| *known == at) => places.push((number, at)),
            _ => {}
        }
    }
    places.sort_by(|left, right| left.0.total_cmp(&right.0));
    let found: Vec<_> = places.iter().map(|(_, at)| of.values(at, measurements)).collect();
    let diverged: usize = found.iter().map(|values| values.diverged).sum();
    let values: Vec<_> = found.iter().map(|values| &values.by_seed).collect();
    let sign = if direction == Direction::Rising { 1.0 } else { -1.0 };
    let steps: Vec<Vec<f64>> = values
        .windows(2)
        .map(|pair| {
            let both = pair[0].iter().filter_map(|(seed, before)| Some((before, pair[1].get(seed)?)));
            both.map(|(before, after)| sign * (after - before)).collect()
        })
        .collect();
    if steps.is_empty() || steps.iter().any(Vec::is_empty) {
        let is_run = found.iter().all(Values::is_run);
        return if is_run && diverged > 0 { Finding::diverged(diverged) } else { Finding::not_run() };
    }
    let n = steps.iter().map(Vec::len).min().unwrap_or(0);
    let chances = |sign: f64| -> Vec<f64> {
        steps.iter().map(|step| one_sided(&step.iter().map(|x| sign * x).collect::<Vec<_>>())).collect()
    };
    let each_way = 0.5 * (1.0 - LEVEL);
    let claimed = chances(1.0);
    let (as_claimed, against) = (holm(&claimed, each_way), holm(&chances(-1.0), each_way));
    let by_chance = |(chance, step): &(&f64, &Vec<f64>)| (**chance, -mean(step));
    let (_, least) = claimed
        .iter()
        .zip(&steps)
        .max_by(|left, right| by_chance(left).partial_cmp(&by_chance(right)).unwrap_or(Ordering::Equal))
        .expect("there are steps");
    let (verdict, reason) = if n < minimum_seeds.max(2) {
        (Verdict::Inconclusive, too_few(n, minimum_seeds.max(2)))
    } else if as_claimed.iter().all(|holds| *holds) {
        (Verdict::Reproduced, "Every step goes the way that is claimed.".to_owned())
    } else if against.iter().any(|holds| *holds) {
        let wrong = against.iter().filter(|holds| **holds).count();
        (Verdict::NotReproduced, format!("{wrong} of {} steps go the other way.", steps.len()))
    } else {
        let right = as_claimed.iter().filter(|holds| **holds).count();
        (
            Verdict::Inconclusive,
            format!(
                "{right} of {} steps clearly go in the claimed direction; these seeds do not decide the others.",
                steps.len()
            ),
        )
    };
    let what = format!(
        "the weakest of {} steps along the {}, paired by seed; Holm's procedure keeps all steps \
         together at 95 %, so an interval that excludes 0 may not suffice",
        steps.len(),
        crate::point::axis_name(along)
    );
    let notes = found.iter().filter_map(|values| values.note.clone()).chain(diverged_note(diverged));
    Finding {
        verdict,
        effect: Some(mean(least)),
        interval: mean_interval(least, LEVEL),
        n,
        method: std::iter::once(what).chain(notes).collect::<Vec<_>>().join("; "),
        reason,
        unit: Unit::of(std::slice::from_ref(of)),
        case: None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::measurements::tests::{at, finished};
    use super::*;
    use crate::claim::Measured;

    /// Accuracies by the number of updates per minibatch, seed by seed.
    fn check(accuracies: &[(i64, &[f64])]) -> Finding {
        let mut measurements = Measurements::default();
        for (updates, values) in accuracies {
            let point = at(&format!("optimizer.euler_steps = {updates}"));
            for (seed, value) in (0..).zip(*values) {
                measurements.add("SGD", &point, seed, finished(&[("iterate", *value)]));
            }
        }
        let of: Term = toml::from_str("cell = 'SGD'\nweights = 'iterate'").unwrap();
        evaluate(&of, "optimizer.euler_steps", &Point::default(), Direction::Falling, 2, &measurements)
    }

    #[test]
    fn it_is_not_run_while_no_run_of_a_place_has_ended() {
        let of: Term = toml::from_str("cell = 'SGD'\nweights = 'iterate'").unwrap();
        let check = |measurements: &Measurements| {
            evaluate(&of, "optimizer.euler_steps", &Point::default(), Direction::Falling, 2, measurements)
        };
        let point = |updates: u8| at(&format!("optimizer.euler_steps = {updates}"));
        let mut measurements = Measurements::default();
        let diverged = Measured { has_ended: true, has_diverged: true, ..Measured::default() };
        measurements.add("SGD", &point(1), 0, diverged);
        measurements.add("SGD", &point(4), 0, Measured::default());
        assert_eq!(check(&measurements).verdict, Verdict::NotRun);
        measurements.add("SGD", &point(4), 0, finished(&[("iterate", 0.5)]));
        assert_eq!(check(&measurements).verdict, Verdict::Inconclusive);
    }

    #[test]
    fn an_ordering_gets_each_verdict_whatever_order_the_places_come_in() {
        let falling = check(&[(4, &[0.50, 0.51, 0.50]), (1, &[0.70, 0.70, 0.71]), (16, &[0.30, 0.31, 0.31])]);
        assert_eq!((falling.verdict, falling.n), (Verdict::Reproduced, 3), "{falling:?}");
        // Both steps fall by 0.2 or so; from 1 to 4 less evenly.
        assert!((falling.effect.unwrap() - 0.2).abs() < 1e-9, "{falling:?}");
        let rises = check(&[(1, &[0.70, 0.70, 0.71]), (4, &[0.50, 0.51, 0.50]), (16, &[0.60, 0.61, 0.61])]);
        assert_eq!(rises.verdict, Verdict::NotReproduced);
        let unclear = check(&[(1, &[0.70, 0.70, 0.71]), (4, &[0.69, 0.72, 0.68])]);
        assert_eq!(unclear.verdict, Verdict::Inconclusive);
        assert_eq!(check(&[(1, &[0.7]), (4, &[0.5])]).verdict, Verdict::Inconclusive);
        assert_eq!(check(&[]).verdict, Verdict::NotRun);
    }

    /// A single step counts exactly when its 95 % interval, the one that is shown, leaves out zero.
    #[test]
    fn a_single_step_counts_when_its_interval_says_so() {
        // With two differences t is Cauchy: the interval leaves out zero when mean / standard error > tan(0.475 pi).
        let quantile = (0.475 * std::f64::consts::PI).tan();
        for (factor, expected) in [(0.999, Verdict::Inconclusive), (1.001, Verdict::Reproduced)] {
            let mean = factor * quantile * 0.01;
            let finding = check(&[(1, &[0.9, 0.9]), (4, &[0.9 - mean - 0.01, 0.9 - mean + 0.01])]);
            assert_eq!(finding.verdict, expected, "{finding:?}");
            assert_eq!(finding.interval.unwrap().low > 0.0, expected == Verdict::Reproduced);
        }
    }
}
