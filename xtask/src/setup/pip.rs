//! The user's own pip, asked for wheels without touching any of the user's installations.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use crate::command::{self, shown};
use crate::file;
use crate::python_environment::{INDEX_HINT, pip_install};
use crate::setup::LIBTORCH_VERSION;

/// Any version of Python may run pip; the wheels are always those for this one.
const PYTHON_VERSION: &str = "3.12";

/// A `python3` that has pip.
#[derive(Debug)]
pub(crate) struct Pip {
    path: OsString,
}

/// Whether the requirements of the wanted packages are fetched too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dependencies {
    Leave,
    Follow,
}

impl Pip {
    /// Looks for `python3` on `path` and for its pip.
    pub(crate) fn find(path: &OsStr) -> Result<Self> {
        let pip = Self { path: path.to_owned() };
        let own_libtorch = format!("set LIBTORCH to the absolute path of a libtorch {LIBTORCH_VERSION}");
        match pip.python().args(["-m", "pip", "--version"]).output() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => bail!(
                "libtorch is installed with pip, and there is no `python3` on PATH; install it \
                 (Debian, Ubuntu: `apt install python3 python3-pip`), or {own_libtorch}"
            ),
            Err(error) => return Err(error).context("`python3` cannot be started"),
            Ok(output) => ensure!(
                output.status.success(),
                "`python3` has no pip that works (`python3 -m pip --version` says: {}); install it (Debian, Ubuntu: \
                 `apt install python3-pip`; elsewhere: `python3 -m ensurepip --user`), or {own_libtorch}",
                String::from_utf8_lossy(&output.stderr).trim()
            ),
        }
        Ok(pip)
    }

    /// Puts the wheels of `requirements` into a new folder below `partial`, whose `lock` is held, and returns that
    /// folder.
    ///
    /// # Errors
    /// pip's failure, with what may help. Its own words have been shown by then.
    pub(crate) fn fetch(
        &self,
        requirements: &[String],
        dependencies: Dependencies,
        partial: &Path,
        lock: &File,
    ) -> Result<PathBuf> {
        let (wheels, scratch) = (partial.join("wheels"), partial.join("scratch"));
        for folder in [&wheels, &scratch] {
            file::remove(folder)?;
            file::make_folder(folder)?;
        }
        let mut install = pip_install(self.python(), lock)?;
        install.args(["--only-binary=:all:", "--python-version", PYTHON_VERSION]);
        if dependencies == Dependencies::Leave {
            install.arg("--no-deps");
        }
        install.args(["--no-compile", "--retries", "3"]);
        install.arg("--target").arg(&wheels).args(requirements);
        // A required virtual environment in the user's configuration contradicts `--target`.
        install.env("PIP_REQUIRE_VIRTUALENV", "0").env("PIP_ROOT_USER_ACTION", "ignore");
        // Unpacked on the disk it is meant for, as /tmp is often small; and cleared away with the rest.
        install.env("TMPDIR", &scratch);
        eprintln!("$ {}", shown(&install));
        let status = wait_showing_growth(&mut install, partial).context("`python3` cannot be started")?;
        ensure!(
            status.success(),
            "pip could not provide {} ({status}; its own message is above). {INDEX_HINT}, are 3 GB free in `{}`, is pip older than 20.3 \
             (`python3 -m pip install --upgrade pip`)? Then repeat `cargo xtask setup`; or set LIBTORCH to the absolute \
             path of a libtorch {LIBTORCH_VERSION}",
            requirements.join(" "),
            partial.display()
        );
        Ok(wheels)
    }

    fn python(&self) -> Command {
        let mut python = Command::new("python3");
        python.env("PATH", &self.path);
        python
    }
}

/// Waits for pip. Away from a terminal it shows no progress, so the growth of `folder` is told every 15 seconds.
fn wait_showing_growth(command: &mut Command, folder: &Path) -> Result<ExitStatus> {
    if io::stdout().is_terminal() {
        return Ok(command.status()?);
    }
    let mut told = Duration::ZERO;
    let ended = command::wait_while(&mut command.spawn()?, |so_far| {
        if so_far >= told + Duration::from_secs(15) {
            told = so_far;
            eprintln!("setup: {told:.0?}, {} MB so far", size(folder) / 1_000_000);
        }
        true
    });
    ended?.context("pip was ended")
}

/// Bytes below `folder`; what vanishes meanwhile counts as nothing.
fn size(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    entries
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => size(&entry.path()),
            Ok(metadata) => metadata.len(),
            Err(_) => 0,
        })
        .sum()
}
