//! The entry of a result in a cache: an `ActionResult` of Bazel's Remote Execution API, version 2, in the encoding of protocol buffers.
//!
//! Servers that know the API check an entry: they refuse another format, and hide an entry whose files they do not have. The field numbers are
//! those of `remote_execution.proto`. Only the fields that Kaon needs are written, and others are ignored.

use base::digest::Digest;

/// A file of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its name.
    pub path: String,
    /// The digest of its content.
    pub sha256: Digest,
    /// Its size, in bytes.
    pub size_bytes: u64,
    /// Its content, if the entry includes it.
    pub contents: Option<Vec<u8>>,
}

/// `ActionResult.output_files`
const OUTPUT_FILES: u64 = 2;
/// `ActionResult.execution_metadata`
const METADATA: u64 = 9;
/// `ExecutedActionMetadata.worker`
const WORKER: u64 = 1;
/// `OutputFile.path`
const PATH: u64 = 1;
/// `OutputFile.digest`
const DIGEST: u64 = 2;
/// `OutputFile.contents`
const CONTENTS: u64 = 5;
/// `Digest.hash`
const HASH: u64 = 1;
/// `Digest.size_bytes`
const SIZE: u64 = 2;

/// The kinds of values (Protocol Buffers, "Encoding"): a number, and bytes prefixed with their length.
const VARINT: u64 = 0;
const BYTES: u64 = 2;

/// Writes the entry of `files`; `worker` names the builder.
pub fn encode(files: &[File], worker: &str) -> Vec<u8> {
    let mut entry = Vec::new();
    for file in files {
        let mut digest = Vec::new();
        put_bytes(&mut digest, HASH, file.sha256.hex().as_bytes());
        put_number(&mut digest, SIZE, file.size_bytes);
        let mut output = Vec::new();
        put_bytes(&mut output, PATH, file.path.as_bytes());
        put_bytes(&mut output, DIGEST, &digest);
        if let Some(contents) = &file.contents {
            put_bytes(&mut output, CONTENTS, contents);
        }
        put_bytes(&mut entry, OUTPUT_FILES, &output);
    }
    let mut metadata = Vec::new();
    put_bytes(&mut metadata, WORKER, worker.as_bytes());
    put_bytes(&mut entry, METADATA, &metadata);
    entry
}

/// The files of an entry; `None` if the bytes are not an entry.
pub fn decode(entry: &[u8]) -> Option<Vec<File>> {
    let mut files = Vec::new();
    for field in Fields(entry) {
        if let (OUTPUT_FILES, Value::Bytes(output)) = field? {
            files.push(file(output)?);
        }
    }
    Some(files)
}

fn file(output: &[u8]) -> Option<File> {
    let (mut path, mut digest, mut contents) = (None, None, None);
    for field in Fields(output) {
        match field? {
            (PATH, Value::Bytes(bytes)) => path = Some(String::from_utf8(bytes.to_vec()).ok()?),
            (DIGEST, Value::Bytes(bytes)) => digest = Some(hash_and_size(bytes)?),
            (CONTENTS, Value::Bytes(bytes)) => contents = Some(bytes.to_vec()),
            (_, Value::Bytes(_) | Value::Other | Value::Number(_)) => {}
        }
    }
    let (sha256, size_bytes) = digest?;
    Some(File { path: path?, sha256, size_bytes, contents })
}

/// A digest and a size. A missing size is 0, the default of every absent number.
fn hash_and_size(digest: &[u8]) -> Option<(Digest, u64)> {
    let (mut sha256, mut size_bytes) = (None, 0);
    for field in Fields(digest) {
        match field? {
            (HASH, Value::Bytes(bytes)) => sha256 = Some(std::str::from_utf8(bytes).ok()?.parse().ok()?),
            (SIZE, Value::Number(number)) => size_bytes = number,
            (_, Value::Bytes(_) | Value::Other | Value::Number(_)) => {}
        }
    }
    Some((sha256?, size_bytes))
}

fn put_varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn put_number(out: &mut Vec<u8>, field: u64, number: u64) {
    put_varint(out, field << 3 | VARINT);
    put_varint(out, number);
}

fn put_bytes(out: &mut Vec<u8>, field: u64, bytes: &[u8]) {
    put_varint(out, field << 3 | BYTES);
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    /// A number of fixed width, which no field here has.
    Other,
}

/// The fields of a message, in order. A truncated or malformed field is `None`, and the last item.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn varint(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let (first, rest) = self.0.split_first()?;
            self.0 = rest;
            number |= u64::from(first & 0x7f) << shift;
            if first & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    fn take(&mut self, length: u64) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(usize::try_from(length).ok()?)?;
        self.0 = rest;
        Some(taken)
    }

    fn field(&mut self) -> Option<(u64, Value<'a>)> {
        let tag = self.varint()?;
        let value = match tag & 7 {
            VARINT => Value::Number(self.varint()?),
            BYTES => {
                let length = self.varint()?;
                Value::Bytes(self.take(length)?)
            }
            1 => self.take(8).map(|_| Value::Other)?,
            5 => self.take(4).map(|_| Value::Other)?,
            _ => return None,
        };
        Some((tag >> 3, value))
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Option<(u64, Value<'a>)>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_none() {
            self.0 = &[];
        }
        Some(field)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files() -> Vec<File> {
        let one = |path: &str, size_bytes, contents: Option<&[u8]>| File {
            path: path.into(),
            sha256: Digest::of_bytes(path),
            size_bytes,
            contents: contents.map(<[u8]>::to_vec),
        };
        vec![one("result.dsse.json", 2, Some(b"{}")), one("packages/a.rpm", 300_000_000_000, None), one("empty", 0, Some(b""))]
    }

    #[test]
    fn what_is_encoded_is_decoded() {
        assert_eq!(decode(&encode(&files(), "me")), Some(files()));
        assert_eq!(decode(&encode(&[], "me")), Some(vec![]));
    }

    /// Tags and lengths as `protoc --decode_raw` shows them.
    #[test]
    fn the_bytes_are_those_of_protocol_buffers() {
        let file = File { path: "a".into(), sha256: Digest::of_bytes(""), size_bytes: 300, contents: None };
        let mut expected = vec![0x12, 74, 0x0a, 1, b'a', 0x12, 69, 0x0a, 64];
        expected.extend(Digest::of_bytes("").hex().bytes());
        expected.extend([0x10, 0xac, 0x02, 0x4a, 3, 0x0a, 1, b'w']);
        assert_eq!(encode(&[file], "w"), expected);
    }

    #[test]
    fn unknown_fields_are_passed_over_and_broken_ones_are_not() {
        let mut entry = encode(&files(), "me");
        entry.extend([0x20, 5, 0x7d, 1, 2, 3, 4, 0x79, 1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(decode(&entry), Some(files()));
        for cut in 1..entry.len() {
            // Cut at the end of a field, the rest is a valid shorter entry. No cut panics.
            assert!(decode(&entry[..cut]).is_none_or(|found| found.len() <= 3));
        }
        for broken in [&[0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f][..], &[0x13], &[0xff; 11], &[0x12, 2, 0x0a, 9]] {
            assert_eq!(decode(broken), None, "{broken:x?}");
        }
    }
}
