//! `docs/results`: the published page is what the records beside it give, and they can be gone on from.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Copies a folder with all that is in it.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let into = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &into);
        } else {
            std::fs::copy(entry.path(), into).unwrap();
        }
    }
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// What `polder` did with the published records in `results`.
fn polder(results: &Path, command: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_polder"))
        .args(command)
        .arg("--results")
        .arg(results)
        .arg("--experiments")
        .arg(repository().join("experiments"))
        .output()
        .unwrap()
}

/// Those that train networks; the laws have no records here.
const EXPERIMENTS: [&str; 8] = ["A4", "A5", "A6", "C2", "C3", "C4", "C5", "D5"];

/// The sections of a page on [`EXPERIMENTS`], without the lines that `cargo xtask results` writes otherwise.
fn sections(page: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(page).unwrap();
    let is_figure = |line: &&str| line.starts_with("![") || line.starts_with("* [");
    text.split("\n## ")
        .filter(|section| section.split_once(':').is_some_and(|(id, _)| EXPERIMENTS.contains(&id)))
        .map(|section| section.lines().filter(|line| !is_figure(line)).collect::<Vec<_>>().join("\n"))
        .collect()
}

#[test]
fn the_published_page_is_what_its_records_give() {
    let published = repository().join("docs/results");
    let dir = tempfile::tempdir().unwrap();
    copy(&published.join("records"), dir.path());
    let output = polder(dir.path(), &["report"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let remedy = "draw it again: copy docs/results/records to a folder `desk`, `cargo xtask reproduce --scale desk --output \
                  desk` until the first training begins, Ctrl-C, `cargo xtask results --results desk`";
    let [drawn, shown] =
        [dir.path().join("report.md"), published.join("README.md")].map(|page| sections(&page));
    assert!(!shown.is_empty());
    for (drawn, shown) in drawn.iter().zip(&shown) {
        assert_eq!(drawn, shown, "{remedy}");
    }
    assert_eq!(drawn.len(), shown.len(), "{remedy}");
    let mut figures = 0;
    for entry in std::fs::read_dir(published.join("figures")).unwrap().map(Result::unwrap) {
        let name = entry.file_name();
        if EXPERIMENTS.iter().any(|id| name.to_string_lossy().starts_with(&format!("{id}-"))) {
            let again = std::fs::read(dir.path().join("figures").join(&name)).unwrap();
            assert!(again == std::fs::read(entry.path()).unwrap(), "{}: {remedy}", name.display());
            figures += 1;
        }
    }
    let drawn = std::fs::read_dir(dir.path().join("figures")).unwrap().map(|entry| entry.unwrap().path());
    let drawn = drawn.filter(|path| path.extension().is_some_and(|extension| extension == "svg")).count();
    assert!(figures > 0 && figures == drawn, "{drawn} figures are drawn and {figures} published: {remedy}");
}

#[test]
fn the_readme_has_the_counts_and_accuracies_of_the_published_page() {
    let read = |path: &str| std::fs::read_to_string(repository().join(path)).unwrap();
    let page = read("docs/results/README.md");
    let summary = page.lines().find(|line| line.starts_with("Claims about simulations")).unwrap();
    let readme = read("README.md").replace('\n', " ");
    for counts in summary.split_inclusive('.').take(2) {
        assert!(readme.contains(counts.trim()), "README.md lacks: {counts}");
    }
    let weights = ["last iterate", "last iterate, BN refreshed", "average"];
    let readme = read("README.md");
    let mut rows = 0;
    for row in readme.lines().filter_map(|line| line.strip_prefix("| CIFAR-")) {
        let (data, rest) = row.split_once(", ").unwrap();
        let mut cells = rest.split(" | ");
        let cell = cells.next().unwrap();
        for (weights, shown) in weights.iter().zip(cells) {
            let (mean, interval) =
                shown.trim_end_matches(['|', ' ']).trim_end_matches(')').split_once(" (").unwrap();
            let of_page = format!("| {cell}, cifar{data} | {weights} | {mean} | {interval} |");
            assert!(page.contains(&of_page), "docs/results/README.md lacks: {of_page}");
        }
        rows += 1;
    }
    assert_eq!(rows, 6);
}

#[test]
fn a_reproduction_goes_on_from_the_published_records_which_hold_no_weights() {
    let dir = tempfile::tempdir().unwrap();
    copy(&repository().join("docs/results/records"), dir.path());
    let recorded: Vec<_> =
        std::fs::read_dir(dir.path().join("runs")).unwrap().map(|run| run.unwrap().path()).collect();
    assert!(!recorded.is_empty());
    let plan = polder(dir.path(), &["plan", "--only", &EXPERIMENTS.join(","), "--scale", "desk"]);
    let plan = String::from_utf8(plan.stdout).unwrap();
    let state = |run: &Path| {
        let line = plan.lines().find(|line| line.ends_with(run.file_name().unwrap().to_str().unwrap()));
        let line = line.unwrap_or_else(|| panic!("{}: {plan}", run.display()));
        ["finished", "diverged"].into_iter().find(|state| line.contains(&format!(" {state} ")))
    };
    for run in &recorded {
        assert!(state(run).is_some(), "{}: {plan}", run.display());
    }
    // Neither asks for the data first.
    for (state_of, expected) in [("finished", "it holds records alone"), ("diverged", "its run diverged")] {
        let run = recorded.iter().find(|run| state(run) == Some(state_of)).unwrap();
        for command in ["export", "sharpness"] {
            let mut polder = Command::new(env!("CARGO_BIN_EXE_polder"));
            let output = polder.arg(command).arg(run).env_remove("POLDER_DATA").output().unwrap();
            let error = String::from_utf8(output.stderr).unwrap();
            assert!(!output.status.success() && error.contains(expected), "{command}: {error}");
        }
    }
}
