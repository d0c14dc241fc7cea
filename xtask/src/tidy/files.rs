//! Rules about files as such: size, name, header, stated source.

use std::collections::BTreeMap;

use toml::de::{DeTable, DeValue};

use crate::tidy::Violation;
use crate::tidy::tree::{SourceFile, Tree};

/// Above this a file belongs into a data set or is made by a script.
const LARGEST_BYTES: u64 = 1_000_000;

const EMPTY_NAMES: [&str; 6] = ["util", "utils", "helper", "helpers", "misc", "common"];

/// Written apart, or this file would violate its own rule.
const UNFINISHED: [&str; 2] = [concat!("TO", "DO"), concat!("FIX", "ME")];

/// A folder of sources with more files than this has no floor plan.
const MOST_FILES: usize = 25;

/// Folders that have more, with their number of files: it may fall, and whoever divides one removes its row.
const CROWDED: [(&str, usize); 4] =
    [("crates/cli/src", 51), ("crates/data/src", 41), ("crates/models/src", 28), ("crates/theory/src", 42)];

/// The files whose business is `unsafe`: the memory map, the call of code for wide vectors, the boundary to
/// libtorch, to our own library on its CUDA part and to the C library. The lint denies it everywhere else.
const UNSAFE_ALLOWED: [&str; 6] = [
    "crates/data/src/record_map.rs",
    "crates/data/src/simd.rs",
    "crates/models/src/allocator.rs",
    "crates/models/src/cuda.rs",
    "crates/models/src/cuda/shim.rs",
    "crates/models/src/descent.rs",
];

/// Names of lints, which a file could only switch off. Written apart, or this file would violate its own rule.
const UNSAFE: &str = concat!("unsafe", "_code");
const DISALLOWED: [&str; 2] = [concat!("disallowed", "_methods"), concat!("disallowed", "_types")];

pub(crate) fn check(tree: &Tree) -> Vec<Violation> {
    let mut violations = crowded_folders(tree);
    for file in &tree.files {
        let mut violation = |line: usize, invariant: &'static str, found: String| {
            violations.push(Violation { path: file.path.clone(), line, invariant, found });
        };
        if file.size > LARGEST_BYTES {
            violation(1, "files: none is larger than 1 MB", format!("{} bytes", file.size));
        }
        if EMPTY_NAMES.contains(&file.stem()) {
            violation(1, "files: each is named after its concept", format!("`{}`", file.stem()));
        }
        if file.has_extension("rs") {
            for (index, line) in file.text.lines().enumerate() {
                if line.contains(UNSAFE) && !UNSAFE_ALLOWED.contains(&file.path.as_str()) {
                    violation(
                        index + 1,
                        "invariant 5: `unsafe` lives in the memory map and at the libtorch boundary only",
                        format!("`{UNSAFE}`"),
                    );
                }
                if let Some(lint) = DISALLOWED.iter().find(|lint| line.contains(*lint)) {
                    violation(
                        index + 1,
                        "invariant 3: no file switches off the list of global generators in clippy.toml",
                        format!("`{lint}`"),
                    );
                }
                if let Some(word) = UNFINISHED.iter().find(|word| line.contains(*word)) {
                    violation(index + 1, "files: nothing is left unfinished", format!("`{word}`"));
                }
            }
        }
        if file.path.starts_with("experiments/") && file.has_extension("toml") && !has_header(&file.text) {
            violation(
                1,
                "experiments: each file opens with a comment that gives source, expected result, hardware and time",
                "no comment on the first line".to_owned(),
            );
        }
        if file.path == "experiments/published.toml" {
            violations.extend(values_without_source(file));
        }
        violations.extend(golden_without_script(tree, file));
    }
    violations
}

/// Folders of sources with too many files side by side.
fn crowded_folders(tree: &Tree) -> Vec<Violation> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for file in tree.files.iter().filter(|file| file.has_extension("rs")) {
        *counts.entry(file.path.rsplit_once('/').map_or("", |(folder, _)| folder)).or_default() += 1;
    }
    let most = |folder: &str| {
        CROWDED.iter().find(|(known, _)| *known == folder).map_or(MOST_FILES, |(_, count)| *count)
    };
    counts
        .into_iter()
        .filter(|(folder, count)| *count > most(folder))
        .map(|(folder, count)| Violation {
            path: folder.to_owned(),
            line: 1,
            invariant: "folders: no more than some 25 source files side by side",
            found: format!("{count} files"),
        })
        .collect()
}

fn has_header(text: &str) -> bool {
    text.lines()
        .next()
        .and_then(|line| line.strip_prefix('#'))
        .is_some_and(|comment| !comment.trim_matches(['#', ' ', '-', '=']).is_empty())
}

/// Tables of published values, at any depth, that state a value and no source.
fn values_without_source(file: &SourceFile) -> Vec<Violation> {
    const INVARIANT: &str = "published values: each states its source";
    let violation = |line, found| Violation { path: file.path.clone(), line, invariant: INVARIANT, found };
    match DeTable::parse(&file.text) {
        Err(error) => {
            let offset = error.span().map_or(0, |span| span.start);
            vec![violation(line_at(&file.text, offset), format!("no TOML: {}", error.message()))]
        }
        Ok(table) => {
            let mut offsets = Vec::new();
            collect_unsourced(table.get_ref(), &mut offsets);
            offsets
                .into_iter()
                .map(|offset| violation(line_at(&file.text, offset), "`value` without a `source`".to_owned()))
                .collect()
        }
    }
}

fn collect_unsourced(table: &DeTable<'_>, offsets: &mut Vec<usize>) {
    let source = table.iter().find(|(key, _)| key.get_ref() == "source").map(|(_, value)| value.get_ref());
    let sourced = matches!(source, Some(DeValue::String(text)) if !text.trim().is_empty());
    for (key, value) in table {
        if key.get_ref() == "value" && !sourced {
            offsets.push(key.span().start);
        }
        collect_unsourced_in(value.get_ref(), offsets);
    }
}

fn collect_unsourced_in(value: &DeValue<'_>, offsets: &mut Vec<usize>) {
    match value {
        DeValue::Table(table) => collect_unsourced(table, offsets),
        DeValue::Array(items) => items.iter().for_each(|item| collect_unsourced_in(item.get_ref(), offsets)),
        _ => {}
    }
}

fn line_at(text: &str, offset: usize) -> usize {
    text.get(..offset).map_or(1, |before| before.matches('\n').count() + 1)
}

/// A golden file must be named by a script in a folder `golden`, by its name or by the first word of it.
fn golden_without_script(tree: &Tree, file: &SourceFile) -> Option<Violation> {
    let is_golden = |path: &str| {
        path.rsplit_once('/').is_some_and(|(folder, _)| folder.split('/').any(|part| part == "golden"))
    };
    if !is_golden(&file.path) || ["py", "md", "rs"].iter().any(|extension| file.has_extension(extension)) {
        return None;
    }
    let name = file.path.rsplit('/').next().unwrap_or(&file.path);
    let first_word = file.stem().split(['-', '_']).next().unwrap_or(name);
    let mut scripts = tree.files.iter().filter(|other| other.has_extension("py") && is_golden(&other.path));
    let named =
        scripts.any(|script| [name, file.stem(), first_word].iter().any(|word| script.text.contains(word)));
    (!named).then(|| Violation {
        path: file.path.clone(),
        line: 1,
        invariant: "golden files: the script that made one lies in a folder `golden` and names it",
        found: "no script does".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::tidy::tree::{SourceFile, Tree};

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        check(&Tree::of(files)).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_file_over_one_megabyte_is_refused() {
        let file = SourceFile { path: "docs/big.png".to_owned(), size: 1_000_001, text: String::new() };
        assert_eq!(check(&Tree { files: vec![file] }).len(), 1);
    }

    #[test]
    fn a_name_that_says_nothing_is_refused() {
        assert_eq!(found(&[("crates/optim/src/utils.rs", "")]).len(), 1);
        assert!(found(&[("crates/optim/src/sgd.rs", "")]).is_empty());
    }

    #[test]
    fn lints_are_switched_off_where_that_is_allowed_alone() {
        let text = format!("#![expect({}, reason = \"...\")]\n", super::UNSAFE);
        assert!(found(&[("crates/data/src/record_map.rs", &text)]).is_empty());
        assert!(found(&[("crates/data/src/loader.rs", &text)])[0].contains("invariant 5"));
        let text = format!("#[allow(clippy::{})]\n", super::DISALLOWED[0]);
        assert!(found(&[("crates/data/src/record_map.rs", &text)])[0].contains("invariant 3"));
    }

    #[test]
    fn a_folder_with_too_many_files_is_found() {
        let paths: Vec<String> = (0..26).map(|index| format!("crates/x/src/f{index}.rs")).collect();
        let files: Vec<(&str, &str)> = paths.iter().map(|path| (path.as_str(), "")).collect();
        assert!(found(&files)[0].contains("26 files"));
        assert!(found(&files[1..]).is_empty());
    }

    #[test]
    fn unfinished_work_is_found_with_its_line() {
        let text = format!("fn f() {{}}\n// {}: more\n", super::UNFINISHED[0]);
        assert!(found(&[("crates/optim/src/sgd.rs", &text)])[0].starts_with("crates/optim/src/sgd.rs:2:"));
    }

    #[test]
    fn an_experiment_needs_a_header() {
        assert_eq!(found(&[("experiments/a1.toml", "id = \"A1\"\n")]).len(), 1);
        assert_eq!(found(&[("experiments/a1.toml", "#\nid = \"A1\"\n")]).len(), 1);
        assert!(found(&[("experiments/a1.toml", "# Toy-1.\nid = \"A1\"\n")]).is_empty());
    }

    #[test]
    fn a_published_value_needs_a_source_at_any_depth() {
        let text = "# Published values.\n[a4.sgd]\nvalue = 0.9\nsource = \"paper A, table 2\"\n\n\
                    [a4.average]\nvalue = 0.95\nsource = \" \"\n\n[[rows]]\nname = \"x\"\nvalue = 1\n";
        let found = found(&[("experiments/published.toml", text)]);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].starts_with("experiments/published.toml:7:"), "{found:?}");
        assert!(found[1].starts_with("experiments/published.toml:12:"), "{found:?}");
    }

    #[test]
    fn a_golden_file_needs_its_script() {
        let golden = ("crates/optim/tests/golden/sgd-momentum.json", "{}");
        assert_eq!(found(&[golden]).len(), 1);
        assert_eq!(found(&[golden, ("golden/generate.py", "save('sam.json')")]).len(), 1);
        assert!(found(&[golden, ("golden/generate.py", "save(f'sgd-{name}.json')")]).is_empty());
    }
}
