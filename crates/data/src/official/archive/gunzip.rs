//! A gzip file that holds one file of records.

use std::cell::Cell;
use std::io::Read;

use flate2::read::GzDecoder;

use super::{Counted, Destination, Refusal, Source};
use crate::DataError;
use crate::official::checksums::Member;

/// Unpacks `source` to `to` as the file `member`, and never writes more than that file's length.
///
/// # Errors
/// [`DataError::Archive`] if the content is shorter or longer, damaged or cut short; [`DataError::Io`] if the archive
/// cannot be read, or from `to`.
pub(crate) fn gunzip<R: Read>(
    source: Source<'_, R>,
    member: &Member,
    to: &mut dyn Destination,
) -> Result<(), DataError> {
    let Source { path, bytes, progress } = source;
    let unreadable = Cell::new(false);
    let refusal = Refusal { path, unreadable: &unreadable };
    let mut content = GzDecoder::new(Counted { bytes, read: 0, progress, unreadable: &unreadable });
    to.create(member.name)?;
    let mut chunk = vec![0; 1 << 16];
    let mut written = 0;
    loop {
        let read = content.read(&mut chunk).map_err(|error| refusal.reading(member.name, error))?;
        if read == 0 {
            break;
        }
        written += read as u64;
        if written > member.len {
            let found = format!("unpacks to {written} bytes or more");
            return Err(refusal.of(member.name, found, format!("{} bytes", member.len)));
        }
        to.write(&chunk[..read])?;
    }
    if written < member.len {
        let found = format!("unpacks to {written} bytes");
        return Err(refusal.of(member.name, found, format!("{} bytes", member.len)));
    }
    to.finish()
}
