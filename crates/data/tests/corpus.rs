//! The seeds of the fuzz targets, replayed: no parser panics, and seeds are taken or refused as their names say.

#![cfg(feature = "download")]

use std::fs;
use std::path::Path;

use polder_data::{DataError, fuzzing};

/// Gives every seed of `target` to `parse`: those named `valid*` are taken, all others are refused.
fn replay(target: &str, parse: fn(&[u8]) -> Result<(), DataError>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut seeds: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    seeds.sort();
    assert!(seeds.len() >= 2, "too few seeds in {}", folder.display());
    for seed in seeds {
        let valid = seed.file_name().unwrap().to_str().unwrap().starts_with("valid");
        match parse(&fs::read(&seed).unwrap()) {
            Ok(()) => assert!(valid, "{} is taken", seed.display()),
            Err(error) => assert!(!valid, "{} is refused: {error}", seed.display()),
        }
    }
}

#[test]
fn archives_are_taken_or_refused_as_named() {
    replay("archive", fuzzing::unpack);
}

#[test]
fn gzip_files_are_taken_or_refused_as_named() {
    replay("gunzip", fuzzing::gunzip);
}

#[test]
fn cifar10_files_are_taken_or_refused_as_named() {
    replay("cifar10_file", fuzzing::cifar10_file);
}

#[test]
fn cifar100_files_are_taken_or_refused_as_named() {
    replay("cifar100_file", fuzzing::cifar100_file);
}

#[test]
fn idx_images_are_taken_or_refused_as_named() {
    replay("idx_images", fuzzing::idx_images);
}

#[test]
fn idx_labels_are_taken_or_refused_as_named() {
    replay("idx_labels", fuzzing::idx_labels);
}

#[test]
#[cfg(feature = "image")]
fn packed_files_are_taken_or_refused_as_named() {
    replay("packed_file", fuzzing::packed_file);
}

#[test]
#[cfg(feature = "image")]
fn images_of_a_folder_are_taken_or_refused_as_named() {
    replay("image_folder", fuzzing::image_folder);
}
