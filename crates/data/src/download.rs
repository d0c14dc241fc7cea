//! Bringing an official archive here: mirrors, resumption, checksum, unpacking, in that order.
//!
//! The bytes go to `<archive>.partial` in the data directory, and a later call continues where an interrupted one
//! stopped. Nothing is unpacked before the archive's MD5 is the published one, and nothing appears under its final
//! name before its members were checked.

mod transfer;

#[cfg(test)]
mod tests;

use std::fmt;
use std::fs::{self, File, TryLockError};
use std::io::{Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tracing::{info, warn};

use crate::archive::{move_into_place, unpack};
use crate::checksums::{self, Archive, Digest};
use crate::verify::{Verification, VerificationReport, md5_of, verify_members};
use crate::{DataError, DatasetKind};

/// Where from and how patiently.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchOptions {
    /// Addresses of the archive, tried in order; empty means the authors' own.
    pub mirrors: Vec<String>,
    /// Longest wait for a connection and for the head of an answer.
    pub connect_timeout: Duration,
    /// Longest wait for the next bytes.
    pub read_timeout: Duration,
    /// Transfers tried per mirror; each continues where the one before stopped. At least 1.
    pub attempts: u32,
}

impl Default for FetchOptions {
    /// The authors' address, 20 s to connect, 30 s between bytes, 5 attempts.
    fn default() -> Self {
        FetchOptions {
            mirrors: Vec::new(),
            connect_timeout: Duration::from_secs(20),
            read_timeout: Duration::from_secs(30),
            attempts: 5,
        }
    }
}

/// What [`fetch`] is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Receiving the archive.
    Download,
    /// Computing the archive's digest.
    Check,
    /// Unpacking it.
    Unpack,
    /// Computing the members' digests.
    Verify,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Stage::Download => "download",
            Stage::Check => "check",
            Stage::Unpack => "unpack",
            Stage::Verify => "verify",
        })
    }
}

/// A report of how far a stage is, given every few hundred kilobytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The stage.
    pub stage: Stage,
    /// Bytes done in it.
    pub done: u64,
    /// Bytes in all, if known.
    pub total: Option<u64>,
}

/// How the files came to be where they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// They were there, verified or known.
    AlreadyThere,
    /// They were unpacked from an archive.
    Unpacked {
        /// Where its last bytes came from; `None` if a complete download was lying there.
        address: Option<String>,
    },
}

/// What [`fetch`] did; displayed as a few lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchReport {
    /// The folder of the data set.
    pub folder: PathBuf,
    /// How the files came there.
    pub outcome: Outcome,
    /// The state of each file.
    pub verification: VerificationReport,
}

impl fmt::Display for FetchReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let folder = self.folder.display();
        match &self.outcome {
            Outcome::AlreadyThere => writeln!(f, "{folder} is already complete")?,
            Outcome::Unpacked { address: Some(address) } => writeln!(f, "{folder} unpacked from {address}")?,
            Outcome::Unpacked { address: None } => writeln!(f, "{folder} unpacked from an earlier download")?,
        }
        self.verification.fmt(f)
    }
}

/// Brings the files of `kind` into `dir` (made if missing), unless they are there and verified or known.
///
/// Files of the data set's folder that differ are replaced one by one, each in a single step; others are left alone.
/// `progress` is called from this thread.
///
/// # Errors
/// [`DataError::Download`] if no mirror gave the right archive, with one line per attempt and what to do without a
/// network; [`DataError::Busy`] if another process is at it; [`DataError::Archive`] or [`DataError::Checksum`] if the
/// content is refused; [`DataError::Io`] naming the path if a file cannot be written, a full disk for example. What
/// was downloaded stays as `<archive>.partial` for the next call; the temporary folder is removed.
pub fn fetch(
    kind: DatasetKind,
    dir: &Path,
    options: &FetchOptions,
    progress: &mut dyn FnMut(Progress),
) -> Result<FetchReport, DataError> {
    fetch_archive(checksums::archive(kind)?, dir, options, progress)
}

fn fetch_archive(
    archive: &'static Archive,
    dir: &Path,
    options: &FetchOptions,
    progress: &mut dyn FnMut(Progress),
) -> Result<FetchReport, DataError> {
    let folder = dir.join(archive.folder);
    match verify_with_progress(archive, &folder, progress) {
        Ok(verification) if verification.state() != Verification::Unverified => {
            return Ok(FetchReport { folder, outcome: Outcome::AlreadyThere, verification });
        }
        Ok(_) | Err(DataError::MissingFolder { .. } | DataError::MissingFile { .. }) => (),
        Err(error) => return Err(error),
    }
    fs::create_dir_all(dir).map_err(DataError::io("create", dir))?;
    let mut partial = Partial::lock(dir.join(format!("{}.partial", archive.file_name)))?;
    let address = if partial.has_md5(archive.md5, progress)? {
        None
    } else {
        let downloaded = download(archive, &mut partial, options, progress);
        if downloaded.is_err() && partial.len()? == 0 {
            // Nothing to continue from; the first error is the one to report.
            let _ = fs::remove_file(&partial.path);
        }
        Some(downloaded?)
    };

    let unpacking = dir.join(format!(".{}.unpacking", archive.folder));
    let installed = install(archive, &mut partial, &unpacking, &folder, progress);
    if installed.is_err() && unpacking.exists() {
        // The first error is the one to report; what is left here the next call removes.
        let _ = fs::remove_dir_all(&unpacking);
    }
    let verification = installed?;
    fs::remove_file(&partial.path).map_err(DataError::io("remove", &partial.path))?;
    Ok(FetchReport { folder, outcome: Outcome::Unpacked { address }, verification })
}

/// Goes through the mirrors until the partial file has the published digest; returns the address that completed it.
fn download(
    archive: &'static Archive,
    partial: &mut Partial,
    options: &FetchOptions,
    progress: &mut dyn FnMut(Progress),
) -> Result<String, DataError> {
    let official = [archive.address.to_owned()];
    let mirrors = if options.mirrors.is_empty() { &official[..] } else { &options.mirrors };
    let agent = transfer::agent(options);
    let mut failures = Vec::new();
    for address in mirrors {
        for attempt in 1..=options.attempts.max(1) {
            info!(%address, attempt, "downloading");
            let continued = partial.len()? > 0;
            let failure = match transfer::transfer(&agent, address, partial, progress)? {
                Ok(()) if partial.has_md5(archive.md5, progress)? => return Ok(address.clone()),
                Ok(()) => {
                    let found = partial.md5(progress)?;
                    partial.clear()?;
                    // Bytes of an earlier transfer may be what is wrong: the same address gets a fresh start.
                    transfer::Failure {
                        reason: format!(
                            "the content has MD5 {found}, expected the published {}",
                            archive.md5
                        ),
                        retry: continued,
                    }
                }
                Err(failure) => failure,
            };
            warn!(%address, attempt, reason = %failure.reason, "download failed");
            failures.push(format!("{address}: {}", failure.reason));
            if !failure.retry {
                break;
            }
        }
    }
    Err(DataError::Download {
        archive: archive.file_name.to_owned(),
        folder: archive.folder.to_owned(),
        failures,
    })
}

/// Unpacks the complete archive beside its destination, checks its members and moves them into place.
fn install(
    archive: &'static Archive,
    partial: &mut Partial,
    unpacking: &Path,
    folder: &Path,
    progress: &mut dyn FnMut(Progress),
) -> Result<VerificationReport, DataError> {
    if unpacking.exists() {
        fs::remove_dir_all(unpacking).map_err(DataError::io("remove", unpacking))?;
    }
    fs::create_dir(unpacking).map_err(DataError::io("create", unpacking))?;
    let total = Some(partial.len()?);
    partial.rewind()?;
    unpack(&partial.file, &partial.path, archive.folder, unpacking, &mut |done| {
        progress(Progress { stage: Stage::Unpack, done, total });
    })?;
    let mut verification = verify_with_progress(archive, unpacking, progress)?;
    for (file, member) in verification.files.iter_mut().zip(archive.members) {
        match (file.state, member.digest) {
            (Verification::Unverified, Digest::Published(expected)) => {
                let (path, found) = (folder.join(member.name), file.found.clone());
                return Err(DataError::Checksum { path, found, expected: expected.to_owned() });
            }
            // The archive's published digest outranks our own table; the report says that the table disagrees.
            (Verification::Unverified, Digest::Ours(_)) => {
                warn!(member = member.name, "not the digest in our table");
            }
            _ => (),
        }
        file.path = folder.join(member.name);
    }
    move_into_place(unpacking, folder)?;
    Ok(verification)
}

fn verify_with_progress(
    archive: &'static Archive,
    folder: &Path,
    progress: &mut dyn FnMut(Progress),
) -> Result<VerificationReport, DataError> {
    let lengths =
        archive.members.iter().map(|member| fs::metadata(folder.join(member.name)).map(|file| file.len()));
    let total = lengths.sum::<Result<u64, _>>().ok();
    verify_members(archive, folder, &mut |done| progress(Progress { stage: Stage::Verify, done, total }))
}

/// The partial download, open and locked for this process.
struct Partial {
    path: PathBuf,
    file: File,
}

impl Partial {
    fn lock(path: PathBuf) -> Result<Self, DataError> {
        let file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(DataError::io("create", &path))?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => Err(DataError::Busy { path }),
            // Some network file systems have no locks; then two processes at once are the user's to avoid.
            Ok(()) | Err(TryLockError::Error(_)) => Ok(Partial { path, file }),
        }
    }

    fn len(&self) -> Result<u64, DataError> {
        Ok(self.file.metadata().map_err(DataError::io("read", &self.path))?.len())
    }

    fn rewind(&mut self) -> Result<(), DataError> {
        self.file.rewind().map_err(DataError::io("read", &self.path))
    }

    fn seek_end(&mut self) -> Result<u64, DataError> {
        self.file.seek(SeekFrom::End(0)).map_err(DataError::io("read", &self.path))
    }

    fn clear(&mut self) -> Result<(), DataError> {
        self.file.set_len(0).map_err(DataError::io("write", &self.path))?;
        self.rewind()
    }

    fn md5(&mut self, progress: &mut dyn FnMut(Progress)) -> Result<String, DataError> {
        let total = Some(self.len()?);
        self.rewind()?;
        md5_of(&mut self.file, &mut |done| progress(Progress { stage: Stage::Check, done, total }))
            .map_err(DataError::io("read", &self.path))
    }

    fn has_md5(&mut self, expected: &str, progress: &mut dyn FnMut(Progress)) -> Result<bool, DataError> {
        Ok(self.len()? > 0 && self.md5(progress)? == expected)
    }
}
