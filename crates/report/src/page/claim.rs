//! A claim on the page: what was expected, what came out, and where the runs behind it are.

use minijinja::context;
use minijinja::value::Value;

use super::cell::family_anchor;
use super::words;
use crate::effect_text;
use crate::groups::distinct;
use polder_experiment::claim::{Claim, Finding, Origin, Verdict};

/// A claim in one of its cases, with links to the cells that it compares.
pub(super) fn claim(experiment: &str, claim: &Claim, finding: &Finding) -> Value {
    let (effect, interval) = effect_text(finding);
    let case = finding.case.as_deref();
    let cells = distinct(claim.test.terms().iter().map(|term| term.cell.as_str()));
    let link = |cell| context! { name => cell, anchor => family_anchor(experiment, cell) };
    context! {
        id => claim.id.as_str(),
        // Where the page has it.
        anchor => case.map_or_else(|| claim.id.clone(), |case| format!("{}-{}", claim.id, words(case))),
        case,
        statement => claim.statement.as_str(),
        // Who makes it, if not the paper.
        origin => claim.origin.remark(),
        ours => claim.origin == Origin::Ours,
        note => claim.note.as_deref(),
        expected => claim.test.expectation(),
        effect,
        // What the effect is sorted by.
        value => finding.effect,
        interval,
        n => finding.n,
        method => finding.method.as_str(),
        verdict => finding.verdict.to_string(),
        class => class(finding.verdict),
        // What the verdict is sorted by.
        rank => Verdict::ALL.iter().position(|verdict| *verdict == finding.verdict),
        reason => finding.reason.as_str(),
        cells => cells.into_iter().map(link).collect::<Vec<_>>(),
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
