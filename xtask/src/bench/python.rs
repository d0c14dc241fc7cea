//! A Python environment with the peers' packages, made on demand and used again.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};

use crate::bench::peer::{self, Peer};
use crate::command::{self, shown};

/// Without these there is nothing to compare with.
const REQUIRED: [&str; 4] = ["torch==2.11.0", "torchvision==0.26.0", "numpy", "pillow"];
const REQUIRED_TIME: Duration = Duration::from_mins(30);

/// Package and name of the peers that may or may not install here; FFCV is compiled against OpenCV and libjpeg-turbo.
const OPTIONAL: [(&str, &str); 2] = [("tensorflow-cpu", "tf.data"), ("ffcv", "FFCV")];
const OPTIONAL_TIME: Duration = Duration::from_mins(6);

/// Written last: an environment without it is not complete.
const COMPLETE: &str = "complete.json";

#[derive(Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
struct Contents {
    required: Vec<String>,
    /// Name of a peer and why its package did not install.
    missing: Vec<(String, String)>,
}

/// An interpreter and what is known to be missing from it.
#[derive(Debug)]
pub(crate) struct Python {
    path: PathBuf,
    missing: Vec<(String, String)>,
}

impl Python {
    /// An interpreter of the user's, which has what it has.
    pub(crate) fn named(path: PathBuf) -> Self {
        Self { path, missing: Vec::new() }
    }

    /// The environment in `folder`, made now (about 6 GB on disk) unless it is there and complete.
    ///
    /// # Errors
    /// If there is no `python3`, it makes no environments, or a required package does not install.
    pub(crate) fn provide(folder: &Path) -> Result<Self> {
        let path = interpreter_of(folder);
        if let Some(contents) = contents(folder).filter(|_| path.is_file()) {
            eprintln!("bench: the peers' packages are in `{}`", folder.display());
            return Ok(Self { path, missing: contents.missing });
        }
        eprintln!("bench: making a Python environment for the peers in `{}`", folder.display());
        command::run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(folder).stdin(Stdio::null()))
            .context(
                "the peers run in Python; install it with its module venv (Debian, Ubuntu: \
                 `apt install python3 python3-venv`), or name an interpreter that has torch and torchvision with \
                 `--python`",
            )?;
        if let Some(reason) = install(folder, "required", &REQUIRED, REQUIRED_TIME)? {
            bail!(
                "pip could not provide {} ({reason}); all it said is in `{}`. Is the Python package index reachable \
                 (behind a proxy: HTTPS_PROXY; from a mirror: PIP_INDEX_URL)? Are 6 GB free? Or name an interpreter \
                 that has the packages with `--python`",
                REQUIRED.join(" "),
                log_of(folder, "required").display()
            );
        }
        let mut missing = Vec::new();
        for (package, name) in OPTIONAL {
            if let Some(reason) = install(folder, package, &[package], OPTIONAL_TIME)? {
                eprintln!("bench: {name} does not install: {reason}");
                missing.push((name.to_owned(), format!("`pip install {package}` fails: {reason}")));
            }
        }
        let contents = Contents { required: REQUIRED.map(str::to_owned).to_vec(), missing };
        fs::write(folder.join(COMPLETE), serde_json::to_string_pretty(&contents)?)
            .with_context(|| format!("`{}` cannot be written to", folder.display()))?;
        Ok(Self { path, missing: contents.missing })
    }

    /// Measures the peers on the same images; on random bytes without `data_dir`.
    pub(crate) fn run(&self, script: &Path, data_dir: Option<&Path>) -> Result<Vec<Peer>> {
        let arguments = data_dir.map(|dir| [OsStr::new("--data-dir"), dir.as_os_str()]);
        let mut peers = peer::parse(&self.output(script, arguments.as_ref().map_or(&[], |pair| &pair[..]))?)?;
        for peer in &mut peers {
            // Why it did not install says more than that it cannot be imported.
            if let Peer::Missing { name, missing } = peer
                && let Some((_, reason)) = self.missing.iter().find(|(known, _)| known == name)
            {
                missing.clone_from(reason);
            }
        }
        Ok(peers)
    }

    /// A command of the interpreter.
    pub(crate) fn command(&self) -> Command {
        Command::new(&self.path)
    }

    /// What `script` prints.
    pub(crate) fn output(&self, script: &Path, arguments: &[&OsStr]) -> Result<String> {
        let mut python = self.command();
        python.arg(script).args(arguments);
        eprintln!("$ {}", shown(&python));
        let output = python.stdin(Stdio::null()).stderr(Stdio::inherit()).output().with_context(|| {
            format!(
                "`{}` cannot be started; `--python` and POLDER_PEERS_PYTHON name an interpreter",
                self.path.display()
            )
        })?;
        ensure!(output.status.success(), "`{}` failed ({})", shown(&python), output.status);
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

fn interpreter_of(folder: &Path) -> PathBuf {
    if cfg!(windows) { folder.join("Scripts").join("python.exe") } else { folder.join("bin").join("python") }
}

fn contents(folder: &Path) -> Option<Contents> {
    let text = fs::read_to_string(folder.join(COMPLETE)).ok()?;
    serde_json::from_str::<Contents>(&text).ok().filter(|contents| contents.required == REQUIRED)
}

fn log_of(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("install-{name}.log"))
}

/// `None` if the packages are installed, otherwise why not, in one line.
fn install(folder: &Path, name: &str, packages: &[&str], limit: Duration) -> Result<Option<String>> {
    let log = log_of(folder, name);
    // To a file and not through a pipe: a compiler that outlives pip would keep the pipe open.
    let file = File::create(&log).with_context(|| format!("`{}` cannot be written", log.display()))?;
    let mut pip = Command::new(interpreter_of(folder));
    pip.args(["-m", "pip", "install", "--no-input", "--disable-pip-version-check"]).args(packages);
    // A `user = true` in the user's configuration contradicts an environment.
    pip.env("PIP_USER", "0");
    eprintln!("$ {}   (at most {} minutes)", shown(&pip), limit.as_secs() / 60);
    pip.stdin(Stdio::null()).stdout(file.try_clone().context("the log cannot be shared")?).stderr(file);
    Ok(match run_within(&mut pip, limit).context("pip cannot be started")? {
        Ended::Well => None,
        Ended::Badly => Some(reason(&fs::read_to_string(&log).unwrap_or_default())),
        Ended::TooLate => Some(format!("not done after {} minutes", limit.as_secs() / 60)),
    })
}

#[derive(Debug, PartialEq, Eq)]
enum Ended {
    Well,
    Badly,
    TooLate,
}

fn run_within(command: &mut Command, limit: Duration) -> std::io::Result<Ended> {
    let mut child = command.spawn()?;
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(if status.success() { Ended::Well } else { Ended::Badly });
        }
        if start.elapsed() > limit {
            child.kill()?;
            child.wait()?;
            return Ok(Ended::TooLate);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
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
    use super::{COMPLETE, Contents, REQUIRED, contents, reason};

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
        assert_eq!(contents(folder.path()), None);
        for (required, complete) in
            [(vec!["torch==1.0".to_owned()], false), (REQUIRED.map(str::to_owned).to_vec(), true)]
        {
            let written = Contents { required, missing: vec![] };
            std::fs::write(folder.path().join(COMPLETE), serde_json::to_string(&written).unwrap()).unwrap();
            assert_eq!(contents(folder.path()).is_some(), complete);
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_command_that_takes_too_long_is_ended() {
        use std::process::Command;
        use std::time::Duration;

        use super::{Ended, run_within};

        let shell = |script: &str, limit| {
            run_within(Command::new("sh").args(["-c", script]), Duration::from_millis(limit)).unwrap()
        };
        assert_eq!(shell("exit 0", 60_000), Ended::Well);
        assert_eq!(shell("exit 3", 60_000), Ended::Badly);
        assert_eq!(shell("exec sleep 600", 1), Ended::TooLate);
    }
}
