//! The one place where files are mapped into memory.
//!
//! A map is a view of the file, not a copy: if another process truncates the file while it is mapped, reading past
//! the new end kills this process (`SIGBUS` on Unix: there is no page to show, and no place in the program to return
//! an error to), and if it rewrites the file, the bytes change under a shared reference. Polder itself never does
//! either: a data set is unpacked in a temporary folder, checked, and *renamed* into place, which leaves an old file
//! intact for whoever has it mapped. Others who write into a data folder while a run reads it are outside of what a
//! program can rule out; what it can do is look again. [`RecordMap::check_length`] asks the system for the length of
//! the mapped file, a microsecond per file, so a loader that asks at the start of every epoch turns a shrunk file
//! into an error except within the epoch in which it shrinks.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
use std::fs::File;
use std::path::{Path, PathBuf};

use memmap2::{Advice, Mmap};

use crate::DataError;

/// A read-only file of records of equal length behind a header.
#[derive(Debug)]
pub(crate) struct RecordMap {
    path: PathBuf,
    /// Kept to ask for its length again: the path may name another file by then.
    file: File,
    bytes: Mmap,
    header_len: usize,
    record_len: usize,
}

impl RecordMap {
    /// Maps `path`, as a header without records until [`expect_records`](Self::expect_records) has checked its length.
    ///
    /// # Errors
    /// [`DataError::NotAFile`] for a folder, a pipe or a device; [`DataError::Io`] if it cannot be opened or mapped.
    pub(crate) fn open(path: &Path) -> Result<Self, DataError> {
        let io = |act| move |source| DataError::Io { act, path: path.to_owned(), source };
        // Asked before opening: to open a pipe would wait for its other end.
        let kind = path.metadata().map_err(io("open"))?;
        if !kind.is_file() {
            let found = if kind.is_dir() { "a folder" } else { "a pipe or device" };
            return Err(DataError::NotAFile { path: path.to_owned(), found });
        }
        let file = File::open(path).map_err(io("open"))?;
        #[expect(unsafe_code, reason = "mapping a file is unsafe by nature; see the head of this module")]
        // SAFETY: the map is read-only and private to this type, and the program never writes to a data file in
        // place (see the head of this module).
        let bytes = unsafe { Mmap::map(&file) }.map_err(io("map"))?;
        // Records are read in shuffled order, one page at a time, which is slow from a cold disk: have the system read
        // the file as a whole. Advice that it does not take costs that speed and nothing else.
        let _ = bytes.advise(Advice::WillNeed);
        Ok(RecordMap { path: path.to_owned(), file, header_len: bytes.len(), bytes, record_len: 0 })
    }

    /// Takes the file for a header of `header_len` bytes and then exactly `records` records of `record_len` bytes.
    ///
    /// # Errors
    /// [`DataError::Length`], with `remedy`, if the file has any other length; the numbers may be of any size.
    pub(crate) fn expect_records(
        self,
        header_len: usize,
        records: usize,
        record_len: usize,
        remedy: impl Fn() -> String,
    ) -> Result<Self, DataError> {
        let expected = records.checked_mul(record_len).and_then(|bytes| bytes.checked_add(header_len));
        if expected == Some(self.bytes.len()) {
            return Ok(RecordMap { header_len, record_len, ..self });
        }
        Err(self.length_error(header_len, records, record_len, remedy()))
    }

    /// The error of a file whose length is not that of `records` records behind a header.
    pub(crate) fn length_error(
        &self,
        header_len: usize,
        records: usize,
        record_len: usize,
        remedy: String,
    ) -> DataError {
        let expected = (records as u64).saturating_mul(record_len as u64).saturating_add(header_len as u64);
        DataError::Length {
            path: self.path.clone(),
            found: self.bytes.len() as u64,
            expected,
            header_len,
            records,
            record_len,
            remedy,
        }
    }

    /// Compares the file's length now with its length when it was mapped.
    ///
    /// # Errors
    /// [`DataError::Changed`] if they differ; [`DataError::Io`] if the system does not say.
    pub(crate) fn check_length(&self) -> Result<(), DataError> {
        let (path, expected) = (&self.path, self.bytes.len() as u64);
        match self.file.metadata() {
            Ok(file) if file.len() == expected => Ok(()),
            Ok(file) => Err(DataError::Changed { path: path.clone(), found: file.len(), expected }),
            Err(source) => Err(DataError::Io { act: "look at", path: path.clone(), source }),
        }
    }

    /// The file that is mapped.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The whole file.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Asks the processor to bring the record at `index` into its second-level cache, without waiting for it.
    ///
    /// Records in shuffled order are what no hardware prefetcher foresees. The first level is left to the image that
    /// is being written: a whole record asked for at once would take its place in the line to main memory.
    pub(crate) fn prefetch(&self, index: usize) {
        const CACHE_LINE: usize = 64;
        for line in self.record(index).chunks(CACHE_LINE) {
            #[cfg(target_arch = "x86_64")]
            #[expect(unsafe_code, reason = "the intrinsic wants a promise about the processor")]
            // SAFETY: every x86-64 processor has SSE, and a prefetch reads and writes nothing the program can see.
            unsafe {
                _mm_prefetch::<_MM_HINT_T1>(line.as_ptr().cast());
            }
            #[cfg(not(target_arch = "x86_64"))]
            let _ = line;
        }
    }

    /// The record at `index`. Panics beyond the end of the file.
    pub(crate) fn record(&self, index: usize) -> &[u8] {
        let start = self.header_len + index * self.record_len;
        &self.bytes[start..start + self.record_len]
    }
}
