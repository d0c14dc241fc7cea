//! Several calls at once: threads and processes.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::thread;

use tempfile::TempDir;

use super::server::{Reply, serve};
use super::toy::{CONTENT, describe, describe_as, fetch_quietly, good_archive, names, options};
use super::*;

/// Fetches in a thread, telling `stages` of every change of stage.
fn fetch_in_thread<'scope>(
    scope: &'scope thread::Scope<'scope, '_>,
    dir: &'scope Path,
    address: &'scope str,
    stages: Sender<Stage>,
) -> thread::ScopedJoinHandle<'scope, Result<FetchReport, DataError>> {
    scope.spawn(move || {
        fetch_set(describe(&good_archive()), dir, &options(&[address]), &mut |progress| {
            // Nobody listens any more when the test has seen enough.
            let _ = stages.send(progress.stage);
        })
    })
}

#[test]
fn two_threads_download_once_and_both_succeed() {
    let dir = TempDir::new().unwrap();
    let bytes = good_archive();
    let (open_gate, gate) = channel();
    let (address, ranges) = serve(vec![Reply::Gate(bytes.clone(), 50, gate)]);
    thread::scope(|scope| {
        let (to_first, first_stages) = channel();
        let first = fetch_in_thread(scope, dir.path(), &address, to_first);
        assert!(first_stages.iter().any(|stage| stage == Stage::Download));
        let (to_second, second_stages) = channel();
        let second = fetch_in_thread(scope, dir.path(), &address, to_second);
        assert_eq!(second_stages.recv().unwrap(), Stage::Wait);
        open_gate.send(()).unwrap();
        assert_eq!(
            first.join().unwrap().unwrap().outcome,
            Outcome::Unpacked { address: Some(address.clone()) }
        );
        assert_eq!(second.join().unwrap().unwrap().outcome, Outcome::AlreadyThere);
    });
    assert_eq!(ranges.iter().collect::<Vec<_>>(), [None]);
    assert_eq!(names(dir.path()), ["toy"]);
}

#[test]
fn many_threads_download_once() {
    let dir = TempDir::new().unwrap();
    let (address, ranges) = serve(vec![Reply::Serve(good_archive())]);
    thread::scope(|scope| {
        let calls: Vec<_> =
            (0..8).map(|_| fetch_in_thread(scope, dir.path(), &address, channel().0)).collect();
        for call in calls {
            call.join().unwrap().unwrap();
        }
    });
    assert_eq!(ranges.iter().count(), 1);
    assert_eq!(names(dir.path()), ["toy"]);
}

#[test]
fn a_waiting_call_takes_over_when_the_first_one_fails() {
    let dir = TempDir::new().unwrap();
    let bytes = good_archive();
    let (open_gate, gate) = channel();
    let (bad_address, _) = serve(vec![Reply::Gate(vec![7; 200], 50, gate)]);
    let (address, _) = serve(vec![Reply::Serve(bytes)]);
    thread::scope(|scope| {
        let (to_first, first_stages) = channel();
        let first = fetch_in_thread(scope, dir.path(), &bad_address, to_first);
        assert!(first_stages.iter().any(|stage| stage == Stage::Download));
        let (to_second, second_stages) = channel();
        let second = fetch_in_thread(scope, dir.path(), &address, to_second);
        assert_eq!(second_stages.recv().unwrap(), Stage::Wait);
        open_gate.send(()).unwrap();
        assert!(first.join().unwrap().is_err());
        second.join().unwrap().unwrap();
    });
    assert_eq!(names(dir.path()), ["toy"]);
}

#[test]
fn different_data_sets_do_not_wait_for_each_other() {
    let dir = TempDir::new().unwrap();
    let bytes = good_archive();
    let (open_gate, gate) = channel();
    let (address, _) = serve(vec![Reply::Gate(bytes.clone(), 50, gate)]);
    let other_bytes = super::toy::tar_gz(&[super::toy::file("other/train.bin", CONTENT)]);
    let (other_address, _) = serve(vec![Reply::Serve(other_bytes.clone())]);
    thread::scope(|scope| {
        let (to_first, first_stages) = channel();
        let first = fetch_in_thread(scope, dir.path(), &address, to_first);
        assert!(first_stages.iter().any(|stage| stage == Stage::Download));
        let other = describe_as("other", "other.tar.gz", &other_bytes);
        fetch_quietly(other, dir.path(), &[&other_address]).unwrap();
        open_gate.send(()).unwrap();
        first.join().unwrap().unwrap();
    });
    assert_eq!(names(dir.path()), ["other", "toy"]);
}

/// A process of its own that fetches the toy data set into `dir`, and prints its stages and how it ended.
fn fetch_in_process(dir: &Path, address: &str) -> (Child, impl Iterator<Item = String>) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "official::download::tests::at_once::the_process_of_its_own",
            "--ignored",
            "--nocapture",
        ])
        .env("POLDER_TEST_DIR", dir)
        .env("POLDER_TEST_ADDRESS", address)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    (child, lines)
}

#[test]
#[ignore = "the other tests start it as a process of its own"]
fn the_process_of_its_own() {
    let (dir, address) = (std::env::var("POLDER_TEST_DIR"), std::env::var("POLDER_TEST_ADDRESS"));
    let (Ok(dir), Ok(address)) = (dir, address) else { return };
    let set = describe(&good_archive());
    let report = fetch_set(set, Path::new(&dir), &options(&[&address]), &mut |progress| {
        println!("\nstage {}", progress.stage);
    })
    .unwrap();
    println!("\n{}", if report.outcome == Outcome::AlreadyThere { "already there" } else { "unpacked" });
}

#[test]
fn two_processes_download_once_and_both_succeed() {
    let dir = TempDir::new().unwrap();
    let (open_gate, gate) = channel();
    let (address, ranges) = serve(vec![Reply::Gate(good_archive(), 50, gate)]);
    let (mut first, mut first_lines) = fetch_in_process(dir.path(), &address);
    assert!(first_lines.any(|line| line == "stage download"));
    let (mut second, mut second_lines) = fetch_in_process(dir.path(), &address);
    assert!(second_lines.any(|line| line == "stage wait"));
    open_gate.send(()).unwrap();
    assert!(first_lines.any(|line| line == "unpacked"));
    assert!(second_lines.any(|line| line == "already there"));
    // Both pipes are read to their ends, so that neither process waits to write.
    first_lines.chain(second_lines).for_each(drop);
    assert!(first.wait().unwrap().success() && second.wait().unwrap().success());
    assert_eq!(ranges.iter().collect::<Vec<_>>(), [None]);
    assert_eq!(names(dir.path()), ["toy"]);
}

#[test]
fn a_waiting_call_continues_the_download_of_a_process_that_was_killed() {
    let dir = TempDir::new().unwrap();
    let bytes = good_archive();
    let (_gate_stays_shut, gate) = channel();
    let (address, _) = serve(vec![Reply::Gate(bytes.clone(), 50, gate)]);
    let (good_address, ranges) = serve(vec![Reply::Serve(bytes)]);
    let (mut first, mut lines) = fetch_in_process(dir.path(), &address);
    assert!(lines.by_ref().filter(|line| line == "stage download").nth(1).is_some(), "no byte arrived");
    thread::scope(|scope| {
        let (to_second, second_stages) = channel();
        let second = fetch_in_thread(scope, dir.path(), &good_address, to_second);
        assert_eq!(second_stages.recv().unwrap(), Stage::Wait);
        first.kill().unwrap();
        first.wait().unwrap();
        second.join().unwrap().unwrap();
    });
    assert_eq!(ranges.recv().unwrap(), Some(50));
    assert_eq!(names(dir.path()), ["toy"]);
}
