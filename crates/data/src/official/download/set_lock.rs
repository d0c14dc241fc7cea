//! One thread or process at a time fetches a data set.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use crate::DataError;

/// How often a waiting call looks again. The operating system wakes nobody early, and nobody notices a twentieth of a
/// second beside a download.
const PERIOD: Duration = Duration::from_millis(50);

/// The right to fetch one data set into one data directory: a lock on a file there, which exists for as long as
/// somebody holds it. The operating system releases it when the process ends, however it ends.
pub(super) struct SetLock {
    path: PathBuf,
    /// Locked, except on file systems without locks.
    _file: File,
}

impl SetLock {
    /// Waits for the lock; calls `waiting` every time that somebody else has it.
    pub(super) fn wait(path: PathBuf, waiting: &mut dyn FnMut()) -> Result<Self, DataError> {
        loop {
            let file = File::options()
                .write(true)
                .create(true)
                .truncate(false)
                .open(&path)
                .map_err(DataError::io("create", &path))?;
            while let Err(TryLockError::WouldBlock) = file.try_lock() {
                waiting();
                thread::sleep(PERIOD);
            }
            // The holder before may have removed the file: then the lock is worth nothing, as the next to come makes
            // and locks another.
            if names(&path, &file) {
                return Ok(SetLock { path, _file: file });
            }
        }
    }
}

impl Drop for SetLock {
    fn drop(&mut self) {
        if cfg!(unix) {
            // Still locked here. A file that stays is an untidiness, not an error.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Whether `path` is a name of `file`.
#[cfg(unix)]
fn names(path: &Path, file: &File) -> bool {
    use std::os::unix::fs::MetadataExt;

    let identity = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
    let there = fs::metadata(path).ok().map(identity);
    there.is_some() && there == file.metadata().ok().map(identity)
}

/// Always: elsewhere the file is not removed.
#[cfg(not(unix))]
fn names(_path: &Path, _file: &File) -> bool {
    true
}
