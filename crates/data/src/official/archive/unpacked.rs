//! Where the files of an archive go: a folder beside the destination, then into their places.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::DataError;

/// Takes the files of an archive one after the other.
pub(crate) trait Destination {
    /// Begins the file `name`, a plain file name that was not given before.
    fn create(&mut self, name: &str) -> Result<(), DataError>;
    /// Appends to the file begun last.
    fn write(&mut self, bytes: &[u8]) -> Result<(), DataError>;
    /// Ends it.
    fn finish(&mut self) -> Result<(), DataError>;
}

/// A folder; each file is synced at its end, so that a later rename makes it durable.
pub(crate) struct Folder<'a> {
    folder: &'a Path,
    open: Option<(PathBuf, File)>,
}

impl<'a> Folder<'a> {
    /// The existing folder `folder`.
    pub(crate) fn new(folder: &'a Path) -> Self {
        Folder { folder, open: None }
    }
}

impl Destination for Folder<'_> {
    fn create(&mut self, name: &str) -> Result<(), DataError> {
        let path = self.folder.join(name);
        let file = File::create_new(&path).map_err(DataError::io("create", &path))?;
        self.open = Some((path, file));
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), DataError> {
        let Some((path, file)) = &mut self.open else { return Ok(()) };
        file.write_all(bytes).map_err(DataError::io("write", path.as_path()))
    }

    fn finish(&mut self) -> Result<(), DataError> {
        let Some((path, file)) = self.open.take() else { return Ok(()) };
        file.sync_all().map_err(DataError::io("write", path))
    }
}

/// Moves the files of `from` to `to`. A new folder appears complete or not at all; in an existing one each file is
/// replaced in one step, and files of other names stay.
pub(crate) fn move_into_place(from: &Path, to: &Path) -> Result<(), DataError> {
    if !to.exists() {
        return fs::rename(from, to).map_err(DataError::io("move the unpacked files to", to));
    }
    for entry in fs::read_dir(from).map_err(DataError::io("read", from))? {
        let entry = entry.map_err(DataError::io("read", from))?;
        let target = to.join(entry.file_name());
        fs::rename(entry.path(), &target).map_err(DataError::io("replace", &target))?;
    }
    fs::remove_dir(from).map_err(DataError::io("remove", from))
}
