//! Servers that misbehave: each is refused in words, nothing is moved into place, and the next attempt is clean.

use std::time::Duration;

use tempfile::TempDir;

use super::server::{Reply, serve};
use super::toy::{describe, fetch_quietly, good_archive, names};
use super::*;

/// Fetches from a server with these replies, which fails; then from a good one, which succeeds. Gives the first
/// message, and the `Range` that the good server was asked for.
fn refused_then_clean(replies: Vec<Reply>) -> (String, Option<u64>) {
    let dir = TempDir::new().unwrap();
    let bytes = good_archive();
    let (address, _ranges) = serve(replies);
    let error = fetch_quietly(describe(&bytes), dir.path(), &[&address]).unwrap_err();
    assert!(matches!(error, DataError::Download { .. }), "{error}");
    assert!(names(dir.path()).iter().all(|name| name == "toy.tar.gz.partial"), "{:?}", names(dir.path()));

    let (good, ranges) = serve(vec![Reply::Serve(bytes.clone())]);
    fetch_quietly(describe(&bytes), dir.path(), &[&good]).unwrap();
    assert_eq!(names(dir.path()), ["toy"]);
    let message = error.to_string();
    assert!(message.contains("cannot download toy.tar.gz") && message.contains(&address), "{message}");
    (message, ranges.recv().unwrap())
}

#[test]
fn a_server_that_falls_silent_is_given_up() {
    let (message, range) = refused_then_clean(vec![Reply::Stall]);
    assert!(message.contains("timeout") && message.contains("0 of 1000 bytes"), "{message}");
    assert_eq!(range, None);
}

#[test]
fn a_server_that_pauses_longer_than_the_timeout_is_continued_from_elsewhere() {
    let trickle = || Reply::Trickle(good_archive(), 40, Duration::from_millis(900));
    let dir = TempDir::new().unwrap();
    let bytes = good_archive();
    let (slow, _) = serve(vec![trickle()]);
    let (good, ranges) = serve(vec![Reply::Serve(bytes.clone())]);
    let report = fetch_quietly(describe(&bytes), dir.path(), &[&slow, &good]).unwrap();
    assert_eq!(report.outcome, Outcome::Unpacked { address: Some(good) });
    assert_eq!(ranges.recv().unwrap(), None);
}

#[test]
fn a_slow_server_that_keeps_sending_is_waited_for() {
    let dir = TempDir::new().unwrap();
    let bytes = good_archive();
    // Longer in all than the timeout of 300 ms between bytes.
    let (address, _ranges) = serve(vec![Reply::Trickle(bytes.clone(), 10, Duration::from_millis(30))]);
    let mut received = Vec::new();
    fetch_set(describe(&bytes), dir.path(), &options(&[&address]), &mut |progress| {
        if progress.stage == Stage::Download {
            received.push(progress.done);
        }
    })
    .unwrap();
    assert!(received.len() > 5 && received.is_sorted(), "{received:?}");
}

#[test]
fn a_cut_off_download_without_another_attempt_is_continued_by_the_next_call() {
    let cut_offs = (0..5).map(|_| Reply::CutOff(good_archive(), 10)).collect();
    let (message, range) = refused_then_clean(cut_offs);
    assert!(message.contains(&format!("after 50 of {} bytes", good_archive().len())), "{message}");
    assert_eq!(range, Some(50));
}

#[test]
fn a_stated_length_that_is_too_small_gives_the_wrong_content() {
    let (message, range) = refused_then_clean(vec![Reply::Claim(good_archive(), 100)]);
    assert!(message.contains("(100 bytes) has MD5"), "{message}");
    assert_eq!(range, None);
}

#[test]
fn a_stated_length_that_is_too_large_does_not_spoil_complete_content() {
    let dir = TempDir::new().unwrap();
    let bytes = good_archive();
    let (address, ranges) = serve(vec![Reply::Claim(bytes.clone(), bytes.len() + 9)]);
    fetch_quietly(describe(&bytes), dir.path(), &[&address]).unwrap();
    assert_eq!(ranges.iter().collect::<Vec<_>>(), [None]);
}

#[test]
fn a_stated_length_beyond_the_data_set_is_refused_before_a_byte_is_read() {
    let (message, range) = refused_then_clean(vec![Reply::Claim(good_archive(), 1 << 40)]);
    assert!(message.contains("1099511627776 bytes, expected at most the 65561"), "{message}");
    assert_eq!(range, None);
}

#[test]
fn content_without_end_is_refused_at_the_size_of_the_data_set() {
    let (message, range) = refused_then_clean(vec![Reply::Endless]);
    assert!(message.contains("expected at most the 65561"), "{message}");
    assert_eq!(range, None);
}

#[test]
fn wrong_content_is_refused_by_its_digest() {
    let (message, range) = refused_then_clean(vec![Reply::Serve(b"<html>log in first</html>".to_vec())]);
    assert!(
        message.contains("(25 bytes) has MD5") && message.contains("expected the published"),
        "{message}"
    );
    assert_eq!(range, None);
}

#[test]
fn a_redirect_is_followed() {
    let dir = TempDir::new().unwrap();
    let bytes = good_archive();
    let (address, _ranges) = serve(vec![Reply::Redirect("/moved.tar.gz"), Reply::Serve(bytes.clone())]);
    fetch_quietly(describe(&bytes), dir.path(), &[&address]).unwrap();
}

#[test]
fn a_redirect_loop_is_left() {
    let loops = (0..30).map(|_| Reply::Redirect("/toy.tar.gz")).collect();
    let (message, range) = refused_then_clean(loops);
    assert!(message.contains("redirect"), "{message}");
    assert_eq!(range, None);
}

#[test]
fn a_page_that_is_not_there_is_named_with_its_status() {
    let (message, range) = refused_then_clean(vec![Reply::Status("404 Not Found")]);
    assert!(message.contains("404"), "{message}");
    assert_eq!(range, None);
}

#[test]
fn a_server_that_cannot_continue_sends_everything_again() {
    let dir = TempDir::new().unwrap();
    let bytes = good_archive();
    let (address, ranges) = serve(vec![Reply::CutOff(bytes.clone(), 50), Reply::ServeAll(bytes.clone())]);
    fetch_quietly(describe(&bytes), dir.path(), &[&address]).unwrap();
    assert_eq!(ranges.iter().collect::<Vec<_>>(), [None, Some(50)]);
}
