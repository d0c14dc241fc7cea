//! The program that promises are about, and where it reads and writes.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The program, the data sets, and a folder of its own: what another measurement left would be taken for its own.
#[derive(Debug)]
pub(super) struct Polder {
    pub(super) program: PathBuf,
    pub(super) data_dir: PathBuf,
    pub(super) folder: PathBuf,
}

impl Polder {
    /// Writes into a new folder below `scratch`.
    pub(super) fn new(program: &Path, data_dir: &Path, scratch: &Path) -> Result<Self> {
        let own = tempfile::Builder::new().prefix("promise-").tempdir_in(scratch);
        let folder = own.with_context(|| format!("`{}` cannot be written to", scratch.display()))?.keep();
        Ok(Self { program: program.to_owned(), data_dir: data_dir.to_owned(), folder })
    }

    /// A shell script in its place, which gets its arguments.
    #[cfg(test)]
    pub(super) fn of_shell(script: &str, scratch: &Path) -> Self {
        use std::os::unix::fs::PermissionsExt;

        let program = scratch.join("polder");
        std::fs::write(&program, format!("#!/bin/sh\n{script}")).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        Self::new(&program, &scratch.join("data"), scratch).unwrap()
    }
}
