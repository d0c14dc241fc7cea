//! Downloads from a server on the loopback interface, as they should be and as they should not.

mod at_once;
mod gzip_files;
mod hostile_archives;
mod server;
mod toy;
mod transfers;

use std::net::TcpListener;

use tempfile::TempDir;

use self::server::{Reply, serve};
use self::toy::{CONTENT, describe, fetch_quietly, file, good_archive, md5_hex, names, options, tar_gz};
use super::*;

#[test]
fn a_complete_download_is_unpacked_verified_and_leaves_nothing_else() {
    let dir = TempDir::new().unwrap();
    let bytes = good_archive();
    let (address, _ranges) = serve(vec![Reply::Serve(bytes.clone())]);
    let mut stages = Vec::new();
    let report = fetch_set(describe(&bytes), dir.path(), &options(&[&address]), &mut |progress| {
        assert!(progress.total.is_none_or(|total| progress.done <= total), "{progress:?}");
        if stages.last() != Some(&progress.stage) {
            stages.push(progress.stage);
        }
    })
    .unwrap();
    assert_eq!(stages, [Stage::Download, Stage::Check, Stage::Unpack, Stage::Verify]);
    assert_eq!(report.verification.state(), Verification::Verified);
    assert_eq!(report.outcome, Outcome::Unpacked { address: Some(address) });
    assert_eq!(names(dir.path()), ["toy"]);
    assert_eq!(fs::read(dir.path().join("toy/train.bin")).unwrap(), CONTENT);
    assert!(report.to_string().contains("toy is verified"), "{report}");

    let again = fetch_quietly(describe(&bytes), dir.path(), &[]).unwrap();
    assert_eq!(again.outcome, Outcome::AlreadyThere);
}

#[test]
fn a_cut_off_download_continues_where_it_stopped() {
    let dir = TempDir::new().unwrap();
    let bytes = good_archive();
    let (address, ranges) = serve(vec![
        Reply::CutOff(bytes.clone(), 50),
        Reply::CutOff(bytes.clone(), 10),
        Reply::Serve(bytes.clone()),
    ]);
    fetch_quietly(describe(&bytes), dir.path(), &[&address]).unwrap();
    assert_eq!(ranges.iter().take(3).collect::<Vec<_>>(), [None, Some(50), Some(60)]);
}

#[test]
fn a_partial_file_of_an_earlier_call_is_continued() {
    let dir = TempDir::new().unwrap();
    let bytes = good_archive();
    fs::write(dir.path().join("toy.tar.gz.partial"), &bytes[..70]).unwrap();
    let (address, ranges) = serve(vec![Reply::Serve(bytes.clone())]);
    fetch_quietly(describe(&bytes), dir.path(), &[&address]).unwrap();
    assert_eq!(ranges.recv().unwrap(), Some(70));
    assert_eq!(names(dir.path()), ["toy"]);
}

#[test]
fn a_wrong_partial_file_is_replaced_from_the_same_address() {
    let dir = TempDir::new().unwrap();
    let bytes = good_archive();
    fs::write(dir.path().join("toy.tar.gz.partial"), b"something else").unwrap();
    let (address, ranges) = serve(vec![Reply::Serve(bytes.clone()), Reply::Serve(bytes.clone())]);
    fetch_quietly(describe(&bytes), dir.path(), &[&address]).unwrap();
    assert_eq!(ranges.iter().take(2).collect::<Vec<_>>(), [Some(14), None]);
}

#[test]
fn wrong_content_is_not_moved_into_place() {
    let dir = TempDir::new().unwrap();
    let other = tar_gz(&[file("toy/train.bin", b"forged")]);
    let (address, _ranges) = serve(vec![Reply::Serve(other.clone())]);
    let set = describe(&good_archive());
    let message = fetch_quietly(set, dir.path(), &[&address]).unwrap_err().to_string();
    assert!(message.contains(set.archives[0].md5) && message.contains(md5_hex(&other)), "{message}");
    assert!(names(dir.path()).is_empty());
}

#[test]
fn a_wrong_member_in_a_right_archive_is_not_moved_into_place() {
    let dir = TempDir::new().unwrap();
    let bytes = tar_gz(&[file("toy/train.bin", b"recordz of a toy data set")]);
    let (address, _ranges) = serve(vec![Reply::Serve(bytes.clone())]);
    let error = fetch_quietly(describe(&bytes), dir.path(), &[&address]).unwrap_err();
    assert!(matches!(&error, DataError::Checksum { path, .. } if path.ends_with("toy/train.bin")), "{error}");
    assert!(names(dir.path()).is_empty());
}

#[test]
fn the_second_mirror_serves_when_the_first_has_nothing() {
    let dir = TempDir::new().unwrap();
    let bytes = good_archive();
    let (first, _) = serve(vec![Reply::Status("404 Not Found")]);
    let (second, _) = serve(vec![Reply::Serve(bytes.clone())]);
    let report = fetch_quietly(describe(&bytes), dir.path(), &[&first, &second]).unwrap();
    assert_eq!(report.outcome, Outcome::Unpacked { address: Some(second) });
}

#[test]
fn an_unreachable_network_says_what_to_do_without_it() {
    let dir = TempDir::new().unwrap();
    let unused = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let address = format!("http://{unused}/toy.tar.gz");
    let message = fetch_quietly(describe(b""), dir.path(), &[&address]).unwrap_err().to_string();
    for part in [&address, "put `toy/` there yourself", "--data-dir", "POLDER_DATA"] {
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn a_damaged_file_is_replaced_and_others_are_left_alone() {
    let dir = TempDir::new().unwrap();
    fs::create_dir(dir.path().join("toy")).unwrap();
    fs::write(dir.path().join("toy/train.bin"), b"damaged").unwrap();
    fs::write(dir.path().join("toy/mine.txt"), b"mine").unwrap();
    fs::create_dir(dir.path().join(".toy.unpacking")).unwrap();
    let bytes = good_archive();
    let (address, _ranges) = serve(vec![Reply::Serve(bytes.clone())]);
    fetch_quietly(describe(&bytes), dir.path(), &[&address]).unwrap();
    assert_eq!(fs::read(dir.path().join("toy/train.bin")).unwrap(), CONTENT);
    assert_eq!(names(&dir.path().join("toy")), ["mine.txt", "readme.txt", "train.bin"]);
    assert_eq!(names(dir.path()), ["toy"]);
}

#[test]
fn a_complete_download_is_used_without_a_network() {
    let dir = TempDir::new().unwrap();
    let bytes = good_archive();
    fs::write(dir.path().join("toy.tar.gz.partial"), &bytes).unwrap();
    let report = fetch_quietly(describe(&bytes), dir.path(), &[]).unwrap();
    assert_eq!(report.outcome, Outcome::Unpacked { address: None });
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, b"").unwrap();
    let error = fetch_quietly(describe(b""), &file.join("data"), &[]).unwrap_err();
    assert!(matches!(&error, DataError::Io { path, .. } if path.ends_with("file/data")), "{error}");
}
