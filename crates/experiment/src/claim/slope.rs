//! Exponents: the slope of a line through logarithms, seed by seed.

use polder_stats::{line, mean, mean_interval};

use super::contrast::{diverged_note, open_ended, too_few};
use super::{Finding, LEVEL, Measurements, Term, Unit, Verdict};
use crate::point::Point;

/// Tests whether a term grows along an axis with an exponent within a band.
pub(super) fn evaluate(
    of: &Term,
    along: &str,
    case: &Point,
    (above, below): (f64, f64),
    minimum_seeds: usize,
    measurements: &Measurements,
) -> Finding {
    let fixed = Point::of(&of.at).joined(case);
    let mut steps: Vec<(f64, Point)> = Vec::new();
    for place in measurements.places(&of.cell, &fixed) {
        let Some(number) = place.point.number(along).filter(|number| *number > 0.0) else { continue };
        let at = place.point.only(&[along.to_owned()].into()).joined(case);
        if !steps.iter().any(|(_, known)| *known == at) {
            steps.push((number.log2(), at));
        }
    }
    let along_axis: Vec<_> = steps.iter().map(|(x, at)| (*x, of.values(at, measurements))).collect();
    let unplaced: usize = along_axis.iter().map(|(_, values)| values.unplaced).sum();
    let diverged: usize = along_axis.iter().map(|(_, values)| values.diverged).sum();
    // No interval comes of a single seed.
    let minimum_seeds = minimum_seeds.max(2);
    let Some((_, first)) = along_axis.first() else { return Finding::not_run() };
    // Accuracies are fractions, all else are logarithms already.
    let is_fraction = Unit::of(std::slice::from_ref(of)) == Unit::Points;
    let slopes: Vec<f64> = first
        .by_seed
        .keys()
        .filter_map(|seed| {
            let curve: Option<Vec<(f64, f64)>> = along_axis
                .iter()
                .map(|(x, values)| {
                    let y = *values.by_seed.get(seed)?;
                    Some((*x, if is_fraction { y.log2() } else { y }))
                })
                .collect();
            slope(&curve?)
        })
        .collect();
    if slopes.is_empty() {
        let is_run = along_axis.iter().all(|(_, values)| values.is_run());
        return if is_run && diverged > 0 { Finding::diverged(diverged) } else { Finding::not_run() };
    }
    let interval = mean_interval(&slopes, LEVEL);
    let (verdict, reason) = match interval {
        _ if unplaced > 0 => (Verdict::Inconclusive, open_ended(unplaced)),
        Some(interval) if slopes.len() >= minimum_seeds => {
            if above <= interval.low && interval.high <= below {
                (Verdict::Reproduced, "The whole interval is as expected.".to_owned())
            } else if interval.high < above || below < interval.low {
                (Verdict::NotReproduced, "No part of the interval is as expected.".to_owned())
            } else {
                (
                    Verdict::Inconclusive,
                    "The interval reaches across the edge of what is expected.".to_owned(),
                )
            }
        }
        _ => (Verdict::Inconclusive, too_few(slopes.len(), minimum_seeds)),
    };
    let notes = along_axis
        .iter()
        .zip(&steps)
        .filter_map(|((_, values), (_, at))| {
            Some(format!("at {}: {}", at.only(&[along.to_owned()].into()), values.note.as_ref()?))
        })
        .chain(diverged_note(diverged));
    let what = format!(
        "slope over {} values of the {}, t interval over seeds",
        along_axis.len(),
        crate::point::axis_name(along)
    );
    Finding {
        verdict,
        effect: Some(mean(&slopes)),
        interval,
        n: slopes.len(),
        method: std::iter::once(what).chain(notes).collect::<Vec<_>>().join("; "),
        reason,
        unit: Unit::Plain,
        case: None,
    }
}

/// `None` for fewer than two different abscissae.
fn slope(curve: &[(f64, f64)]) -> Option<f64> {
    let (xs, ys): (Vec<f64>, Vec<f64>) = curve.iter().copied().unzip();
    Some(line(&xs, &ys).0).filter(|slope| slope.is_finite())
}

#[cfg(test)]
mod tests {
    use super::super::measurements::tests::{at, finished};
    use super::*;

    /// The best rate is 2^-8 times the batch size to some power, up to a wobble of the seed.
    fn measurements(power: f64, wobbles: &[f64]) -> Measurements {
        let mut measurements = Measurements::default();
        for batch in [4.0_f64, 16.0, 64.0] {
            for exponent in -8..=2 {
                for (seed, wobble) in (0..).zip(wobbles) {
                    let best = -8.0 + power * batch.log2() + wobble * batch.log2();
                    let accuracy = 0.9 - 0.001 * (f64::from(exponent) - best).powi(2);
                    let rate = f64::from(exponent).exp2();
                    let point =
                        at(&format!("training.batch_size = {batch:?}\nschedule.learning_rate = {rate:?}"));
                    measurements.add("SGD", &point, seed, finished(&[("iterate", accuracy)]));
                }
            }
        }
        measurements
    }

    fn check(measurements: &Measurements) -> Finding {
        let of: Term =
            toml::from_str("cell = 'SGD'\nweights = 'iterate'\noptimum_over = 'schedule.learning_rate'")
                .unwrap();
        evaluate(&of, "training.batch_size", &Point::default(), (0.75, 1.25), 2, measurements)
    }

    #[test]
    fn an_optimum_that_grows_with_the_batch_size_has_the_exponent_one() {
        let linear = check(&measurements(1.0, &[-0.01, 0.01]));
        assert_eq!((linear.verdict, linear.n), (Verdict::Reproduced, 2), "{linear:?}");
        assert!((linear.effect.unwrap() - 1.0).abs() < 1e-9);
        assert!(
            linear.method.contains("at batch size 4.0: the best learning rate of `SGD` is"),
            "{}",
            linear.method
        );
        let root = check(&measurements(0.5, &[-0.01, 0.01]));
        assert_eq!(root.verdict, Verdict::NotReproduced, "{root:?}");
        assert_eq!(check(&measurements(1.0, &[0.0])).verdict, Verdict::Inconclusive);
    }

    /// The slope of a straight line is its own, wherever its points lie; noise orthogonal to the line changes nothing.
    #[test]
    fn the_slope_is_that_of_least_squares() {
        let line = [-3.0, 0.5, 1.0, 7.0].map(|x: f64| (x, 2.5 * x - 4.0));
        assert!((slope(&line).unwrap() - 2.5).abs() < 1e-12);
        // (1, -2, 1) is orthogonal to 1 and to the abscissae -1, 0, 1.
        let noisy = [(-1.0, -2.5 + 1.0), (0.0, -2.0), (1.0, 2.5 + 1.0)];
        assert!((slope(&noisy).unwrap() - 2.5).abs() < 1e-12);
        assert_eq!([slope(&[(1.0, 2.0)]), slope(&[(1.0, 2.0), (1.0, 3.0)]), slope(&[])], [None; 3]);
    }

    #[test]
    fn an_optimum_at_an_end_of_the_grid_tells_nothing() {
        let finding = check(&measurements(2.0, &[-0.01, 0.01]));
        assert_eq!(finding.verdict, Verdict::Inconclusive);
        assert!(finding.reason.contains("at an end of the axis"), "{}", finding.reason);
        assert_eq!(check(&Measurements::default()).verdict, Verdict::NotRun);
    }
}
