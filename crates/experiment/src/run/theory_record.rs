//! The record of a law: the settings it was simulated with, and the report.

use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::{Deserialize, Serialize};

use crate::config::short_digest;
use crate::scale::ScaleName;
use crate::simulation_kind::SimulationKind;

/// `theory/<experiment>-<scale>-<hash>.json`: everything the report shows of the experiment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TheoryRecord {
    /// Of Polder.
    pub version: String,
    /// The name of the law.
    pub law: String,
    pub settings: toml::Table,
    /// Wall time.
    pub seconds: f64,
    pub report: serde_json::Value,
}

/// A law and its settings: what there is to compute.
#[derive(Clone, Debug)]
pub struct Simulation {
    pub law: &'static SimulationKind,
    pub settings: toml::Table,
}

impl TheoryRecord {
    /// Reads a record back.
    ///
    /// # Errors
    /// If it is damaged, or its report is that of another version of the law.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let bytes = std::fs::read(path).with_context(|| format!("cannot read `{}`", path.display()))?;
        let parse = || -> anyhow::Result<_> {
            let record: Self = serde_json::from_slice(&bytes)?;
            SimulationKind::find(&record.law)?.check(&record.report)?;
            Ok(record)
        };
        parse()
            .with_context(|| format!("`{}` is damaged; `polder reproduce` computes it again", path.display()))
    }
}

impl Simulation {
    /// Computes, on all threads.
    pub fn run(&self) -> anyhow::Result<TheoryRecord> {
        let begun = std::time::Instant::now();
        let report = self.law.simulate(&self.settings)?;
        Ok(TheoryRecord {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            law: self.law.name.to_owned(),
            settings: self.settings.clone(),
            seconds: begun.elapsed().as_secs_f64(),
            report,
        })
    }

    /// Where the record of an experiment lies: other settings are another file.
    pub fn path(&self, results: &Path, experiment: &str, scale: ScaleName) -> PathBuf {
        let canonical =
            serde_json::to_string(&(self.law.name, &self.settings)).expect("settings are plain data");
        results.join("theory").join(format!("{experiment}-{scale}-{}.json", short_digest(&canonical)))
    }
}
