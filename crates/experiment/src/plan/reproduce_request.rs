//! `session.json`: what the latest `polder reproduce` was asked for and what kept it from being complete.

use std::path::Path;

use anyhow::Context;
use serde::{Deserialize, Serialize};

use crate::config::DatasetName;
use crate::experiment::Selection;
use crate::replace_file::replace_file;

const SESSION_FILE: &str = "session.json";

/// With the experiments and the records this is all that a report is drawn from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReproduceRequest {
    /// Of Polder.
    pub version: String,
    /// Scale, seeds, and whether it was the default selection.
    #[serde(flatten)]
    pub extent: Selection,
    /// The folder of the experiments, where it is not that of the repository; earlier versions did not write it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own_experiments: Option<String>,
    /// Patterns of experiments; empty for all.
    pub only: Vec<String>,
    /// Runs at a time, and libtorch's threads for each; earlier versions did not write them.
    #[serde(default)]
    pub jobs: usize,
    #[serde(default)]
    pub threads: usize,
    pub missing: Vec<MissingData>,
    pub failures: Vec<Failure>,
    /// Stopped by the user before the end.
    pub interrupted: bool,
}

/// A data set that could not be had.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MissingData {
    pub dataset: String,
    pub reason: String,
    /// The command that adds it.
    pub remedy: String,
}

/// A run that ended with an error, twice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    /// The run's id, or the experiment's for the theory.
    pub run: String,
    /// What it was for.
    pub what: String,
    pub error: String,
}

impl ReproduceRequest {
    pub fn write(&self, results: &Path) -> anyhow::Result<()> {
        replace_file(&results.join(SESSION_FILE), &serde_json::to_vec_pretty(self)?)
    }

    pub fn read(results: &Path) -> anyhow::Result<Self> {
        let path = results.join(SESSION_FILE);
        let bytes = std::fs::read(&path).with_context(|| {
            format!(
                "cannot read `{}`, which `polder reproduce` writes; name the folder of its results with --results",
                path.display()
            )
        })?;
        serde_json::from_slice(&bytes).with_context(|| {
            format!("`{}` is damaged; repeat `polder reproduce`: finished runs are kept", path.display())
        })
    }

    /// Whether runs on a data set could not be made, since it is not there.
    pub fn lacks(&self, dataset: DatasetName) -> bool {
        self.missing.iter().any(|missing| missing.dataset == dataset.to_string())
    }

    /// Whether a run, or the law of an experiment, ended with an error twice.
    pub fn has_failed(&self, id: &str) -> bool {
        self.failures.iter().any(|failure| failure.run == id)
    }

    /// A line for each data set that is missing, with the command that adds it.
    pub fn missing_data_messages(&self) -> impl Iterator<Item = String> {
        self.missing.iter().map(|missing| {
            format!(
                "{} is missing: {}. `{}` adds it, or name its folder with --data-dir; then repeat this command.",
                missing.dataset, missing.reason, missing.remedy
            )
        })
    }

    /// The command that continues or repeats this session.
    pub fn command(&self) -> String {
        self.command_for(&self.only)
    }

    /// The flag that names the folder of results to [`command`](Self::command) where it is not `results`. Which one it is stays
    /// out of the page, which is sent to others.
    pub fn folder_flag(&self) -> &'static str {
        if self.own_experiments.is_some() { "--results" } else { "--output" }
    }

    /// The command for a selection of experiments at this scale and with these seeds; that of the session where these are the
    /// default ones, which naming an experiment would leave.
    pub fn command_for(&self, only: &[String]) -> String {
        let only = if self.extent.default_only { &self.only } else { only };
        let only = match only.join(",") {
            none if none.is_empty() => String::new(),
            // A shell would look for files.
            patterns if patterns.contains('*') => format!(" --only '{patterns}'"),
            ids => format!(" --only {ids}"),
        };
        let Selection { scale, num_seeds, default_only } = self.extent;
        let seeds = num_seeds.map_or_else(String::new, |seeds| format!(" --seeds {seeds}"));
        let scale = if default_only { String::new() } else { format!(" --scale {scale}") };
        match &self.own_experiments {
            None => format!("cargo xtask reproduce{scale}{only}{seeds}"),
            // In the same folder of results: only who calls knows what it is called from where.
            Some(folder) => format!("polder reproduce --experiments {folder}{scale}{only}{seeds}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scale::ScaleName;

    #[test]
    fn the_command_names_what_was_asked_for() {
        let mut session = ReproduceRequest {
            version: String::new(),
            extent: Selection { num_seeds: Some(2), ..Selection::all(ScaleName::Desk) },
            own_experiments: None,
            only: vec!["A4".to_owned(), "C*".to_owned()],
            jobs: 1,
            threads: 2,
            missing: Vec::new(),
            failures: Vec::new(),
            interrupted: false,
        };
        assert_eq!(session.command(), "cargo xtask reproduce --scale desk --only 'A4,C*' --seeds 2");
        session.own_experiments = Some("mine".to_owned());
        session.only.clear();
        assert_eq!(session.command(), "polder reproduce --experiments mine --scale desk --seeds 2");
        session.own_experiments = None;
        session.extent = Selection::DEFAULT;
        assert_eq!(session.command_for(&["A4".to_owned()]), "cargo xtask reproduce");
    }
}
