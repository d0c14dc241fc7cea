//! Folders of event files: one for each run, as TensorBoard wants them.

use std::path::{Path, PathBuf};

use super::{RunLog, event_file};
use crate::replace_file::replace_file;
use crate::report::Report;

/// TensorBoard knows event files by `tfevents` in their names. All that lies in one folder is one run to it, so that a
/// later state of a run has to replace the earlier one.
const EVENT_FILE: &str = "events.out.tfevents.polder";

/// The folder of event files beside a report.
const LOGS: &str = "logs";

/// Puts the event file of `log` into `folder`; one that is there and equal stays as it is. Returns its path.
///
/// # Errors
/// If the folder cannot be written to: path and remedy are named.
pub(crate) fn write_event_file(folder: &Path, log: &RunLog<'_>) -> anyhow::Result<PathBuf> {
    let path = folder.join(EVENT_FILE);
    let bytes = event_file(log)?;
    if std::fs::read(&path).is_ok_and(|old| old == bytes) {
        return Ok(path);
    }
    replace_file(&path, &bytes)?;
    Ok(path)
}

/// Puts the event files of all runs that `report` has records of into `results/logs/<experiment>/<cell>/seed-<n>/`.
///
/// # Errors
/// If a folder cannot be written to: path and remedy are named.
pub(crate) fn write_event_files_of(report: &Report, results: &Path) -> anyhow::Result<()> {
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
