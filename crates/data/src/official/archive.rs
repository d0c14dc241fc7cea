//! Reading archives that should hold the files of a data set, and nothing else.
//!
//! An archive is read as if its sender were hostile: names, kinds and lengths are compared with what the data set is
//! known to hold before a byte is written, so that no more than those lengths is ever written, whatever the content
//! expands to.

mod gunzip;
mod tar_gz;
mod unpacked;

use std::cell::Cell;
use std::io::{self, Read};
use std::path::Path;

pub(crate) use self::gunzip::gunzip;
pub(crate) use self::tar_gz::unpack;
pub(crate) use self::unpacked::{Destination, Folder, move_into_place};
use crate::DataError;

/// An archive being read: where it is, for messages, and what its bytes come from.
pub(crate) struct Source<'a, R> {
    /// The archive.
    pub(crate) path: &'a Path,
    /// Its bytes, from the first.
    pub(crate) bytes: R,
    /// Told the number of compressed bytes read so far.
    pub(crate) progress: &'a mut dyn FnMut(u64),
}

/// Makes [`DataError::Archive`] for one archive.
#[derive(Clone, Copy)]
struct Refusal<'a> {
    path: &'a Path,
    /// Whether reading the archive's own bytes failed: then the disk is to blame, not the content.
    unreadable: &'a Cell<bool>,
}

impl Refusal<'_> {
    fn of(self, member: &str, found: impl Into<String>, expected: impl Into<String>) -> DataError {
        DataError::Archive {
            path: self.path.to_owned(),
            member: member.to_owned(),
            found: found.into(),
            expected: expected.into(),
            source: None,
        }
    }

    /// For an error while reading on at `member`.
    fn reading(self, member: &str, error: io::Error) -> DataError {
        if self.unreadable.get() {
            return DataError::Io { act: "read", path: self.path.to_owned(), source: error };
        }
        let found = if error.kind() == io::ErrorKind::UnexpectedEof { "breaks off" } else { "is damaged" };
        DataError::Archive {
            path: self.path.to_owned(),
            member: member.to_owned(),
            found: found.to_owned(),
            expected: "to be read to its end".to_owned(),
            source: Some(error),
        }
    }
}

/// Reports its position, and remembers whether an error was its own.
struct Counted<'a, R> {
    bytes: R,
    read: u64,
    progress: &'a mut dyn FnMut(u64),
    unreadable: &'a Cell<bool>,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.bytes.read(buffer).inspect_err(|error| {
            self.unreadable.set(error.kind() != io::ErrorKind::Interrupted);
        })?;
        self.read += read as u64;
        (self.progress)(self.read);
        Ok(read)
    }
}
