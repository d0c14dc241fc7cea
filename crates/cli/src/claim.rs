//! Claims: what is tested, on which measurements, and the verdict.
//!
//! Everything here is computed from measurements that records hold; nothing trains.

mod contrast;
mod interval;
mod quantity;

use std::fmt;

use polder_theory::Evidence;
use serde::{Deserialize, Serialize};

pub(crate) use contrast::Measurements;
pub(crate) use interval::{Interval, mean_interval};

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
    /// A number that a law's report holds, by name: above, below, or within a band.
    Quantity {
        of: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        above: Option<f64>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        below: Option<f64>,
    },
    /// Measurements of a law's report against their closed forms, by name: no deviation is larger than chance allows.
    Agreement { of: String },
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
    /// Seeds, replicates, or values compared behind it.
    pub(crate) n: usize,
    /// What the effect is and how the interval was made.
    pub(crate) method: String,
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
            Self::Quantity { above, below, .. } => match (above.map(bound), below.map(bound)) {
                (Some(above), Some(below)) => format!("{above} to {below}"),
                (Some(above), None) => format!("above {above}"),
                (None, Some(below)) => format!("below {below}"),
                (None, None) => "any".to_owned(),
            },
            Self::Agreement { .. } => "within chance".to_owned(),
        }
    }

    /// Tests on what has been measured.
    pub(crate) fn evaluate(&self, measurements: &Measurements, evidence: Option<&[Evidence]>) -> Finding {
        match self {
            Self::Contrast { terms, expect, minimum_seeds } => {
                contrast::evaluate(terms, *expect, *minimum_seeds, measurements)
            }
            Self::Quantity { of, above, below } => quantity::bounded(of, *above, *below, evidence),
            Self::Agreement { of } => quantity::agreement(of, evidence),
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
            method: String::new(),
            reason: "Nothing has been measured.".to_owned(),
        }
    }
}

/// The end of a band, with a power of ten in place of many zeros.
fn bound(value: f64) -> String {
    let text = if value != 0.0 && value.abs() < 1e-3 { format!("{value:e}") } else { value.to_string() };
    text.replace('-', "\u{2212}")
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
    fn the_ends_of_a_band_are_short() {
        assert_eq!([0.0, 0.5, -1e-12, 1e-9].map(bound), ["0", "0.5", "\u{2212}1e\u{2212}12", "1e\u{2212}9"]);
    }

    #[test]
    fn bounds_are_printed_in_points() {
        assert_eq!([0.0, 0.01, 0.125, -0.005].map(points), ["0", "1", "12.5", "-0.5"]);
    }
}
