//! `docs/results/records`: the records of the trainings behind the page, a folder of results without weights.
//!
//! A reproduction that begins with a copy of them goes on from there. The laws are left out: they are simulated in seconds,
//! and their records are a hundred times as large.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde_json::Value;

use super::{copy_file, read};
use crate::file;

/// Of a run directory; the checkpoints are left out.
const OF_A_RUN: [&str; 5] = ["config.toml", RECORD, "timings.jsonl", "environment.json", FLATNESS];

const RECORD: &str = "record.jsonl";

const FLATNESS: &str = "flatness.json";

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

/// Fails if something of the runs in `records` would not be in a copy of the `done` runs of `results`: a run, a file of it, an
/// evaluation of its last epoch, a measurement of flatness.
pub(super) fn nothing_is_lost(records: &Path, results: &Path, done: &BTreeSet<String>) -> Result<()> {
    let published = records.join(RUNS);
    let mut lost = Vec::new();
    let there = if published.exists() { file::entries(&published)? } else { Vec::new() };
    for old in there.into_iter().filter(|entry| entry.is_dir()) {
        let id = old.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let new = results.join(RUNS).join(&id);
        let absent = OF_A_RUN.iter().find(|name| old.join(name).exists() && !new.join(name).exists());
        lost.extend(match absent {
            _ if !done.contains(&id) => Some(id),
            Some(name) => Some(format!("`{name}` of {id}")),
            None if !flatness(&old)?.is_subset(&flatness(&new)?) => {
                Some(format!("a measurement of flatness of {id}"))
            }
            None => {
                let there = evaluated(&new)?;
                let missing = evaluated(&old)?.into_iter().find(|weights| !there.contains(weights));
                missing.map(|weights| format!("the evaluation of `{weights}` of {id}"))
            }
        });
    }
    lost.sort();
    ensure!(
        lost.is_empty(),
        "these results lack what {} of the runs in `{}` have, {} for one: begin the results with a copy of that folder, or remove \
         it if its runs are no longer wanted",
        lost.len(),
        records.display(),
        lost[0]
    );
    Ok(())
}

/// The weights that were evaluated after the last epoch of a run that has ended.
fn evaluated(run: &Path) -> Result<BTreeSet<String>> {
    let path = run.join(RECORD);
    let lines: Vec<Value> = read(&path)?.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let has_ended = lines.last().is_some_and(|line| line["record"] == "end");
    ensure!(has_ended, "`{}` has not ended; `polder report` counts anew what is done", path.display());
    let last = lines.iter().rev().find_map(|line| line["evaluations"].as_object());
    Ok(last.map(|evaluations| evaluations.keys().cloned().collect()).unwrap_or_default())
}

/// The settings under which the flatness of a run was measured; none if it was not.
fn flatness(run: &Path) -> Result<BTreeSet<String>> {
    let path = run.join(FLATNESS);
    if !path.exists() {
        return Ok(BTreeSet::new());
    }
    let measured: Value =
        serde_json::from_str(&read(&path)?).with_context(|| format!("`{}` is damaged", path.display()))?;
    // Earlier versions wrote a single measurement by itself.
    let several = measured.as_array().cloned().unwrap_or_else(|| vec![measured]);
    Ok(several.iter().map(|one| one["settings"].to_string()).collect())
}

/// Puts the session and the runs that are `done` into `folder`.
pub(super) fn copy(results: &Path, done: &BTreeSet<String>, folder: &Path) -> Result<()> {
    copy_file(&results.join("session.json"), folder)?;
    for id in done {
        let (run, into) = (results.join(RUNS).join(id), folder.join(RUNS).join(id));
        // What is done has ended.
        evaluated(&run)?;
        for file in OF_A_RUN.map(|name| run.join(name)).iter().filter(|file| file.exists()) {
            copy_file(file, &into)?;
        }
    }
    Ok(())
}
