//! Printing what is meant to be piped.

use std::io::{self, Write as _};

use anyhow::Context;

/// Prints `text`; that a reader such as `head` has seen enough is no error.
///
/// # Errors
/// If stdout cannot be written to, because the disk is full say.
pub(crate) fn print(text: &str) -> anyhow::Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.context("cannot write to stdout"),
    }
}
