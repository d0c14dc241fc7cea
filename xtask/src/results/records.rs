//! `docs/results/records`: the records of the trainings behind the page, a folder of results without weights.
//!
//! A reproduction that begins with a copy of them goes on from there. The laws are left out: they are simulated in seconds,
//! and their records are a hundred times as large.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;

/// Of a run directory; the checkpoints are left out.
const OF_A_RUN: [&str; 5] =
    ["config.toml", "record.jsonl", "timings.jsonl", "environment.json", "flatness.json"];

/// Puts the session and the runs that have ended into `folder`, in place of those before.
///
/// A run that was stopped stays behind: without its checkpoint nothing could go on from its record.
pub(super) fn copy(results: &Path, folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("`{}` cannot be removed", folder.display()))?;
    }
    copy_file(&results.join("session.json"), folder)?;
    for run in entries(&results.join("runs"))?.iter().filter(|run| has_ended(run)) {
        let into = folder.join("runs").join(run.file_name().unwrap_or_default());
        for file in OF_A_RUN.map(|name| run.join(name)).iter().filter(|file| file.exists()) {
            copy_file(file, &into)?;
        }
    }
    Ok(())
}

/// Whether the last line of a run's record says that it has ended.
fn has_ended(run: &Path) -> bool {
    let text = fs::read_to_string(run.join("record.jsonl")).unwrap_or_default();
    let last: Option<Value> = text.lines().last().and_then(|line| serde_json::from_str(line).ok());
    last.is_some_and(|record| record["record"] == "end")
}

/// What lies in `folder`; nothing if it is not there.
fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let entries = fs::read_dir(folder).and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect());
    entries.with_context(|| format!("`{}` cannot be read", folder.display()))
}

fn copy_file(file: &Path, into: &Path) -> Result<()> {
    fs::create_dir_all(into).with_context(|| format!("`{}` cannot be made", into.display()))?;
    fs::copy(file, into.join(file.file_name().unwrap_or_default()))
        .with_context(|| format!("`{}` cannot be copied", file.display()))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ended_runs_are_kept_without_weights_and_earlier_ones_are_gone() {
        let dir = tempfile::tempdir().unwrap();
        let (results, folder) = (dir.path().join("results"), dir.path().join("records"));
        let write = |file: &str, text: &str| {
            let path = results.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("session.json", "{}");
        write("report.html", "");
        write("theory/A1-desk.json", "{}");
        write("runs/aaaaaaaaaaaa/record.jsonl", "{\"record\":\"run\"}\n{\"record\":\"end\"}\n");
        write("runs/aaaaaaaaaaaa/flatness.json", "{}");
        write("runs/aaaaaaaaaaaa/checkpoint-0000000391.safetensors", "");
        write("runs/bbbbbbbbbbbb/record.jsonl", "{\"record\":\"run\"}\n{\"record\":\"epoch\"}\n");
        write("runs/cccccccccccc/record.jsonl", "{\"record\":\"run\"}\n{\"record\":\"en");
        fs::create_dir_all(folder.join("runs/dddddddddddd")).unwrap();
        copy(&results, &folder).unwrap();
        let names = |folder: &Path| -> Vec<String> {
            let mut names: Vec<String> = entries(folder)
                .unwrap()
                .iter()
                .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
                .collect();
            names.sort();
            names
        };
        assert_eq!(names(&folder), ["runs", "session.json"]);
        assert_eq!(names(&folder.join("runs")), ["aaaaaaaaaaaa"]);
        assert_eq!(names(&folder.join("runs/aaaaaaaaaaaa")), ["flatness.json", "record.jsonl"]);
    }
}
