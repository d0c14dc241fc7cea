//! Contrasts: weighted sums over the cells of a grid, paired over seeds where the seeds pair.

use std::collections::{BTreeMap, BTreeSet};

use polder_stats::{Interval, mean, mean_interval, welch_interval};

use super::{Expect, Finding, LEVEL, Measurements, Term, Unit, Verdict};
use crate::point::Point;

/// A contrast seed by seed, or cell by cell where seeds do not pair.
enum Sample {
    /// One value for each seed that all cells have. The same seed means the same initial weights and order, so cells pair.
    Paired(Vec<f64>),
    /// Per cell one value per seed; no seed is in all cells, which are taken as independent.
    Unpaired(Vec<Vec<f64>>),
}

/// What the terms of a contrast come to.
struct Sum {
    sample: Sample,
    notes: Vec<String>,
    unplaced: usize,
}

/// Why there is no sum.
enum Missing {
    /// A term has not been measured at all.
    NotRun,
    /// All runs of a term that have ended diverged; so many did in all.
    Diverged(usize),
}

/// Tests one contrast where the axes have the values of `case`.
pub(super) fn evaluate(
    terms: &[Term],
    case: &Point,
    expect: Expect,
    minimum_seeds: usize,
    measurements: &Measurements,
) -> Finding {
    let Sum { sample, notes, unplaced } = match sum(terms, case, measurements) {
        Ok(sum) => sum,
        Err(Missing::NotRun) => return Finding::not_run(),
        Err(Missing::Diverged(runs)) => return Finding::diverged(runs),
    };
    // No interval comes of a single seed.
    let minimum_seeds = minimum_seeds.max(2);
    let interval = |level| match &sample {
        Sample::Paired(values) => mean_interval(values, level),
        Sample::Unpaired(cells) => {
            welch_interval(&cells.iter().map(|values| (1.0, values.as_slice())).collect::<Vec<_>>(), level)
        }
    };
    let (effect, n, method) = match &sample {
        Sample::Paired(values) => (mean(values), values.len(), "t interval of differences paired by seed"),
        Sample::Unpaired(cells) => (
            cells.iter().map(|values| mean(values)).sum(),
            cells.iter().map(Vec::len).min().unwrap_or(0),
            "Welch's interval; the seeds of the cells differ",
        ),
    };
    let unit = Unit::of(terms);
    let found = interval(LEVEL);
    let (verdict, reason) = match (found, interval(1.0 - 2.0 * (1.0 - LEVEL))) {
        _ if unplaced > 0 => (Verdict::Inconclusive, open_ended(unplaced)),
        (Some(wide), Some(narrow)) if n >= minimum_seeds => judge(expect, unit, wide, narrow),
        _ => (Verdict::Inconclusive, too_few(n, minimum_seeds)),
    };
    let method = std::iter::once(method.to_owned()).chain(notes).collect::<Vec<_>>().join("; ");
    Finding { verdict, effect: Some(effect), interval: found, n, method, reason, unit, case: None }
}

/// Why so few seeds give no verdict.
pub(super) fn too_few(n: usize, minimum_seeds: usize) -> String {
    let are = if n == 1 { "seed is" } else { "seeds are" };
    format!("{n} {are} too few; at least {minimum_seeds} needed.")
}

/// Why best values whose place is not known, for so many seeds and places, give no verdict.
pub(super) fn open_ended(count: usize) -> String {
    let curves = if count == 1 { "one curve".to_owned() } else { format!("{count} curves") };
    format!(
        "The best value of {curves} is at an end of the axis or next to a diverged run, so the position of the optimum is \
         unknown."
    )
}

/// `wide` is the 95 % interval; `narrow`, at 90 %, is what two one-sided tests at 5 % each amount to.
fn judge(expect: Expect, unit: Unit, wide: Interval, narrow: Interval) -> (Verdict, String) {
    match expect {
        Expect::Above(bound) => {
            let at = unit.text(bound);
            if wide.low > bound {
                (Verdict::Reproduced, format!("The whole interval lies above {at}."))
            } else if wide.high < bound {
                (Verdict::NotReproduced, format!("The whole interval lies below {at}."))
            } else {
                (Verdict::Inconclusive, format!("The interval holds {at}: these seeds cannot tell."))
            }
        }
        Expect::Within(margin) => {
            let at = unit.text(margin);
            if -margin < narrow.low && narrow.high < margin {
                (Verdict::Reproduced, format!("Both one-sided tests exclude a difference of {at}."))
            } else if wide.low > margin || wide.high < -margin {
                (Verdict::NotReproduced, format!("The whole interval is further from equality than {at}."))
            } else {
                (Verdict::Inconclusive, format!("The interval reaches across {at}: these seeds cannot tell."))
            }
        }
    }
}

fn sum(terms: &[Term], case: &Point, measurements: &Measurements) -> Result<Sum, Missing> {
    let mut cells: Vec<(&Term, BTreeMap<u64, f64>)> = Vec::new();
    let (mut notes, mut unplaced, mut diverged) = (Vec::new(), 0, 0);
    let mut is_run = true;
    for term in terms {
        let values = term.values(case, measurements);
        unplaced += values.unplaced;
        is_run &= values.is_run();
        notes.extend(values.note.filter(|note| !notes.contains(note)));
        if !cells.iter().any(|(first, _)| first.is_of_the_same_runs(term)) {
            diverged += values.diverged;
        }
        // Within a cell the terms come from the same runs, so they always pair.
        match cells.iter_mut().find(|(first, _)| first.is_of_the_same_runs(term)) {
            Some((_, sums)) => {
                sums.retain(|seed, _| values.by_seed.contains_key(seed));
                for (seed, sum) in sums.iter_mut() {
                    *sum += values.by_seed[seed];
                }
            }
            None => cells.push((term, values.by_seed)),
        }
    }
    if cells.iter().any(|(_, values)| values.is_empty()) {
        return Err(if is_run && diverged > 0 { Missing::Diverged(diverged) } else { Missing::NotRun });
    }
    notes.extend(diverged_note(diverged));
    let seeds = |(_, values): &(&Term, BTreeMap<u64, f64>)| values.keys().copied().collect::<BTreeSet<u64>>();
    let Some(common) = cells.iter().map(seeds).reduce(|common, seeds| &common & &seeds) else {
        return Err(Missing::NotRun);
    };
    let sample = if common.is_empty() {
        Sample::Unpaired(cells.iter().map(|(_, values)| values.values().copied().collect()).collect())
    } else {
        Sample::Paired(common.iter().map(|seed| cells.iter().map(|(_, values)| values[seed]).sum()).collect())
    };
    Ok(Sum { sample, notes, unplaced })
}

/// What the reader must know of runs that have no final value; `None` if there are none.
pub(super) fn diverged_note(runs: usize) -> Option<String> {
    (runs > 0).then(|| format!("{runs} diverged run{} excluded", if runs == 1 { "" } else { "s" }))
}

#[cfg(test)]
mod tests {
    use super::super::measurements::tests::finished;
    use super::*;
    use crate::claim::{Measure, Measured};
    use crate::run::flatness::Flatness;

    fn term(cell: &str, weights: &str, coefficient: f64) -> Term {
        let text = format!("cell = '{cell}'\nweights = '{weights}'\ncoefficient = {coefficient:?}");
        toml::from_str(&text).unwrap()
    }

    fn add(measurements: &mut Measurements, cell: &str, seed: u64, accuracies: &[(&str, f64)]) {
        measurements.add(cell, &Point::default(), seed, finished(accuracies));
    }

    /// `large` against `small`, one pair of accuracies per seed.
    fn pairs(values: &[(f64, f64)]) -> Measurements {
        let mut measurements = Measurements::default();
        for (seed, (large, small)) in (0..).zip(values) {
            add(&mut measurements, "large", seed, &[("tail", *large)]);
            add(&mut measurements, "small", seed, &[("tail", *small)]);
        }
        measurements
    }

    fn check(measurements: &Measurements, expect: Expect) -> Finding {
        let terms = [term("large", "tail", 1.0), term("small", "tail", -1.0)];
        evaluate(&terms, &Point::default(), expect, 2, measurements)
    }

    /// While a cell has not begun, what diverged in another says nothing yet.
    #[test]
    fn without_any_run_of_a_cell_it_is_not_run_and_without_a_number_it_is_inconclusive() {
        let diverged = Measured { has_ended: true, has_diverged: true, ..Measured::default() };
        let mut measurements = Measurements::default();
        measurements.add("large", &Point::default(), 0, diverged);
        let found = check(&measurements, Expect::Above(0.0));
        assert_eq!(found.verdict, Verdict::NotRun, "{found:?}");
        add(&mut measurements, "small", 0, &[("tail", 0.7)]);
        let found = check(&measurements, Expect::Above(0.0));
        assert_eq!(found.verdict, Verdict::Inconclusive);
        assert!(found.reason.contains("1 run diverged"), "{}", found.reason);
    }

    #[test]
    fn a_difference_gets_each_verdict() {
        let above = Expect::Above(0.0);
        assert_eq!(check(&pairs(&[(0.80, 0.70), (0.71, 0.60)]), above).verdict, Verdict::Reproduced);
        assert_eq!(check(&pairs(&[(0.60, 0.70), (0.60, 0.71)]), above).verdict, Verdict::NotReproduced);
        assert_eq!(check(&pairs(&[(0.80, 0.70), (0.71, 0.70)]), above).verdict, Verdict::Inconclusive);
        assert_eq!(check(&pairs(&[]), above).verdict, Verdict::NotRun);
    }

    #[test]
    fn an_equivalence_gets_each_verdict() {
        let within = Expect::Within(0.01);
        let near = [(0.701, 0.70), (0.700, 0.70), (0.699, 0.70)];
        assert_eq!(check(&pairs(&near), within).verdict, Verdict::Reproduced);
        assert_eq!(
            check(&pairs(&[(0.80, 0.70), (0.81, 0.70), (0.80, 0.71)]), within).verdict,
            Verdict::NotReproduced
        );
        assert_eq!(check(&pairs(&[(0.70, 0.70), (0.73, 0.70)]), within).verdict, Verdict::Inconclusive);
    }

    #[test]
    fn one_seed_is_inconclusive_however_large_the_difference() {
        let finding = check(&pairs(&[(0.9, 0.1)]), Expect::Above(0.0));
        assert_eq!((finding.verdict, finding.n, finding.interval), (Verdict::Inconclusive, 1, None));
        assert!((finding.effect.unwrap() - 0.8).abs() < 1e-12);
    }

    /// The seeds differ much more than the cells: only pairing shows the difference.
    #[test]
    fn seeds_that_both_cells_have_pair_and_welch_is_used_where_there_are_none() {
        let mut measurements = pairs(&[(0.62, 0.60), (0.72, 0.70), (0.83, 0.80)]);
        let paired = check(&measurements, Expect::Above(0.0));
        assert_eq!((paired.verdict, paired.n), (Verdict::Reproduced, 3));
        add(&mut measurements, "large", 9, &[("tail", 0.73)]);
        assert_eq!(
            check(&measurements, Expect::Above(0.0)),
            paired,
            "a seed that one cell lacks changes nothing"
        );
        let mut measurements = Measurements::default();
        for (seed, [large, small]) in (0..).zip([[0.62, 0.60], [0.72, 0.70], [0.83, 0.80]]) {
            add(&mut measurements, "large", seed, &[("tail", large)]);
            add(&mut measurements, "small", 10 + seed, &[("tail", small)]);
        }
        let unpaired = check(&measurements, Expect::Above(0.0));
        assert_eq!((unpaired.verdict, unpaired.n), (Verdict::Inconclusive, 3));
        assert!(unpaired.method.starts_with("Welch"));
    }

    #[test]
    fn runs_that_diverged_are_told_and_are_not_the_same_as_none() {
        let diverged = Measured { has_ended: true, has_diverged: true, ..Measured::default() };
        let mut measurements = pairs(&[(0.80, 0.70), (0.71, 0.60), (0.75, 0.64)]);
        measurements.add("large", &Point::default(), 2, diverged.clone());
        let two = check(&measurements, Expect::Above(0.0));
        assert_eq!((two.verdict, two.n), (Verdict::Reproduced, 2));
        assert!(two.method.contains("1 diverged run excluded"), "{}", two.method);
        for seed in 0..2 {
            measurements.add("large", &Point::default(), seed, diverged.clone());
        }
        let none = check(&measurements, Expect::Above(0.0));
        assert_eq!((none.verdict, none.n, none.effect), (Verdict::Inconclusive, 0, None));
        assert!(none.reason.contains("3 runs diverged"), "{}", none.reason);
    }

    #[test]
    fn traces_without_a_logarithm_are_told() {
        let mut measurements = Measurements::default();
        for (seed, of_tail) in [(0, 2.0), (1, 2.5), (2, -0.1), (3, 1.5)] {
            let mut run = finished(&[]);
            for (weights, trace) in [("iterate", 8.0), ("tail", of_tail)] {
                let flatness = Flatness { trace: Some(trace), ..Flatness::default() };
                run.flatness.insert(weights.to_owned(), flatness);
            }
            measurements.add("large", &Point::default(), seed, run);
        }
        let flat = |weights: &str, coefficient| Term {
            measure: Measure::Trace,
            ..term("large", weights, coefficient)
        };
        let terms = [flat("iterate", 1.0), flat("tail", -1.0)];
        let finding = evaluate(&terms, &Point::default(), Expect::Above(0.0), 2, &measurements);
        assert_eq!((finding.verdict, finding.n), (Verdict::Reproduced, 3));
        assert!(finding.method.contains("excluded 1 seed of `large` (tail)"), "{}", finding.method);
    }

    /// A shift of one cell shifts the effect and both ends; a scale scales them; the sign turns the interval round.
    #[test]
    fn an_interval_moves_with_its_data() {
        let values = [(0.62, 0.60), (0.75, 0.70), (0.83, 0.80), (0.70, 0.71)];
        let of = |scale: f64, shift: f64| {
            let moved = values.map(|(large, small)| (scale * large + shift, scale * small));
            check(&pairs(&moved), Expect::Above(0.0)).interval.unwrap()
        };
        let close = |found: [f64; 2], expected: [f64; 2]| {
            assert!((0..2).all(|end| (found[end] - expected[end]).abs() < 1e-12), "{found:?} {expected:?}");
        };
        let plain = of(1.0, 0.0);
        let (shifted, scaled, turned) = (of(1.0, 0.125), of(3.0, 0.0), of(-1.0, 0.0));
        close([shifted.low, shifted.high], [plain.low + 0.125, plain.high + 0.125]);
        close([scaled.low, scaled.high], [3.0 * plain.low, 3.0 * plain.high]);
        close([turned.low, turned.high], [-plain.high, -plain.low]);
    }

    /// Two one-sided tests at 5 % reject exactly when the mean lies further from both bounds than t(95 %, n - 1) standard
    /// errors. With two differences t is Cauchy: tan(0.45 pi) = 6.3137515.
    #[test]
    fn an_equivalence_is_two_one_sided_tests() {
        let quantile = (0.45 * std::f64::consts::PI).tan();
        // Differences of mean m and of standard error s.
        let verdict = |m: f64, s: f64, margin: f64| {
            check(&pairs(&[(m + s, 0.0), (m - s, 0.0)]), Expect::Within(margin)).verdict
        };
        for (m, s) in [(0.0, 0.001), (0.002, 0.001), (-0.002, 0.0005)] {
            let needed = f64::abs(m) + quantile * s;
            assert_eq!(verdict(m, s, 1.001 * needed), Verdict::Reproduced);
            assert_eq!(verdict(m, s, 0.999 * needed), Verdict::Inconclusive);
        }
    }

    #[test]
    fn a_difference_of_gains_is_taken_per_seed() {
        let mut measurements = Measurements::default();
        for (seed, [a, b, c, d]) in (0..).zip([[0.70, 0.64, 0.69, 0.68], [0.72, 0.65, 0.70, 0.69]]) {
            add(&mut measurements, "large", seed, &[("tail", a), ("iterate", b)]);
            add(&mut measurements, "small", seed, &[("tail", c), ("iterate", d)]);
        }
        let terms = [
            term("large", "tail", 1.0),
            term("large", "iterate", -1.0),
            term("small", "tail", -1.0),
            term("small", "iterate", 1.0),
        ];
        let finding = evaluate(&terms, &Point::default(), Expect::Above(0.0), 2, &measurements);
        assert!((finding.effect.unwrap() - 0.055).abs() < 1e-12);
        assert_eq!(finding.n, 2);
    }
}
