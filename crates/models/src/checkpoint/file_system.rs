//! The replacement of a file in steps, none of which can leave half of it under its name.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::error::ModelError;

/// What the replacement of a file asks of the file system, step by step, so that tests can fail each of them.
pub(super) trait FileSystem {
    type File: Write;

    /// A new, empty file in the place of any that is there.
    fn create(&mut self, path: &Path) -> io::Result<Self::File>;

    /// Returns once the content of `file` is on the disk.
    fn sync(&mut self, file: &mut Self::File) -> io::Result<()>;

    /// Gives `from` the name `to` in one step, in the place of any file of that name.
    fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()>;

    /// Returns once the names in `folder` are on the disk.
    fn sync_folder(&mut self, folder: &Path) -> io::Result<()>;

    fn remove(&mut self, path: &Path) -> io::Result<()>;
}

/// The file system of the machine.
#[derive(Clone, Copy, Debug)]
pub(super) struct Disk;

impl FileSystem for Disk {
    type File = File;

    fn create(&mut self, path: &Path) -> io::Result<File> {
        File::create(path)
    }

    fn sync(&mut self, file: &mut File) -> io::Result<()> {
        file.sync_all()
    }

    fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::rename(from, to)
    }

    fn sync_folder(&mut self, folder: &Path) -> io::Result<()> {
        File::open(folder)?.sync_all()
    }

    fn remove(&mut self, path: &Path) -> io::Result<()> {
        std::fs::remove_file(path)
    }
}

/// Puts at `path` what `write` writes, in one step: a crash at any moment leaves the old file or the new one.
pub(super) fn replace<F: FileSystem>(
    file_system: &mut F,
    path: &Path,
    write: impl FnOnce(&mut F::File) -> io::Result<()>,
) -> Result<(), ModelError> {
    let io = |act| move |source| ModelError::Io { act, path: path.to_owned(), source };
    let beside = partial(path);
    let written = (|| {
        let mut file = file_system.create(&beside).map_err(io("write"))?;
        write(&mut file).map_err(io("write"))?;
        // Before the rename: a name that is on the disk ahead of its content would stand for a file cut short.
        file_system.sync(&mut file).map_err(io("flush"))?;
        file_system.rename(&beside, path).map_err(io("rename"))
    })();
    if written.is_err() {
        // Gives a full disk its space back. That it may fail as well changes nothing: the next attempt truncates it.
        let _ = file_system.remove(&beside);
        return written;
    }
    // The rename itself is durable only once the folder is on the disk.
    file_system.sync_folder(folder_of(path)).map_err(io("flush the folder of"))
}

/// Where a file lies until it is complete.
pub(super) fn partial(path: &Path) -> PathBuf {
    path.with_extension(PARTIAL)
}

/// The extension of files that are not complete.
pub(super) const PARTIAL: &str = "partial";

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
