//! Data sets of several `.gz` files.

use std::fs;

use tempfile::TempDir;

use super::server::{Reply, serve_folder};
use super::toy::{IMAGES, LABELS, describe_pair, fetch_quietly, gz, names};
use super::*;
use crate::official::checksums::distribution;

#[test]
fn each_file_is_unpacked_under_its_own_name_and_nothing_else_stays() {
    let dir = TempDir::new().unwrap();
    let (images, labels) = (gz(IMAGES), gz(LABELS));
    let (address, requests) = serve_folder(vec![Reply::Serve(images.clone()), Reply::Serve(labels.clone())]);
    let set = describe_pair(&images, &labels);
    let report = fetch_quietly(set, dir.path(), &[&format!("{address}/mirror/")]).unwrap();
    let paths: Vec<_> = requests.iter().map(|(path, _)| path).collect();
    assert_eq!(paths, ["/mirror/images.gz", "/mirror/labels.gz"]);
    assert_eq!(report.verification.state(), Verification::Verified);
    assert_eq!(names(dir.path()), ["toy"]);
    assert_eq!(names(&dir.path().join("toy")), ["images", "labels"]);
    assert_eq!(fs::read(dir.path().join("toy/images")).unwrap(), IMAGES);
    assert_eq!(fs::read(dir.path().join("toy/labels")).unwrap(), LABELS);
    assert_eq!(fetch_quietly(set, dir.path(), &[]).unwrap().outcome, Outcome::AlreadyThere);
}

#[test]
fn files_that_arrived_are_not_asked_for_again() {
    let dir = TempDir::new().unwrap();
    let (images, labels) = (gz(IMAGES), gz(LABELS));
    let set = describe_pair(&images, &labels);
    let (address, _) = serve_folder(vec![Reply::Serve(images.clone()), Reply::Status("404 Not Found")]);
    let error = fetch_quietly(set, dir.path(), &[&address]).unwrap_err();
    assert!(matches!(&error, DataError::Download { archive, .. } if archive == "toy-labels.gz"), "{error}");
    assert_eq!(names(dir.path()), ["toy-images.gz.partial"]);

    let (address, requests) = serve_folder(vec![Reply::Serve(labels)]);
    fetch_quietly(set, dir.path(), &[&address]).unwrap();
    assert_eq!(requests.iter().collect::<Vec<_>>(), [("/labels.gz".to_owned(), None)]);
}

/// Fetches these two files as the published ones, which is refused; then good ones, which succeeds.
fn refused(images: &[u8], labels: &[u8], words: &[&str]) {
    let dir = TempDir::new().unwrap();
    let (address, _) = serve_folder(vec![Reply::Serve(images.to_vec()), Reply::Serve(labels.to_vec())]);
    let error = fetch_quietly(describe_pair(images, labels), dir.path(), &[&address]).unwrap_err();
    assert!(matches!(error, DataError::Archive { .. }), "{error:?}");
    let message = error.to_string();
    assert!(words.iter().all(|part| message.contains(part)), "{message}");
    assert!(names(dir.path()).is_empty());

    let (images, labels) = (gz(IMAGES), gz(LABELS));
    let (address, _) = serve_folder(vec![Reply::Serve(images.clone()), Reply::Serve(labels.clone())]);
    fetch_quietly(describe_pair(&images, &labels), dir.path(), &[&address]).unwrap();
}

#[test]
fn a_gzip_that_is_cut_short_is_refused() {
    let labels = gz(LABELS);
    refused(&gz(IMAGES), &labels[..labels.len() - 9], &["toy-labels.gz.partial", "labels breaks off"]);
}

#[test]
fn a_gzip_that_expands_beyond_the_known_length_is_refused() {
    refused(&gz(IMAGES), &gz(&vec![0; 1 << 23]), &["labels unpacks to", "expected 24 bytes"]);
}

#[test]
fn a_gzip_that_holds_too_little_is_refused() {
    refused(&gz(b"few"), &gz(LABELS), &["images unpacks to 3 bytes", "expected 24 bytes"]);
}

#[test]
fn every_archive_has_a_name_of_its_own() {
    let mut names: Vec<_> = DatasetKind::ALL
        .into_iter()
        .filter(|&kind| kind != DatasetKind::Cifar100Coarse)
        .flat_map(|kind| distribution(kind).archives)
        .map(|archive| archive.file_name)
        .collect();
    let all = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), all);
}

#[test]
fn every_kind_is_described_with_the_folder_it_is_opened_from() {
    for kind in DatasetKind::ALL {
        assert_eq!(distribution(kind).folder, kind.folder());
    }
}
