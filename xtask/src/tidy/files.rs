//! Rules about files as such: size, name, header, number in a folder.

use std::collections::BTreeMap;

use crate::tidy::Violation;
use crate::tidy::tree::{SourceFile, Tree};

/// Above this a file belongs into a data set or is made by a script.
const LARGEST_BYTES: u64 = 1_000_000;

const EMPTY_NAMES: [&str; 6] = ["util", "utils", "helper", "helpers", "misc", "common"];

/// A folder of sources with more files than this has no floor plan.
const MOST_FILES: usize = 25;

/// The files whose business is `unsafe`: the memory map, the call of code for wide vectors, the boundary to
/// libtorch, to our own library on its CUDA part and to the C library. The lint denies it everywhere else.
const UNSAFE_ALLOWED: [&str; 6] = [
    "crates/data/src/dataset/record_map.rs",
    "crates/data/src/simd.rs",
    "crates/models/src/allocator.rs",
    "crates/models/src/cuda.rs",
    "crates/models/src/cuda/shim.rs",
    "crates/models/src/descent.rs",
];

/// A word that only the `allowed` Rust sources may contain. A file names a lint that the whole workspace denies only to switch it
/// off.
struct Forbidden {
    word: &'static str,
    allowed: &'static [&'static str],
    invariant: &'static str,
}

/// Each word is written in two parts, or this file would violate its own rules.
const WORDS: [Forbidden; 5] = [
    Forbidden {
        word: concat!("unsafe", "_code"),
        allowed: &UNSAFE_ALLOWED,
        invariant: "invariant 5: `unsafe` lives in the memory map and at the libtorch boundary only",
    },
    Forbidden { word: concat!("disallowed", "_methods"), allowed: &[], invariant: GENERATORS },
    Forbidden { word: concat!("disallowed", "_types"), allowed: &[], invariant: GENERATORS },
    Forbidden { word: concat!("TO", "DO"), allowed: &[], invariant: UNFINISHED },
    Forbidden { word: concat!("FIX", "ME"), allowed: &[], invariant: UNFINISHED },
];
const GENERATORS: &str = "invariant 3: no file switches off the list of global generators in clippy.toml";
const UNFINISHED: &str = "files: nothing is left unfinished";

pub(crate) fn check(tree: &Tree) -> Vec<Violation> {
    let mut violations = crowded_folders(tree);
    for file in &tree.files {
        let mut violation = |line, invariant, found| {
            violations.push(Violation { path: file.path.clone(), line, invariant, found });
        };
        if file.size > LARGEST_BYTES {
            violation(1, "files: none is larger than 1 MB", format!("{} bytes", file.size));
        }
        if EMPTY_NAMES.contains(&file.stem()) {
            violation(1, "files: each is named after its concept", format!("`{}`", file.stem()));
        }
        let may_hold = |word: &Forbidden| word.allowed.contains(&file.path.as_str());
        for word in WORDS.iter().filter(|word| file.has_extension("rs") && !may_hold(word)) {
            for (index, _) in file.text.lines().enumerate().filter(|(_, line)| line.contains(word.word)) {
                violation(index + 1, word.invariant, format!("`{}`", word.word));
            }
        }
        if file.path.starts_with("experiments/") && file.has_extension("toml") && !has_header(&file.text) {
            violation(
                1,
                "experiments: each file opens with a comment that gives source, expected result, hardware and time",
                "no comment on the first line".to_owned(),
            );
        }
        if is_golden(&file.path) && !is_named_by_a_script(tree, file) {
            violation(
                1,
                "golden files: the script that made one lies in a folder `golden` and names it",
                "no script does".to_owned(),
            );
        }
    }
    violations
}

/// Folders of sources with too many files side by side.
fn crowded_folders(tree: &Tree) -> Vec<Violation> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for file in tree.files.iter().filter(|file| file.has_extension("rs")) {
        *counts.entry(file.path.rsplit_once('/').map_or("", |(folder, _)| folder)).or_default() += 1;
    }
    counts
        .into_iter()
        .filter(|(_, count)| *count > MOST_FILES)
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

fn is_golden(path: &str) -> bool {
    path.rsplit_once('/').is_some_and(|(folder, _)| folder.split('/').any(|part| part == "golden"))
}

/// Whether `file` needs no script, or a script in a folder `golden` contains its name or the first word of it.
fn is_named_by_a_script(tree: &Tree, file: &SourceFile) -> bool {
    let name = file.path.rsplit('/').next().unwrap_or(&file.path);
    let first_word = file.stem().split(['-', '_']).next().unwrap_or(name);
    let mut scripts = tree.files.iter().filter(|other| other.has_extension("py") && is_golden(&other.path));
    ["py", "md", "rs"].iter().any(|extension| file.has_extension(extension))
        || scripts.any(|script| [name, file.stem(), first_word].iter().any(|word| script.text.contains(word)))
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
        let text = format!("#![expect({}, reason = \"...\")]\n", super::WORDS[0].word);
        assert!(found(&[("crates/data/src/dataset/record_map.rs", &text)]).is_empty());
        assert!(found(&[("crates/data/src/loader.rs", &text)])[0].contains("invariant 5"));
        let text = format!("#[allow(clippy::{})]\n", super::WORDS[1].word);
        assert!(found(&[("crates/data/src/dataset/record_map.rs", &text)])[0].contains("invariant 3"));
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
        let text = format!("fn f() {{}}\n// {}: more\n", super::WORDS[3].word);
        assert!(found(&[("crates/optim/src/sgd.rs", &text)])[0].starts_with("crates/optim/src/sgd.rs:2:"));
    }

    #[test]
    fn an_experiment_needs_a_header() {
        assert_eq!(found(&[("experiments/a1.toml", "id = \"A1\"\n")]).len(), 1);
        assert_eq!(found(&[("experiments/a1.toml", "#\nid = \"A1\"\n")]).len(), 1);
        assert!(found(&[("experiments/a1.toml", "# Toy-1.\nid = \"A1\"\n")]).is_empty());
    }

    #[test]
    fn a_golden_file_needs_its_script() {
        let golden = ("crates/optim/tests/golden/sgd-momentum.json", "{}");
        assert_eq!(found(&[golden]).len(), 1);
        assert_eq!(found(&[golden, ("golden/generate.py", "save('sam.json')")]).len(), 1);
        assert!(found(&[golden, ("golden/generate.py", "save(f'sgd-{name}.json')")]).is_empty());
    }
}
