//! Where the workspace and its build outputs are.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, anyhow, ensure};

use crate::command;

/// The checkout that this task was started from.
#[derive(Clone, Debug)]
pub(crate) struct Workspace {
    root: PathBuf,
    started_in: PathBuf,
}

impl Workspace {
    /// The folder above this package: cargo tells it at run time, so a checkout that was moved is found.
    pub(crate) fn find() -> Result<Self> {
        let package = std::env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root = package.parent().context("the package `xtask` lies outside of a workspace")?.to_owned();
        ensure!(
            root.join("Cargo.toml").is_file(),
            "no workspace at `{}`; start this through `cargo xtask` inside the checkout",
            root.display()
        );
        let started_in = std::env::current_dir().context("the current folder cannot be read")?;
        Ok(Self { root, started_in })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The folder in which the command was typed.
    pub(crate) fn started_in(&self) -> &Path {
        &self.started_in
    }

    /// A path as the user means it: relative to the folder in which the command was typed.
    pub(crate) fn typed_path(&self, path: &Path) -> PathBuf {
        self.started_in.join(path)
    }

    /// The given data folder, or `data` in the workspace.
    pub(crate) fn data_dir(&self, given: Option<&Path>) -> PathBuf {
        given.map_or_else(|| self.root.join("data"), |path| self.typed_path(path))
    }

    /// The given folder for runs and report, or `results` in the workspace.
    pub(crate) fn results_dir(&self, given: Option<&Path>) -> PathBuf {
        given.map_or_else(|| self.root.join("results"), |path| self.typed_path(path))
    }

    /// cargo with these words, separated by blanks, in the workspace's root and with the target folder that the user chose.
    pub(crate) fn cargo(&self, words: &str) -> Command {
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.current_dir(&self.root).args(words.split_whitespace());
        // What cargo says of this package. Build scripts that watch it would run anew, and all that hangs on them.
        for (name, _) in std::env::vars_os() {
            if name
                .to_str()
                .is_some_and(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_"))
            {
                cargo.env_remove(name);
            }
        }
        if let Some(target) = std::env::var_os("CARGO_TARGET_DIR") {
            cargo.env("CARGO_TARGET_DIR", self.typed_path(Path::new(&target)));
        }
        cargo
    }

    /// Builds a program of the workspace in release mode and returns its path.
    pub(crate) fn build_program(&self, package: &str) -> Result<PathBuf> {
        command::run(&mut self.cargo(&format!("build --release --locked --package {package}")))
            .with_context(|| format!("`{package}` cannot be built"))?;
        Ok(self.target_dir()?.join("release").join(format!("{package}{}", std::env::consts::EXE_SUFFIX)))
    }

    /// The folder in which cargo puts what it builds, from `CARGO_TARGET_DIR` or cargo's configuration.
    pub(crate) fn target_dir(&self) -> Result<PathBuf> {
        let metadata = self.metadata()?;
        metadata["target_directory"]
            .as_str()
            .map(PathBuf::from)
            .ok_or_else(|| anyhow!("`cargo metadata` names no target folder"))
    }

    /// What `cargo metadata` prints about the packages of the workspace.
    pub(crate) fn metadata(&self) -> Result<serde_json::Value> {
        serde_json::from_str(&command::quiet_output(
            &mut self.cargo("metadata --no-deps --format-version 1"),
        )?)
        .context("`cargo metadata` printed something unexpected")
    }
}
