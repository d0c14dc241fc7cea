//! Contrasts: weighted sums of the accuracies of cells, paired over seeds where the seeds pair.

use std::collections::{BTreeMap, BTreeSet};

use super::interval::{mean, welch_interval};
use super::{Expect, Finding, Interval, LEVEL, Term, Verdict, mean_interval, points};

/// Final test accuracies by cell, seed and weights.
#[derive(Clone, Debug, Default)]
pub(crate) struct Measurements {
    cells: BTreeMap<String, BTreeMap<u64, BTreeMap<String, f64>>>,
}

impl Measurements {
    /// Notes the accuracy (a fraction) of one set of weights at the end of a run.
    pub(crate) fn add(&mut self, cell: &str, seed: u64, weights: &str, accuracy: f64) {
        self.cells
            .entry(cell.to_owned())
            .or_default()
            .entry(seed)
            .or_default()
            .insert(weights.to_owned(), accuracy);
    }

    /// Seed and accuracy of each run of a cell that has these weights.
    pub(crate) fn of(&self, cell: &str, weights: &str) -> Vec<(u64, f64)> {
        let Some(seeds) = self.cells.get(cell) else { return Vec::new() };
        seeds.iter().filter_map(|(seed, by_weights)| Some((*seed, *by_weights.get(weights)?))).collect()
    }
}

/// A contrast seed by seed, or cell by cell where seeds do not pair.
enum Sample {
    /// One value per seed. The same seed means the same initial weights and order, so cells pair.
    Paired(Vec<f64>),
    /// Per cell one value per seed; the cells are independent.
    Unpaired(Vec<Vec<f64>>),
}

/// Tests one contrast.
pub(super) fn evaluate(
    terms: &[Term],
    expect: Expect,
    minimum_seeds: usize,
    measurements: &Measurements,
) -> Finding {
    let Some(sample) = sample(terms, measurements) else { return Finding::not_run() };
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
    let found = interval(LEVEL);
    let (verdict, reason) = match (found, interval(1.0 - 2.0 * (1.0 - LEVEL))) {
        (Some(wide), Some(narrow)) if n >= minimum_seeds => judge(expect, wide, narrow),
        _ => (
            Verdict::Inconclusive,
            format!(
                "{n} seed{} are too few; at least {minimum_seeds} are needed.",
                if n == 1 { "" } else { "s" }
            ),
        ),
    };
    Finding { verdict, effect: Some(effect), interval: found, n, method: method.to_owned(), reason }
}

/// `wide` is the 95 % interval; `narrow`, at 90 %, is what two one-sided tests at 5 % each amount to.
fn judge(expect: Expect, wide: Interval, narrow: Interval) -> (Verdict, String) {
    match expect {
        Expect::Above(bound) => {
            let at = points(bound);
            if wide.low > bound {
                (Verdict::Reproduced, format!("The whole interval lies above {at} points."))
            } else if wide.high < bound {
                (Verdict::NotReproduced, format!("The whole interval lies below {at} points."))
            } else {
                (Verdict::Inconclusive, format!("The interval holds {at} points: these seeds cannot tell."))
            }
        }
        Expect::Within(margin) => {
            let at = points(margin);
            if -margin < narrow.low && narrow.high < margin {
                (Verdict::Reproduced, format!("Both one-sided tests exclude a difference of {at} points."))
            } else if wide.low > margin || wide.high < -margin {
                (Verdict::NotReproduced, format!("The whole interval lies beyond {at} points."))
            } else {
                (
                    Verdict::Inconclusive,
                    format!("The interval reaches across {at} points: these seeds cannot tell."),
                )
            }
        }
    }
}

/// The values of a contrast; `None` if a cell has not been measured at all.
fn sample(terms: &[Term], measurements: &Measurements) -> Option<Sample> {
    let mut by_cell: BTreeMap<&str, BTreeMap<u64, f64>> = BTreeMap::new();
    for cell in terms.iter().map(|term| term.cell.as_str()).collect::<BTreeSet<_>>() {
        let of_cell: Vec<(f64, BTreeMap<u64, f64>)> = terms
            .iter()
            .filter(|term| term.cell == cell)
            .map(|term| (term.coefficient, measurements.of(cell, &term.weights).into_iter().collect()))
            .collect();
        let (_, first) = of_cell.first()?;
        // Within a cell the terms come from the same runs, so they always pair.
        let values: BTreeMap<u64, f64> = first
            .keys()
            .filter_map(|seed| {
                of_cell
                    .iter()
                    .map(|(coefficient, values)| Some(coefficient * values.get(seed)?))
                    .sum::<Option<f64>>()
                    .map(|value| (*seed, value))
            })
            .collect();
        if values.is_empty() {
            return None;
        }
        by_cell.insert(cell, values);
    }
    let mut cells = by_cell.values();
    let seeds: Vec<u64> = cells.next()?.keys().copied().collect();
    if cells.all(|values| values.keys().eq(seeds.iter())) {
        let at = |seed: &u64| by_cell.values().map(|values| values[seed]).sum();
        Some(Sample::Paired(seeds.iter().map(at).collect()))
    } else {
        Some(Sample::Unpaired(by_cell.values().map(|values| values.values().copied().collect()).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn term(cell: &str, weights: &str, coefficient: f64) -> Term {
        Term { cell: cell.to_owned(), weights: weights.to_owned(), coefficient }
    }

    /// `large` against `small`, one pair of accuracies per seed.
    fn pairs(values: &[(f64, f64)]) -> Measurements {
        let mut measurements = Measurements::default();
        for (seed, (large, small)) in (0..).zip(values) {
            measurements.add("large", seed, "tail", *large);
            measurements.add("small", seed, "tail", *small);
        }
        measurements
    }

    fn check(measurements: &Measurements, expect: Expect) -> Finding {
        evaluate(&[term("large", "tail", 1.0), term("small", "tail", -1.0)], expect, 2, measurements)
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
    fn seeds_pair_when_both_cells_have_them_and_welch_is_used_when_not() {
        let mut measurements = pairs(&[(0.62, 0.60), (0.72, 0.70), (0.83, 0.80)]);
        let paired = check(&measurements, Expect::Above(0.0));
        assert_eq!((paired.verdict, paired.n), (Verdict::Reproduced, 3));
        measurements.add("large", 9, "tail", 0.73);
        let unpaired = check(&measurements, Expect::Above(0.0));
        assert_eq!((unpaired.verdict, unpaired.n), (Verdict::Inconclusive, 3));
        assert!(unpaired.method.starts_with("Welch"));
    }

    #[test]
    fn a_difference_of_gains_is_taken_per_seed() {
        let mut measurements = Measurements::default();
        for (seed, [a, b, c, d]) in (0..).zip([[0.70, 0.64, 0.69, 0.68], [0.72, 0.65, 0.70, 0.69]]) {
            measurements.add("large", seed, "tail", a);
            measurements.add("large", seed, "iterate", b);
            measurements.add("small", seed, "tail", c);
            measurements.add("small", seed, "iterate", d);
        }
        let terms = [
            term("large", "tail", 1.0),
            term("large", "iterate", -1.0),
            term("small", "tail", -1.0),
            term("small", "iterate", 1.0),
        ];
        let finding = evaluate(&terms, Expect::Above(0.0), 2, &measurements);
        assert!((finding.effect.unwrap() - 0.055).abs() < 1e-12);
        assert_eq!(finding.n, 2);
    }
}
