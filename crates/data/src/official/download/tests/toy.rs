//! A data set of one small file, in archives good and bad.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use md5::{Digest as _, Md5};
use tar::EntryType;

use super::super::{FetchOptions, FetchReport, fetch_set};
use crate::DataError;
use crate::official::checksums::{Archive, Digest, Distribution, Member, Packing};

pub(super) const CONTENT: &[u8] = b"records of a toy data set";

/// A member of an archive: name, kind and content, all as they should not be if the test says so.
pub(super) struct Entry<'a> {
    pub(super) name: &'a str,
    pub(super) kind: EntryType,
    pub(super) content: &'a [u8],
    /// The length that the header states.
    pub(super) len: u64,
}

pub(super) fn file<'a>(name: &'a str, content: &'a [u8]) -> Entry<'a> {
    Entry { name, kind: EntryType::Regular, content, len: content.len() as u64 }
}

pub(super) fn special(name: &str, kind: EntryType) -> Entry<'_> {
    Entry { name, kind, content: b"", len: 0 }
}

pub(super) fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(super) fn tar_gz(entries: &[Entry<'_>]) -> Vec<u8> {
    let mut tar = Vec::new();
    for entry in entries {
        let mut header = tar::Header::new_old();
        // Written by hand because the builder of the tar crate refuses the names that the tests are about.
        header.as_old_mut().name[..entry.name.len()].copy_from_slice(entry.name.as_bytes());
        if matches!(entry.kind, EntryType::Symlink | EntryType::Link) {
            header.set_link_name("/etc/hostname").unwrap();
        }
        header.set_size(entry.len);
        header.set_mode(0o644);
        header.set_entry_type(entry.kind);
        header.set_cksum();
        tar.extend_from_slice(header.as_bytes());
        tar.extend_from_slice(entry.content);
        tar.resize(tar.len().next_multiple_of(512), 0);
    }
    tar.resize(tar.len() + 1024, 0);
    gz(&tar)
}

pub(super) fn good_archive() -> Vec<u8> {
    tar_gz(&[file("toy/train.bin", CONTENT), file("toy/readme.txt", b"hello")])
}

pub(super) fn md5_hex(bytes: &[u8]) -> &'static str {
    let digest: [u8; 16] = Md5::digest(bytes).into();
    format!("{:032x}", u128::from_be_bytes(digest)).leak()
}

fn member(name: &'static str, content: &[u8]) -> Member {
    Member { name, len: content.len() as u64, digest: Digest::Published(md5_hex(content)) }
}

/// The description of the toy data set whose archive's published digest is that of `bytes`.
pub(super) fn describe(bytes: &[u8]) -> &'static Distribution {
    describe_as("toy", "toy.tar.gz", bytes)
}

/// The same under other names.
pub(super) fn describe_as(
    folder: &'static str,
    file_name: &'static str,
    bytes: &[u8],
) -> &'static Distribution {
    let address = "http://127.0.0.1:1/nobody";
    Box::leak(Box::new(Distribution {
        dataset: "toy",
        folder,
        archives: vec![Archive { file_name, address, md5: md5_hex(bytes), packing: Packing::TarGz }].leak(),
        members: vec![member("train.bin", CONTENT)].leak(),
    }))
}

pub(super) const IMAGES: &[u8] = b"pixels of a toy data set";
pub(super) const LABELS: &[u8] = b"labels of a toy data set";

/// The description of a data set of two `.gz` files whose published digests are those of `images` and `labels`.
pub(super) fn describe_pair(images: &[u8], labels: &[u8]) -> &'static Distribution {
    let members = vec![member("images", IMAGES), member("labels", LABELS)].leak();
    let archives = vec![
        Archive {
            file_name: "toy-images.gz",
            address: "http://127.0.0.1:1/images.gz",
            md5: md5_hex(images),
            packing: Packing::Gzip(members[0]),
        },
        Archive {
            file_name: "toy-labels.gz",
            address: "http://127.0.0.1:1/labels.gz",
            md5: md5_hex(labels),
            packing: Packing::Gzip(members[1]),
        },
    ];
    Box::leak(Box::new(Distribution { dataset: "toy", folder: "toy", archives: archives.leak(), members }))
}

pub(super) fn options(mirrors: &[&str]) -> FetchOptions {
    FetchOptions {
        mirrors: mirrors.iter().map(|&mirror| mirror.to_owned()).collect(),
        read_timeout: Duration::from_millis(300),
        ..FetchOptions::default()
    }
}

pub(super) fn fetch_quietly(
    set: &'static Distribution,
    dir: &Path,
    mirrors: &[&str],
) -> Result<FetchReport, DataError> {
    fetch_set(set, dir, &options(mirrors), &mut |_| ())
}

/// What lies in `dir`, in order.
pub(super) fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
