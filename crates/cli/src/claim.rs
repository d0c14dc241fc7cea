//! Claims: what is tested, on which measurements, and the verdict.
//!
//! Everything here is computed from measurements that records hold; nothing trains.

mod contrast;
mod interval;

use std::fmt;

use serde::{Deserialize, Serialize};

pub(crate) use contrast::Measurements;
pub(crate) use interval::{Interval, mean_interval};

use crate::rates::RatesRecord;

/// The level of every interval in the report.
pub(crate) const LEVEL: f64 = 0.95;

/// One claim of a paper, or one hypothesis of ours, and how it is tested.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Claim {
    /// `A4.1`, say.
    pub(crate) id: String,
    pub(crate) statement: String,
    pub(crate) origin: Origin,
    /// What of it is our own choice.
    #[serde(default)]
    pub(crate) note: Option<String>,
    pub(crate) test: Test,
}

/// Who makes the claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Origin {
    Paper,
    Ours,
}

/// How a claim is tested.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, tag = "kind", rename_all = "kebab-case")]
pub(crate) enum Test {
    /// A weighted sum of the cells' test accuracies.
    Contrast {
        terms: Vec<Term>,
        expect: Expect,
        /// With fewer, the verdict is `inconclusive` whatever the estimate.
        minimum_seeds: usize,
    },
    /// The slope of an error against the step size, both in logarithms.
    Slope { of: Series, expected: f64, tolerance: f64 },
    /// `|f(v* + d) - f(v* - d)|` at the minimisers of the smoothed objective that were found.
    ChordResidual { at_most: f64 },
}

/// One term of a contrast: `coefficient` times the accuracy of `weights` in `cell`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Term {
    pub(crate) cell: String,
    /// `iterate`, or the name of an average.
    pub(crate) weights: String,
    pub(crate) coefficient: f64,
}

/// What a contrast is expected to be; in fractions, not percent.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Expect {
    /// Greater than this.
    Above(f64),
    /// Between minus this and this (equivalence).
    Within(f64),
}

/// Whose error a slope is fitted to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Series {
    /// SGD's own iterates.
    Iterate,
    /// Their average.
    Average,
}

/// What the evidence says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Verdict {
    Reproduced,
    NotReproduced,
    Inconclusive,
    /// Nothing has been measured.
    NotRun,
}

/// A verdict and the evidence behind it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Finding {
    pub(crate) verdict: Verdict,
    /// In fractions for a contrast; absent without measurements.
    pub(crate) effect: Option<f64>,
    /// The 95 % interval around it; absent with fewer than two seeds.
    pub(crate) interval: Option<Interval>,
    /// Seeds (contrast), step sizes (slope, residual) behind it.
    pub(crate) n: usize,
    /// How the interval was made.
    pub(crate) method: &'static str,
    /// Why the verdict is what it is, in a sentence.
    pub(crate) reason: String,
}

impl Test {
    /// The cells and weights that the test looks at.
    pub(crate) fn cells(&self) -> impl Iterator<Item = (&str, &str)> {
        let terms = if let Self::Contrast { terms, .. } = self { terms.as_slice() } else { &[] };
        terms.iter().map(|term| (term.cell.as_str(), term.weights.as_str()))
    }

    /// Whether effects are accuracies, which reports print in percentage points.
    pub(crate) fn is_accuracy(&self) -> bool {
        matches!(self, Self::Contrast { .. })
    }

    /// What would confirm the claim, in words.
    pub(crate) fn expectation(&self) -> String {
        match self {
            Self::Contrast { expect: Expect::Above(bound), .. } => format!("above {} points", points(*bound)),
            Self::Contrast { expect: Expect::Within(margin), .. } => {
                format!("within ±{} points", points(*margin))
            }
            Self::Slope { expected, tolerance, .. } => format!("{expected:.1} ± {tolerance}"),
            Self::ChordResidual { at_most } => format!("at most {at_most:e}"),
        }
    }

    /// Tests on what has been measured.
    pub(crate) fn evaluate(&self, measurements: &Measurements, rates: Option<&RatesRecord>) -> Finding {
        match self {
            Self::Contrast { terms, expect, minimum_seeds } => {
                contrast::evaluate(terms, *expect, *minimum_seeds, measurements)
            }
            Self::Slope { of, expected, tolerance } => rates.map_or_else(Finding::not_run, |rates| {
                slope(rates.slope(*of), *expected, *tolerance, rates.fitted().count())
            }),
            Self::ChordResidual { at_most } => {
                rates.map_or_else(Finding::not_run, |rates| chord_residual(rates.chord_residuals(), *at_most))
            }
        }
    }
}

impl Finding {
    fn not_run() -> Self {
        Self {
            verdict: Verdict::NotRun,
            effect: None,
            interval: None,
            n: 0,
            method: "",
            reason: "Nothing has been measured.".to_owned(),
        }
    }
}

/// A slope is reproduced when its whole interval lies in the band, not reproduced when none of it does.
fn slope(slope: Interval, expected: f64, tolerance: f64, n: usize) -> Finding {
    let (low, high) = (expected - tolerance, expected + tolerance);
    let verdict = if low <= slope.low && slope.high <= high {
        Verdict::Reproduced
    } else if slope.high < low || high < slope.low {
        Verdict::NotReproduced
    } else {
        Verdict::Inconclusive
    };
    let reason = match verdict {
        Verdict::Reproduced => "The whole interval lies in the expected band.",
        Verdict::NotReproduced => "The whole interval lies outside the expected band.",
        _ => "The interval reaches across the edge of the expected band.",
    };
    Finding {
        verdict,
        effect: Some(slope.estimate),
        interval: Some(slope),
        n,
        method: "least squares in logarithms; the interval covers the noise of the replicates",
        reason: reason.to_owned(),
    }
}

/// Not a statistic: the residual is computed exactly, so the bound decides.
fn chord_residual(residuals: impl Iterator<Item = f64>, at_most: f64) -> Finding {
    let residuals: Vec<f64> = residuals.collect();
    let Some(worst) = residuals.iter().copied().reduce(|worst, next| {
        // A residual that is not a number must not hide behind `max`.
        if worst.is_nan() || next.is_nan() { f64::NAN } else { worst.max(next) }
    }) else {
        return Finding::not_run();
    };
    let holds = worst <= at_most;
    Finding {
        verdict: if holds { Verdict::Reproduced } else { Verdict::NotReproduced },
        effect: Some(worst),
        interval: None,
        n: residuals.len(),
        method: "largest over the step sizes; no statistic",
        reason: format!("The largest residual is {} the bound.", if holds { "within" } else { "beyond" }),
    }
}

/// A fraction in percentage points, without needless digits.
pub(crate) fn points(fraction: f64) -> String {
    let text = format!("{:.2}", 100.0 * fraction);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Reproduced => "reproduced",
            Self::NotReproduced => "not reproduced",
            Self::Inconclusive => "inconclusive",
            Self::NotRun => "not run",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slope_gets_each_verdict() {
        let verdict = |low, high| slope(Interval { estimate: 0.5, low, high }, 0.5, 0.05, 4).verdict;
        assert_eq!(verdict(0.47, 0.49), Verdict::Reproduced);
        assert_eq!(verdict(0.40, 0.44), Verdict::NotReproduced);
        assert_eq!(verdict(0.56, 0.60), Verdict::NotReproduced);
        assert_eq!(verdict(0.44, 0.49), Verdict::Inconclusive);
    }

    #[test]
    fn a_residual_is_within_its_bound_or_not() {
        let verdict = |residuals: &[f64]| chord_residual(residuals.iter().copied(), 1e-9).verdict;
        assert_eq!(verdict(&[1e-12, 1e-10]), Verdict::Reproduced);
        assert_eq!(verdict(&[1e-12, 1e-8]), Verdict::NotReproduced);
        assert_eq!(verdict(&[f64::NAN, 1e-12]), Verdict::NotReproduced);
        assert_eq!(verdict(&[]), Verdict::NotRun);
    }

    #[test]
    fn bounds_are_printed_in_points() {
        assert_eq!([0.0, 0.01, 0.125, -0.005].map(points), ["0", "1", "12.5", "-0.5"]);
    }
}
