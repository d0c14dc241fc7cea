//! The figures next to the page: one SVG and one table of its numbers each, under names that stay.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context;
use polder_plot::{Figure, csv, svg};
use sha2::{Digest, Sha256};

use super::ExperimentReport;
use super::figures::figures;
use polder_experiment::replace_file::replace_file;
use polder_experiment::sharpness::measurement_spec::hexadecimal;

/// The folder in the results.
pub(super) const FOLDER: &str = "figures";

/// What of the folder is ours: names with the digests of what was written. Nothing else in it is ever removed.
const MANIFEST: &str = "manifest.json";

/// A figure of the report and what it is called outside of it.
pub(super) struct FigureFile {
    /// The experiment that shows it.
    pub(super) experiment: String,
    /// Without an extension: the experiment and the title, in letters that every file system takes.
    pub(super) name: String,
    pub(super) figure: Figure,
}

/// Name of a file, then the digest of its bytes.
type Manifest = BTreeMap<String, String>;

impl FigureFile {
    /// All figures of some experiments, in their order.
    pub(super) fn of(experiments: &[ExperimentReport]) -> Vec<Self> {
        let mut files: Vec<Self> = Vec::new();
        for one in experiments {
            let id = &one.experiment.id;
            for figure in figures(one) {
                let stem = format!("{id}-{}", words(&figure.title));
                let names = std::iter::once(stem.clone()).chain((2..).map(|count| format!("{stem}-{count}")));
                let is_free = |name: &String| files.iter().all(|file| file.name != *name);
                let name = names.into_iter().find(is_free).unwrap_or(stem);
                files.push(Self { experiment: id.clone(), name, figure });
            }
        }
        files
    }
}

/// Puts all figures into the folder and removes those of an earlier report that are no more.
///
/// # Errors
/// If a file cannot be written: its path and a remedy are named.
pub(super) fn write(results: &Path, figures: &[FigureFile]) -> anyhow::Result<()> {
    let folder = results.join(FOLDER);
    let mut contents: BTreeMap<String, String> = BTreeMap::new();
    for file in figures {
        contents.insert(format!("{}.svg", file.name), svg::file(std::slice::from_ref(&file.figure)));
        contents.insert(format!("{}.csv", file.name), csv::table(&file.figure));
    }
    let written: Manifest =
        contents.iter().map(|(name, text)| (name.clone(), digest(text.as_bytes()))).collect();
    let before = read_manifest(&folder);
    if written.is_empty() && before.is_empty() {
        return Ok(());
    }
    // Named before they are there: a report that is interrupted leaves nothing that the next one does not know.
    let mut both = before.clone();
    both.extend(written.clone());
    write_manifest(&folder, &both)?;
    for (name, text) in &contents {
        let path = folder.join(name);
        if std::fs::read(&path).is_ok_and(|known| known == text.as_bytes()) {
            continue;
        }
        replace_file(&path, text.as_bytes())?;
    }
    for (name, known) in before.iter().filter(|(name, _)| !written.contains_key(*name)) {
        let path = folder.join(name);
        // A file that somebody has changed since is no longer ours.
        if std::fs::read(&path).is_ok_and(|bytes| digest(&bytes) == *known) {
            std::fs::remove_file(&path).with_context(|| format!("cannot remove `{}`", path.display()))?;
        }
    }
    write_manifest(&folder, &written)
}

/// What an earlier report left; nothing if that cannot be read, and no name that leads out of the folder.
fn read_manifest(folder: &Path) -> Manifest {
    let bytes = std::fs::read(folder.join(MANIFEST)).unwrap_or_default();
    let manifest: Manifest = serde_json::from_slice(&bytes).unwrap_or_default();
    manifest.into_iter().filter(|(name, _)| Path::new(name).file_name() == Some(name.as_ref())).collect()
}

fn write_manifest(folder: &Path, manifest: &Manifest) -> anyhow::Result<()> {
    replace_file(&folder.join(MANIFEST), &serde_json::to_vec_pretty(manifest)?)
}

fn digest(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

/// Lower case, with a hyphen for whatever is neither letter nor digit.
fn words(title: &str) -> String {
    let title = title.to_lowercase();
    let words = title.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;
    use polder_plot::{Axis, Ink, Panel, Series, Shape};

    fn file(name: &str, y: f64) -> FigureFile {
        let panel = Panel {
            title: "panel".to_owned(),
            x: Axis::linear("x"),
            y: Axis::linear("y"),
            series: vec![Series::new("a", Ink::Blue, Shape::Dots(vec![(0.0, y)]))],
        };
        let figure = Figure { title: name.to_owned(), caption: String::new(), panels: vec![panel] };
        FigureFile { experiment: "A1".to_owned(), name: name.to_owned(), figure }
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn names_are_words_of_the_title() {
        assert_eq!(words("Where runs end, 10 %: θ ~ x"), "where-runs-end-10-x");
    }

    #[test]
    fn stale_figures_go_and_what_is_not_ours_stays() {
        let results = tempfile::tempdir().unwrap();
        let folder = results.path().join(FOLDER);
        write(results.path(), &[file("old", 1.0), file("edited", 2.0), file("kept", 3.0)]).unwrap();
        assert!(
            std::fs::read_to_string(folder.join("old.csv")).unwrap().ends_with("panel,a,dot,x,y,0,,1,,\n")
        );
        std::fs::write(folder.join("edited.svg"), "somebody's own").unwrap();
        std::fs::write(folder.join("foreign.svg"), "somebody's own").unwrap();
        write(results.path(), &[file("kept", 4.0)]).unwrap();
        let left = ["edited.svg", "foreign.svg", "kept.csv", "kept.svg", MANIFEST];
        assert_eq!(names(&folder), left);
        assert!(std::fs::read_to_string(folder.join("kept.csv")).unwrap().contains(",4,"));
        write(results.path(), &[]).unwrap();
        assert_eq!(names(&folder), ["edited.svg", "foreign.svg", MANIFEST]);
    }

    #[test]
    fn a_manifest_that_names_files_elsewhere_or_is_damaged_removes_nothing() {
        let results = tempfile::tempdir().unwrap();
        let folder = results.path().join(FOLDER);
        let outside = results.path().join("outside.svg");
        std::fs::write(&outside, "x").unwrap();
        let listed = serde_json::json!({ "../outside.svg": digest(b"x") }).to_string();
        replace_file(&folder.join(MANIFEST), listed.as_bytes()).unwrap();
        write(results.path(), &[]).unwrap();
        std::fs::write(folder.join(MANIFEST), "{").unwrap();
        write(results.path(), &[file("one", 1.0)]).unwrap();
        assert!(outside.exists());
        assert_eq!(names(&folder), [MANIFEST, "one.csv", "one.svg"]);
    }

    #[test]
    fn a_report_without_figures_makes_no_folder() {
        let results = tempfile::tempdir().unwrap();
        write(results.path(), &[]).unwrap();
        assert!(!results.path().join(FOLDER).exists());
    }
}
