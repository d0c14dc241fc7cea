//! Whether the files of a data set are the official ones, byte for byte.

use std::collections::HashMap;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::num::NonZero;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

use md5::{Digest as _, Md5};

use crate::official::checksums::{self, Digest, Distribution, Member};
use crate::{DataError, DatasetKind};

/// How much is known about the content of a file, from best to worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verification {
    /// Its digest is a published one.
    Verified,
    /// No digest is published; it is the one in our own table.
    Known,
    /// Its digest is none of these: another data set, or damage.
    Unverified,
}

impl fmt::Display for Verification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Verification::Verified => "verified",
            Verification::Known => "known",
            Verification::Unverified => "unverified",
        })
    }
}

/// One file of a data set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileReport {
    /// The file.
    pub path: PathBuf,
    /// How much is known about it.
    pub state: Verification,
    /// MD5 of the file, hexadecimal.
    pub found: String,
    /// The MD5 it is compared with, hexadecimal.
    pub expected: &'static str,
}

impl fmt::Display for FileReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let FileReport { path, state, found, expected } = self;
        write!(f, "{state:<10}  {}  MD5 {found}", path.display())?;
        match state {
            Verification::Verified => f.write_str(" (published)"),
            Verification::Known => f.write_str(" (our own table; none is published)"),
            Verification::Unverified => write!(f, ", expected {expected}"),
        }
    }
}

/// Every file of a data set; displayed as one line per file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerificationReport {
    /// The data set, as the command line spells it.
    pub dataset: &'static str,
    /// One entry per file of records.
    pub files: Vec<FileReport>,
}

impl VerificationReport {
    /// The state of the whole: that of its worst file.
    pub fn state(&self) -> Verification {
        self.files.iter().map(|file| file.state).max().unwrap_or(Verification::Unverified)
    }
}

impl fmt::Display for VerificationReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for file in &self.files {
            writeln!(f, "{file}")?;
        }
        write!(f, "{} is {}", self.dataset, self.state())?;
        if self.state() == Verification::Unverified {
            write!(f, ": run `polder data fetch {}` to replace the files that differ", self.dataset)?;
        }
        Ok(())
    }
}

/// Reads every record file of `kind` under `dir`, the folder that holds the folders of the data sets, and compares
/// digests; several files at once, a fifth of a second for 180 MB on two cores and a warm cache.
///
/// A wrong digest is a state in the report, not an error: the caller decides whether to go on.
///
/// # Errors
/// [`DataError::MissingFolder`], [`DataError::MissingFile`], or [`DataError::Io`] if a file cannot be read.
pub fn verify(kind: DatasetKind, dir: &Path) -> Result<VerificationReport, DataError> {
    verify_members(checksums::distribution(kind), &dir.join(kind.folder()), &mut |_| ())
}

/// Verifies the members of `set` in `folder`, telling `progress` the number of bytes read so far.
pub(crate) fn verify_members(
    set: &'static Distribution,
    folder: &Path,
    progress: &mut dyn FnMut(u64),
) -> Result<VerificationReport, DataError> {
    let dataset = set.dataset;
    if !folder.is_dir() {
        return Err(DataError::MissingFolder { path: folder.to_owned(), folder: set.folder, dataset });
    }
    let threads = thread::available_parallelism().map_or(1, NonZero::get).min(set.members.len());
    let next = AtomicUsize::new(0);
    let (sender, bytes_read) = mpsc::channel();
    let mut reports = thread::scope(|scope| {
        let next = &next;
        let handles: Vec<_> = (0..threads)
            .map(|_| {
                let sender = sender.clone();
                scope.spawn(move || {
                    let mut reports = Vec::new();
                    while let Some(member) = set.members.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let report = verify_member(set, folder.join(member.name), member, &sender);
                        reports.push((member.name, report));
                    }
                    reports
                })
            })
            .collect();
        drop(sender);
        let mut done = 0;
        for read in bytes_read {
            done += read;
            progress(done);
        }
        let mut reports = HashMap::new();
        for handle in handles {
            match handle.join() {
                Ok(some) => reports.extend(some),
                Err(panic) => resume_unwind(panic),
            }
        }
        reports
    });
    let files = set.members.iter().filter_map(|member| reports.remove(member.name));
    Ok(VerificationReport { dataset, files: files.collect::<Result<_, _>>()? })
}

fn verify_member(
    set: &Distribution,
    path: PathBuf,
    member: &Member,
    bytes_read: &mpsc::Sender<u64>,
) -> Result<FileReport, DataError> {
    let mut file = match File::open(&path) {
        Ok(file) => file,
        Err(source) if source.kind() == io::ErrorKind::NotFound => {
            return Err(DataError::MissingFile { path, dataset: set.dataset });
        }
        Err(source) => return Err(DataError::Io { act: "open", path, source }),
    };
    let mut told = 0;
    let found = md5_of(&mut file, &mut |done| {
        // Who asked may have panicked; then nobody wants to know.
        let _ = bytes_read.send(done - told);
        told = done;
    })
    .map_err(DataError::io("read", &path))?;
    let state = match member.digest {
        digest if found != digest.md5() => Verification::Unverified,
        Digest::Published(_) => Verification::Verified,
        Digest::Ours(_) => Verification::Known,
    };
    Ok(FileReport { path, state, found, expected: member.digest.md5() })
}

/// MD5 of the rest of `file`, hexadecimal. It protects against damage and mistakes, as its publishers intend; it
/// does not protect against somebody who forges files.
pub(crate) fn md5_of(file: &mut File, progress: &mut dyn FnMut(u64)) -> io::Result<String> {
    let mut digest = Md5::new();
    let mut chunk = vec![0; 1 << 18];
    let mut done = 0;
    loop {
        let read = match file.read(&mut chunk) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        digest.update(&chunk[..read]);
        done += read as u64;
        progress(done);
    }
    let digest: [u8; 16] = digest.finalize().into();
    Ok(format!("{:032x}", u128::from_be_bytes(digest)))
}
