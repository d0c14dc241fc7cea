//! The release build of `polder`, and the folders that a measurement uses.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Each measurement writes to a folder of its own, or it would continue the runs of another.
#[derive(Debug)]
pub(super) struct Polder {
    pub(super) program: PathBuf,
    pub(super) data_dir: PathBuf,
    pub(super) folder: PathBuf,
}

impl Polder {
    /// Makes a new folder below `scratch`.
    pub(super) fn new(program: &Path, data_dir: &Path, scratch: &Path) -> Result<Self> {
        let own = tempfile::Builder::new().prefix("promise-").tempdir_in(scratch);
        let folder = own.with_context(|| format!("`{}` cannot be written to", scratch.display()))?.keep();
        Ok(Self { program: program.to_owned(), data_dir: data_dir.to_owned(), folder })
    }

    /// A shell script instead of `polder`; it gets the same arguments.
    #[cfg(test)]
    pub(super) fn of_shell(script: &str, scratch: &Path) -> Self {
        use std::os::unix::fs::PermissionsExt;

        let program = scratch.join("polder");
        std::fs::write(&program, format!("#!/bin/sh\n{script}")).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        Self::new(&program, &scratch.join("data"), scratch).unwrap()
    }
}
