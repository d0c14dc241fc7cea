//! The one place where files are mapped into memory.
//!
//! A map is a view of the file, not a copy: if another process truncates the file while it is mapped, reading past
//! the new end kills this process, and if it rewrites the file, the bytes change under a shared reference. Polder
//! itself never does either: a data set is unpacked in a temporary folder, checked, and *renamed* into place, which
//! leaves an old file intact for whoever has it mapped. Others who write into a data folder while a run reads it are
//! outside of what a program can check.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
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
        // Records are read in shuffled order, one page at a time, which is slow from a cold disk: have the system read
        // the file as a whole. Advice that it does not take costs that speed and nothing else.
        let _ = bytes.advise(Advice::WillNeed);
        Ok(RecordMap { bytes, record_len })
    }

    /// Length of the file in bytes.
    pub(crate) fn num_bytes(&self) -> u64 {
        self.bytes.len() as u64
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
        &self.bytes[index * self.record_len..(index + 1) * self.record_len]
    }
}
