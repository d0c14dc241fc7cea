//! Archives that are what their digest says, and still not what belongs into the folder.

use std::fs;

use tar::EntryType;
use tempfile::TempDir;

use super::server::{Reply, serve};
use super::toy::{
    CONTENT, Entry, describe, fetch_quietly, file, good_archive, gz, md5_hex, names, special, tar_gz,
};
use super::*;

/// Fetches `bytes` as the published archive, which is refused with these words and leaves nothing behind, not even
/// in a folder that was there before; then the good archive, which succeeds.
fn refused(bytes: &[u8], member: &str, words: &[&str]) {
    for folder_is_there in [false, true] {
        let dir = TempDir::new().unwrap();
        let folder = dir.path().join("toy");
        if folder_is_there {
            fs::create_dir(&folder).unwrap();
            fs::write(folder.join("train.bin"), b"damaged").unwrap();
        }
        let before = names(dir.path());
        let (address, _ranges) = serve(vec![Reply::Serve(bytes.to_vec())]);
        let error = fetch_quietly(describe(bytes), dir.path(), &[&address]).unwrap_err();
        assert!(matches!(&error, DataError::Archive { member: found, .. } if found == member), "{error:?}");
        let message = error.to_string();
        for part in words.iter().chain(&["toy.tar.gz.partial", ", expected ", "repeat the command"]) {
            assert!(message.contains(part), "{message} lacks {part}");
        }
        assert_eq!(names(dir.path()), before);
        if folder_is_there {
            assert_eq!(fs::read(folder.join("train.bin")).unwrap(), b"damaged");
            assert_eq!(names(&folder), ["train.bin"]);
        }

        let good = good_archive();
        let (address, ranges) = serve(vec![Reply::Serve(good.clone())]);
        fetch_quietly(describe(&good), dir.path(), &[&address]).unwrap();
        assert_eq!(ranges.recv().unwrap(), None);
        assert_eq!(fs::read(folder.join("train.bin")).unwrap(), CONTENT);
    }
}

#[test]
fn names_that_leave_the_folder_are_refused() {
    for name in ["toy/../../evil", "../evil", "/evil", "toy/.."] {
        refused(&tar_gz(&[file("toy/train.bin", CONTENT), file(name, b"evil")]), name, &["`..`"]);
    }
}

#[test]
fn folders_outside_are_refused() {
    refused(&tar_gz(&[special("../evil/", EntryType::Directory)]), "../evil/", &["`..`"]);
}

#[test]
fn files_elsewhere_are_refused() {
    for name in ["elsewhere/train.bin", "toy/deep/train.bin", "train.bin"] {
        refused(&tar_gz(&[file("toy/train.bin", CONTENT), file(name, b"")]), name, &["directly in `toy/`"]);
    }
}

#[test]
fn links_are_refused() {
    let cases = [(EntryType::Symlink, "is a symbolic link"), (EntryType::Link, "is a hard link")];
    for (kind, words) in cases {
        refused(&tar_gz(&[special("toy/train.bin", kind)]), "toy/train.bin", &[words, "plain files"]);
    }
}

#[test]
fn devices_and_pipes_are_refused() {
    let cases =
        [(EntryType::Char, "is a device"), (EntryType::Block, "is a device"), (EntryType::Fifo, "is a pipe")];
    for (kind, words) in cases {
        refused(&tar_gz(&[special("toy/train.bin", kind)]), "toy/train.bin", &[words, "plain files"]);
    }
}

#[test]
fn a_file_that_appears_twice_is_refused() {
    let twice = tar_gz(&[file("toy/train.bin", CONTENT), file("toy/./train.bin", CONTENT)]);
    refused(&twice, "toy/./train.bin", &["appears twice", "each file once"]);
}

#[test]
fn a_file_of_another_length_is_refused() {
    refused(&tar_gz(&[file("toy/train.bin", b"short")]), "toy/train.bin", &["has 5 bytes", "25 bytes"]);
}

#[test]
fn a_missing_file_of_records_is_refused() {
    refused(&tar_gz(&[file("toy/readme.txt", b"hello")]), "train.bin", &["is missing"]);
}

#[test]
fn gigabytes_of_zeros_are_refused_before_they_are_written() {
    let zeros = vec![0; 1 << 22];
    let claims = |name, len| Entry { name, kind: EntryType::Regular, content: &zeros, len };
    refused(&tar_gz(&[claims("toy/train.bin", 1 << 32)]), "toy/train.bin", &["has 4294967296 bytes"]);
    refused(&tar_gz(&[claims("toy/readme.txt", 1 << 32)]), "toy/readme.txt", &["at most 65536 besides"]);
    let folder = Entry { name: "toy/", kind: EntryType::Directory, content: &zeros, len: 1 << 22 };
    refused(&tar_gz(&[folder]), "the archive itself", &["is damaged"]);
}

#[test]
fn many_small_files_count_together() {
    let names: Vec<String> = (0..9).map(|index| format!("toy/{index}.txt")).collect();
    let entries: Vec<Entry<'_>> = names.iter().map(|name| file(name, &[7; 8000])).collect();
    refused(&tar_gz(&entries), "toy/8.txt", &["at most 65536 besides"]);
}

#[test]
fn a_gzip_that_is_cut_short_is_refused() {
    let incompressible: Vec<u8> = (0..2_000_u32).flat_map(|n| md5_hex(&n.to_le_bytes()).bytes()).collect();
    let good = tar_gz(&[file("toy/train.bin", CONTENT), file("toy/readme.txt", &incompressible[..60_000])]);
    refused(&good[..good.len() / 2], "toy/readme.txt", &["breaks off"]);
    // Without its last bytes, the sum of the content, and without anything.
    refused(&good[..good.len() - 4], "the archive itself", &["breaks off"]);
    refused(&good[..12], "the archive itself", &["breaks off"]);
}

#[test]
fn a_damaged_gzip_is_refused() {
    refused(b"no gzip at all, but text of some length", "the archive itself", &["is damaged"]);
}

#[test]
fn a_tar_that_is_cut_short_is_refused() {
    let mut tar = tar::Header::new_old();
    tar.as_old_mut().name[..13].copy_from_slice(b"toy/train.bin");
    tar.set_size(CONTENT.len() as u64);
    tar.set_cksum();
    let cut = [&tar.as_bytes()[..], &CONTENT[..10]].concat();
    refused(&gz(&cut), "toy/train.bin", &["breaks off"]);
}
