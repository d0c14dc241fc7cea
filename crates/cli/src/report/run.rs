//! A run that an experiment asks for, as the report sees it.

use std::collections::BTreeMap;

use crate::claim::Measured;
use crate::config::RunConfig;
use crate::experiment::Point;
use crate::flatness::FlatnessRecord;
use crate::record::{EndRecord, EpochRecord, RunRecords};

/// A run that the experiment asks for, with its records if there are any.
pub(crate) struct RunResult {
    /// With the values of the axes that have several.
    pub(crate) cell: String,
    /// The cell as the experiment names it.
    pub(crate) family: String,
    pub(crate) point: Point,
    pub(crate) seed: u64,
    pub(crate) id: String,
    pub(crate) config: RunConfig,
    pub(crate) records: Option<RunRecords>,
    pub(crate) flatness: Option<FlatnessRecord>,
}

impl RunResult {
    /// The epochs recorded so far.
    pub(crate) fn epochs(&self) -> impl Iterator<Item = &EpochRecord> {
        self.records.iter().flat_map(|records| &records.epochs)
    }

    /// How far the run is, in words.
    pub(crate) fn state(&self) -> &'static str {
        match self.records.as_ref().map(|records| &records.end) {
            None => "to do",
            Some(None) => "partial",
            Some(Some(EndRecord::Finished)) => "finished",
            Some(Some(EndRecord::Diverged { .. })) => "diverged",
        }
    }

    /// What claims can be about.
    pub(super) fn measured(&self) -> Measured {
        let epochs = self.epochs().filter(|epoch| !epoch.evaluations.is_empty()).map(|epoch| {
            let accuracies = epoch.evaluations.iter().map(|(name, found)| (name.clone(), 1.0 - found.error));
            let passed = epoch.epoch as f64 / self.config.training.epochs as f64;
            (passed, 1.0 - epoch.train_error, accuracies.collect())
        });
        Measured {
            has_ended: matches!(self.state(), "finished" | "diverged"),
            has_diverged: self.state() == "diverged",
            epochs: epochs.collect(),
            flatness: self.flatness.as_ref().map(|flat| flat.by_weights.clone()).unwrap_or_default(),
        }
    }
}

/// How many runs have ended, and how many there are, each once.
pub(super) fn progress<'a>(runs: impl IntoIterator<Item = &'a RunResult>) -> (usize, usize) {
    let by_id: BTreeMap<&str, bool> = runs
        .into_iter()
        .map(|run| (run.id.as_str(), matches!(run.state(), "finished" | "diverged")))
        .collect();
    (by_id.values().filter(|ended| **ended).count(), by_id.len())
}

/// Wall time of a run.
pub(super) fn seconds(records: &RunRecords) -> f64 {
    records.timings.iter().map(|timing| timing.train_seconds + timing.evaluate_seconds).sum()
}
