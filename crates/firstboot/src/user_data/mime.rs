//! Messages of several parts (RFC 2045, 2046), as programs write them to put several documents into one.

use base64::Engine as _;

/// A part of a message.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Part {
    /// Its type: `text/cloud-config`.
    pub kind: String,
    /// Its name.
    pub file_name: Option<String>,
    /// How it is merged.
    pub merge: String,
    /// Its content; or why it cannot be decoded.
    pub body: Result<Vec<u8>, &'static str>,
}

/// How deep messages may contain messages.
const DEEPEST: usize = 8;

/// All parts that contain no others.
pub(super) fn parts(text: &str) -> Result<Vec<Part>, &'static str> {
    let mut parts = Vec::new();
    walk(text, 0, &mut parts)?;
    Ok(parts)
}

fn walk(text: &str, depth: usize, into: &mut Vec<Part>) -> Result<(), &'static str> {
    if depth > DEEPEST {
        return Err("parts are nested too deep");
    }
    let (headers, body) = headers(text);
    let header = |name: &str| headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str());
    let kind = header("Content-Type").unwrap_or("text/plain");
    if kind.to_ascii_lowercase().starts_with("multipart/") {
        let boundary = parameter(kind, "boundary").ok_or("`Content-Type` has no `boundary`")?;
        return split(body, &boundary)?.into_iter().try_for_each(|part| walk(part, depth + 1, into));
    }
    let file_name = header("Content-Disposition").and_then(|value| parameter(value, "filename")).or_else(|| parameter(kind, "name"));
    into.push(Part {
        kind: kind.split(';').next().unwrap_or_default().trim().to_owned(),
        file_name,
        merge: header("Merge-Type").or_else(|| header("X-Merge-Type")).unwrap_or_default().to_owned(),
        body: decode(body, header("Content-Transfer-Encoding").unwrap_or_default().trim()),
    });
    Ok(())
}

/// The headers, with continued lines put together, and what follows the empty line behind them.
fn headers(text: &str) -> (Vec<(String, String)>, &str) {
    let mut headers: Vec<(String, String)> = Vec::new();
    let mut rest = text.trim_start_matches(['\r', '\n']);
    while let Some((line, after)) = rest.split_once('\n') {
        let line = line.trim_end_matches('\r');
        if line.is_empty() {
            return (headers, after);
        }
        match (line.starts_with([' ', '\t']), headers.last_mut(), line.split_once(':')) {
            (true, Some((_, value)), _) => *value = format!("{value} {}", line.trim()),
            (_, _, Some((name, value))) => headers.push((name.trim().to_owned(), value.trim().to_owned())),
            // A part without headers.
            _ => return (headers, rest),
        }
        rest = after;
    }
    (headers, rest)
}

/// A parameter of a header: `boundary="x"`.
fn parameter(value: &str, name: &str) -> Option<String> {
    let mut pairs = value.split(';').skip(1).filter_map(|pair| pair.split_once('='));
    let (_, text) = pairs.find(|(key, _)| key.trim().eq_ignore_ascii_case(name))?;
    Some(text.trim().trim_matches('"').to_owned()).filter(|text| !text.is_empty())
}

/// What is between the boundaries.
fn split<'a>(body: &'a str, boundary: &str) -> Result<Vec<&'a str>, &'static str> {
    let (open, close) = (format!("--{boundary}"), format!("--{boundary}--"));
    let (mut parts, mut start, mut at) = (Vec::new(), None, 0);
    for line in body.split_inclusive('\n') {
        let word = line.trim_end();
        if word == open || word == close {
            parts.extend(start.map(|start: usize| &body[start..at]));
            start = (word == open).then_some(at + line.len());
        }
        at += line.len();
    }
    // A message that was cut, or whose last boundary is missing.
    parts.extend(start.map(|start| &body[start..]));
    if parts.is_empty() { Err("no part begins with the boundary that `Content-Type` names") } else { Ok(parts) }
}

fn decode(body: &str, encoding: &str) -> Result<Vec<u8>, &'static str> {
    match encoding.to_ascii_lowercase().as_str() {
        "base64" => {
            let packed: String = body.split_whitespace().collect();
            base64::engine::general_purpose::STANDARD.decode(packed).map_err(|_| "it is not Base64, as its header says")
        }
        "quoted-printable" => Ok(quoted_printable(body)),
        "" | "7bit" | "8bit" | "binary" => Ok(body.as_bytes().to_vec()),
        _ => Err("its `Content-Transfer-Encoding` is unknown"),
    }
}

/// RFC 2045, 6.7.
fn quoted_printable(body: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for line in body.split_inclusive('\n') {
        // A `=` at the end of a line joins it to the next one.
        let mut rest = line.trim_end().strip_suffix('=').unwrap_or(line);
        while let Some((before, after)) = rest.split_once('=') {
            bytes.extend(before.as_bytes());
            match after.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
                Some(byte) => {
                    bytes.push(byte);
                    rest = &after[2..];
                }
                None => {
                    bytes.push(b'=');
                    rest = after;
                }
            }
        }
        bytes.extend(rest.as_bytes());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_found_and_decoded() {
        let text = "Content-Type: multipart/mixed;\r\n boundary=\"x y\"\r\nMIME-Version: 1.0\r\n\r\npreamble\r\n--x y\r\nContent-Type: text/cloud-config\r\n\
            Content-Disposition: attachment; filename=\"a.cfg\"\r\n\r\n#cloud-config\r\n--x y\r\nContent-Type: text/x-shellscript; charset=utf-8\r\n\
            Content-Transfer-Encoding: base64\r\n\r\nIyEvYmlu\r\nL3No\r\n--x y\r\nContent-Type: multipart/mixed; boundary=z\r\n\r\n--z\r\n\
            Content-Transfer-Encoding: quoted-printable\r\nMerge-Type: list(append)\r\n\r\na=3Db=\r\nc\r\n--z--\r\n--x y--\r\nepilogue\r\n";
        let parts = parts(text).unwrap();
        let table = [
            ("text/cloud-config", Some("a.cfg"), "", &b"#cloud-config\r\n"[..]),
            ("text/x-shellscript", None, "", b"#!/bin/sh"),
            ("text/plain", None, "list(append)", b"a=bc\r\n"),
        ];
        assert_eq!(parts.len(), table.len());
        for (part, (kind, file_name, merge, body)) in parts.iter().zip(table) {
            assert_eq!((part.kind.as_str(), part.file_name.as_deref(), part.merge.as_str()), (kind, file_name, merge));
            assert_eq!(part.body.as_deref(), Ok(body));
        }
        assert!(super::parts("Content-Type: multipart/mixed\n\nx").is_err());
        assert!(super::parts("Content-Type: multipart/mixed; boundary=a\n\nx").is_err());
    }
}
