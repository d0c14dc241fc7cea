//! Bringing the official files here: mirrors, resumption, checksum, unpacking, in that order.
//!
//! The bytes of an archive go to `<archive>.partial` in the data directory, and a later call continues where an
//! interrupted one stopped. Nothing is unpacked before the archive's MD5 is the published one, and nothing appears
//! under its final name before its members were checked. Of several calls for the same data set at once, in threads
//! or processes, one does the work and the others wait for it.

mod partial;
mod set_lock;
mod transfer;

#[cfg(test)]
mod tests;

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tracing::{info, warn};

use self::partial::Partial;
use self::set_lock::SetLock;
use crate::official::archive::{Folder, Source, gunzip, move_into_place, unpack};
use crate::official::checksums::{self, Archive, Digest, Distribution, Packing};
use crate::official::verify::{Verification, VerificationReport, verify_members};
use crate::{DataError, DatasetKind};

/// Where from and how patiently.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchOptions {
    /// Addresses to download from, tried in order; empty means the authors' own. For the data sets of one archive
    /// this is the archive's address, for those of several files (MNIST, Fashion-MNIST) that of the folder that holds
    /// them.
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
    /// Waiting for another thread or process that fetches the same data set; the bytes are those it has so far.
    Wait,
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
            Stage::Wait => "wait",
            Stage::Download => "download",
            Stage::Check => "check",
            Stage::Unpack => "unpack",
            Stage::Verify => "verify",
        })
    }
}

/// A report of how far a stage is, given every few hundred kilobytes; stages begin anew for each archive.
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
    /// They were there, verified or known; perhaps because this call waited for another one.
    AlreadyThere,
    /// They were unpacked from archives.
    Unpacked {
        /// Where the last bytes came from; `None` if complete downloads were lying there.
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
/// If another thread or process is fetching the same data set, this call waits until it has ended, however it ended,
/// and then does what is left to do; different data sets do not wait for each other. (Where the file system has no
/// locks nobody waits, and two calls at once are the user's to avoid.) `progress` is called from this thread.
///
/// # Errors
/// [`DataError::Download`] if no mirror gave the right archive, with one line per attempt and what to do without a
/// network; [`DataError::Archive`] or [`DataError::Checksum`] if the content is refused, which is then removed;
/// [`DataError::Io`] naming the path if a file cannot be written, a full disk for example. Except for refused content,
/// what was downloaded stays as `<archive>.partial` for the next call; the temporary folder is removed.
pub fn fetch(
    kind: DatasetKind,
    dir: &Path,
    options: &FetchOptions,
    progress: &mut dyn FnMut(Progress),
) -> Result<FetchReport, DataError> {
    fetch_set(checksums::distribution(kind), dir, options, progress)
}

fn fetch_set(
    set: &'static Distribution,
    dir: &Path,
    options: &FetchOptions,
    progress: &mut dyn FnMut(Progress),
) -> Result<FetchReport, DataError> {
    let folder = dir.join(set.folder);
    if let Some(verification) = complete(set, &folder, progress)? {
        return Ok(FetchReport { folder, outcome: Outcome::AlreadyThere, verification });
    }
    fs::create_dir_all(dir).map_err(DataError::io("create", dir))?;
    let _lock = SetLock::wait(dir.join(format!(".{}.lock", set.folder)), &mut || {
        let done = set.archives.iter().map(|archive| partial::len_at(&partial::path(archive, dir))).sum();
        progress(Progress { stage: Stage::Wait, done, total: None });
    })?;
    // Whoever held the lock may have done the work.
    if let Some(verification) = complete(set, &folder, progress)? {
        return Ok(FetchReport { folder, outcome: Outcome::AlreadyThere, verification });
    }

    let mut address = None;
    let mut archives = Vec::with_capacity(set.archives.len());
    for archive in set.archives {
        let mut partial = Partial::open(partial::path(archive, dir))?;
        if !partial.has_md5(archive.md5, progress)? {
            let downloaded = download(set, archive, &mut partial, options, progress);
            if downloaded.is_err() && partial.len()? == 0 {
                // Nothing to continue from; the first error is the one to report.
                let _ = fs::remove_file(&partial.path);
            }
            address = Some(downloaded?);
        }
        archives.push(partial);
    }

    let unpacking = dir.join(format!(".{}.unpacking", set.folder));
    let installed = install(set, &mut archives, &unpacking, &folder, progress);
    if installed.is_err() && unpacking.exists() {
        // The first error is the one to report; what is left here the next call removes.
        let _ = fs::remove_dir_all(&unpacking);
    }
    if let Err(DataError::Archive { .. } | DataError::Checksum { .. }) = installed {
        // Refused once, refused always: the next call begins anew. The refusal is the error to report.
        for partial in &archives {
            let _ = fs::remove_file(&partial.path);
        }
    }
    let verification = installed?;
    for partial in archives {
        fs::remove_file(&partial.path).map_err(DataError::io("remove", &partial.path))?;
    }
    Ok(FetchReport { folder, outcome: Outcome::Unpacked { address }, verification })
}

/// The report on `folder` if every file is there and none is unverified.
fn complete(
    set: &'static Distribution,
    folder: &Path,
    progress: &mut dyn FnMut(Progress),
) -> Result<Option<VerificationReport>, DataError> {
    match verify_with_progress(set, folder, progress) {
        Ok(verification) if verification.state() != Verification::Unverified => Ok(Some(verification)),
        Ok(_) | Err(DataError::MissingFolder { .. } | DataError::MissingFile { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Goes through the mirrors until the partial file has the published digest; returns the address that completed it.
fn download(
    set: &'static Distribution,
    archive: &'static Archive,
    partial: &mut Partial,
    options: &FetchOptions,
    progress: &mut dyn FnMut(Progress),
) -> Result<String, DataError> {
    let agent = transfer::agent(options);
    let mut failures = Vec::new();
    for address in addresses(set, archive, options) {
        for attempt in 1..=options.attempts.max(1) {
            info!(%address, attempt, "downloading");
            let continued = partial.len()? > 0;
            let transferred = transfer::transfer(&agent, &address, partial, set.max_archive_len(), progress)?;
            let failure = match transferred {
                Ok(()) => {
                    let found = partial.md5(progress)?;
                    if found == archive.md5 {
                        return Ok(address);
                    }
                    let len = partial.len()?;
                    partial.clear()?;
                    // Bytes of an earlier transfer may be what is wrong: the same address gets a fresh start.
                    transfer::Failure {
                        reason: format!(
                            "the content ({len} bytes) has MD5 {found}, expected the published {}",
                            archive.md5
                        ),
                        retry: continued,
                    }
                }
                // The server may have stated a wrong length.
                Err(failure) if failure.retry && partial.has_md5(archive.md5, progress)? => {
                    return Ok(address);
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
    let (archive, folder) = (archive.file_name.to_owned(), set.folder.to_owned());
    Err(DataError::Download { archive, folder, failures })
}

/// Where to ask for `archive`, in order.
fn addresses(set: &Distribution, archive: &Archive, options: &FetchOptions) -> Vec<String> {
    if options.mirrors.is_empty() {
        return vec![archive.address.to_owned()];
    }
    if let [_] = set.archives {
        return options.mirrors.clone();
    }
    let name = archive.address.rsplit('/').next().unwrap_or(archive.file_name);
    options.mirrors.iter().map(|mirror| format!("{}/{name}", mirror.trim_end_matches('/'))).collect()
}

/// Unpacks the complete archives beside their destination, checks the members and moves them into place.
fn install(
    set: &'static Distribution,
    archives: &mut [Partial],
    unpacking: &Path,
    folder: &Path,
    progress: &mut dyn FnMut(Progress),
) -> Result<VerificationReport, DataError> {
    if unpacking.exists() {
        fs::remove_dir_all(unpacking).map_err(DataError::io("remove", unpacking))?;
    }
    fs::create_dir(unpacking).map_err(DataError::io("create", unpacking))?;
    for (archive, partial) in set.archives.iter().zip(archives) {
        let total = Some(partial.len()?);
        partial.rewind()?;
        let source = Source {
            path: &partial.path,
            bytes: &partial.file,
            progress: &mut |done| progress(Progress { stage: Stage::Unpack, done, total }),
        };
        let mut to = Folder::new(unpacking);
        match archive.packing {
            Packing::TarGz => unpack(source, set, &mut to)?,
            Packing::Gzip(member) => gunzip(source, &member, &mut to)?,
        }
    }
    let mut verification = verify_with_progress(set, unpacking, progress)?;
    for (file, member) in verification.files.iter_mut().zip(set.members) {
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
    set: &'static Distribution,
    folder: &Path,
    progress: &mut dyn FnMut(Progress),
) -> Result<VerificationReport, DataError> {
    let lengths =
        set.members.iter().map(|member| fs::metadata(folder.join(member.name)).map(|file| file.len()));
    let total = lengths.sum::<Result<u64, _>>().ok();
    verify_members(set, folder, &mut |done| progress(Progress { stage: Stage::Verify, done, total }))
}
