//! A `.tar.gz` that holds one folder of plain files.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::io::{self, Read};
use std::path::{Component, Path};

use flate2::read::GzDecoder;
use tar::EntryType;

use super::{Counted, Destination, Refusal, Source};
use crate::DataError;
use crate::official::checksums::Distribution;

/// Unpacks the files of `set`'s folder in `source` to `to`.
///
/// Links, devices, absolute names, `..`, anything outside of the folder, a name given twice and any length other than
/// the known one are refused before anything of that member is written; files of other names (a readme, the names of
/// the classes) have at most [`Distribution::MAX_OTHER_BYTES`] together. Names and content are all that is taken from
/// the archive, not owners or permissions; extended headers are skipped, the plain one counts.
///
/// # Errors
/// [`DataError::Archive`] for what is refused, damaged, cut short or missing; [`DataError::Io`] if the archive cannot
/// be read, or from `to`.
pub(crate) fn unpack<R: Read>(
    source: Source<'_, R>,
    set: &Distribution,
    to: &mut dyn Destination,
) -> Result<(), DataError> {
    let Source { path, bytes, progress } = source;
    let unreadable = Cell::new(false);
    let refusal = Refusal { path, unreadable: &unreadable };
    let content = GzDecoder::new(Counted { bytes, read: 0, progress, unreadable: &unreadable });
    let mut archive = tar::Archive::new(Bounded { content, left: max_content(set) });
    let mut chunk = vec![0; 1 << 16];
    let mut seen = BTreeSet::new();
    let mut other_bytes = 0;
    let entries = archive.entries().map_err(|error| refusal.reading(WHOLE, error))?;
    for entry in entries.raw(true) {
        let mut entry = entry.map_err(|error| refusal.reading(WHOLE, error))?;
        let stored = entry.path().map_err(|error| refusal.reading(WHOLE, error))?.into_owned();
        let shown = stored.display().to_string();
        match entry.header().entry_type() {
            EntryType::Regular | EntryType::Continuous => (),
            EntryType::Directory => {
                plain_parts(&stored).ok_or_else(|| refusal.of(&shown, ESCAPES, INSIDE))?;
                continue;
            }
            EntryType::XHeader | EntryType::XGlobalHeader => continue,
            kind => {
                let found = format!("is {}", kind_name(kind));
                return Err(refusal.of(&shown, found, "plain files and folders only"));
            }
        }
        let parts = plain_parts(&stored).ok_or_else(|| refusal.of(&shown, ESCAPES, INSIDE))?;
        let [parent, name] = parts[..] else {
            return Err(refusal.of(&shown, "is elsewhere", format!("files directly in `{}/`", set.folder)));
        };
        if parent != set.folder {
            return Err(refusal.of(&shown, "is elsewhere", format!("files directly in `{}/`", set.folder)));
        }
        if !seen.insert(name.to_owned()) {
            return Err(refusal.of(&shown, "appears twice", "each file once"));
        }
        let len = entry.size();
        if let Some(member) = set.member(name) {
            if len != member.len {
                let expected = format!("{} bytes", member.len);
                return Err(refusal.of(&shown, format!("has {len} bytes"), expected));
            }
        } else {
            other_bytes += len.min(Distribution::MAX_OTHER_BYTES + 1);
            if other_bytes > Distribution::MAX_OTHER_BYTES {
                let expected = format!("at most {} besides the records", Distribution::MAX_OTHER_BYTES);
                return Err(refusal.of(&shown, format!("has {len} bytes"), expected));
            }
        }
        to.create(name)?;
        let mut written = 0;
        loop {
            let read = entry.read(&mut chunk).map_err(|error| refusal.reading(&shown, error))?;
            if read == 0 {
                break;
            }
            written += read as u64;
            to.write(&chunk[..read])?;
        }
        if written < len {
            return Err(refusal.reading(&shown, io::ErrorKind::UnexpectedEof.into()));
        }
        to.finish()?;
    }
    // The sum of the whole content stands at the very end.
    io::copy(&mut archive.into_inner(), &mut io::sink()).map_err(|error| refusal.reading(WHOLE, error))?;
    match set.members.iter().find(|member| !seen.contains(member.name)) {
        Some(missing) => Err(refusal.of(missing.name, "is missing", "every file of records")),
        None => Ok(()),
    }
}

/// Stands for the member when none was reached.
const WHOLE: &str = "the archive itself";
const ESCAPES: &str = "has an absolute name, or `..` in it";
const INSIDE: &str = "names within the archive's folder";

/// The parts of a relative name that stays below where it starts; `None` for any other.
fn plain_parts(path: &Path) -> Option<Vec<&str>> {
    let mut parts = Vec::new();
    for component in path.components() {
        match component {
            Component::Normal(part) => parts.push(part.to_str()?),
            Component::CurDir => (),
            _ => return None,
        }
    }
    Some(parts)
}

fn kind_name(kind: EntryType) -> &'static str {
    match kind {
        EntryType::Symlink => "a symbolic link",
        EntryType::Link => "a hard link",
        EntryType::Char | EntryType::Block => "a device",
        EntryType::Fifo => "a pipe",
        EntryType::GNUSparse => "a sparse file",
        EntryType::GNULongName | EntryType::GNULongLink => "a name of more than 100 bytes",
        _ => "of an unknown kind",
    }
}

/// Most bytes that the unpacked tar stream may have: the files, and headers and padding for a few dozen entries.
fn max_content(set: &Distribution) -> u64 {
    set.max_archive_len() + (1 << 16)
}

/// Fails instead of giving more than `left` bytes, so that what is skipped is bounded as well.
struct Bounded<R> {
    content: R,
    left: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.content.read(buffer)?;
        self.left = self.left.checked_sub(read as u64).ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidData, "it unpacks to more than the data set has")
        })?;
        Ok(read)
    }
}
