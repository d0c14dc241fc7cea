//! Programs of others that some tests ask. Where one is absent its tests are skipped, and whoever ran them is told.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;

use crate::command;
use crate::python_environment::{self, Wanted};

/// A program that tests ask if it is there.
struct Tool {
    /// What is not tested without it.
    tested: &'static str,
    /// Names it.
    variable: &'static str,
    kind: Kind,
    /// What to install.
    remedy: &'static str,
}

enum Kind {
    /// What it is called on PATH.
    Program(&'static [&'static str]),
    /// A Python package. An environment is made for it, in which it is then asked.
    Package(Wanted),
}

const TOOLS: [Tool; 2] = [
    Tool {
        tested: "the report in a browser",
        variable: "POLDER_CHROMIUM",
        kind: Kind::Program(&["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]),
        remedy: "install Chromium",
    },
    Tool {
        tested: "event files in TensorBoard's own reader",
        variable: "POLDER_TENSORBOARD_PYTHON",
        kind: Kind::Package(Wanted {
            module: "tensorboard",
            required: &["tensorboard==2.20.0"],
            required_time: Duration::from_mins(3),
            optional: &[],
            optional_time: Duration::ZERO,
        }),
        remedy: "install the Python package tensorboard",
    },
];

/// What tests find of the programs of others.
#[derive(Debug, Default)]
pub(crate) struct ExternalTools {
    /// For the environment of the tests: each variable with what was installed for it.
    pub(crate) variables: Vec<(&'static str, PathBuf)>,
    /// A line for each program that is absent: what is skipped, why, and what makes up for it.
    pub(crate) skipped: Vec<String>,
}

/// Looks for all of them; a Python package that is not named gets an environment in `folder`.
pub(crate) fn provide(folder: &Path) -> ExternalTools {
    gather(
        &std::env::var_os("PATH").unwrap_or_default(),
        |variable| std::env::var_os(variable),
        |wanted| Ok(python_environment::provide(folder, wanted)?.interpreter),
    )
}

fn gather(
    path: &OsStr,
    variable: impl Fn(&str) -> Option<OsString>,
    install: impl Fn(&Wanted) -> Result<PathBuf>,
) -> ExternalTools {
    let mut tools = ExternalTools::default();
    for Tool { tested, variable: name, kind, remedy } in &TOOLS {
        if variable(name).is_some_and(|named| !named.is_empty()) {
            continue;
        }
        let why = match kind {
            Kind::Program(names) => {
                if command::on_path(path, names).is_some() {
                    continue;
                }
                "it is not on PATH".to_owned()
            }
            Kind::Package(wanted) => match install(wanted) {
                Ok(interpreter) => {
                    tools.variables.push((name, interpreter));
                    continue;
                }
                Err(error) => format!("{error:#}"),
            },
        };
        tools.skipped.push(format!("skipped: {tested}; {remedy} and let {name} name it ({why})"));
    }
    tools
}

#[cfg(test)]
mod tests {
    use anyhow::bail;

    use super::*;

    #[test]
    fn programs_that_are_neither_named_nor_on_the_path_nor_installable_are_told_of() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().as_os_str();
        let fails = |_: &Wanted| bail!("no network");
        let nothing = gather(path, |_| None, fails);
        assert_eq!(nothing.skipped.len(), TOOLS.len());
        assert!(nothing.skipped[0].contains("browser") && nothing.skipped[0].contains("POLDER_CHROMIUM"));
        assert!(nothing.skipped[1].contains("no network"), "{:?}", nothing.skipped);
        assert_eq!(nothing.variables, []);
        std::fs::write(folder.path().join("google-chrome"), "").unwrap();
        assert_eq!(gather(path, |_| None, fails).skipped.len(), 1);
        let named = gather(path, |variable| (variable != "POLDER_CHROMIUM").then(|| "python".into()), fails);
        assert!(named.skipped.is_empty() && named.variables.is_empty(), "{named:?}");
    }

    #[test]
    fn the_tests_are_told_which_interpreter_has_an_installed_package() {
        let tools = gather(OsStr::new(""), |_| None, |_| Ok("made/python".into()));
        assert_eq!(tools.variables, [("POLDER_TENSORBOARD_PYTHON", PathBuf::from("made/python"))]);
        assert_eq!(tools.skipped.len(), 1);
    }
}
