//! A Python environment with packages of others, made on demand and used again.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use crate::command::{self, shown};
use crate::file;
use crate::folder_lock;
use crate::workspace::Workspace;

/// Written last: an environment without it is not complete.
const COMPLETE: &str = "complete.json";

/// What an environment holds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    /// A module of the first package: an environment in which it is not found is made anew.
    pub(crate) module: &'static str,
    /// Without these it is of no use.
    pub(crate) required: &'static [&'static str],
    pub(crate) required_time: Duration,
    /// Package and name of what may or may not install here.
    pub(crate) optional: &'static [(&'static str, &'static str)],
    /// For each of them.
    pub(crate) optional_time: Duration,
}

/// An interpreter, and the optional packages that it lacks.
#[derive(Debug)]
pub(crate) struct Python {
    pub(crate) interpreter: PathBuf,
    /// Name of an optional package and why it did not install.
    pub(crate) missing: Vec<(String, String)>,
}

impl Python {
    /// The command that runs a script of the workspace.
    pub(crate) fn script(&self, workspace: &Workspace, path: &str) -> Command {
        let mut command = Command::new(&self.interpreter);
        command.arg(workspace.root().join(path));
        command
    }

    /// What to try if the interpreter cannot run a script.
    pub(crate) fn remedy(&self) -> String {
        let interpreter = self.interpreter.display();
        format!("the interpreter `{interpreter}`; `--python` or POLDER_PEERS_PYTHON names another")
    }
}

/// What to check if pip gets no package.
pub(crate) const INDEX_HINT: &str =
    "Is the Python package index reachable (behind a proxy: HTTPS_PROXY; from a mirror: PIP_INDEX_URL)";

/// The installation by the pip of `python`, which asks nothing.
///
/// pip holds `lock` too: if this process alone is killed, the next one waits for pip to end instead of clearing a folder that is
/// still written to. The lock file is empty, so pip reads nothing from it.
pub(crate) fn pip_install(mut python: Command, lock: &File) -> Result<Command> {
    python.args(["-m", "pip", "install", "--no-input", "--disable-pip-version-check"]);
    // A `user = true` in the user's configuration contradicts an environment and `--target`.
    python.env("PIP_USER", "0");
    python.stdin(lock.try_clone().context("the lock cannot be handed to pip")?);
    Ok(python)
}

#[derive(Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
struct Contents {
    required: Vec<String>,
    missing: Vec<(String, String)>,
}

/// The environment in `folder`, made now unless it is there and complete.
///
/// # Errors
/// If there is no `python3`, it makes no environments, or a required package does not install.
pub(crate) fn provide(folder: &Path, wanted: &Wanted) -> Result<Python> {
    let interpreter = interpreter_of(folder);
    let found = || contents(folder, wanted).filter(|_| has_module(&interpreter, wanted.module));
    let lock = folder_lock::acquire(&folder.with_extension("lock"))?;
    if let Some(contents) = found() {
        return Ok(Python { interpreter, missing: contents.missing });
    }
    eprintln!("making a Python environment in `{}`", folder.display());
    command::run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(folder).stdin(Stdio::null()))
        .context(
            "install Python with its module venv (Debian, Ubuntu: `apt install python3 python3-venv`)",
        )?;
    if let Some(reason) = install(folder, "required", wanted.required, wanted.required_time, &lock)? {
        bail!(
            "pip could not provide {} ({reason}); all it said is in `{}`. {INDEX_HINT}?",
            wanted.required.join(" "),
            log_of(folder, "required").display()
        );
    }
    let mut missing = Vec::new();
    for (package, name) in wanted.optional {
        if let Some(reason) = install(folder, package, &[package], wanted.optional_time, &lock)? {
            eprintln!("{name} does not install: {reason}");
            missing.push(((*name).to_owned(), format!("`pip install {package}` fails: {reason}")));
        }
    }
    let required = wanted.required.iter().map(|&package| package.to_owned()).collect();
    let contents = Contents { required, missing };
    file::write(&folder.join(COMPLETE), serde_json::to_string_pretty(&contents)?)?;
    Ok(Python { interpreter, missing: contents.missing })
}

fn interpreter_of(folder: &Path) -> PathBuf {
    if cfg!(windows) { folder.join("Scripts").join("python.exe") } else { folder.join("bin").join("python") }
}

/// Whether the interpreter starts and would find the module: an environment outlives the Python that it was made with.
fn has_module(interpreter: &Path, module: &str) -> bool {
    let script = format!("import importlib.util as u, sys; sys.exit(u.find_spec('{module}') is None)");
    let mut python = Command::new(interpreter);
    python.args(["-c", &script]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    python.status().is_ok_and(|status| status.success())
}

fn contents(folder: &Path, wanted: &Wanted) -> Option<Contents> {
    file::read_json::<Contents>(&folder.join(COMPLETE))
        .ok()
        .filter(|contents| contents.required == wanted.required)
}

fn log_of(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("install-{name}.log"))
}

/// `None` if the packages are installed, otherwise why not, in one line.
fn install(
    folder: &Path,
    name: &str,
    packages: &[&str],
    limit: Duration,
    lock: &File,
) -> Result<Option<String>> {
    let log = log_of(folder, name);
    // To a file and not through a pipe: a compiler that outlives pip would keep the pipe open.
    let file = File::create(&log).with_context(|| format!("`{}` cannot be written", log.display()))?;
    let mut pip = pip_install(Command::new(interpreter_of(folder)), lock)?;
    pip.args(packages);
    eprintln!("$ {}   (at most {} minutes)", shown(&pip), limit.as_secs() / 60);
    pip.stdout(file.try_clone().context("the log cannot be shared")?).stderr(file);
    let mut pip = pip.spawn().context("pip cannot be started")?;
    Ok(match command::wait_while(&mut pip, |so_far| so_far <= limit)? {
        Some(status) if status.success() => None,
        Some(_) => Some(reason(&fs::read_to_string(&log).unwrap_or_default())),
        None => Some(format!("not done after {} minutes", limit.as_secs() / 60)),
    })
}

/// The line of pip's output that says most: an exception of the package's own build, or else pip's first error.
fn reason(log: &str) -> String {
    let lines: Vec<&str> = log
        .lines()
        .map(|line| line.trim_matches([' ', '│', '|', '\t']))
        .filter(|line| !line.is_empty())
        .collect();
    let exception = lines.iter().find(|line| {
        line.split_once(": ").is_some_and(|(kind, text)| {
            let is_name = kind.chars().all(|char| char.is_alphanumeric() || char == '.' || char == '_');
            is_name && !text.is_empty() && (kind.ends_with("Error") || kind.ends_with("Exception"))
        })
    });
    let error = || lines.iter().find(|line| line.to_lowercase().starts_with("error:"));
    let line = exception.or_else(error).or(lines.last()).copied().unwrap_or("it said nothing");
    line.trim_start_matches("ERROR: ").to_owned()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{COMPLETE, Contents, Wanted, contents, reason};

    #[test]
    fn the_reason_is_the_exception_of_the_build_or_the_first_error_of_pip() {
        let build = "Collecting x\n  error: subprocess-exited-with-error\n  │ exit code: 1\n  ╰─> [9 lines of output]\n\
                     \x20     Traceback (most recent call last):\n      RuntimeError: no library y\n  note: not pip's\n";
        assert_eq!(reason(build), "RuntimeError: no library y");
        let absent = "Looking\nERROR: No matching distribution found for x\nERROR: more\n";
        assert_eq!(reason(absent), "No matching distribution found for x");
        assert_eq!(reason("a\nb\n\n"), "b");
        assert_eq!(reason(""), "it said nothing");
    }

    #[test]
    fn an_environment_counts_when_it_was_completed_with_these_packages() {
        let folder = tempfile::tempdir().unwrap();
        let wanted = Wanted {
            module: "torch",
            required: &["torch==2.0", "numpy"],
            required_time: Duration::ZERO,
            optional: &[],
            optional_time: Duration::ZERO,
        };
        assert_eq!(contents(folder.path(), &wanted), None);
        for (required, complete) in
            [(vec!["torch==1.0", "numpy"], false), (vec!["torch==2.0", "numpy"], true)]
        {
            let required = required.into_iter().map(str::to_owned).collect();
            let written = Contents { required, missing: vec![] };
            std::fs::write(folder.path().join(COMPLETE), serde_json::to_string(&written).unwrap()).unwrap();
            assert_eq!(contents(folder.path(), &wanted).is_some(), complete);
        }
    }
}
