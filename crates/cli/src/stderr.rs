//! Saying what a person may want to know while a command works.

use std::io::{self, Write as _};

/// Writes a line on stderr. Work of hours does not end because nobody reads there any more.
pub(crate) fn say(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}
