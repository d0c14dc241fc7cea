//! The part of the page that says whether the loader or the network is the bottleneck.

use serde::Serialize;

use super::figure::PanelView;
use crate::profile::{picture, text};
use polder_experiment::profile::record::ProfileRecord;

/// Whether the loader or the network is the bottleneck.
#[derive(Serialize)]
pub(super) struct ProfileSection {
    what: String,
    machine: String,
    verdict: String,
    rates: Vec<RateRow>,
    conclusions: Vec<String>,
    panels: Vec<PanelView>,
    command: String,
}

#[derive(Serialize)]
struct RateRow {
    what: &'static str,
    rate: String,
    range: String,
    minibatch: String,
    seconds: f64,
}

/// What a profile shows.
pub(super) fn section(profile: &ProfileRecord) -> ProfileSection {
    let rates = text::rates(profile).into_iter().map(|(what, rate)| RateRow {
        what,
        rate: text::grouped(rate.median),
        range: format!("{} to {}", text::grouped(rate.low), text::grouped(rate.high)),
        minibatch: text::duration(profile.setting.batch_size as f64 / rate.median),
        seconds: profile.setting.batch_size as f64 / rate.median,
    });
    ProfileSection {
        what: text::headline(profile),
        machine: text::machine(profile),
        verdict: profile.verdict_text.clone(),
        rates: rates.collect(),
        conclusions: text::conclusions(profile),
        panels: picture::figure(profile).panels.iter().map(PanelView::new).collect(),
        command: profile.command.clone(),
    }
}
