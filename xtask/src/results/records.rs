//! `docs/results/records`: the records of the trainings behind the page, a folder of results without weights.
//!
//! A reproduction that begins with a copy of them goes on from there. The laws are left out: they are simulated in seconds,
//! and their records are a hundred times as large.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use super::{copy_file, read};

/// Of a run directory; the checkpoints are left out.
const OF_A_RUN: [&str; 5] =
    ["config.toml", "record.jsonl", "timings.jsonl", "environment.json", "flatness.json"];

const RUNS: &str = "runs";

/// What is read of `results.json`.
#[derive(Deserialize)]
struct Numbers {
    runs_done: BTreeSet<String>,
}

/// The ids of the runs on the page of which nothing is left to compute. Others stay behind: without a checkpoint nothing
/// could go on from their records.
pub(super) fn done(results: &Path) -> Result<BTreeSet<String>> {
    let path = results.join("results.json");
    let numbers: Numbers = serde_json::from_str(&read(&path)?).with_context(|| {
        format!("`{}` does not tell which runs are done; `polder report` writes it anew", path.display())
    })?;
    Ok(numbers.runs_done)
}

/// Fails if a run that `records` has is not `done`.
pub(super) fn nothing_is_lost(records: &Path, done: &BTreeSet<String>) -> Result<()> {
    let runs = records.join(RUNS);
    if !runs.exists() {
        return Ok(());
    }
    let context = || format!("`{}` cannot be read", runs.display());
    let mut lost = Vec::new();
    for entry in fs::read_dir(&runs).with_context(context)? {
        let id = entry.with_context(context)?.file_name().to_string_lossy().into_owned();
        if !done.contains(&id) {
            lost.push(id);
        }
    }
    lost.sort();
    ensure!(
        lost.is_empty(),
        "{} of the runs in `{}` are not done in these results, {} for one: begin the results with a copy of that folder, or \
         remove it if its runs are no longer wanted",
        lost.len(),
        records.display(),
        lost[0]
    );
    Ok(())
}

/// Puts the session and the runs that are `done` into `folder`.
pub(super) fn copy(results: &Path, done: &BTreeSet<String>, folder: &Path) -> Result<()> {
    copy_file(&results.join("session.json"), folder)?;
    for id in done {
        let (run, into) = (results.join(RUNS).join(id), folder.join(RUNS).join(id));
        for file in OF_A_RUN.map(|name| run.join(name)).iter().filter(|file| file.exists()) {
            copy_file(file, &into)?;
        }
    }
    Ok(())
}
