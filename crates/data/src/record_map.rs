//! The one place where files are mapped into memory.
//!
//! A map is a view of the file, not a copy: if another process truncates the file while it is mapped, reading past
//! the new end kills this process, and if it rewrites the file, the bytes change under a shared reference. Polder
//! itself never does either: a data set is unpacked in a temporary folder, checked, and *renamed* into place, which
//! leaves an old file intact for whoever has it mapped. Others who write into a data folder while a run reads it are
//! outside of what a program can check.

use std::fs::File;
use std::io;
use std::path::Path;

use memmap2::{Advice, Mmap};

/// A read-only file of records of equal length.
#[derive(Debug)]
pub(crate) struct RecordMap {
    bytes: Mmap,
    record_len: usize,
}

impl RecordMap {
    /// Maps `path`; its length is for the caller to check.
    pub(crate) fn open(path: &Path, record_len: usize) -> io::Result<Self> {
        let file = File::open(path)?;
        #[expect(unsafe_code, reason = "mapping a file is unsafe by nature; see the head of this module")]
        // SAFETY: the map is read-only and private to this type, and the program never writes to a data file in
        // place (see the head of this module).
        let bytes = unsafe { Mmap::map(&file)? };
        // Records are read in shuffled order, so reading ahead would only evict what is needed. Advice that the
        // system does not take costs speed on a cold cache and nothing else.
        let _ = bytes.advise(Advice::Random);
        Ok(RecordMap { bytes, record_len })
    }

    /// Length of the file in bytes.
    pub(crate) fn num_bytes(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// The record at `index`. Panics beyond the end of the file.
    pub(crate) fn record(&self, index: usize) -> &[u8] {
        &self.bytes[index * self.record_len..(index + 1) * self.record_len]
    }
}
