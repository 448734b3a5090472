//! One file from one address.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write as _};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ureq::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, RANGE};
use ureq::http::{Response, StatusCode};
use ureq::{Agent, Body};

use super::agent::Network;
use super::authorization::authorized;
use super::proxy::Via;
use super::retry_after::retry_after;
use super::trouble::{Lasts, Trouble};
use crate::apt::busy::is_busy;
use crate::apt::pace::Pace;
use crate::apt::{Download, Outcome, Patience};
use base::address::public;

/// Why an attempt failed.
pub enum Failed {
    /// A retry may succeed; what was received so far is kept.
    ForNow(Outcome),
    /// The server did not answer in time.
    Unanswered(Outcome),
    /// The server has no time at the moment.
    Busy {
        /// Its answer, such as `503 Service Unavailable`.
        answer: String,
        /// When it wants to be asked again.
        after: Option<Duration>,
    },
    /// A retry is useless.
    ForGood(Outcome),
}

/// Fetches a file, from where an earlier try left it. Adds the bytes that come to `done`.
pub fn transfer(agent: &Agent, download: &Download, patience: Patience, network: &Network, done: &AtomicU64) -> Result<(), Failed> {
    let Download { uri, target, .. } = download;
    let io = |error: io::Error| Failed::ForGood(Outcome::Failed(format!("cannot write `{}`: {error}", target.display())));
    let have = fs::metadata(target).map_or(0, |file| file.len());
    let mut request = authorized(agent.get(public(uri)), uri);
    if have > 0 {
        request = request.header(RANGE, format!("bytes={have}-"));
    }
    let response = request.call().map_err(|error| classify(network.trouble(uri, &error, patience.timeout())))?;
    let continues = match response.status() {
        StatusCode::OK => false,
        StatusCode::PARTIAL_CONTENT if have > 0 => true,
        // The existing part has the full length; its digest shows whether it is the right file.
        StatusCode::RANGE_NOT_SATISFIABLE if have > 0 => return Ok(()),
        _ => return Err(refused(&response, uri, network)),
    };
    check_encoding(&response)?;
    if !continues {
        // The earlier bytes are sent again.
        let _ = done.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |bytes| Some(bytes.saturating_sub(have)));
    }
    let file = OpenOptions::new().create(true).append(continues).write(true).truncate(!continues).open(target).map_err(io)?;
    let length = length(&response);
    let before = if continues { have } else { 0 };
    let written = save(response.into_body().into_reader(), (&file, before), download, patience.pace(), done)?;
    match length {
        Some(length) if written < length => {
            Err(Failed::ForNow(Outcome::Failed(format!("the connection ended {} bytes early", length - written))))
        }
        _ => Ok(()),
    }
}

/// Copies a file of this machine to `target`.
pub fn copy(path: &Path, target: &Path, done: &AtomicU64) -> Outcome {
    // Opening a pipe waits for somebody who writes.
    if fs::metadata(path).is_ok_and(|file| !file.is_file()) {
        return Outcome::Failed(format!("`{}` is not a regular file", path.display()));
    }
    match fs::copy(path, target) {
        Ok(bytes) => {
            done.fetch_add(bytes, Ordering::Relaxed);
            Outcome::Fetched
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Outcome::NotFound,
        Err(error) => Outcome::Failed(format!("cannot copy `{}`: {error}", path.display())),
    }
}

fn length(response: &Response<Body>) -> Option<u64> {
    response.headers().get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Appends to a file that has some bytes already; returns the number of bytes received.
fn save(
    mut body: impl Read,
    (mut file, before): (&File, u64),
    download: &Download,
    mut pace: Pace,
    done: &AtomicU64,
) -> Result<u64, Failed> {
    let mut buffer = vec![0; 64 * 1024];
    let mut written = 0;
    loop {
        let read = match body.read(&mut buffer) {
            Ok(0) => return Ok(written),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(Failed::ForNow(Outcome::Failed(error.to_string()))),
        };
        let io = |error: io::Error| Failed::ForGood(Outcome::Failed(format!("cannot write `{}`: {error}", download.target.display())));
        file.write_all(&buffer[..read]).map_err(io)?;
        written += read as u64;
        download.check_length(before + written).map_err(|reason| Failed::ForGood(Outcome::Failed(reason)))?;
        done.fetch_add(read as u64, Ordering::Relaxed);
        // A retry would be just as slow.
        pace.take(read as u64).map_err(|reason| Failed::ForGood(Outcome::Unreachable(reason)))?;
    }
}

/// Refuses content that was changed on the way so that its beginning does not show it. Archives are often sent with an encoding that says no more
/// than what they are.
fn check_encoding(response: &Response<Body>) -> Result<(), Failed> {
    let encoding = response.headers().get(CONTENT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !matches!(encoding.to_ascii_lowercase().as_str(), "br" | "deflate") {
        return Ok(());
    }
    Err(Failed::ForGood(Outcome::Failed(format!("the server compressed it (`Content-Encoding: {encoding}`), which it was not asked for"))))
}

/// What a server's refusal means for a transfer.
pub fn refused(response: &Response<Body>, uri: &str, network: &Network) -> Failed {
    let status = response.status();
    match status.as_u16() {
        404 | 410 => Failed::ForGood(Outcome::NotFound),
        407 => classify(Trouble::wants_password(network.via(uri).as_ref())),
        code if is_busy(code) => {
            Failed::Busy { answer: answered_by(status, network.via(uri).as_ref()), after: retry_after(response.headers()) }
        }
        _ => Failed::ForGood(Outcome::Failed(format!("the server answered {status}"))),
    }
}

/// A status, and the proxy that it may be from.
fn answered_by(status: StatusCode, via: Option<&Via>) -> String {
    match via {
        Some(via) if matches!(status, StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT) => {
            format!("{status} by way of the proxy `{}` (from the variable `{}`)", via.address, via.variable)
        }
        Some(_) | None => status.to_string(),
    }
}

/// Sorts troubles by what can be done about them.
pub fn classify(trouble: Trouble) -> Failed {
    let text = trouble.to_string();
    match trouble.lasts {
        Lasts::Away => Failed::ForNow(Outcome::Unreachable(text)),
        Lasts::Interrupted => Failed::ForNow(Outcome::Failed(text)),
        Lasts::Unanswered => Failed::Unanswered(Outcome::Unreachable(text)),
        Lasts::Server => Failed::ForGood(Outcome::Unreachable(text)),
        Lasts::Request => Failed::ForGood(Outcome::Failed(text)),
    }
}
