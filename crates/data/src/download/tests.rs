//! Downloads from a server on the loopback interface that answers as each test prescribes.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use flate2::{Compression, write::GzEncoder};
use tempfile::TempDir;

use super::*;
use crate::checksums::Member;

/// How the server answers one request.
enum Reply {
    /// What was asked for, from the requested position on.
    Serve(Vec<u8>),
    /// The same, but the connection closes after so many bytes of the body.
    CutOff(Vec<u8>, usize),
    /// The head of an answer, then silence.
    Stall,
    Status(&'static str),
}

/// Answers one request per reply; returns the address of the archive and the `Range` header of each request.
fn serve(replies: Vec<Reply>) -> (String, Receiver<Option<u64>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/toy.tar.gz", listener.local_addr().unwrap());
    let (seen, ranges) = channel();
    thread::spawn(move || {
        let mut kept_open = Vec::new();
        for reply in replies {
            let (stream, _) = listener.accept().unwrap();
            let range = read_range(&stream);
            // Not every test looks at the ranges.
            let _ = seen.send(range);
            kept_open.extend(answer(stream, reply, range));
        }
        // Stalled connections stay open until the test hangs up on its end.
        for mut stream in kept_open {
            let _ = std::io::copy(&mut stream, &mut std::io::sink());
        }
    });
    (address, ranges)
}

fn read_range(stream: &TcpStream) -> Option<u64> {
    let mut range = None;
    for line in BufReader::new(stream).lines() {
        let line = line.unwrap().to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("range: bytes=") {
            range = value.trim_end_matches('-').parse().ok();
        }
        if line.is_empty() {
            break;
        }
    }
    range
}

fn answer(mut stream: TcpStream, reply: Reply, range: Option<u64>) -> Option<TcpStream> {
    let (body, sent) = match reply {
        Reply::Status(status) => {
            write!(stream, "HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").unwrap();
            return None;
        }
        Reply::Stall => {
            write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n").unwrap();
            return Some(stream);
        }
        Reply::Serve(body) => (body, usize::MAX),
        Reply::CutOff(body, sent) => (body, sent),
    };
    let start = range.unwrap_or(0) as usize;
    let rest = &body[start..];
    let status = match range {
        None => "200 OK".to_owned(),
        Some(_) => {
            format!("206 Partial Content\r\nContent-Range: bytes {start}-{}/{}", body.len() - 1, body.len())
        }
    };
    write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", rest.len())
        .unwrap();
    stream.write_all(&rest[..rest.len().min(sent)]).unwrap();
    None
}

const CONTENT: &[u8] = b"records of a toy data set";

fn tar_gz(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (name, content) in members {
        let mut header = tar::Header::new_old();
        // Written by hand because the builder itself refuses the names that the tests are about.
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_entry_type(tar::EntryType::Regular);
        header.set_cksum();
        builder.append(&header, *content).unwrap();
    }
    builder.into_inner().unwrap().finish().unwrap()
}

fn good_archive() -> Vec<u8> {
    tar_gz(&[("toy/train.bin", CONTENT), ("toy/readme.txt", b"hello")])
}

fn md5_hex(bytes: &[u8]) -> &'static str {
    use md5::{Digest as _, Md5};
    let digest: [u8; 16] = Md5::digest(bytes).into();
    format!("{:032x}", u128::from_be_bytes(digest)).leak()
}

/// The description of the toy archive whose published digest is that of `bytes`.
fn describe(bytes: &[u8]) -> &'static Archive {
    let members = vec![Member { name: "train.bin", digest: Digest::Published(md5_hex(CONTENT)) }];
    Box::leak(Box::new(Archive {
        dataset: "toy",
        file_name: "toy.tar.gz",
        address: "http://127.0.0.1:1/nobody",
        md5: md5_hex(bytes),
        folder: "toy",
        members: members.leak(),
    }))
}

fn options(mirrors: &[&str]) -> FetchOptions {
    FetchOptions {
        mirrors: mirrors.iter().map(|&mirror| mirror.to_owned()).collect(),
        read_timeout: Duration::from_millis(300),
        ..FetchOptions::default()
    }
}

fn fetch_quietly(archive: &'static Archive, dir: &Path, mirrors: &[&str]) -> Result<FetchReport, DataError> {
    fetch_archive(archive, dir, &options(mirrors), &mut |_| ())
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_complete_download_is_unpacked_verified_and_leaves_nothing_else() {
    let dir = TempDir::new().unwrap();
    let bytes = good_archive();
    let (address, _ranges) = serve(vec![Reply::Serve(bytes.clone())]);
    let mut stages = Vec::new();
    let report = fetch_archive(describe(&bytes), dir.path(), &options(&[&address]), &mut |progress| {
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
    let other = tar_gz(&[("toy/train.bin", b"forged")]);
    let (address, _ranges) = serve(vec![Reply::Serve(other.clone())]);
    let archive = describe(&good_archive());
    let message = fetch_quietly(archive, dir.path(), &[&address]).unwrap_err().to_string();
    assert!(message.contains(archive.md5) && message.contains(md5_hex(&other)), "{message}");
    assert!(names(dir.path()).is_empty());
}

#[test]
fn a_wrong_member_in_a_right_archive_is_not_moved_into_place() {
    let dir = TempDir::new().unwrap();
    let bytes = tar_gz(&[("toy/train.bin", b"other records")]);
    let (address, _ranges) = serve(vec![Reply::Serve(bytes.clone())]);
    let error = fetch_quietly(describe(&bytes), dir.path(), &[&address]).unwrap_err();
    assert!(matches!(&error, DataError::Checksum { path, .. } if path.ends_with("toy/train.bin")), "{error}");
    assert_eq!(names(dir.path()), ["toy.tar.gz.partial"]);
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
fn a_server_that_falls_silent_is_given_up() {
    let dir = TempDir::new().unwrap();
    let (address, _ranges) = serve(vec![Reply::Stall]);
    let message = fetch_quietly(describe(b""), dir.path(), &[&address]).unwrap_err().to_string();
    assert!(message.contains("0 of 1000 bytes"), "{message}");
}

#[test]
fn members_outside_of_the_folder_are_refused() {
    let hostile = ["toy/../../evil", "/evil", "elsewhere/train.bin", "toy/deep/train.bin", "train.bin"];
    for name in hostile {
        let dir = TempDir::new().unwrap();
        let bytes = tar_gz(&[("toy/train.bin", CONTENT), (name, b"evil")]);
        let (address, _ranges) = serve(vec![Reply::Serve(bytes.clone())]);
        let error = fetch_quietly(describe(&bytes), dir.path(), &[&address]).unwrap_err();
        assert!(matches!(&error, DataError::Archive { member, .. } if member == name), "{name}: {error}");
        assert_eq!(names(dir.path()), ["toy.tar.gz.partial"], "{name}");
    }
}

#[test]
fn links_are_refused() {
    for entry_type in [tar::EntryType::Symlink, tar::EntryType::Link] {
        let dir = TempDir::new().unwrap();
        let mut builder = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(entry_type);
        header.set_size(0);
        builder.append_link(&mut header, "toy/train.bin", "/etc/hostname").unwrap();
        let bytes = builder.into_inner().unwrap().finish().unwrap();
        let (address, _ranges) = serve(vec![Reply::Serve(bytes.clone())]);
        let error = fetch_quietly(describe(&bytes), dir.path(), &[&address]).unwrap_err();
        assert!(error.to_string().contains("neither a file nor a folder"), "{error}");
        assert_eq!(names(dir.path()), ["toy.tar.gz.partial"]);
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
fn two_downloads_at_once_do_not_mix() {
    let dir = TempDir::new().unwrap();
    let _other = Partial::lock(dir.path().join("toy.tar.gz.partial")).unwrap();
    let error = fetch_quietly(describe(b""), dir.path(), &[]).unwrap_err();
    assert!(matches!(error, DataError::Busy { .. }), "{error}");
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, b"").unwrap();
    let error = fetch_quietly(describe(b""), &file.join("data"), &[]).unwrap_err();
    assert!(matches!(&error, DataError::Io { path, .. } if path.ends_with("file/data")), "{error}");
}
