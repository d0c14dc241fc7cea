//! Unpacking a `.tar.gz` that should hold one folder of plain files, and nothing else.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Component, Path};

use flate2::read::GzDecoder;
use tar::EntryType;

use crate::DataError;

/// Unpacks `file` (the archive at `path`, for messages) into the existing folder `to`, which then holds the files of
/// the archive's `folder`. Tells `progress` the number of compressed bytes read.
///
/// Links, devices, absolute names, `..` and anything outside of `folder` are refused; names and content are all that
/// is taken from the archive, not owners or permissions. Files are synced, so a later rename makes them durable.
///
/// # Errors
/// [`DataError::Archive`] for a refused member; [`DataError::Io`] naming the archive if it cannot be read, or the
/// file being written.
pub(crate) fn unpack(
    file: &File,
    path: &Path,
    folder: &str,
    to: &Path,
    progress: &mut dyn FnMut(u64),
) -> Result<(), DataError> {
    let mut archive = tar::Archive::new(GzDecoder::new(Counted { file, read: 0, progress }));
    let mut chunk = vec![0; 1 << 16];
    for entry in archive.entries().map_err(DataError::io("unpack", path))? {
        let mut entry = entry.map_err(DataError::io("unpack", path))?;
        let member = entry.path().map_err(DataError::io("unpack", path))?.into_owned();
        let refuse = |reason| {
            Err(DataError::Archive { path: path.to_owned(), member: member.display().to_string(), reason })
        };
        let mut parts = Vec::new();
        for component in member.components() {
            match component {
                Component::Normal(part) => parts.push(part),
                Component::CurDir => (),
                _ => return refuse("has an absolute name or `..` in it"),
            }
        }
        match entry.header().entry_type() {
            EntryType::Regular | EntryType::Continuous => (),
            EntryType::Directory => continue,
            _ => return refuse("is neither a file nor a folder"),
        }
        let [parent, name] = parts[..] else { return refuse("is not directly in the archive's folder") };
        if parent != folder {
            return refuse("lies outside of the archive's folder");
        }
        let target = to.join(name);
        let mut output = File::create_new(&target).map_err(DataError::io("create", &target))?;
        loop {
            let read = entry.read(&mut chunk).map_err(DataError::io("unpack", path))?;
            if read == 0 {
                break;
            }
            output.write_all(&chunk[..read]).map_err(DataError::io("write", &target))?;
        }
        output.sync_all().map_err(DataError::io("write", &target))?;
    }
    Ok(())
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

/// A reader that reports its position.
struct Counted<'a> {
    file: &'a File,
    read: u64,
    progress: &'a mut dyn FnMut(u64),
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.read += read as u64;
        (self.progress)(self.read);
        Ok(read)
    }
}
