//! `docs/results`: the summary of a reproduction as a part of the repository, and the records of its trainings.

mod records;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::args::ResultsArgs;
use crate::promises::machine;
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
    let folder = workspace.root().join(FOLDER);
    let page = copy(&results, &folder, &machine::commit(workspace))?;
    records::copy(&results, &folder.join(RECORDS))?;
    println!("{}", page.display());
    Ok(())
}

/// Writes the page into `folder`, with the figures that it shows and none from before; returns its path.
fn copy(results: &Path, folder: &Path, commit: &str) -> Result<std::path::PathBuf> {
    let read = |path: &Path| {
        fs::read_to_string(path).with_context(|| {
            format!("`{}` cannot be read; `cargo xtask reproduce` writes it", path.display())
        })
    };
    let text = read(&results.join("report.md"))?;
    let figures = folder.join(FIGURES);
    if figures.exists() {
        fs::remove_dir_all(&figures).with_context(|| format!("`{}` cannot be removed", figures.display()))?;
    }
    fs::create_dir_all(&figures).with_context(|| format!("`{}` cannot be made", figures.display()))?;
    let mut page = String::new();
    for line in text.lines() {
        let Some((title, file)) = figure(line) else {
            page += line;
            page.push('\n');
            continue;
        };
        let from = results.join(FIGURES).join(file);
        fs::copy(&from, figures.join(file))
            .with_context(|| format!("`{}` cannot be copied", from.display()))?;
        let _ = writeln!(page, "![{title}]({FIGURES}/{file})");
    }
    let _ = writeln!(page, "* Copied from the report at commit {commit}");
    let path = folder.join("README.md");
    fs::write(&path, page).with_context(|| format!("`{}` cannot be written", path.display()))?;
    Ok(path)
}

/// Title and file of the figure that a line of the report lists.
fn figure(line: &str) -> Option<(&str, &str)> {
    let (title, rest) = line.strip_prefix("* [")?.split_once(&format!("]({FIGURES}/"))?;
    let file = rest.split_once(')')?.0;
    let is_picture = Path::new(file).extension().is_some_and(|extension| extension == "svg");
    (is_picture && !file.contains('/')).then_some((title, file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_figures_are_copied_and_earlier_figures_are_gone() {
        let dir = tempfile::tempdir().unwrap();
        let (results, folder) = (dir.path().join("results"), dir.path().join("docs"));
        fs::create_dir_all(results.join(FIGURES)).unwrap();
        fs::create_dir_all(folder.join(FIGURES)).unwrap();
        fs::write(folder.join(FIGURES).join("old.svg"), "").unwrap();
        let listed = "* [Accuracy](figures/A4-accuracy.svg), [numbers](figures/A4-accuracy.csv)";
        fs::write(results.join("report.md"), format!("# Page\n\n{listed}\n* A machine\n")).unwrap();
        fs::write(results.join(FIGURES).join("A4-accuracy.svg"), "<svg/>").unwrap();
        let page = fs::read_to_string(copy(&results, &folder, "abc1234").unwrap()).unwrap();
        assert!(page.contains("![Accuracy](figures/A4-accuracy.svg)\n* A machine\n"), "{page}");
        assert!(page.contains("commit abc1234"), "{page}");
        assert!(folder.join(FIGURES).join("A4-accuracy.svg").exists());
        assert!(!folder.join(FIGURES).join("old.svg").exists());
    }

    #[test]
    fn without_a_report_the_error_says_what_writes_one() {
        let dir = tempfile::tempdir().unwrap();
        let error = format!("{:#}", copy(dir.path(), &dir.path().join("docs"), "x").unwrap_err());
        assert!(error.contains("cargo xtask reproduce"), "{error}");
    }
}
