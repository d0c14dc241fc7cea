//! Which package may depend on what, from the manifests and, through other packages, from the lock file.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use toml::{Table, Value};

use crate::tidy::Violation;
use crate::tidy::tree::{SourceFile, Tree};

const TENSOR_LIBRARIES: [&str; 10] =
    ["tch", "torch-sys", "ndarray", "nalgebra", "faer", "candle-core", "burn", "burn-core", "dfdx", "ort"];
const LIBTORCH: [&str; 2] = ["tch", "torch-sys"];

/// A package of ours, the others of ours that it may name in its manifest, and what it must not reach on any path.
struct Layer {
    /// Its name; with `*` at the end, every package whose name begins so.
    package: &'static str,
    /// `*`: all of them.
    may_use: &'static [&'static str],
    never_reaches: &'static [&'static str],
}

const LAYERS: [Layer; 16] = [
    layer("polder-random", &[]),
    layer("polder-stats", &[]),
    layer("polder-architecture", &[]),
    layer("polder-plot", &[]),
    layer("polder-data", &["polder-random"]),
    Layer {
        package: "polder-optim",
        may_use: &["polder-random", "polder-stats"],
        never_reaches: &TENSOR_LIBRARIES,
    },
    layer("polder-theory", &["polder-random", "polder-stats", "polder-optim"]),
    with_libtorch("polder-models", &["polder-random", "polder-optim", "polder-architecture"]),
    layer(
        "polder-experiment",
        &["polder-architecture", "polder-data", "polder-optim", "polder-theory", "polder-stats"],
    ),
    layer("polder-report", &["polder-experiment", "polder-theory", "polder-plot"]),
    with_libtorch("polder-train", &["polder-data", "polder-optim", "polder-models", "polder-experiment"]),
    with_libtorch("polder", &["*"]),
    layer("polder-python", &["polder-data"]),
    layer("polder-fetch", &["polder-data"]),
    // It runs before libtorch is there, and everybody builds it first.
    layer("xtask", &[]),
    // An example shows a library; the binary is none.
    with_libtorch(
        "polder-example-*",
        &[
            "polder-data",
            "polder-optim",
            "polder-architecture",
            "polder-models",
            "polder-experiment",
            "polder-train",
        ],
    ),
];

const fn layer(package: &'static str, may_use: &'static [&'static str]) -> Layer {
    Layer { package, may_use, never_reaches: &LIBTORCH }
}

const fn with_libtorch(package: &'static str, may_use: &'static [&'static str]) -> Layer {
    Layer { package, may_use, never_reaches: &[] }
}

impl Layer {
    fn of(package: &str) -> Option<&'static Self> {
        LAYERS.iter().find(|layer| match layer.package.strip_suffix('*') {
            Some(prefix) => package.starts_with(prefix),
            None => package == layer.package,
        })
    }

    fn allows(&self, name: &str) -> bool {
        !is_ours(name) || self.may_use.iter().any(|&used| used == name || used == "*")
    }
}

fn is_ours(package: &str) -> bool {
    package == "xtask" || package == "polder" || package.starts_with("polder-")
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
        let package = table.get("package").and_then(|package| package.get("name")).and_then(Value::as_str);
        // The fuzz targets are a workspace of their own.
        let Some(package) = package.filter(|_| !table.contains_key("workspace")) else { continue };
        let mut violation = |line: usize, invariant: &'static str, found: String| {
            violations.push(Violation { path: manifest.path.clone(), line, invariant, found });
        };
        let Some(layer) = Layer::of(package) else {
            violation(1, LAYERS_HOLD, format!("`{package}` has no row in xtask/src/tidy/manifests.rs"));
            continue;
        };
        if table.get("lints").and_then(|lints| lints.get("workspace")) != Some(&Value::Boolean(true)) {
            let found = format!("`{package}` lacks `[lints] workspace = true`");
            violation(1, "lints: every package has those of the workspace, which deny `unsafe`", found);
        }
        let direct = dependencies_in_manifest(&table);
        let is_forbidden = |name: &str| !layer.allows(name) || layer.never_reaches.contains(&name);
        for (key, _) in direct.iter().filter(|(_, name)| is_forbidden(name)) {
            let line = manifest.line_where(|line| names_key(line, key));
            violation(line, LAYERS_HOLD, format!("`{package}` depends on `{key}`"));
        }
        let direct: BTreeSet<&str> = direct.iter().map(|(_, name)| name.as_str()).collect();
        let never: BTreeSet<&str> = layer.never_reaches.iter().copied().collect();
        for path in path_to_forbidden(&locked, package, &never) {
            if path.len() > 2 || !direct.contains(path[1].as_str()) {
                violation(1, LAYERS_HOLD, format!("in Cargo.lock `{}`", path.join("` -> `")));
            }
        }
    }
    Ok(violations)
}

const LAYERS_HOLD: &str = "layers: a package depends on those below it alone, and few on libtorch";

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
        format!("[package]\nname = \"{package}\"\n\n{rest}\n[lints]\nworkspace = true\n")
    }

    #[test]
    fn a_tensor_library_in_optim_is_found_with_its_line() {
        let text =
            manifest("polder-optim", "[dependencies]\nrand.workspace = true\nndarray.workspace = true\n");
        let found = found(&[("crates/optim/Cargo.toml", &text)]);
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("crates/optim/Cargo.toml:6: layers"), "{found:?}");
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
            ("polder-report", "[dependencies]\npolder-train.workspace = true\n"),
            ("polder-experiment", "[dependencies]\ntch.workspace = true\n"),
            ("xtask", "[dependencies]\npolder-data.workspace = true\n"),
            ("polder-example-tch", "[dependencies]\npolder.workspace = true\n"),
            ("polder-new", ""),
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
    fn a_package_without_the_lints_of_the_workspace_is_found() {
        let found = found(&[("a/Cargo.toml", "[package]\nname = \"polder-plot\"\n")]);
        assert!(found.len() == 1 && found[0].contains("lints"), "{found:?}");
    }

    #[test]
    fn allowed_dependencies_are_no_violation() {
        let lock = "[[package]]\nname = \"polder-theory\"\nversion = \"0.1.0\"\ndependencies = [\"polder-optim\"]\n\n\
                    [[package]]\nname = \"polder-optim\"\nversion = \"0.1.0\"\n";
        let packages = [
            ("polder-theory", "polder-optim"),
            ("polder-data", "ndarray"),
            ("polder-models", "tch"),
            ("polder-example-tch", "tch"),
            ("polder-report", "polder-experiment"),
            ("polder", "polder-train"),
        ];
        let manifests = packages
            .map(|(package, used)| manifest(package, &format!("[dependencies]\n{used}.workspace = true\n")));
        let mut files: Vec<(&str, &str)> =
            manifests.iter().map(|text| ("a/Cargo.toml", text.as_str())).collect();
        files.push(("Cargo.lock", lock));
        assert!(found(&files).is_empty(), "{:?}", found(&files));
    }
}
