//! Circles between folders and files: in each folder of a package's sources, files and subfolders depend on each other by
//! `crate::` paths.
//!
//! A circle that holds two folders or more is a violation, and so is one of more than three files. A smaller one may be natural
//! recursion, and that of a folder with the file that names it is. Tests are left out. Paths are read from the text, not from
//! the compiler: paths that macros make are not seen.

use std::collections::{BTreeMap, BTreeSet};

use crate::tidy::Violation;
use crate::tidy::tree::Tree;

/// Natural recursion takes no more files than this.
const MOST_IN_A_CIRCLE: usize = 3;

/// Module paths from the root of a package.
type ModulePath = Vec<String>;

/// Each file or folder with those next to it that it uses.
type Graph = BTreeMap<ModulePath, BTreeSet<ModulePath>>;

pub(crate) fn check(tree: &Tree) -> Vec<Violation> {
    let mut sources: BTreeMap<&str, Vec<(ModulePath, &str)>> = BTreeMap::new();
    for file in tree.files.iter().filter(|file| file.has_extension("rs")) {
        if let Some((package, module)) = file.path.split_once("/src/") {
            let module: ModulePath = module.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
            if !module.iter().any(|part| part == "tests") {
                sources.entry(package).or_default().push((module, &file.text));
            }
        }
    }
    sources.iter().flat_map(|(package, files)| circles_of_package(package, files)).collect()
}

fn circles_of_package(package: &str, files: &[(ModulePath, &str)]) -> Vec<Violation> {
    let is_root = |module: &ModulePath| module.len() == 1 && ["lib", "main"].contains(&module[0].as_str());
    let modules: BTreeSet<&ModulePath> = files.iter().map(|(module, _)| module).collect();
    let exports: BTreeMap<String, ModulePath> =
        files.iter().filter(|(module, _)| is_root(module)).flat_map(|(_, text)| exports(text)).collect();
    let mut graph = Graph::new();
    for (module, text) in files.iter().filter(|(module, _)| !is_root(module)) {
        // From here `super` leads to the root after so many steps.
        let text = without_tests(text).replace(&"super::".repeat(module.len()), "crate::");
        for used in paths_after(&text, "crate::") {
            let used = match exports.get(&used[0]) {
                Some(exported) if !modules.iter().any(|module| module[0] == used[0]) => exported,
                _ => &used,
            };
            // Both paths are cut below their common folder: an edge joins two children of one folder.
            let common = module.iter().zip(used).take_while(|(left, right)| left == right).count();
            if let (Some(user), Some(used)) = (module.get(..=common), used.get(..=common))
                && modules.iter().any(|module| module.starts_with(used))
            {
                graph.entry(user.to_vec()).or_default().insert(used.to_vec());
            }
        }
    }
    let is_folder = |child: &&ModulePath| {
        modules.iter().any(|module| module.len() > child.len() && module.starts_with(child))
    };
    let is_violation = |circle: &Vec<ModulePath>| {
        circle.len() > MOST_IN_A_CIRCLE || circle.iter().filter(is_folder).count() > 1
    };
    let violation = |circle: Vec<ModulePath>| Violation {
        path: format!("{package}/src/{}", circle[0].join("/")),
        line: 1,
        invariant: "circles: none of two folders, or of more than three files",
        found: circle.iter().map(|child| child[child.len() - 1].as_str()).collect::<Vec<_>>().join(", "),
    };
    circles(&graph).into_iter().filter(is_violation).map(violation).collect()
}

/// The strongly connected sets of more than one child.
fn circles(graph: &Graph) -> BTreeSet<Vec<ModulePath>> {
    let circle_of = |child: &ModulePath| -> Vec<ModulePath> {
        reached(graph, child).into_iter().filter(|other| reached(graph, other).contains(child)).collect()
    };
    graph.keys().map(circle_of).filter(|circle| circle.len() > 1).collect()
}

fn reached(graph: &Graph, from: &ModulePath) -> BTreeSet<ModulePath> {
    let (mut found, mut left) = (BTreeSet::new(), vec![from]);
    while let Some(next) = left.pop() {
        left.extend(graph.get(next).into_iter().flatten().filter(|used| found.insert((*used).clone())));
    }
    found
}

/// The names that the root of a package exports from its modules, with the paths of these.
fn exports(root: &str) -> Vec<(String, ModulePath)> {
    let paths = paths_after(&without_tests(root), "pub use ");
    paths.into_iter().filter_map(|path| Some((path.last()?.clone(), path.clone()))).collect()
}

/// Every path that begins with `start`, which is left out; groups in braces are taken apart.
fn paths_after(code: &str, start: &str) -> Vec<ModulePath> {
    let mut paths = Vec::new();
    for (at, _) in code.match_indices(start) {
        expand(&code[at + start.len()..], &mut Vec::new(), &mut paths);
    }
    paths
}

/// Adds the paths at the head of `code` to `paths`; returns what follows them.
fn expand<'a>(code: &'a str, before: &mut ModulePath, paths: &mut Vec<ModulePath>) -> &'a str {
    if let Some(group) = code.strip_prefix('{') {
        let mut rest = group;
        loop {
            rest = expand(rest.trim_start(), &mut before.clone(), paths).trim_start();
            // `as` another name, or what is no path at all.
            rest = rest.find([',', '}']).map_or("", |end| &rest[end..]);
            match rest.strip_prefix(',') {
                Some(next) if !next.trim_start().starts_with('}') => rest = next,
                _ => return rest.find('}').map_or("", |end| &rest[end + 1..]),
            }
        }
    }
    let end = code.find(|char: char| !char.is_alphanumeric() && char != '_').unwrap_or(code.len());
    if end > 0 {
        before.push(code[..end].to_owned());
    }
    match code[end..].strip_prefix("::") {
        Some(rest) if end > 0 => expand(rest, before, paths),
        _ => {
            if !before.is_empty() {
                paths.push(before.clone());
            }
            &code[end..]
        }
    }
}

/// The code without comments of whole lines, without modules of tests, and without what else is compiled for tests alone.
fn without_tests(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line.trim_start().starts_with("//") {
            continue;
        }
        if line.trim_start().starts_with("#[cfg(test)]") || line.trim_start().starts_with("#[cfg(all(test") {
            match lines.next() {
                // A module of tests ends its file.
                Some(next) if next.contains("mod ") && next.ends_with('{') => break,
                _ => continue,
            }
        }
        code += line;
        code.push('\n');
    }
    code
}

#[cfg(test)]
mod tests {
    use super::{check, paths_after};
    use crate::tidy::tree::Tree;

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        check(&Tree::of(files)).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn groups_and_nested_groups_are_taken_apart() {
        let paths =
            paths_after("use crate::a::{self, b::{C, D as E}, f};\nlet x = crate::g::h(1);", "crate::");
        let joined: Vec<String> = paths.iter().map(|path| path.join("::")).collect();
        assert_eq!(joined, ["a::self", "a::b::C", "a::b::D", "a::f", "g::h"]);
    }

    #[test]
    fn two_folders_that_use_each_other_are_found_through_a_file_and_an_export_too() {
        let files = [
            ("crates/x/src/lib.rs", "mod left;\nmod middle;\nmod right;\npub use right::{Other, Right};\n"),
            ("crates/x/src/left/a.rs", "use crate::middle::Middle;\n"),
            ("crates/x/src/middle.rs", "use crate::Right;\n"),
            ("crates/x/src/right/b.rs", "use super::super::left::A;\n"),
        ];
        assert_eq!(
            found(&files),
            [
                "crates/x/src/left:1: circles: none of two folders, or of more than three files (left, middle, right)"
            ]
        );
    }

    #[test]
    fn four_files_in_a_circle_are_found_and_three_are_not() {
        let files = ["a", "b", "c", "d"].map(|name| format!("crates/x/src/{name}.rs"));
        let circle = |names: &[&str]| {
            let texts: Vec<String> = names
                .iter()
                .cycle()
                .skip(1)
                .take(names.len())
                .map(|next| format!("use crate::{next}::X;\n"))
                .collect();
            let files: Vec<(&str, &str)> =
                files.iter().map(String::as_str).zip(texts.iter().map(String::as_str)).collect();
            found(&files)
        };
        assert_eq!(circle(&["a", "b", "c", "d"]).len(), 1);
        assert!(circle(&["a", "b", "c"]).is_empty());
    }

    #[test]
    fn circles_below_a_folder_are_found() {
        let files = [
            ("crates/x/src/top/one/a.rs", "use crate::top::two::B;\n"),
            ("crates/x/src/top/two/b.rs", "use crate::top::{one::A, other};\n"),
        ];
        assert_eq!(
            found(&files),
            ["crates/x/src/top/one:1: circles: none of two folders, or of more than three files (one, two)"]
        );
    }

    #[test]
    fn files_tests_and_comments_make_no_circle_of_folders() {
        let files = [
            ("crates/x/src/one/a.rs", "use crate::two::B;\n"),
            (
                "crates/x/src/two/b.rs",
                "//! See crate::one::A.\nstruct B;\n#[cfg(test)]\nmod tests {\n    use crate::one::A;\n}\n",
            ),
            ("crates/x/src/two/tests/c.rs", "use crate::one::A;\n"),
            ("crates/x/src/three.rs", "use crate::one::A;\n"),
            ("crates/x/src/one/d.rs", "use crate::three::C;\n"),
        ];
        assert!(found(&files).is_empty(), "{:?}", found(&files));
    }
}
