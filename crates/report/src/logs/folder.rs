//! Folders of event files: one for each run, as TensorBoard wants them.

use std::path::Path;

use anyhow::Context;

use super::RunLog;
use super::event_file::event_file;
use crate::Report;
use polder_experiment::replace_file::replace_file;

/// TensorBoard knows event files by `tfevents` in their names. All that lies in one folder is one run to it, so that a
/// later state of a run has to take the place of the earlier one; and under a new name, or a TensorBoard that is open
/// would not look at it again.
const BEFORE_STEPS: &str = "events.out.tfevents.";
const AFTER_STEPS: &str = ".polder";

/// The folder of event files next to a report.
const LOGS: &str = "logs";

/// Puts the event file of `log` into `folder`, where it takes the place of an earlier one; an equal one stays as it is.
///
/// # Errors
/// If the folder cannot be written to: path and remedy are named.
pub fn write_event_file(folder: &Path, log: &RunLog<'_>) -> anyhow::Result<()> {
    let steps = log.rows.last().map_or(0, |row| row.steps);
    let path = folder.join(format!("{BEFORE_STEPS}{steps:010}{AFTER_STEPS}"));
    let bytes = event_file(log)?;
    if !std::fs::read(&path).is_ok_and(|old| old == bytes) {
        replace_file(&path, &bytes)?;
    }
    let context = || format!("cannot clear `{}` of earlier event files", folder.display());
    for entry in std::fs::read_dir(folder).with_context(context)? {
        let other = entry.with_context(context)?.path();
        let name = other.file_name().unwrap_or_default().to_string_lossy();
        if other != path && name.starts_with(BEFORE_STEPS) && name.ends_with(AFTER_STEPS) {
            std::fs::remove_file(&other).with_context(context)?;
        }
    }
    Ok(())
}

/// Puts the event files of all runs that `report` has records of into `results/logs/<experiment>/<cell>/seed-<n>/`.
///
/// # Errors
/// If a folder cannot be written to: path and remedy are named.
pub fn write_event_files_of(report: &Report, results: &Path) -> anyhow::Result<()> {
    for experiment in &report.experiments {
        for run in &experiment.runs {
            let Some(records) = &run.records else { continue };
            let name = [
                folder_name(&experiment.experiment.id),
                folder_name(&run.cell),
                format!("seed-{}", run.seed),
            ];
            let name = name.join("/");
            write_event_file(&results.join(LOGS).join(&name), &RunLog::new(name, records))?;
        }
    }
    Ok(())
}

/// `name` as that of one folder, on any system.
fn folder_name(name: &str) -> String {
    let mapped: String =
        name.chars().map(|c| if r#"/\:*?"<>|"#.contains(c) || c.is_control() { '-' } else { c }).collect();
    let trimmed = mapped.trim_matches(['.', ' ']);
    if trimmed.is_empty() { "-".to_owned() } else { trimmed.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::folder_name;

    #[test]
    fn names_of_cells_become_names_of_folders() {
        for (name, expected) in [
            ("small steps, SGD", "small steps, SGD"),
            ("SGD/SAM: 1.5", "SGD-SAM- 1.5"),
            ("../..", "-"),
            ("..", "-"),
        ] {
            assert_eq!(folder_name(name), expected);
        }
    }
}
