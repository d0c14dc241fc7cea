//! Claims: what is tested, on which measurements, and the verdict.
//!
//! Everything here is computed from measurements that records hold; nothing trains.

mod cases;
mod check;
mod contrast;
mod measurements;
mod metric;
mod ordering;
mod quantity;
mod slope;
mod term;
mod top;
mod unit;

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::point::Point;

pub use self::measurements::{Measure, Measured, Measurements};
pub use self::metric::{Metric, Uncertainty};
pub use self::ordering::Direction;
pub use self::term::Term;
pub use self::unit::Unit;
pub use polder_stats::{Interval, mean_interval};

/// The level of every interval in the report.
pub const LEVEL: f64 = 0.95;

/// One claim of a paper, or one hypothesis of ours, and how it is tested.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// `A4.1`, say.
    pub id: String,
    /// What is claimed, in one sentence.
    pub statement: String,
    pub origin: Origin,
    /// What of it is our own choice.
    #[serde(default)]
    pub note: Option<String>,
    pub test: Test,
}

/// Who makes the claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// The paper, in its text or its code.
    Paper,
    /// The paper by what others tell of it: not checked in the paper.
    Attributed,
    Ours,
}

impl Origin {
    /// What a reader is told of it; nothing of the paper's own.
    pub fn remark(self) -> Option<&'static str> {
        match self {
            Self::Paper => None,
            Self::Attributed => Some("Attributed to the paper by others, not checked in it."),
            Self::Ours => Some("Our own hypothesis, not a claim of the paper."),
        }
    }
}

/// How a claim is tested.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, tag = "kind", rename_all = "kebab-case")]
pub enum Test {
    /// A weighted sum over cells.
    Contrast {
        terms: Vec<Term>,
        expect: Expect,
        /// With fewer, the verdict is `inconclusive` whatever the estimate.
        minimum_seeds: usize,
    },
    /// The exponent with which a measure, or an optimum, grows along an axis: a line through logarithms.
    Slope { of: Term, along: String, above: f64, below: f64, minimum_seeds: usize },
    /// A measure rises, or falls, from each value of an axis to the next.
    Ordering { of: Term, along: String, direction: Direction, minimum_seeds: usize },
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

/// What a contrast is expected to be: in fractions, not percent; in doublings for flatness and optima.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Expect {
    /// Greater than this.
    Above(f64),
    /// Between minus this and this (equivalence).
    Within(f64),
}

/// What the evidence says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    Reproduced,
    NotReproduced,
    Inconclusive,
    /// Of something that is compared no run has ended.
    NotRun,
}

/// A verdict and the evidence behind it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    pub verdict: Verdict,
    /// In fractions for accuracies, in doublings for flatness and optima; absent without measurements.
    pub effect: Option<f64>,
    /// The 95 % interval around it; absent with fewer than two seeds.
    pub interval: Option<Interval>,
    /// Seeds, replicates, or values compared behind it.
    pub n: usize,
    /// What the effect is and how the interval was made.
    pub method: String,
    /// Why the verdict is what it is, in a sentence.
    pub reason: String,
    /// What the effect is counted in.
    pub unit: Unit,
    /// The values of axes for which the claim was tested, where there are several.
    pub case: Option<String>,
}

impl Verdict {
    pub const ALL: [Self; 4] = [Self::Reproduced, Self::NotReproduced, Self::Inconclusive, Self::NotRun];
}

impl Test {
    /// What of a grid the test looks at.
    pub fn terms(&self) -> &[Term] {
        match self {
            Self::Contrast { terms, .. } => terms,
            Self::Slope { of, .. } | Self::Ordering { of, .. } => std::slice::from_ref(of),
            Self::Quantity { .. } | Self::Agreement { .. } => &[],
        }
    }

    /// The axis along which it looks.
    pub fn along(&self) -> Option<&str> {
        match self {
            Self::Slope { along, .. } | Self::Ordering { along, .. } => Some(along),
            _ => None,
        }
    }

    /// What would confirm the claim, in words.
    pub fn expectation(&self) -> String {
        match self {
            Self::Contrast { terms, expect: Expect::Above(bound), .. } => {
                format!("above {}", Unit::of(terms).text(*bound))
            }
            Self::Contrast { terms, expect: Expect::Within(margin), .. } => Unit::of(terms).margin(*margin),
            Self::Slope { above, below, .. } => format!("{} to {}", bound(*above), bound(*below)),
            Self::Ordering { direction, .. } => direction.to_string(),
            Self::Quantity { above, below, .. } => match (above.map(bound), below.map(bound)) {
                (Some(above), Some(below)) => format!("{above} to {below}"),
                (Some(above), None) => format!("above {above}"),
                (None, Some(below)) => format!("below {below}"),
                (None, None) => "any".to_owned(),
            },
            Self::Agreement { .. } => "within chance".to_owned(),
        }
    }

    /// Tests on what has been measured: one finding for each value of the axes that the terms leave open, at least one.
    pub fn evaluate(&self, measurements: &Measurements, evidence: Option<&[Metric]>) -> Vec<Finding> {
        let in_case = |case: &Point| match self {
            Self::Contrast { terms, expect, minimum_seeds } => {
                contrast::evaluate(terms, case, *expect, *minimum_seeds, measurements)
            }
            Self::Slope { of, along, above, below, minimum_seeds } => {
                slope::evaluate(of, along, case, (*above, *below), *minimum_seeds, measurements)
            }
            Self::Ordering { of, along, direction, minimum_seeds } => {
                ordering::evaluate(of, along, case, *direction, *minimum_seeds, measurements)
            }
            Self::Quantity { of, above, below } => quantity::bounded(of, *above, *below, evidence),
            Self::Agreement { of } => quantity::agreement(of, evidence),
        };
        let cases = cases::cases(self.terms(), self.along(), measurements);
        let finding =
            |(case, name): &(Point, Option<String>)| Finding { case: name.clone(), ..in_case(case) };
        cases.iter().map(finding).collect()
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
            reason: "No finished run yet for at least one side of this comparison.".to_owned(),
            unit: Unit::Plain,
            case: None,
        }
    }

    /// Nothing can be compared, because so many runs diverged.
    fn diverged(runs: usize) -> Self {
        let reason =
            format!("{runs} run{} diverged; the rest cannot be compared.", if runs == 1 { "" } else { "s" });
        Self { verdict: Verdict::Inconclusive, reason, ..Self::not_run() }
    }
}

/// The end of a band, with a power of ten in place of many zeros.
fn bound(value: f64) -> String {
    let text = if value != 0.0 && value.abs() < 1e-3 { format!("{value:e}") } else { value.to_string() };
    text.replace('-', "\u{2212}")
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
}
