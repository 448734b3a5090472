//! One file from one address.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write as _};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use ureq::http::header::{CONTENT_LENGTH, RANGE};
use ureq::http::{Response, StatusCode};
use ureq::{Agent, Body, Error};

use super::authorization::authorized;
use crate::apt::pace::Pace;
use crate::apt::{Download, Outcome, Patience};
use base::address::public;

/// Why an attempt failed.
pub enum Failed {
    /// A retry may succeed; what was received so far is kept.
    ForNow(Outcome),
    /// A retry is useless.
    ForGood(Outcome),
}

/// Fetches a file, from where an earlier try left it. Adds the bytes that come to `done`.
pub fn transfer(agent: &Agent, download: &Download, patience: Patience, done: &AtomicU64) -> Result<(), Failed> {
    let Download { uri, target, .. } = download;
    let io = |error: io::Error| Failed::ForGood(Outcome::Failed(format!("cannot write `{}`: {error}", target.display())));
    let have = fs::metadata(target).map_or(0, |file| file.len());
    let mut request = authorized(agent.get(public(uri)), uri);
    if have > 0 {
        request = request.header(RANGE, format!("bytes={have}-"));
    }
    let response = request.call().map_err(|error| classify(&error))?;
    let continues = match response.status() {
        StatusCode::OK => false,
        StatusCode::PARTIAL_CONTENT if have > 0 => true,
        // The existing part has the full length; its digest shows whether it is the right file.
        StatusCode::RANGE_NOT_SATISFIABLE if have > 0 => return Ok(()),
        status => return Err(refused(status)),
    };
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

/// What a server's refusal means for a transfer.
pub fn refused(status: StatusCode) -> Failed {
    let outcome = Outcome::Failed(format!("the server answered {status}"));
    match status.as_u16() {
        404 | 410 => Failed::ForGood(Outcome::NotFound),
        408 | 425 | 429 | 500..=599 => Failed::ForNow(outcome),
        _ => Failed::ForGood(outcome),
    }
}

/// Sorts errors by what can be done about them.
pub fn classify(error: &Error) -> Failed {
    match error {
        Error::HostNotFound => Failed::ForNow(Outcome::Unreachable("the host's name cannot be resolved".into())),
        Error::ConnectionFailed | Error::Timeout(ureq::Timeout::Connect | ureq::Timeout::Resolve) => {
            Failed::ForNow(Outcome::Unreachable(format!("cannot connect: {error}")))
        }
        Error::ConnectProxyFailed(reason) => Failed::ForNow(Outcome::Unreachable(format!("the proxy refused: {reason}"))),
        Error::Io(io) if is_unreachable(io) => Failed::ForNow(Outcome::Unreachable(format!("cannot connect: {io}"))),
        Error::BadUri(_) | Error::Http(_) | Error::InvalidProxyUrl | Error::TooManyRedirects | Error::RedirectFailed | Error::Rustls(_) => {
            Failed::ForGood(Outcome::Failed(error.to_string()))
        }
        _ => Failed::ForNow(Outcome::Failed(error.to_string())),
    }
}

fn is_unreachable(error: &io::Error) -> bool {
    use io::ErrorKind::{AddrNotAvailable, ConnectionRefused, HostUnreachable, NetworkUnreachable};
    matches!(error.kind(), AddrNotAvailable | ConnectionRefused | HostUnreachable | NetworkUnreachable)
}
