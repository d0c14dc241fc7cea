//! What someone gets who adds one of our libraries to a project: few packages, no C, and the files that go with a crate.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};

use crate::command;
use crate::workspace::Workspace;

/// A library that stands by itself.
struct Library {
    name: &'static str,
    /// Packages without the default features, itself and procedural macros included.
    most_packages: usize,
    /// Files of its archive beside those that every library has.
    files: &'static [&'static str],
}

const LIBRARIES: [Library; 3] = [
    Library { name: "polder-data", most_packages: 40, files: &["reusing-polder-data.md"] },
    Library { name: "polder-optim", most_packages: 25, files: &[] },
    Library { name: "polder-theory", most_packages: 30, files: &[] },
];

const FILES: [&str; 5] = ["Cargo.toml", "LICENSE-APACHE", "LICENSE-MIT", "README.md", "src/lib.rs"];

/// Packages whose presence says that something other than Rust is compiled or looked for.
const C_TOOLS: [&str; 6] = ["cc", "cmake", "pkg-config", "vcpkg", "bindgen", "autotools"];

/// Fails if a library has become heavy or its package incomplete. Asks cargo three questions each and compiles nothing.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    LIBRARIES.iter().try_for_each(|library| check_one(workspace, library))
}

fn check_one(workspace: &Workspace, library: &Library) -> Result<()> {
    let Library { name: package, most_packages, .. } = *library;
    let cargo = |words: &str| {
        let mut cargo = workspace.cargo(&format!("{words} --package {package} --locked"));
        let printed = command::quiet_output(&mut cargo)?;
        anyhow::Ok(printed.lines().map(str::to_owned).collect::<BTreeSet<String>>())
    };
    let packages = cargo("tree --no-default-features --prefix none --no-dedupe --edges normal")?;
    ensure!(
        packages.len() <= most_packages,
        "{package} without its default features needs {} packages, expected at most {most_packages}; \
         `cargo tree --package {package} --no-default-features --edges normal` shows them",
        packages.len()
    );
    let built = cargo("tree --no-default-features --prefix none --no-dedupe --edges normal,build")?;
    let foreign: Vec<&str> = built.iter().map(|line| name(line)).filter(|name| brings_c(name)).collect();
    ensure!(
        foreign.is_empty(),
        "{package} without its default features compiles C or looks for a system library: {}",
        foreign.join(", ")
    );
    let files = cargo("package --list --allow-dirty")?;
    let missing: Vec<&str> =
        FILES.iter().chain(library.files).copied().filter(|&file| !files.contains(file)).collect();
    ensure!(missing.is_empty(), "the package of {package} lacks {}", missing.join(", "));
    println!("{package}: {} packages, no C, {} files in its archive", packages.len(), files.len());
    Ok(())
}

/// The name in a line of `cargo tree`: "name v1.2.3 ...".
fn name(line: &str) -> &str {
    line.split(' ').next().unwrap_or(line)
}

/// Bindings to Windows itself are Rust and import libraries.
fn brings_c(name: &str) -> bool {
    C_TOOLS.contains(&name) || name.ends_with("-sys") && name != "windows-sys"
}

#[cfg(test)]
mod tests {
    #[test]
    fn bindings_and_build_tools_of_c_are_told_from_rust() {
        for (line, expected) in [
            ("cc v1.2.3", true),
            ("zstd-sys v2.0.1", true),
            ("ccc v1.0.0", false),
            ("windows-sys v0.61.0", false),
        ] {
            assert_eq!(super::brings_c(super::name(line)), expected, "{line}");
        }
    }
}
