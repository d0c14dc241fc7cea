//! Quantities that a law's report holds, against a bound or a band, or against what chance alone allows.
//!
//! Bounds are strict: a share of no run at all, with an interval from 0, is not above 0.

use super::{Finding, Interval, Metric, Uncertainty, Unit, Verdict};

/// Tests the quantity called `of`: it lies above one bound, below another, or both.
pub(super) fn bounded(
    of: &str,
    above: Option<f64>,
    below: Option<f64>,
    evidence: Option<&[Metric]>,
) -> Finding {
    let found = match find(of, evidence) {
        Ok(found) => found,
        Err(finding) => return *finding,
    };
    let (low, high) = (above.unwrap_or(f64::NEG_INFINITY), below.unwrap_or(f64::INFINITY));
    let finding = |verdict, interval, n: u64, method: String, reason: &str| Finding {
        verdict,
        effect: Some(found.value),
        interval,
        n: n as usize,
        method,
        reason: reason.to_owned(),
        unit: Unit::Plain,
        case: None,
    };
    match found.uncertainty {
        Uncertainty::Interval { low: from, high: to, n } => {
            let verdict = if low < from && to < high {
                Verdict::Reproduced
            } else if to <= low || high <= from {
                Verdict::NotReproduced
            } else {
                Verdict::Inconclusive
            };
            let reason = match verdict {
                Verdict::Reproduced => "The whole interval is as expected.",
                Verdict::NotReproduced => "No part of the interval is as expected.",
                _ => "The interval reaches across the edge of what is expected.",
            };
            let interval = Interval { estimate: found.value, low: from, high: to };
            let method = format!("{}; the interval covers the noise of {n} replicates", found.what);
            finding(verdict, Some(interval), n, method, reason)
        }
        Uncertainty::Exact { n } => {
            // A value that is not a number is within no bounds.
            let holds = low < found.value && found.value < high;
            let verdict = if holds { Verdict::Reproduced } else { Verdict::NotReproduced };
            let reason = if holds { "The value is as expected." } else { "The value is not as expected." };
            finding(verdict, None, n, format!("{}; no statistic", found.what), reason)
        }
        Uncertainty::Deviations { .. } => {
            let reason = "This quantity is a largest deviation: `kind = \"agreement\"` tests it.";
            finding(Verdict::Inconclusive, None, 0, found.what.clone(), reason)
        }
    }
}

/// Tests whether the deviations called `of` are all within what chance alone allows.
pub(super) fn agreement(of: &str, evidence: Option<&[Metric]>) -> Finding {
    let found = match find(of, evidence) {
        Ok(found) => found,
        Err(finding) => return *finding,
    };
    let Uncertainty::Deviations { limit, n } = found.uncertainty else {
        return Finding {
            reason: format!("`{of}` is no largest deviation: `kind = \"quantity\"` tests it."),
            ..Finding::not_run()
        };
    };
    let holds = found.value <= limit;
    Finding {
        verdict: if holds { Verdict::Reproduced } else { Verdict::NotReproduced },
        effect: Some(found.value),
        interval: None,
        n: n as usize,
        method: format!("{}, in standard errors; all {n} together at 95 %", found.what),
        reason: format!(
            "The largest of {n} deviations is {:.2} standard errors; chance alone leaves all of them below {limit:.2}.",
            found.value
        ),
        unit: Unit::StandardErrors,
        case: None,
    }
}

fn find<'a>(of: &str, evidence: Option<&'a [Metric]>) -> Result<&'a Metric, Box<Finding>> {
    let Some(evidence) = evidence else { return Err(Box::new(Finding::not_run())) };
    evidence.iter().find(|evidence| evidence.name == of).ok_or_else(|| {
        let known: Vec<&str> = evidence.iter().map(|evidence| evidence.name.as_str()).collect();
        Box::new(Finding {
            reason: format!(
                "Under these settings nothing called `{of}` is measured; there are {}.",
                known.join(", ")
            ),
            ..Finding::not_run()
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evidence(value: f64, uncertainty: Uncertainty) -> Vec<Metric> {
        vec![Metric { name: "slope".to_owned(), what: "a slope".to_owned(), value, uncertainty }]
    }

    #[test]
    fn an_interval_gets_each_verdict_against_a_band_and_against_one_bound() {
        let interval = |low, high| evidence(0.5, Uncertainty::Interval { low, high, n: 4 });
        let band = |low, high| bounded("slope", Some(0.45), Some(0.55), Some(&interval(low, high))).verdict;
        assert_eq!(band(0.47, 0.49), Verdict::Reproduced);
        assert_eq!(band(0.40, 0.44), Verdict::NotReproduced);
        assert_eq!(band(0.56, 0.60), Verdict::NotReproduced);
        assert_eq!(band(0.44, 0.49), Verdict::Inconclusive);
        let below = |low, high| bounded("slope", None, Some(0.9), Some(&interval(low, high))).verdict;
        assert_eq!(below(-1.0, 0.5), Verdict::Reproduced);
        assert_eq!(below(0.8, 1.0), Verdict::Inconclusive);
        assert_eq!(below(0.95, 1.0), Verdict::NotReproduced);
    }

    #[test]
    fn zero_is_not_above_zero() {
        let verdict = |support| bounded("slope", Some(0.0), None, Some(&evidence(0.0, support))).verdict;
        assert_eq!(verdict(Uncertainty::Exact { n: 1 }), Verdict::NotReproduced);
        assert_eq!(verdict(Uncertainty::Interval { low: 0.0, high: 0.0, n: 9 }), Verdict::NotReproduced);
        assert_eq!(verdict(Uncertainty::Interval { low: 0.0, high: 0.1, n: 9 }), Verdict::Inconclusive);
    }

    #[test]
    fn an_exact_value_is_within_its_bound_or_not_and_nan_is_not() {
        let verdict = |value| {
            bounded("slope", None, Some(1e-9), Some(&evidence(value, Uncertainty::Exact { n: 3 }))).verdict
        };
        assert_eq!(verdict(1e-12), Verdict::Reproduced);
        assert_eq!(verdict(1e-8), Verdict::NotReproduced);
        assert_eq!(verdict(f64::NAN), Verdict::NotReproduced);
    }

    #[test]
    fn deviations_agree_up_to_their_limit() {
        let verdict = |value| {
            agreement("slope", Some(&evidence(value, Uncertainty::Deviations { limit: 3.1, n: 12 }))).verdict
        };
        assert_eq!(verdict(3.0), Verdict::Reproduced);
        assert_eq!(verdict(3.2), Verdict::NotReproduced);
        assert_eq!(verdict(f64::NAN), Verdict::NotReproduced);
    }

    #[test]
    fn what_was_not_measured_is_not_run_and_a_wrong_name_is_answered_with_the_names() {
        assert_eq!(bounded("slope", None, None, None).verdict, Verdict::NotRun);
        let finding = bounded("slop", None, Some(1.0), Some(&evidence(0.5, Uncertainty::Exact { n: 1 })));
        assert!(finding.verdict == Verdict::NotRun && finding.reason.contains("slope"));
    }
}
