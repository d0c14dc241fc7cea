//! Steps on demand, for a comparison whose programs take turns.

use std::io::{BufRead, Write};
use std::time::Duration;

use anyhow::Context;
use serde::Serialize;

use super::measure::Plan;
use super::memory;
use crate::interrupt;

/// What so many steps took.
#[derive(Clone, Copy, Debug, Serialize)]
struct Turn {
    steps: u64,
    seconds: f64,
    /// The peak so far above what was resident before the network existed; `None` where the system does not say.
    peak_memory_bytes: Option<u64>,
}

/// Steps before the first turn: they choose algorithms and allocate.
const WARM_UP: usize = 2;

impl Plan<'_> {
    /// For every line of `demands`, a number, makes so many steps on one resident minibatch and writes a line of JSON to
    /// `turns`; once before that for no step, when it is ready.
    pub(crate) fn obey(&self, demands: impl BufRead, mut turns: impl Write) -> anyhow::Result<()> {
        let resident_before = memory::resident();
        memory::forget_peak();
        let mut bench = self.bench(&self.loader()?)?;
        for _ in 0..WARM_UP {
            bench.whole()?;
        }
        let mut report = |steps, time: Duration| -> anyhow::Result<()> {
            let turn = Turn {
                steps,
                seconds: time.as_secs_f64(),
                peak_memory_bytes: memory::peak()
                    .zip(resident_before)
                    .map(|(peak, before)| peak.saturating_sub(before)),
            };
            writeln!(turns, "{}", serde_json::to_string(&turn)?)?;
            turns.flush().context("nobody listens any more")
        };
        report(0, Duration::ZERO)?;
        for demand in demands.lines() {
            let demand = demand?;
            let steps: u64 = demand
                .trim()
                .parse()
                .with_context(|| format!("expected a number of steps on each line, found `{demand}`"))?;
            let mut time = Duration::ZERO;
            for _ in 0..steps {
                if interrupt::requested() {
                    return Ok(());
                }
                time += bench.whole()?;
            }
            report(steps, time)?;
        }
        Ok(())
    }
}
