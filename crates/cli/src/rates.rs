//! The record of experiment A1: how the errors of SGD and of its average scale with the step size.

use std::path::{Path, PathBuf};

use anyhow::Context;
use polder_theory::{A1Config, A1Result, A1Row};
use serde::{Deserialize, Serialize};

use crate::claim::{Interval, Series};
use crate::config::short_digest;
use crate::experiment::ScaleName;

/// `theory/A1-<scale>-<hash>.json`: everything the report shows of the experiment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct RatesRecord {
    /// Of Polder.
    pub(crate) version: String,
    pub(crate) result: A1Result,
    /// Wall time.
    pub(crate) seconds: f64,
}

impl RatesRecord {
    /// The fitted exponent of an error in the step size, with its 95 % interval.
    pub(crate) fn slope(&self, of: Series) -> Interval {
        let exponent = match of {
            Series::Iterate => &self.result.sgd.exponent,
            Series::Average => &self.result.averaged.exponent,
        };
        Interval { estimate: exponent.value, low: exponent.lower, high: exponent.upper }
    }

    /// The step sizes behind the slopes.
    pub(crate) fn fitted(&self) -> impl Iterator<Item = &A1Row> {
        self.result.rows.iter().filter(|row| row.in_fit)
    }

    /// The largest `|f(v* + d) - f(v* - d)|` over the step sizes.
    pub(crate) fn chord_residuals(&self) -> impl Iterator<Item = f64> {
        self.result.rows.iter().map(|row| row.chord_residual.abs())
    }

    /// Reads a record back.
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        let bytes = std::fs::read(path).with_context(|| format!("cannot read `{}`", path.display()))?;
        serde_json::from_slice(&bytes)
            .with_context(|| format!("`{}` is damaged; `polder reproduce` computes it again", path.display()))
    }
}

/// Where the record of an experiment with these settings lies: another setting is another file.
pub(crate) fn path(results: &Path, experiment: &str, scale: ScaleName, settings: &A1Config) -> PathBuf {
    let canonical = serde_json::to_string(settings).expect("settings are plain data");
    let id = short_digest(&canonical);
    results.join("theory").join(format!("{experiment}-{scale}-{id}.json"))
}
