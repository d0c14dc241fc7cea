//! Which package may depend on what: one table of arrows, against what cargo reads from the manifests.
//!
//! Builds prove what is reached through third-party packages: `cargo xtask test` builds records and reports without libtorch
//! (`test.rs`), and counts the dependencies of the libraries (`packages.rs`).

use serde_json::Value;

use crate::tidy::Violation;
use crate::tidy::tree::Tree;

const TENSOR_LIBRARIES: [&str; 10] =
    ["tch", "torch-sys", "ndarray", "nalgebra", "faer", "candle-core", "burn", "burn-core", "dfdx", "ort"];
const LIBTORCH: [&str; 2] = ["tch", "torch-sys"];

/// A package of ours, those of ours that it may depend on, and what it must not depend on.
struct Layer {
    /// Its name; with `*` at the end, every package whose name begins so.
    package: &'static str,
    /// `*`: all of them.
    may_use: &'static [&'static str],
    never: &'static [&'static str],
}

const LAYERS: [Layer; 16] = [
    layer("polder-random", &[]),
    layer("polder-stats", &[]),
    layer("polder-architecture", &[]),
    layer("polder-plot", &[]),
    layer("polder-data", &["polder-random"]),
    Layer { package: "polder-optim", may_use: &["polder-random", "polder-stats"], never: &TENSOR_LIBRARIES },
    layer("polder-theory", &["polder-random", "polder-stats", "polder-optim"]),
    with_libtorch("polder-models", &["polder-random", "polder-optim", "polder-architecture"]),
    layer(
        "polder-experiment",
        &["polder-architecture", "polder-data", "polder-optim", "polder-theory", "polder-stats"],
    ),
    layer("polder-report", &["polder-experiment", "polder-theory", "polder-plot", "polder-stats"]),
    with_libtorch(
        "polder-train",
        &["polder-data", "polder-optim", "polder-stats", "polder-models", "polder-experiment"],
    ),
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
    Layer { package, may_use, never: &LIBTORCH }
}

const fn with_libtorch(package: &'static str, may_use: &'static [&'static str]) -> Layer {
    Layer { package, may_use, never: &[] }
}

impl Layer {
    fn of(package: &str) -> Option<&'static Self> {
        LAYERS.iter().find(|layer| match layer.package.strip_suffix('*') {
            Some(prefix) => package.starts_with(prefix),
            None => package == layer.package,
        })
    }

    fn allows(&self, name: &str) -> bool {
        let is_ours = name == "xtask" || name == "polder" || name.starts_with("polder-");
        let is_below = || self.may_use.iter().any(|&used| used == name || used == "*");
        !self.never.contains(&name) && (!is_ours || is_below())
    }
}

const LAYERS_HOLD: &str = "layers: a package depends on those below it alone, and few on libtorch";

/// `metadata` is what `cargo metadata --no-deps` prints: every dependency of every kind, by the name of its package.
pub(crate) fn check(metadata: &Value, tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for package in list(metadata, "packages") {
        let (name, folder) = (text(package, "name"), text(metadata, "workspace_root"));
        let path = text(package, "manifest_path").trim_start_matches(folder).trim_start_matches('/');
        let manifest = tree.get(path).map_or("", |file| file.text.as_str());
        let mut violation = |line, invariant, found| {
            violations.push(Violation { path: path.to_owned(), line, invariant, found });
        };
        // `cargo metadata` does not report lints.
        if !manifest.contains("\n[lints]\nworkspace = true\n") {
            let found = format!("`{name}` lacks `[lints] workspace = true`");
            violation(1, "lints: every package has those of the workspace, which deny `unsafe`", found);
        }
        let Some(layer) = Layer::of(name) else {
            violation(1, LAYERS_HOLD, format!("`{name}` has no row in xtask/src/tidy/manifests.rs"));
            continue;
        };
        for used in list(package, "dependencies").map(|used| text(used, "name")) {
            if !layer.allows(used) {
                let line = manifest.lines().position(|line| line.contains(used)).map_or(1, |index| index + 1);
                violation(line, LAYERS_HOLD, format!("`{name}` depends on `{used}`"));
            }
        }
    }
    violations
}

fn list<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value[key].as_array().into_iter().flatten()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{LAYERS, check};
    use crate::tidy::tree::Tree;

    fn found(package: &str, uses: &[&str], manifest: &str) -> Vec<String> {
        let dependencies: Vec<_> = uses.iter().map(|name| json!({ "name": name })).collect();
        let package = json!({
            "name": package, "manifest_path": "/root/crates/x/Cargo.toml", "dependencies": dependencies,
        });
        let metadata = json!({ "workspace_root": "/root", "packages": [package] });
        let tree = Tree::of(&[("crates/x/Cargo.toml", manifest)]);
        check(&metadata, &tree).iter().map(ToString::to_string).collect()
    }

    const MANIFEST: &str = "[package]\n\n[lints]\nworkspace = true\n";

    #[test]
    fn what_is_not_below_a_package_is_found() {
        for (package, used) in [
            ("polder-optim", "ndarray"),
            ("polder-optim", "polder-data"),
            ("polder-data", "tch"),
            ("polder-data", "torch-sys"),
            ("polder-theory", "polder-data"),
            ("polder-models", "polder-data"),
            ("polder-report", "polder-train"),
            ("polder-experiment", "tch"),
            ("xtask", "polder-data"),
            ("polder-example-tch", "polder"),
        ] {
            let found =
                found(package, &["serde", used], &format!("{MANIFEST}[dependencies]\n{used} = \"1\"\n"));
            assert_eq!(found.len(), 1, "{package}: {used}");
            assert!(found[0].starts_with("crates/x/Cargo.toml:6: layers"), "{found:?}");
        }
        assert_eq!(found("polder-new", &[], MANIFEST).len(), 1);
    }

    #[test]
    fn allowed_dependencies_are_no_violation() {
        for (package, used) in [
            ("polder-theory", "polder-optim"),
            ("polder-data", "ndarray"),
            ("polder-models", "tch"),
            ("polder-example-tch", "tch"),
            ("polder-report", "polder-experiment"),
            ("polder", "polder-train"),
        ] {
            assert_eq!(found(package, &[used], MANIFEST), [""; 0], "{package}: {used}");
        }
    }

    #[test]
    fn no_arrow_leads_from_a_package_without_libtorch_to_one_that_may_have_it() {
        let has_libtorch =
            |package: &str| LAYERS.iter().any(|layer| layer.package == package && layer.never.is_empty());
        for layer in LAYERS.iter().filter(|layer| !layer.never.is_empty()) {
            assert!(
                !layer.may_use.iter().any(|used| has_libtorch(used) || *used == "*"),
                "{}",
                layer.package
            );
        }
    }

    #[test]
    fn a_package_without_the_lints_of_the_workspace_is_found() {
        let found = found("polder-plot", &[], "[package]\n");
        assert!(found.len() == 1 && found[0].contains("lints"), "{found:?}");
    }
}
