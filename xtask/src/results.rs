//! `docs/results`: the summary of a reproduction as a part of the repository, and the records of its trainings.

mod records;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::args::ResultsArgs;
use crate::file;
use crate::machine;
use crate::workspace::Workspace;

/// In the workspace.
const FOLDER: &str = "docs/results";

/// In the results, and in [`FOLDER`].
const FIGURES: &str = "figures";

/// In [`FOLDER`].
const RECORDS: &str = "records";

/// Puts words, tables, figures and records of the report in the results folder where the repository shows them.
pub(crate) fn run(workspace: &Workspace, args: &ResultsArgs) -> Result<()> {
    let results = workspace.results_dir(args.results.as_deref());
    let page = publish(&results, &workspace.root().join(FOLDER), &machine::commit(workspace))?;
    println!("{}", page.display());
    Ok(())
}

/// Makes the folder anew beside the one that is there, which then gives way; returns the path of the page.
///
/// Whenever this is stopped, the old folder or the new one is whole, and the next call puts it in its place.
fn publish(results: &Path, folder: &Path, commit: &str) -> Result<PathBuf> {
    let (fresh, old) = (folder.with_extension("unfinished"), folder.with_extension("replaced"));
    if !folder.exists() && old.exists() {
        file::rename(&old, folder)?;
    }
    ensure!(
        !is_within(results, folder),
        "`{}` is a part of what would be replaced; name a copy of it with --results",
        results.display()
    );
    let done = records::done(results)?;
    records::nothing_is_lost(&folder.join(RECORDS), results, &done)?;
    file::remove(&fresh)?;
    page(results, &fresh, commit)?;
    records::copy(results, &done, &fresh.join(RECORDS))?;
    file::remove(&old)?;
    if folder.exists() {
        file::rename(folder, &old)?;
    }
    file::rename(&fresh, folder)?;
    file::remove(&old)?;
    Ok(folder.join("README.md"))
}

/// Writes the page into `folder`, with the figures that it shows.
fn page(results: &Path, folder: &Path, commit: &str) -> Result<()> {
    let text = read(&results.join("report.md"))?;
    let mut page = String::new();
    for line in text.lines() {
        let Some((title, file)) = figure(line) else {
            page += line;
            page.push('\n');
            continue;
        };
        copy_file(&results.join(FIGURES).join(file), &folder.join(FIGURES))?;
        let _ = writeln!(page, "![{title}]({FIGURES}/{file})");
    }
    let _ = writeln!(page, "* Copied from the report at commit {commit}");
    file::make_folder(folder)?;
    file::write(&folder.join("README.md"), page)
}

/// Title and file of the figure that a line of the report lists.
fn figure(line: &str) -> Option<(&str, &str)> {
    let (title, rest) = line.strip_prefix("* [")?.split_once(&format!("]({FIGURES}/"))?;
    let file = rest.split_once(')')?.0;
    let is_picture = Path::new(file).extension().is_some_and(|extension| extension == "svg");
    (is_picture && !file.contains('/')).then_some((title, file))
}

/// A file of the report.
fn read(path: &Path) -> Result<String> {
    file::read(path).context("`cargo xtask reproduce` writes what is missing")
}

fn is_within(path: &Path, folder: &Path) -> bool {
    match (path.canonicalize(), folder.canonicalize()) {
        (Ok(path), Ok(folder)) => path.starts_with(folder),
        _ => false,
    }
}

fn copy_file(path: &Path, into: &Path) -> Result<()> {
    file::make_folder(into)?;
    fs::copy(path, into.join(path.file_name().unwrap_or_default()))
        .with_context(|| format!("`{}` cannot be copied", path.display()))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(weights: &[&str]) -> String {
        let evaluations: serde_json::Map<_, _> =
            weights.iter().map(|&name| (name.to_owned(), serde_json::json!({ "error": 0.5 }))).collect();
        let epoch = serde_json::json!({ "record": "epoch", "evaluations": evaluations });
        format!("{{\"record\":\"run\"}}\n{epoch}\n{{\"record\":\"end\"}}\n")
    }

    /// Results with a page, a figure, and runs: those in `done` have ended, `bbbbbbbbbbbb` has not.
    fn write_results(results: &Path, done: &[&str]) {
        let write = |file: &str, text: &str| {
            let path = results.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let listed = "* [Accuracy](figures/A4-accuracy.svg), [numbers](figures/A4-accuracy.csv)";
        write("report.md", &format!("# Page\n\n{listed}\n* A machine\n"));
        write("figures/A4-accuracy.svg", "<svg/>");
        write("results.json", &serde_json::json!({ "runs_done": done }).to_string());
        write("session.json", "{}");
        write("theory/A1-desk.json", "{}");
        for run in done {
            write(&format!("runs/{run}/record.jsonl"), &record(&["iterate", "tail"]));
            write(&format!("runs/{run}/flatness.json"), r#"{"settings":{"images":1}}"#);
            write(&format!("runs/{run}/checkpoint-0000000391.safetensors"), "");
        }
        write("runs/bbbbbbbbbbbb/record.jsonl", "{}\n");
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
        let mut names: Vec<String> = entries.map(|name| name.to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    #[test]
    fn words_figures_and_records_of_what_is_done_replace_what_was_there() {
        let dir = tempfile::tempdir().unwrap();
        let (results, folder) = (dir.path().join("results"), dir.path().join("docs"));
        write_results(&results, &["aaaaaaaaaaaa"]);
        fs::create_dir_all(folder.join(FIGURES)).unwrap();
        fs::write(folder.join(FIGURES).join("old.svg"), "").unwrap();
        let page = fs::read_to_string(publish(&results, &folder, "abc1234").unwrap()).unwrap();
        assert!(page.contains("![Accuracy](figures/A4-accuracy.svg)\n* A machine\n"), "{page}");
        assert!(page.contains("commit abc1234"), "{page}");
        assert_eq!(names(dir.path()), ["docs", "results"]);
        assert_eq!(names(&folder), ["README.md", "figures", "records"]);
        assert_eq!(names(&folder.join(FIGURES)), ["A4-accuracy.svg"]);
        assert_eq!(names(&folder.join(RECORDS)), ["runs", "session.json"]);
        assert_eq!(names(&folder.join("records/runs")), ["aaaaaaaaaaaa"]);
        assert_eq!(names(&folder.join("records/runs/aaaaaaaaaaaa")), ["flatness.json", "record.jsonl"]);
    }

    #[test]
    fn what_is_published_outlives_results_that_do_not_have_it_or_are_incomplete_or_are_itself() {
        let dir = tempfile::tempdir().unwrap();
        let (results, folder) = (dir.path().join("results"), dir.path().join("docs"));
        write_results(&results, &["aaaaaaaaaaaa", "cccccccccccc"]);
        publish(&results, &folder, "abc1234").unwrap();
        let error = |results: &Path| {
            let error = format!("{:#}", publish(results, &folder, "def5678").unwrap_err());
            assert_eq!(names(&folder.join("records/runs")), ["aaaaaaaaaaaa", "cccccccccccc"], "{error}");
            assert!(fs::read_to_string(folder.join("README.md")).unwrap().contains("abc1234"), "{error}");
            error
        };
        let other = dir.path().join("other");
        write_results(&other, &["cccccccccccc", "dddddddddddd"]);
        let lost = error(&other);
        assert!(lost.contains("aaaaaaaaaaaa") && lost.contains("docs/records"), "{lost}");
        let run = results.join("runs/aaaaaaaaaaaa");
        let kept = fs::read(run.join("flatness.json")).unwrap();
        fs::remove_file(run.join("flatness.json")).unwrap();
        let lost = error(&results);
        assert!(lost.contains("aaaaaaaaaaaa") && lost.contains("flatness.json"), "{lost}");
        fs::write(run.join("flatness.json"), r#"[{"settings":{"images":2}}]"#).unwrap();
        let lost = error(&results);
        assert!(lost.contains("aaaaaaaaaaaa") && lost.contains("flatness"), "{lost}");
        // Beside what was there before there may be more.
        fs::write(run.join("flatness.json"), r#"[{"settings":{"images":2}},{"settings":{"images":1}}]"#)
            .unwrap();
        fs::remove_file(results.join("session.json")).unwrap();
        assert!(error(&results).contains("session.json"));
        fs::write(results.join("session.json"), "{}").unwrap();
        fs::write(run.join("flatness.json"), kept).unwrap();
        fs::write(run.join("record.jsonl"), record(&["iterate"])).unwrap();
        let lost = error(&results);
        assert!(lost.contains("aaaaaaaaaaaa") && lost.contains("`tail`"), "{lost}");
        fs::write(run.join("record.jsonl"), "{\"record\":\"run\"}\n").unwrap();
        assert!(error(&results).contains("has not ended"));
        fs::write(run.join("record.jsonl"), record(&["iterate", "tail"])).unwrap();
        let own = folder.join(RECORDS);
        assert!(error(&own).contains("a part of what would be replaced"));
        for file in ["session.json", "figures/A4-accuracy.svg", "report.md", "results.json"] {
            fs::remove_file(results.join(file)).unwrap();
            assert!(error(&results).contains(file), "{file}");
        }
        assert!(error(&results).contains("cargo xtask reproduce"));
    }

    #[test]
    fn what_a_stop_between_two_names_left_is_put_back() {
        let dir = tempfile::tempdir().unwrap();
        let (results, folder) = (dir.path().join("results"), dir.path().join("docs"));
        write_results(&results, &["aaaaaaaaaaaa"]);
        publish(&results, &folder, "abc1234").unwrap();
        fs::rename(&folder, dir.path().join("docs.replaced")).unwrap();
        let other = dir.path().join("other");
        write_results(&other, &["cccccccccccc"]);
        let error = format!("{:#}", publish(&other, &folder, "def5678").unwrap_err());
        assert!(error.contains("aaaaaaaaaaaa") && folder.join("README.md").exists(), "{error}");
    }
}
