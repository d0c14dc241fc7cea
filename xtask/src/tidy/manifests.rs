//! Which package may depend on what, from the manifests and, through other packages, from the lock file.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use toml::{Table, Value};

use crate::tidy::Violation;
use crate::tidy::tree::{SourceFile, Tree};

const TENSOR_LIBRARIES: [&str; 10] =
    ["tch", "torch-sys", "ndarray", "nalgebra", "faer", "candle-core", "burn", "burn-core", "dfdx", "ort"];
const LIBTORCH: [&str; 2] = ["tch", "torch-sys"];

/// A package, what it must not reach, directly or through another package, and why.
struct Rule {
    /// Its name; with `*` at the end, every package whose name begins so.
    package: &'static str,
    forbidden: &'static [&'static [&'static str]],
    invariant: &'static str,
}

const RULES: [Rule; 7] = [
    Rule {
        package: "polder-random",
        forbidden: &[
            &TENSOR_LIBRARIES,
            &["polder-data", "polder-optim", "polder-theory", "polder-models", "polder"],
        ],
        invariant: "layers: random depends on none of our packages",
    },
    Rule {
        package: "polder-optim",
        forbidden: &[&TENSOR_LIBRARIES, &["polder-data", "polder-theory", "polder-models", "polder"]],
        invariant: "invariant 1: optim depends on no tensor library and on random alone among our packages",
    },
    Rule {
        package: "polder-data",
        forbidden: &[&LIBTORCH, &["polder-optim", "polder-theory", "polder-models", "polder"]],
        invariant: "invariant 2: data never sees libtorch and depends on none of our packages",
    },
    Rule {
        package: "polder-theory",
        forbidden: &[&LIBTORCH, &["polder-data", "polder-models", "polder"]],
        invariant: "layers: theory depends on optim, plot and random alone among our packages",
    },
    Rule {
        package: "polder-models",
        forbidden: &[&["polder-data", "polder-theory", "polder"]],
        invariant: "layers: models depends on optim and random alone among our packages",
    },
    Rule {
        package: "xtask",
        forbidden: &[&LIBTORCH, &["polder-models", "polder"]],
        invariant: "layers: xtask never links libtorch, as it runs before libtorch is there",
    },
    Rule {
        package: "polder-example-*",
        forbidden: &[&["polder-optim", "polder-theory", "polder-models", "polder"]],
        invariant: "layers: an example knows of our packages only the one it shows",
    },
];

impl Rule {
    fn covers(&self, package: &str) -> bool {
        match self.package.strip_suffix('*') {
            Some(prefix) => package.starts_with(prefix),
            None => package == self.package,
        }
    }
}

pub(crate) fn check(tree: &Tree) -> Result<Vec<Violation>> {
    let locked = match tree.get("Cargo.lock") {
        Some(lock) => dependencies_in_lock(lock)?,
        None => BTreeMap::new(),
    };
    let mut violations = Vec::new();
    for manifest in
        tree.files.iter().filter(|file| file.path == "Cargo.toml" || file.path.ends_with("/Cargo.toml"))
    {
        let table: Table =
            manifest.text.parse().with_context(|| format!("`{}` is no TOML", manifest.path))?;
        let Some(package) =
            table.get("package").and_then(|package| package.get("name")).and_then(Value::as_str)
        else {
            continue;
        };
        for rule in RULES.iter().filter(|rule| rule.covers(package)) {
            let forbidden: BTreeSet<&str> =
                rule.forbidden.iter().flat_map(|names| names.iter().copied()).collect();
            let direct = dependencies_in_manifest(&table);
            violations.extend(direct.iter().filter(|(_, name)| forbidden.contains(name.as_str())).map(
                |(key, _)| Violation {
                    path: manifest.path.clone(),
                    line: manifest.line_where(|line| names_key(line, key)),
                    invariant: rule.invariant,
                    found: format!("`{package}` depends on `{key}`"),
                },
            ));
            let direct: BTreeSet<&str> = direct.iter().map(|(_, name)| name.as_str()).collect();
            violations.extend(
                path_to_forbidden(&locked, package, &forbidden)
                    .filter(|path| !(path.len() == 2 && direct.contains(path[1].as_str())))
                    .map(|path| Violation {
                        path: "Cargo.lock".to_owned(),
                        line: tree.get("Cargo.lock").map_or(1, |lock| {
                            lock.line_where(|line| line == format!("name = \"{package}\""))
                        }),
                        invariant: rule.invariant,
                        found: format!("`{}`", path.join("` -> `")),
                    }),
            );
        }
    }
    Ok(violations)
}

/// Key and package name of each dependency, in every table of dependencies, those of targets included.
fn dependencies_in_manifest(manifest: &Table) -> Vec<(String, String)> {
    let mut tables: Vec<&Table> = vec![manifest];
    if let Some(targets) = manifest.get("target").and_then(Value::as_table) {
        tables.extend(targets.values().filter_map(Value::as_table));
    }
    let kinds = ["dependencies", "dev-dependencies", "build-dependencies"];
    tables
        .iter()
        .flat_map(|table| kinds.iter().filter_map(|kind| table.get(*kind)).filter_map(Value::as_table))
        .flatten()
        .map(|(key, value)| {
            let name = value.get("package").and_then(Value::as_str).unwrap_or(key);
            (key.clone(), name.to_owned())
        })
        .collect()
}

/// Whether a line of a manifest declares `key`, inline, dotted or as a table of its own.
fn names_key(line: &str, key: &str) -> bool {
    let line = line.trim();
    line.strip_prefix(key).is_some_and(|rest| rest.trim_start().starts_with(['=', '.']))
        || line.ends_with(&format!(".{key}]"))
}

fn dependencies_in_lock(lock: &SourceFile) -> Result<BTreeMap<String, BTreeSet<String>>> {
    let table: Table = lock.text.parse().with_context(|| format!("`{}` is no TOML", lock.path))?;
    let mut graph: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for package in table.get("package").and_then(Value::as_array).into_iter().flatten() {
        let Some(name) = package.get("name").and_then(Value::as_str) else { continue };
        let needs = package.get("dependencies").and_then(Value::as_array).into_iter().flatten();
        // A dependency reads "name" or "name version".
        let needs = needs.filter_map(|need| need.as_str()?.split(' ').next().map(str::to_owned));
        graph.entry(name.to_owned()).or_default().extend(needs);
    }
    Ok(graph)
}

/// A shortest way from `package` to each forbidden package that it reaches.
fn path_to_forbidden<'graph>(
    graph: &'graph BTreeMap<String, BTreeSet<String>>,
    package: &str,
    forbidden: &BTreeSet<&'graph str>,
) -> impl Iterator<Item = Vec<String>> {
    let mut came_from: BTreeMap<String, String> = BTreeMap::new();
    let mut queue = std::collections::VecDeque::from([package.to_owned()]);
    let mut found = Vec::new();
    while let Some(name) = queue.pop_front() {
        for need in graph.get(&name).into_iter().flatten() {
            if need == package || came_from.contains_key(need) {
                continue;
            }
            came_from.insert(need.clone(), name.clone());
            if forbidden.contains(need.as_str()) {
                let mut path = vec![need.clone()];
                while let Some(previous) = path.last().and_then(|last| came_from.get(last)) {
                    path.push(previous.clone());
                }
                path.reverse();
                found.push(path);
            } else {
                queue.push_back(need.clone());
            }
        }
    }
    found.into_iter()
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::tidy::tree::Tree;

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        check(&Tree::of(files)).unwrap().iter().map(ToString::to_string).collect()
    }

    fn manifest(package: &str, rest: &str) -> String {
        format!("[package]\nname = \"{package}\"\n\n{rest}")
    }

    #[test]
    fn a_tensor_library_in_optim_is_found_with_its_line() {
        let text =
            manifest("polder-optim", "[dependencies]\nrand.workspace = true\nndarray.workspace = true\n");
        let found = found(&[("crates/optim/Cargo.toml", &text)]);
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("crates/optim/Cargo.toml:6: invariant 1"), "{found:?}");
    }

    #[test]
    fn forbidden_packages_are_found_in_every_kind_of_table_and_under_another_name() {
        for (package, rest) in [
            ("polder-data", "[dependencies]\ntch = \"0.24\"\n"),
            ("polder-data", "[dev-dependencies]\ntorch-sys.workspace = true\n"),
            (
                "polder-data",
                "[target.'cfg(unix)'.dependencies]\nfast = { package = \"tch\", version = \"0.24\" }\n",
            ),
            ("polder-optim", "[build-dependencies.polder-data]\npath = \"../data\"\n"),
            ("polder-theory", "[dependencies]\npolder-data.workspace = true\n"),
            ("polder-models", "[dependencies]\npolder-data.workspace = true\n"),
            ("xtask", "[dependencies]\npolder-models.workspace = true\n"),
            ("polder-example-tch", "[dependencies]\npolder-models.workspace = true\n"),
        ] {
            assert_eq!(
                found(&[("crates/x/Cargo.toml", &manifest(package, rest))]).len(),
                1,
                "{package}: {rest}"
            );
        }
    }

    #[test]
    fn what_is_reached_through_another_package_is_found_in_the_lock_file() {
        let lock = "[[package]]\nname = \"xtask\"\nversion = \"0.1.0\"\ndependencies = [\"middle 1.0.0\"]\n\n\
                    [[package]]\nname = \"middle\"\nversion = \"1.0.0\"\ndependencies = [\"tch\"]\n\n\
                    [[package]]\nname = \"tch\"\nversion = \"0.24.0\"\n";
        let text = manifest("xtask", "[dependencies]\nmiddle = \"1\"\n");
        let found = found(&[("Cargo.lock", lock), ("xtask/Cargo.toml", &text)]);
        assert_eq!(found.len(), 1);
        assert!(found[0].contains("`xtask` -> `middle` -> `tch`"), "{found:?}");
    }

    #[test]
    fn allowed_dependencies_are_no_violation() {
        let lock = "[[package]]\nname = \"polder-theory\"\nversion = \"0.1.0\"\ndependencies = [\"polder-optim\"]\n\n\
                    [[package]]\nname = \"polder-optim\"\nversion = \"0.1.0\"\n";
        let theory = manifest("polder-theory", "[dependencies]\npolder-optim.workspace = true\n");
        let data = manifest("polder-data", "[dependencies]\nndarray.workspace = true\n");
        let example = manifest(
            "polder-example-tch",
            "[dependencies]\ntch.workspace = true\npolder-data.workspace = true\n",
        );
        let models = manifest(
            "polder-models",
            "[dependencies]\ntch.workspace = true\npolder-optim.workspace = true\n",
        );
        let files = [
            ("Cargo.lock", lock),
            ("a/Cargo.toml", &*theory),
            ("b/Cargo.toml", &*data),
            ("c/Cargo.toml", &*models),
            ("d/Cargo.toml", &*example),
        ];
        assert!(found(&files).is_empty());
    }
}
