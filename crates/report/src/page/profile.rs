//! The part of the page that says whether the loader or the network is the bottleneck.

use minijinja::context;
use minijinja::value::Value;

use super::figure;
use crate::profile::{picture, text};
use polder_experiment::profile::record::ProfileRecord;

/// What a profile shows.
pub(super) fn section(profile: &ProfileRecord) -> Value {
    let rates = text::rates(profile).into_iter().map(|(what, rate)| {
        let seconds = profile.setting.batch_size as f64 / rate.median;
        context! {
            what,
            rate => text::grouped(rate.median),
            range => text::range(&rate),
            minibatch => text::duration(seconds),
            seconds,
        }
    });
    context! {
        what => text::headline(profile),
        machine => text::machine(profile),
        verdict => profile.verdict_text.as_str(),
        rates => rates.collect::<Vec<_>>(),
        conclusions => text::conclusions(profile),
        panels => figure::panels(&picture::figure(profile)),
        command => profile.command.as_str(),
    }
}
