//! A lock for a folder that one process at a time may fill. The operating system releases it even if its holder is killed.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::Path;

use anyhow::{Context, Result};

/// Waits for the lock whose file is `path`, which is made if it is not there; it is held until the file is closed, by this
/// process and by those that it was handed to.
pub(crate) fn acquire(path: &Path) -> Result<File> {
    let acquire = || -> io::Result<File> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let file = File::options().read(true).write(true).create(true).truncate(false).open(path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                eprintln!("another process holds `{}`; waiting for it", path.display());
                file.lock()?;
            }
            Err(TryLockError::Error(error)) => return Err(error),
        }
        Ok(file)
    };
    acquire().with_context(|| format!("`{}` cannot be made and locked", path.display()))
}
