//! A document of a repository, read as it is unpacked: no memory is needed for all of it at once.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use super::repomd::Document;
use super::{LARGEST_DOCUMENT_BYTES, LARGEST_PACKED_BYTES, RepoError, unpack};
use crate::checksum::{self, Hasher};

/// Lets `read` read a document below `folder`. Its digest is checked before anything is unpacked, and that of what it unpacks to, where it is
/// given, at the end: what was read means nothing before.
pub(super) fn read<T>(
    folder: &Path,
    document: &Document,
    read: impl FnOnce(&mut dyn BufRead) -> Result<T, RepoError>,
) -> Result<T, RepoError> {
    let path = folder.join(&document.location);
    let io = |source| RepoError::Io { path: path.clone(), source };
    let wrong = || RepoError::Digest { path: path.clone() };
    let limit_bytes = document.size.unwrap_or(LARGEST_PACKED_BYTES).min(LARGEST_PACKED_BYTES);
    let packed = File::open(&path).map_err(io)?;
    if packed.metadata().map_err(io)?.len() > limit_bytes {
        return Err(RepoError::TooLarge { path: path.clone(), limit_bytes });
    }
    if !checksum::has(&path, &document.checksum).map_err(io)? {
        return Err(wrong());
    }
    let limit = document.open_size.unwrap_or(LARGEST_DOCUMENT_BYTES).min(LARGEST_DOCUMENT_BYTES);
    let hasher = Hasher::like(document.open_checksum.as_deref().unwrap_or_default());
    let unpacked = unpack::unpack(BufReader::new(packed), limit).map_err(io)?;
    let mut reader = BufReader::with_capacity(64 << 10, Watched { inner: unpacked, hasher, failure: None });
    let outcome = read(&mut reader);
    if let Some(source) = reader.get_mut().failure.take() {
        return Err(io(source));
    }
    let outcome = outcome?;
    io::copy(&mut reader, &mut io::sink()).map_err(io)?;
    let digest = reader.into_inner().hasher.hex();
    if document.open_checksum.as_ref().is_some_and(|expected| digest != *expected) {
        return Err(wrong());
    }
    Ok(outcome)
}

/// Hashes what passes, and remembers why nothing more does: who parses it can only say that it is not what it should be.
struct Watched<R> {
    inner: R,
    hasher: Hasher,
    failure: Option<io::Error>,
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.inner.read(buffer) {
            Ok(read) => {
                self.hasher.update(&buffer[..read]);
                Ok(read)
            }
            Err(error) => {
                let copy = io::Error::new(error.kind(), error.to_string());
                self.failure = Some(error);
                Err(copy)
            }
        }
    }
}
