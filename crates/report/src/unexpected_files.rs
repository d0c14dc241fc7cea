//! What lies in a results folder and is no part of the report: named, so that nobody believes it is in the tables.

use std::collections::BTreeSet;
use std::path::Path;

use polder_experiment::plan::runs_dir;

/// What commands of Polder leave in a results folder.
const OURS: [&str; 11] = [
    "figures",
    "logs",
    "profile-input.json",
    "profile-input.svg",
    "report.html",
    "report.md",
    "results.csv",
    "results.json",
    "runs",
    "session.json",
    "theory",
];

/// As many names at most; the rest is counted.
const NAMED: usize = 10;

/// What is no part of the report.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UnexpectedFiles {
    /// Paths below the results folder that no command of Polder writes.
    pub foreign: Vec<String>,
    /// Ids of runs that no experiment of the session asks for: of other experiments, scales or versions of a file.
    pub other_runs: Vec<String>,
}

impl UnexpectedFiles {
    /// Looks through `results`, of whose runs those in `asked_for` belong to the report.
    pub fn find(results: &Path, asked_for: &BTreeSet<&str>) -> Self {
        let runs = runs_dir(results);
        let is_other_run = |name: &String| is_run_id(name) && runs.join(name).is_dir();
        let not_asked_for = names(&runs).into_iter().filter(|name| !asked_for.contains(name.as_str()));
        let (other_runs, in_runs): (Vec<_>, Vec<_>) = not_asked_for.partition(is_other_run);
        let is_record =
            |name: &String| Path::new(name).extension().is_some_and(|extension| extension == "json");
        let in_theory = names(&results.join("theory")).into_iter().filter(|name| !is_record(name));
        let foreign = names(results).into_iter().filter(|name| !OURS.contains(&name.as_str()));
        let foreign = foreign.chain(in_runs.into_iter().map(|name| format!("runs/{name}")));
        let foreign = foreign.chain(in_theory.map(|name| format!("theory/{name}"))).collect();
        Self { foreign, other_runs }
    }

    /// A sentence for each kind that there is.
    pub fn sentences(&self) -> Vec<String> {
        let list = |names: &[String]| {
            let shown: Vec<String> = names.iter().take(NAMED).map(|name| format!("`{name}`")).collect();
            let rest = names.len().saturating_sub(NAMED);
            if rest > 0 { format!("{} and {rest} more", shown.join(", ")) } else { shown.join(", ") }
        };
        let mut sentences = Vec::new();
        if !self.foreign.is_empty() {
            sentences.push(format!("Not Polder's, and left alone: {}.", list(&self.foreign)));
        }
        if !self.other_runs.is_empty() {
            sentences.push(format!(
                "Runs that no experiment of this report asks for (other scales, seeds or earlier settings): {}.",
                list(&self.other_runs)
            ));
        }
        sentences
    }
}

/// What lies in a folder, hidden files left out; nothing where there is no folder.
fn names(dir: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(dir) else { return Vec::new() };
    let mut names: Vec<String> = entries
        .filter_map(Result::ok)
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| !name.starts_with('.'))
        .collect();
    names.sort();
    names
}

fn is_run_id(name: &str) -> bool {
    name.len() == polder_experiment::config::RunConfig::default().id().len()
        && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_ours_and_what_is_not_asked_for_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        for folder in ["runs/2eca329951db", "runs/0123456789ab", "runs/mine", "theory"] {
            std::fs::create_dir_all(path(folder)).unwrap();
        }
        for file in [
            "results.csv",
            "notes.txt",
            "runs/2d57d15e398e",
            "theory/A1-desk-0.json",
            "theory/a.txt",
            ".tmpX",
        ] {
            std::fs::write(path(file), "x").unwrap();
        }
        let unexpected = UnexpectedFiles::find(dir.path(), &BTreeSet::from(["2eca329951db"]));
        assert_eq!(unexpected.foreign, ["notes.txt", "runs/2d57d15e398e", "runs/mine", "theory/a.txt"]);
        assert_eq!(unexpected.other_runs, ["0123456789ab"]);
        let text = unexpected.sentences().join(" ");
        assert!(text.contains("`notes.txt`") && text.contains("`0123456789ab`"), "{text}");
        assert_eq!(UnexpectedFiles::find(&path("nowhere"), &BTreeSet::new()).sentences(), [""; 0]);
    }
}
