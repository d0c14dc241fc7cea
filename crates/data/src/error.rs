//! What can go wrong between a file on disk and a finished minibatch.

use std::io;
use std::path::PathBuf;

/// An error of this crate: it names the object, what was expected and found, and what to do.
///
/// Causes are reached through [`std::error::Error::source`]; messages do not repeat them.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// The folder of a data set is not there.
    #[error(
        "no folder `{path}`: run `polder data fetch {dataset}`, or name the folder that holds `{folder}/` with \
         --data-dir or POLDER_DATA",
        path = path.display()
    )]
    MissingFolder {
        /// The folder that was looked for.
        path: PathBuf,
        /// Its name in the official layout.
        folder: &'static str,
        /// The data set, as the command line spells it.
        dataset: &'static str,
    },
    /// The folder of a data set is there, one of its files is not.
    #[error("no file `{path}`: run `polder data fetch {dataset}` to complete the folder", path = path.display())]
    MissingFile {
        /// The file that was looked for.
        path: PathBuf,
        /// The data set, as the command line spells it.
        dataset: &'static str,
    },
    /// The operating system refused an operation on a file or folder.
    #[error("cannot {act} `{path}`", path = path.display())]
    Io {
        /// What was tried, as a verb: "open", "write".
        act: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// A file of records has the wrong length.
    #[error(
        "`{path}` is {}: {found} bytes, expected {expected} ({}{records} records of {record_len} bytes); {remedy}",
        if found < expected { "truncated" } else { "too long" },
        if *header_len == 0 { String::new() } else { format!("{header_len} of header, ") },
        path = path.display()
    )]
    Length {
        /// The file.
        path: PathBuf,
        /// Its length in bytes.
        found: u64,
        /// The length in bytes that is official, or that the file's own header asks for.
        expected: u64,
        /// Bytes before the first record.
        header_len: usize,
        /// The number of records that belong there.
        records: usize,
        /// Bytes per record.
        record_len: usize,
        /// What to do about it.
        remedy: String,
    },
    /// A field in the header of a file has a value that cannot be.
    #[error("`{path}` has {field} {found} at byte {offset}, expected {expected}; {remedy}", path = path.display())]
    Header {
        /// The file.
        path: PathBuf,
        /// What the field says: "magic number", "height".
        field: &'static str,
        /// Where it stands in the file.
        offset: u64,
        /// Its value.
        found: String,
        /// The values that are accepted.
        expected: String,
        /// What to do about it.
        remedy: String,
    },
    /// There is something else where a file of records belongs.
    #[error("`{path}` is {found}, expected a file of records; name the file, or move what lies there", path = path.display())]
    NotAFile {
        /// What was to be opened.
        path: PathBuf,
        /// What it is.
        found: &'static str,
    },
    /// A mapped file is longer or shorter than it was when it was opened.
    #[error(
        "`{path}` has changed while it was in use: {found} bytes, expected the {expected} it was opened with; restore \
         it and start again",
        path = path.display()
    )]
    Changed {
        /// The file.
        path: PathBuf,
        /// Its length now, in bytes.
        found: u64,
        /// Its length when it was opened.
        expected: u64,
    },
    /// A label byte in a file is not below the number of classes.
    #[error(
        "`{path}` has label {found} at byte {offset}, expected a {label} label below {num_classes}; the file is \
         damaged: {remedy}",
        path = path.display()
    )]
    Label {
        /// The file.
        path: PathBuf,
        /// Position of the byte in the file.
        offset: u64,
        /// Which label byte of the record: "class", "coarse" or "fine".
        label: &'static str,
        /// The value found.
        found: u64,
        /// The number of classes.
        num_classes: usize,
        /// What to do about it.
        remedy: String,
    },
    /// The content of a packed file is not what was written.
    #[error(
        "`{path}` has CRC-32 {found:08x} from byte 16 on, expected {expected:08x} as its header says: it is damaged; \
         make it again with `polder data pack`",
        path = path.display()
    )]
    PackedChecksum {
        /// The file.
        path: PathBuf,
        /// CRC-32 of what it holds.
        found: u32,
        /// CRC-32 in its header.
        expected: u32,
    },
    /// A folder of images is not one folder per class with images in it.
    #[error("`{path}` has {found}, expected {expected}", path = path.display())]
    ImageFolder {
        /// The folder.
        path: PathBuf,
        /// What is wrong with it.
        found: String,
        /// What belongs there.
        expected: String,
    },
    /// An image file does not decode.
    #[error("`{path}` is broken, expected a PNG or JPEG image; replace it or take it out of the folder", path = path.display())]
    Image {
        /// The file.
        path: PathBuf,
        /// What the decoder found.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// An image file claims to be larger than any that is decoded.
    #[error(
        "`{path}` is too large, expected at most {max_side} pixels a side and {} MiB without compression; make it \
         smaller or take it out of the folder",
        max_bytes >> 20,
        path = path.display()
    )]
    ImageTooLarge {
        /// The file.
        path: PathBuf,
        /// Longest side that is decoded, in pixels.
        max_side: u32,
        /// Most bytes that are decoded.
        max_bytes: u64,
        /// Which of them the decoder saw exceeded.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Two images of a folder differ in size, and no common size was asked for.
    #[error(
        "`{path}` is {}x{} pixels, expected {}x{} as `{first}`; resize all images with --size HxW",
        found.0, found.1, expected.0, expected.1,
        path = path.display(), first = first.display()
    )]
    ImageSize {
        /// The image that differs.
        path: PathBuf,
        /// Its height and width.
        found: (usize, usize),
        /// The image that was read first.
        first: PathBuf,
        /// The height and width of that one.
        expected: (usize, usize),
    },
    /// A data set name that is not known.
    #[error(
        "unknown data set `{name}`, expected one of cifar10, cifar100, cifar100-coarse, mnist, fashion-mnist"
    )]
    UnknownDataset {
        /// What was asked for.
        name: String,
    },
    /// A setting is outside its range.
    #[error("{field} is {found}, expected {expected}")]
    Config {
        /// The setting.
        field: &'static str,
        /// Its value.
        found: String,
        /// The values that are accepted.
        expected: String,
    },
    /// A [`Dataset`](crate::Dataset) handed out a sample that breaks its own promises.
    #[error("sample {index} of the data set has {found}, expected {expected}")]
    Sample {
        /// Index of the sample in the data set.
        index: usize,
        /// What is wrong with it.
        found: String,
        /// What the data set promised.
        expected: String,
    },
    /// A worker thread panicked while it prepared a sample.
    #[error("sample {index} (epoch {epoch}, step {step}) panicked a loader thread: {message}")]
    WorkerPanic {
        /// Index of the sample in the data set.
        index: usize,
        /// The epoch being loaded.
        epoch: u64,
        /// The step within the epoch.
        step: u64,
        /// The panic's message.
        message: String,
    },
    /// Every worker thread ended before the epoch did.
    #[error("the loader threads ended before step {step} of epoch {epoch}")]
    WorkersEnded {
        /// The epoch being loaded.
        epoch: u64,
        /// The step that nobody prepared.
        step: u64,
    },
    /// The operating system gave no thread.
    #[error("cannot start loader thread {worker}")]
    Spawn {
        /// Which of the workers, from 0.
        worker: usize,
        /// Why it failed.
        source: io::Error,
    },
    /// A file's digest is not the published one.
    #[error(
        "`{path}` has MD5 {found}, expected the published {expected}: the content is wrong, was not used, and \
         was removed: repeat the command, or name another address with --mirror",
        path = path.display()
    )]
    Checksum {
        /// The file.
        path: PathBuf,
        /// MD5 of the file, hexadecimal.
        found: String,
        /// The published MD5, hexadecimal.
        expected: String,
    },
    /// An archive does not hold what the data set is known to hold.
    #[error(
        "archive `{path}` is refused: {member} {found}, expected {expected}; nothing of it was used and it was \
         removed: repeat the command, or name another address with --mirror",
        path = path.display()
    )]
    Archive {
        /// The archive.
        path: PathBuf,
        /// The member's name as stored, or "the archive itself".
        member: String,
        /// What is wrong with it, as a verb and its object: "has 3 bytes", "is a symbolic link".
        found: String,
        /// What belongs there.
        expected: String,
        /// Why it could not be read on, if that is what is wrong.
        source: Option<io::Error>,
    },
    /// No mirror gave the archive.
    #[error(
        "cannot download {archive}:\n  {failures}\n\
         To go on without the download, put `{folder}/` there yourself and name the folder that holds it with \
         --data-dir or POLDER_DATA",
        failures = failures.join("\n  ")
    )]
    Download {
        /// File name of the archive.
        archive: String,
        /// Folder of the unpacked data set.
        folder: String,
        /// One line per attempt: address and reason.
        failures: Vec<String>,
    },
}

#[cfg(any(feature = "verify", feature = "image"))]
impl DataError {
    /// For `map_err` on an operation of `std::fs` or `std::io`.
    pub(crate) fn io(act: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> DataError {
        let path = path.into();
        move |source| DataError::Io { act, path, source }
    }
}
