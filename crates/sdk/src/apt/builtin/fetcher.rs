//! Reads the signed indexes of a suite from a mirror.

use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;
use lzma_rust2::XzReader;

use super::agent::Network;
use super::keyring::{Keyring, SignatureError};
use super::release::{IndexFile, Release, ReleaseError, now};
use crate::apt::download::by_builtin;
use crate::apt::{AptError, Download, Mirror, Outcome, Patience};
use base::digest::Digest;
use runtime::cancel::Cancel;
use runtime::store::{Scratch, Store};

/// An index of a suite's component `main`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IndexKind {
    /// Binary packages for amd64.
    Packages,
    /// Source packages.
    Sources,
}

impl IndexKind {
    /// Its paths, by compression, the smallest first.
    fn paths(self) -> [&'static str; 3] {
        match self {
            Self::Packages => ["main/binary-amd64/Packages.xz", "main/binary-amd64/Packages.gz", "main/binary-amd64/Packages"],
            Self::Sources => ["main/source/Sources.xz", "main/source/Sources.gz", "main/source/Sources"],
        }
    }

    fn content(self) -> &'static str {
        match self {
            Self::Packages => "packages for amd64",
            Self::Sources => "source packages",
        }
    }
}

/// Why the index of a suite could not be read from a mirror.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// The mirror does not have the suite.
    #[error("{path}: no such file")]
    NoSuite {
        /// Its `Release` file.
        path: String,
    },
    /// A file of the suite could not be fetched.
    #[error("{path}: {reason}")]
    Transfer {
        /// The file.
        path: String,
        /// Why.
        reason: String,
    },
    /// No key of the keyring signed the suite.
    #[error("{path}: {source}")]
    Signature {
        /// The file.
        path: String,
        /// Why.
        source: SignatureError,
    },
    /// The suite's `Release` file cannot be used.
    #[error("{path}: {source}")]
    Release {
        /// The file.
        path: String,
        /// Why.
        source: ReleaseError,
    },
    /// The suite has no such index of the component `main`.
    #[error("the suite `{suite}` has no index of {} in `main`", kind.content())]
    NoIndex {
        /// The suite.
        suite: String,
        /// The index.
        kind: IndexKind,
    },
    /// An index does not match the signed `Release` file.
    #[error("{path} does not match the signed index: expected SHA-256 {expected}, found {found}")]
    WrongBytes {
        /// The index.
        path: String,
        /// The digest in the `Release` file.
        expected: Digest,
        /// The digest of what the mirror returned.
        found: Digest,
    },
    /// An index cannot be unpacked.
    #[error("{path} cannot be unpacked: {reason}")]
    Damaged {
        /// The index.
        path: String,
        /// Why.
        reason: String,
    },
    /// An error unrelated to the mirror.
    #[error(transparent)]
    Other(#[from] AptError),
}

const PATIENCE: Patience = Patience::new(3, 30);

/// The largest size of an unpacked index.
const LARGEST_INDEX_BYTES: u64 = 1 << 30;

/// What mirrors are read with.
pub struct Access<'a> {
    /// Where files are fetched to.
    pub store: &'a Store,
    /// The file of the archive's keys.
    pub keyring: &'a Path,
    /// The mirrors, best first.
    pub mirrors: &'a [Mirror],
    /// Raised to stop.
    pub cancel: &'a Cancel,
}

/// Why no mirror returned an index.
pub struct Refusals {
    /// The reasons, mirror by mirror.
    pub reasons: String,
    /// Whether all that is wrong is that no mirror has the suite.
    pub is_absence: bool,
}

impl Access<'_> {
    /// The result of `read` for the first mirror with which it succeeds. The inner error is about the mirrors, the outer one about anything
    /// else.
    ///
    /// # Errors
    /// When the keyring cannot be used, the store fails, or the user asked to stop.
    pub fn first<T>(&self, read: impl Fn(&Fetcher<'_>) -> Result<T, IndexError>) -> Result<Result<T, Refusals>, AptError> {
        let keyring = Keyring::read(self.keyring, now())?;
        let (mut reasons, mut is_absence) = (Vec::new(), true);
        for mirror in self.mirrors {
            let (scratch, network) = (self.store.scratch("index")?, Network::from_environment());
            match read(&Fetcher { mirror, keyring: &keyring, scratch, network, cancel: self.cancel }) {
                Ok(found) => return Ok(Ok(found)),
                Err(IndexError::Other(error)) => return Err(error),
                Err(error) => {
                    is_absence &= matches!(error, IndexError::NoSuite { .. });
                    reasons.push(format!("{mirror}: {error}"));
                }
            }
        }
        Ok(Err(Refusals { reasons: reasons.join("; "), is_absence }))
    }
}

/// Reads from one mirror.
pub struct Fetcher<'a> {
    mirror: &'a Mirror,
    keyring: &'a Keyring,
    scratch: Scratch,
    network: Network,
    cancel: &'a Cancel,
}

impl Fetcher<'_> {
    /// The texts of indexes of a suite, after checking signature and digests.
    ///
    /// # Errors
    /// When the mirror does not have one of them as it was signed.
    pub fn suite(&self, suite: &str, kinds: &[IndexKind]) -> Result<Vec<String>, IndexError> {
        let folder = format!("dists/{suite}");
        let release = self.release(&folder)?;
        let in_release = |source| IndexError::Release { path: format!("{folder}/Release"), source };
        let release = Release::parse(&release).map_err(in_release)?;
        release.check(suite, now()).map_err(in_release)?;
        let text = |kind: &IndexKind| {
            let index = kind.paths().into_iter().find_map(|path| Some((path, *release.files.get(path)?)));
            let (path, file) = index.ok_or_else(|| IndexError::NoIndex { suite: suite.to_owned(), kind: *kind })?;
            let packed = self.index(&folder, path, file, release.has_by_hash)?;
            unpack(&packed, path, LARGEST_INDEX_BYTES)
                .map_err(|error| IndexError::Damaged { path: format!("{folder}/{path}"), reason: error.to_string() })
        };
        kinds.iter().map(text).collect()
    }

    /// The text of the suite's `Release` file, after checking its signature.
    fn release(&self, folder: &str) -> Result<String, IndexError> {
        let signature = |path: &str| {
            let path = path.to_owned();
            move |source| IndexError::Signature { path, source }
        };
        let path = format!("{folder}/InRelease");
        if let Some(file) = self.get_if_there(&path)? {
            return self.keyring.signed_text(&text(&file)?).map_err(signature(&path));
        }
        let (path, signatures) = (format!("{folder}/Release"), format!("{folder}/Release.gpg"));
        let Some(release) = self.get_if_there(&path)? else { return Err(IndexError::NoSuite { path }) };
        let release = text(&release)?;
        let signatures = text(&self.get(&signatures)?)?;
        self.keyring.check_detached(release.as_bytes(), &signatures).map_err(signature(&path))?;
        Ok(release)
    }

    /// The file of an index, after checking its digest. While a mirror is being updated, only the name by digest is reliable.
    fn index(&self, folder: &str, path: &str, file: IndexFile, has_by_hash: bool) -> Result<PathBuf, IndexError> {
        let plain = format!("{folder}/{path}");
        let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
        let by_hash = format!("{folder}/{parent}/by-hash/SHA256/{}", file.sha256);
        let found = if has_by_hash { self.get_if_there(&by_hash)? } else { None };
        let packed = match found {
            Some(packed) => packed,
            None => self.get(&plain)?,
        };
        let found = Digest::of_file(&packed).map_err(|source| AptError::io("read", &packed, source))?;
        if found != file.sha256 {
            return Err(IndexError::WrongBytes { path: plain, expected: file.sha256, found });
        }
        Ok(packed)
    }

    fn get(&self, path: &str) -> Result<PathBuf, IndexError> {
        let missing = || IndexError::Transfer { path: path.to_owned(), reason: "no such file".into() };
        self.get_if_there(path)?.ok_or_else(missing)
    }

    fn get_if_there(&self, path: &str) -> Result<Option<PathBuf>, IndexError> {
        let target = self.scratch.path().join(path.replace('/', "_"));
        let item = Download::new(self.mirror.file(path), target.clone());
        let outcome = by_builtin(&[item], PATIENCE, &self.network, &|_| {}, self.cancel)?.into_iter().next();
        match outcome {
            Some(Outcome::Fetched) => Ok(Some(target)),
            Some(Outcome::NotFound) | None => Ok(None),
            Some(Outcome::Unreachable(reason) | Outcome::Failed(reason)) => Err(IndexError::Transfer { path: path.to_owned(), reason }),
        }
    }
}

fn text(path: &Path) -> Result<String, AptError> {
    let bytes = fs::read(path).map_err(|source| AptError::io("read", path, source))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn unpack(packed: &Path, name: &str, most_bytes: u64) -> io::Result<String> {
    let file = BufReader::new(File::open(packed)?);
    let stream: Box<dyn Read> = match name.rsplit('.').next() {
        Some("xz") => Box::new(XzReader::new(file, true)),
        Some("gz") => Box::new(MultiGzDecoder::new(file)),
        _ => Box::new(file),
    };
    let mut text = String::new();
    let read = stream.take(most_bytes + 1).read_to_string(&mut text)?;
    if read as u64 > most_bytes {
        return Err(io::Error::other(format!("it is larger than {most_bytes} bytes")));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn an_index_larger_than_the_limit_is_refused_and_not_cut_off() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("Sources.gz");
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&[b'x'; 1000]).unwrap();
        fs::write(&path, gzip.finish().unwrap()).unwrap();
        assert_eq!(unpack(&path, "Sources.gz", 1000).unwrap().len(), 1000);
        assert_eq!(unpack(&path, "Sources.gz", 999).unwrap_err().to_string(), "it is larger than 999 bytes");
    }
}
