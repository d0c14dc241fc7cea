//! The program as `cargo xtask data` runs it: exit codes, the folder that it looks in, a server on the loopback interface.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};

fn run(dir: &Path, words: &[&str]) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_polder-fetch"));
    program.args(words).env("POLDER_DATA", dir).env("NO_PROXY", "127.0.0.1").output().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_data_set_that_is_missing_fails_and_its_folder_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let output = run(dir.path(), &["verify", "cifar10"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("cifar-10-batches-bin"), "{}", stderr(&output));
    // Without a name each of them is missing.
    let output = run(dir.path(), &["verify"]);
    assert!(stderr(&output).contains("cifar-10-batches-bin") && stderr(&output).contains("fashion-mnist"));
}

#[test]
fn a_fetch_asks_the_mirror_and_refuses_other_content() {
    let dir = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mirror = format!("http://{}/archive.tar.gz", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = [0; 4096];
        let length = stream.read(&mut request).unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nwrong").unwrap();
        String::from_utf8_lossy(&request[..length]).into_owned()
    });
    let output = run(dir.path(), &["fetch", "cifar10", "--mirror", &mirror]);
    assert!(server.join().unwrap().starts_with("GET /archive.tar.gz "));
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains(&mirror) && stderr(&output).contains("MD5"), "{}", stderr(&output));
    assert!(!dir.path().join("cifar-10-batches-bin").exists());
}

#[test]
fn an_unknown_data_set_is_wrong_usage() {
    let output = run(Path::new("data"), &["fetch", "cifar11"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("cifar100"), "{}", stderr(&output));
}
