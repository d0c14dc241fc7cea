//! One HTTP transfer into the partial file, continuing where it ends.

use std::error::Error;
use std::io::{Read, Write};
use std::time::Duration;

use ureq::Agent;
use ureq::http::{Response, StatusCode, header};

use super::partial::Partial;
use super::{FetchOptions, Progress, Stage};
use crate::DataError;

/// Why a transfer did not complete the file.
pub(super) struct Failure {
    pub(super) reason: String,
    /// Whether the same address deserves another attempt.
    pub(super) retry: bool,
}

/// An HTTP client on which nothing waits without end.
pub(super) fn agent(options: &FetchOptions) -> Agent {
    let connect = Some(options.connect_timeout);
    Agent::config_builder()
        .http_status_as_error(false)
        .user_agent(concat!("polder/", env!("CARGO_PKG_VERSION")))
        .timeout_resolve(connect)
        .timeout_connect(connect)
        .timeout_recv_response(connect.max(Some(Duration::from_secs(1))))
        .timeout_per_read(Some(options.read_timeout))
        .build()
        .new_agent()
}

/// Asks `address` for what is missing and appends it, up to `max_len` bytes in all.
///
/// The outer error is a local one, a full disk for example: another mirror would not help.
pub(super) fn transfer(
    agent: &Agent,
    address: &str,
    partial: &mut Partial,
    max_len: u64,
    progress: &mut dyn FnMut(Progress),
) -> Result<Result<(), Failure>, DataError> {
    let have = partial.seek_end()?;
    let mut request = agent.get(address);
    if have > 0 {
        request = request.header(header::RANGE, format!("bytes={have}-"));
    }
    let mut response = match request.call() {
        Ok(response) => response,
        Err(error) => return Ok(Err(Failure { reason: chain(&error), retry: false })),
    };
    let start = match response.status() {
        StatusCode::OK => {
            partial.clear()?;
            0
        }
        StatusCode::PARTIAL_CONTENT if range_start(&response) == Some(have) => have,
        StatusCode::PARTIAL_CONTENT | StatusCode::RANGE_NOT_SATISFIABLE => {
            partial.clear()?;
            let reason = "the server cannot continue an earlier download".to_owned();
            return Ok(Err(Failure { reason, retry: have > 0 }));
        }
        status => return Ok(Err(Failure { reason: format!("HTTP status {status}"), retry: false })),
    };
    let total = response.body().content_length().map(|rest| start + rest);

    if total.is_some_and(|total| total > max_len) {
        partial.clear()?;
        return Ok(Err(too_long(total, max_len)));
    }
    let mut done = start;
    let mut chunk = vec![0; 1 << 18];
    let mut body = response.body_mut().as_reader();
    progress(Progress { stage: Stage::Download, done, total });
    let interruption = loop {
        match body.read(&mut chunk) {
            Ok(0) => break None,
            Ok(read) if done + read as u64 > max_len => {
                partial.clear()?;
                return Ok(Err(too_long(None, max_len)));
            }
            Ok(read) => {
                partial.file.write_all(&chunk[..read]).map_err(DataError::io("write", &partial.path))?;
                done += read as u64;
                progress(Progress { stage: Stage::Download, done, total });
            }
            Err(error) => break Some(chain(&error)),
        }
    };
    if interruption.is_none() && total.is_none_or(|total| done == total) {
        return Ok(Ok(()));
    }
    let of = total.map(|total| format!(" of {total}")).unwrap_or_default();
    let reason = interruption.unwrap_or_else(|| "the connection was closed".to_owned());
    Ok(Err(Failure { reason: format!("{reason} after {done}{of} bytes"), retry: done > start }))
}

/// The content is refused by its length, stated or reached.
fn too_long(total: Option<u64>, max_len: u64) -> Failure {
    let len = total.map_or_else(|| "more and more".to_owned(), |total| total.to_string());
    let reason = format!("{len} bytes, expected at most the {max_len} that the data set has unpacked");
    Failure { reason, retry: false }
}

/// The first byte position of a `Content-Range: bytes first-last/total`.
fn range_start<B>(response: &Response<B>) -> Option<u64> {
    let range = response.headers().get(header::CONTENT_RANGE)?.to_str().ok()?;
    range.strip_prefix("bytes ")?.split('-').next()?.trim().parse().ok()
}

/// An error and its causes on one line.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let message = error.to_string();
        if !text.contains(&message) {
            text.push_str(": ");
            text.push_str(&message);
        }
        cause = error.source();
    }
    text
}
