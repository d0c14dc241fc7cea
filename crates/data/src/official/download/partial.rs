//! The file that a download grows in.

use std::fs::{self, File};
use std::io::{Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::{Progress, Stage};
use crate::DataError;
use crate::official::checksums::Archive;
use crate::official::verify::md5_of;

/// Where `archive` grows, in the data directory `dir`.
pub(super) fn path(archive: &Archive, dir: &Path) -> PathBuf {
    dir.join(format!("{}.partial", archive.file_name))
}

/// The length of the file at `path`; 0 if there is none.
pub(super) fn len_at(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |file| file.len())
}

/// An archive that is on its way, or complete. Whoever opens one holds the data set's lock.
pub(super) struct Partial {
    pub(super) path: PathBuf,
    pub(super) file: File,
}

impl Partial {
    pub(super) fn open(path: PathBuf) -> Result<Self, DataError> {
        let file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(DataError::io("create", &path))?;
        Ok(Partial { path, file })
    }

    pub(super) fn len(&self) -> Result<u64, DataError> {
        Ok(self.file.metadata().map_err(DataError::io("read", &self.path))?.len())
    }

    pub(super) fn rewind(&mut self) -> Result<(), DataError> {
        self.file.rewind().map_err(DataError::io("read", &self.path))
    }

    pub(super) fn seek_end(&mut self) -> Result<u64, DataError> {
        self.file.seek(SeekFrom::End(0)).map_err(DataError::io("read", &self.path))
    }

    pub(super) fn clear(&mut self) -> Result<(), DataError> {
        self.file.set_len(0).map_err(DataError::io("write", &self.path))?;
        self.rewind()
    }

    pub(super) fn md5(&mut self, progress: &mut dyn FnMut(Progress)) -> Result<String, DataError> {
        let total = Some(self.len()?);
        self.rewind()?;
        md5_of(&mut self.file, &mut |done| progress(Progress { stage: Stage::Check, done, total }))
            .map_err(DataError::io("read", &self.path))
    }

    pub(super) fn has_md5(
        &mut self,
        expected: &str,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<bool, DataError> {
        Ok(self.len()? > 0 && self.md5(progress)? == expected)
    }
}
