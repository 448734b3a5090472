//! Package repositories: their signed metadata, read and checked, and the index kept of it.

mod error;
mod filelists;
pub mod index;
mod metalink;
mod other;
mod primary;
mod repomd;
mod unpack;
mod updateinfo;
mod xml;

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::keyring::Keyring;
use crate::package::{Details, Package};

pub use error::RepoError;
pub use index::Index;
pub use metalink::Metalink;
pub use other::Change;
pub use repomd::{Document, Repomd};
pub use updateinfo::{Advisory, AdvisoryKind};

/// A document larger than this is not read, whatever the index says.
pub const LARGEST_PACKED_BYTES: u64 = 512 << 20;

/// A document that unpacks to more than this is refused.
const LARGEST_DOCUMENT_BYTES: u64 = 2 << 30;

/// An index, a list of mirrors, a signature or a key larger than this is refused.
pub const LARGEST_INDEX_BYTES: u64 = 16 << 20;

/// A package that a repository offers.
#[derive(Clone, Debug)]
pub struct Offer {
    /// What the metadata says of it. What is installed is what the signed package itself says.
    pub package: Package,
    /// What only queries show.
    pub details: Details,
    /// Where the package file lies, relative to the repository.
    pub location: String,
    /// SHA-256 of the package file, in lowercase hexadecimal.
    pub sha256: String,
}

/// The metadata of a repository in a directory, its index checked.
#[derive(Debug)]
pub struct Metadata {
    folder: PathBuf,
    /// The index.
    pub repomd: Repomd,
}

impl Metadata {
    /// Reads `repodata/repomd.xml` below `folder` and, where `keys` are given, checks its detached signature.
    ///
    /// # Errors
    /// When a file is missing, damaged or malformed, or the signature is by none of `keys`.
    pub fn open(folder: &Path, keys: Option<&Keyring>) -> Result<Self, RepoError> {
        let index = read(&folder.join("repodata/repomd.xml"), LARGEST_INDEX_BYTES)?;
        if let Some(keys) = keys {
            let signature = read(&folder.join("repodata/repomd.xml.asc"), LARGEST_INDEX_BYTES)?;
            let untrusted = |source| RepoError::Untrusted { folder: folder.to_owned(), source };
            keys.check_armoured(&index, &String::from_utf8_lossy(&signature)).map_err(untrusted)?;
        }
        Ok(Self { folder: folder.to_owned(), repomd: Repomd::parse(&text(index, "repomd.xml")?)? })
    }

    /// The packages, in the order of the metadata, with those of their paths that dependencies usually name.
    ///
    /// # Errors
    /// When the list is missing, damaged or malformed.
    pub fn offers(&self) -> Result<Vec<Offer>, RepoError> {
        primary::parse(&self.document("primary")?)
    }

    /// Gives every package all its paths.
    ///
    /// # Errors
    /// When the file list is missing, damaged or malformed.
    pub fn read_filelists(&self, offers: &mut [Offer]) -> Result<(), RepoError> {
        filelists::add(&self.document("filelists")?, offers)
    }

    /// The advisories; none where the repository has none.
    ///
    /// # Errors
    /// When they are damaged or malformed.
    pub fn advisories(&self) -> Result<Vec<Advisory>, RepoError> {
        if self.repomd.get("updateinfo").is_none() {
            return Ok(Vec::new());
        }
        updateinfo::parse(&self.document("updateinfo")?)
    }

    /// The change logs, by the SHA-256 of the package's file.
    ///
    /// # Errors
    /// When they are missing, damaged or malformed.
    pub fn changes(&self) -> Result<HashMap<String, Vec<Change>>, RepoError> {
        other::parse(&self.document("other")?)
    }

    /// A document, unpacked, its digests checked both packed and unpacked where both are given.
    fn document(&self, kind: &'static str) -> Result<String, RepoError> {
        let document = self.repomd.document(kind)?;
        let path = self.folder.join(&document.location);
        let wrong = || RepoError::Digest { path: path.clone() };
        let packed = read(&path, document.size.unwrap_or(LARGEST_PACKED_BYTES).min(LARGEST_PACKED_BYTES))?;
        if hex::encode(Sha256::digest(&packed)) != document.sha256 {
            return Err(wrong());
        }
        let limit = document.open_size.unwrap_or(LARGEST_DOCUMENT_BYTES).min(LARGEST_DOCUMENT_BYTES);
        let unpacked = unpack::unpack(&packed, limit).map_err(|source| RepoError::Io { path: path.clone(), source })?;
        if document.open_sha256.as_ref().is_some_and(|expected| hex::encode(Sha256::digest(&unpacked)) != *expected) {
            return Err(wrong());
        }
        text(unpacked, &document.location)
    }
}

/// The SHA-256 of a file, in lowercase hexadecimal.
///
/// # Errors
/// When it cannot be read.
pub fn digest_of(path: &Path) -> std::io::Result<String> {
    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 256 * 1024];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hex::encode(hasher.finalize())),
            read => hasher.update(&buffer[..read]),
        }
    }
}

/// Reads a file of at most `limit` bytes.
fn read(path: &Path, limit: u64) -> Result<Vec<u8>, RepoError> {
    let io = |source| RepoError::Io { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    File::open(path).map_err(io)?.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(io)?;
    if bytes.len() as u64 > limit {
        return Err(RepoError::TooLarge { path: path.to_owned(), limit_bytes: limit });
    }
    Ok(bytes)
}

fn text(bytes: Vec<u8>, document: &str) -> Result<String, RepoError> {
    String::from_utf8(bytes).map_err(|_| RepoError::Malformed { document: document.to_owned(), reason: "it is not UTF-8".into() })
}
