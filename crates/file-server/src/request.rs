//! What clients ask for.

use std::io::{self, BufRead, Read as _};

use super::{BAD_REQUEST, NOT_ALLOWED, Status};

/// A request's line and headers together are no longer.
pub(super) const LONGEST_REQUEST_BYTES: u64 = 16 << 10;

/// What is to be done with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Get,
    Head,
    Put,
}

/// The head of a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Request {
    pub method: Method,
    pub path: String,
    /// From which byte on the file is wanted.
    pub from: Option<u64>,
    pub host: String,
    /// How long the content is that follows, in bytes.
    pub length: Option<u64>,
    pub authorization: Option<String>,
    /// Whether the client waits for permission to send the content (RFC 9110, 10.1.1).
    pub waits: bool,
    /// What the file must still be to be replaced.
    pub condition: Option<Condition>,
}

/// What must be true of a file so that it is replaced (RFC 9110, 13.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    /// It has one of these tags, in quotes.
    Is(String),
    /// There is none.
    IsAbsent,
}

/// Reads the head of a request: its first line, and of its headers those that matter.
pub(super) fn read(input: &mut impl BufRead) -> io::Result<Result<Request, Status>> {
    let mut left = LONGEST_REQUEST_BYTES;
    let Some(first) = line(input, &mut left)? else { return Ok(Err(BAD_REQUEST)) };
    let mut request = match first_line(&first) {
        Ok(request) => request,
        Err(status) => return Ok(Err(status)),
    };
    while let Some(line) = line(input, &mut left)? {
        if line.is_empty() {
            return Ok(Ok(request));
        }
        if let Some((name, value)) = line.split_once(':') {
            header(&mut request, &name.to_ascii_lowercase(), value.trim());
        }
    }
    Ok(Err(BAD_REQUEST))
}

/// A line without its end, of at most `left` bytes; nothing where the input or the room ends before it.
fn line(input: &mut impl BufRead, left: &mut u64) -> io::Result<Option<String>> {
    let mut bytes = Vec::new();
    let read = input.take(*left).read_until(b'\n', &mut bytes)?;
    *left -= read as u64;
    let text = bytes.strip_suffix(b"\n").map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    Ok(text.and_then(|line| String::from_utf8(line.to_vec()).ok()))
}

fn first_line(line: &str) -> Result<Request, Status> {
    let words: Vec<&str> = line.split(' ').collect();
    let [method, path, version] = words[..] else { return Err(BAD_REQUEST) };
    if !version.starts_with("HTTP/1.") {
        return Err(BAD_REQUEST);
    }
    let method = match method {
        "GET" => Method::Get,
        "HEAD" => Method::Head,
        "PUT" => Method::Put,
        _ => return Err(NOT_ALLOWED),
    };
    let path = decoded(path.split('?').next().unwrap_or_default()).ok_or(BAD_REQUEST)?;
    Ok(Request { method, path, from: None, host: String::new(), length: None, authorization: None, waits: false, condition: None })
}

fn header(request: &mut Request, name: &str, value: &str) {
    match name {
        // Only what a client that goes on where it was broken off asks for; anything else gets the whole file.
        "range" => {
            request.from = value.strip_prefix("bytes=").and_then(|range| range.strip_suffix('-')).and_then(|from| from.parse().ok());
        }
        "host" if value.chars().all(|letter| letter.is_ascii_alphanumeric() || ".-:[]".contains(letter)) => {
            value.clone_into(&mut request.host);
        }
        "content-length" => request.length = value.parse().ok(),
        "authorization" => request.authorization = Some(value.to_owned()),
        "if-match" => request.condition = Some(Condition::Is(value.to_owned())),
        "if-none-match" if value == "*" => request.condition = Some(Condition::IsAbsent),
        "expect" => request.waits = value.eq_ignore_ascii_case("100-continue"),
        _ => {}
    }
}

/// A path with its `%2B` and the like written out.
fn decoded(path: &str) -> Option<String> {
    let (mut bytes, mut rest) = (Vec::new(), path.as_bytes());
    while let Some((first, after)) = rest.split_first() {
        if *first == b'%' {
            let digits = std::str::from_utf8(after.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &after[2..];
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    String::from_utf8(bytes).ok()
}

/// The path below the folder, if it has no parts that lead elsewhere.
pub(super) fn below(path: &str) -> Option<&str> {
    let below = path.strip_prefix('/')?;
    let is_plain = |part: &str| !matches!(part, "" | "." | "..") && !part.contains(['\0', '\\']);
    below.split('/').all(is_plain).then_some(below)
}
