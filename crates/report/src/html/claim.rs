//! A claim on the page: what was expected, what came out, and where the runs behind it are.

use serde::Serialize;

use super::cell::family_anchor;
use super::words;
use crate::effect_text;
use polder_experiment::claim::{Claim, Finding, Origin, Verdict};

#[derive(Serialize)]
pub(super) struct ClaimRow {
    id: String,
    /// Where the page has it.
    anchor: String,
    /// The values of axes that it is tested for.
    case: Option<String>,
    statement: String,
    /// Who makes it, if not the paper.
    origin: Option<&'static str>,
    ours: bool,
    note: Option<String>,
    expected: String,
    effect: String,
    /// What the effect is sorted by.
    value: Option<f64>,
    interval: String,
    n: usize,
    method: String,
    verdict: String,
    class: &'static str,
    /// What the verdict is sorted by.
    rank: usize,
    reason: String,
    /// The cells that it compares.
    cells: Vec<Link>,
}

#[derive(Serialize)]
struct Link {
    name: String,
    anchor: String,
}

impl ClaimRow {
    pub(super) fn new(experiment: &str, claim: &Claim, finding: &Finding) -> Self {
        let (effect, interval) = effect_text(finding);
        let mut cells = Vec::<Link>::new();
        for term in claim.test.terms() {
            if !cells.iter().any(|cell| cell.name == term.cell) {
                cells.push(Link { name: term.cell.clone(), anchor: family_anchor(experiment, &term.cell) });
            }
        }
        Self {
            id: claim.id.clone(),
            anchor: finding
                .case
                .as_ref()
                .map_or_else(|| claim.id.clone(), |case| format!("{}-{}", claim.id, words(case))),
            case: finding.case.clone(),
            statement: claim.statement.clone(),
            origin: claim.origin.remark(),
            ours: claim.origin == Origin::Ours,
            note: claim.note.clone(),
            expected: claim.test.expectation(),
            effect,
            value: finding.effect,
            interval,
            n: finding.n,
            method: finding.method.clone(),
            verdict: finding.verdict.to_string(),
            class: class(finding.verdict),
            rank: Verdict::ALL.iter().position(|verdict| *verdict == finding.verdict).unwrap_or_default(),
            reason: finding.reason.clone(),
            cells,
        }
    }
}

/// How a verdict is coloured.
pub(super) fn class(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Reproduced => "yes",
        Verdict::NotReproduced => "no",
        Verdict::Inconclusive => "open",
        Verdict::NotRun => "none",
    }
}
