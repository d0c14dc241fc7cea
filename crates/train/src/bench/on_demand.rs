//! Steps on demand, for a comparison whose programs take turns.

use std::io::{BufRead, Write};
use std::time::Duration;

use anyhow::Context;
use serde::Serialize;

use super::measure::Plan;
use super::memory::Peak;

/// What so many steps took.
#[derive(Clone, Copy, Debug, Serialize)]
struct Turn {
    steps: u64,
    seconds: f64,
    /// The peak so far above what there was before the network existed; `None` where nobody says.
    peak_memory_bytes: Option<u64>,
}

impl Plan<'_> {
    /// For every line of `demands`, a number, makes so many steps on one resident minibatch and writes a line of JSON to
    /// `turns`; once before that for no step, when it is ready.
    pub fn obey(&self, demands: impl BufRead, mut turns: impl Write) -> anyhow::Result<()> {
        let peak = Peak::begin(self.device);
        let mut bench = self.bench(&self.feed()?)?;
        self.warm_up(&mut bench)?;
        let mut report = |steps, time: Duration| -> anyhow::Result<()> {
            let turn = Turn { steps, seconds: time.as_secs_f64(), peak_memory_bytes: peak.bytes() };
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
            let time = bench.time(steps)?;
            report(steps, time)?;
        }
        Ok(())
    }
}
