//! Quoted code and data.

use std::path::Path;

use super::chapter::{Chapter, Fence};

/// Sources that test a page as documentation is tested: with every `rust` block of it.
const DOCUMENTED: [(&str, &str); 1] = [("reusing-polder-data.md", "crates/data/src/pages.rs")];

/// Where the code lies that pages quote word for word; it is compiled and tested there.
const QUOTED: &str = "examples/custom-method/src";

/// A block of Rust is compiled somewhere.
pub(crate) fn check_rust(root: &Path, chapter: &Chapter, fence: &Fence) -> Result<(), String> {
    let source = |path: &Path| std::fs::read_to_string(path).unwrap_or_default();
    if let Some((name, by)) = DOCUMENTED.iter().find(|(name, _)| *name == chapter.name) {
        let includes =
            source(&root.join(by)).lines().any(|line| line.contains("include_str!") && line.contains(name));
        return includes.then_some(()).ok_or_else(|| format!("`{by}` does not include the page"));
    }
    let folder = root.join(QUOTED);
    let files = std::fs::read_dir(&folder).into_iter().flatten().filter_map(Result::ok);
    let quoted = files.map(|entry| entry.path()).any(|path| source(&path).contains(&fence.text));
    quoted.then_some(()).ok_or_else(|| {
        format!("the block is neither tested with its page nor word for word in a file of `{QUOTED}`")
    })
}

/// Every hunk's context and removed lines stand together, once, in the file that it changes.
pub(crate) fn check_diff(root: &Path, fence: &Fence) -> Result<(), String> {
    let (mut file, mut old, mut hunks) = (None, String::new(), 0);
    for line in fence.text.lines().chain(["@@"]) {
        if let Some(path) = line.strip_prefix("+++ b/") {
            file =
                Some(std::fs::read_to_string(root.join(path)).map_err(|error| format!("`{path}`: {error}"))?);
        } else if line.starts_with("@@") || line.starts_with("--- ") {
            if !old.is_empty() {
                let text = file.as_ref().ok_or("a hunk before the name of a file")?;
                let found = text.matches(&old).count();
                if found != 1 {
                    return Err(format!("the hunk with these lines fits in {found} places:\n{old}"));
                }
                hunks += 1;
            }
            old.clear();
        } else if let Some(kept) = line.strip_prefix([' ', '-']) {
            old += kept;
            old.push('\n');
        } else if line.is_empty() {
            old.push('\n');
        } else if !line.starts_with('+') {
            return Err(format!("`{line}` is no line of a diff"));
        }
    }
    if hunks == 0 { Err("it changes nothing".to_owned()) } else { Ok(()) }
}

/// One JSON document, or one a line.
pub(crate) fn check_json(fence: &Fence) -> Result<(), String> {
    let parse =
        |text: &str| serde_json::from_str::<serde_json::Value>(text).map_err(|error| error.to_string());
    parse(&fence.text).map(drop).or_else(|_| fence.text.lines().try_for_each(|line| parse(line).map(drop)))
}

#[test]
fn a_diff_fits_or_says_where_it_does_not() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.rs"), "one\ntwo\nthree\n").unwrap();
    let check = |hunk: &str| {
        let text = format!("--- a/a.rs\n+++ b/a.rs\n@@\n{hunk}");
        check_diff(folder.path(), &Fence { info: "diff".to_owned(), text, line: 1 })
    };
    assert_eq!(check(" one\n+more\n two\n"), Ok(()));
    assert_eq!(check("-two\n+2\n@@\n three\n+four\n"), Ok(()));
    assert!(check(" one\n three\n").unwrap_err().contains("0 places"));
    assert!(check("").is_err());
}
