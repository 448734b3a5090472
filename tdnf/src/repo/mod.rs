//! Package repositories: their signed metadata, read and checked.

mod error;
mod filelists;
mod primary;
mod repomd;
mod xml;

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::keyring::Keyring;
use crate::package::Package;
use repomd::{Document, Repomd};

pub use error::RepoError;

/// Metadata that unpacks to more than this is refused.
const LARGEST_DOCUMENT_BYTES: u64 = 2 << 30;

/// A package that a repository offers.
#[derive(Clone, Debug)]
pub struct Offer {
    /// What the metadata says of it. What is installed is what the signed package itself says.
    pub package: Package,
    /// Where the package file lies, relative to the repository.
    pub location: String,
    /// SHA-256 of the package file, in lowercase hexadecimal.
    pub sha256: String,
    /// One line saying what it is.
    pub summary: String,
}

/// A repository in a directory whose metadata was checked.
#[derive(Debug)]
pub struct Repository {
    folder: PathBuf,
    repomd: Repomd,
    /// The packages it offers, in the order of the metadata.
    pub offers: Vec<Offer>,
}

impl Repository {
    /// Reads the repository in `folder`: `repodata/repomd.xml`, its detached signature, and the list of packages, each by its digest.
    ///
    /// # Errors
    /// When a file is missing, damaged or malformed, or the signature is by none of `keys`.
    pub fn open(folder: &Path, keys: &Keyring) -> Result<Self, RepoError> {
        let index = read(&folder.join("repodata/repomd.xml"))?;
        let signature_path = folder.join("repodata/repomd.xml.asc");
        let signature = read(&signature_path)?;
        let untrusted = |source| RepoError::Untrusted { folder: folder.to_owned(), source };
        keys.check_armoured(&index, &String::from_utf8_lossy(&signature)).map_err(untrusted)?;
        let repomd = Repomd::parse(&text(index, "repomd.xml")?)?;
        let primary = document(folder, repomd.document("primary")?)?;
        let offers = primary::parse(&primary)?;
        Ok(Self { folder: folder.to_owned(), repomd, offers })
    }

    /// Gives every package all its paths, which the list of packages names only in part.
    ///
    /// # Errors
    /// When the file list is missing, damaged or malformed.
    pub fn read_filelists(&mut self) -> Result<(), RepoError> {
        let text = document(&self.folder, self.repomd.document("filelists")?)?;
        filelists::add(&text, &mut self.offers)
    }

    /// The file of a package, once its digest was checked.
    ///
    /// # Errors
    /// When it is missing or not what the metadata says.
    pub fn package_file(&self, offer: &Offer) -> Result<PathBuf, RepoError> {
        let path = self.folder.join(&offer.location);
        let io = |source| RepoError::Io { path: path.clone(), source };
        let mut file = File::open(&path).map_err(io)?;
        let mut hasher = Sha256::new();
        let mut buffer = vec![0; 256 * 1024];
        loop {
            match file.read(&mut buffer).map_err(io)? {
                0 => break,
                read => hasher.update(&buffer[..read]),
            }
        }
        if hex::encode(hasher.finalize()) == offer.sha256 { Ok(path) } else { Err(RepoError::Digest { path }) }
    }
}

fn read(path: &Path) -> Result<Vec<u8>, RepoError> {
    std::fs::read(path).map_err(|source| RepoError::Io { path: path.to_owned(), source })
}

fn text(bytes: Vec<u8>, document: &str) -> Result<String, RepoError> {
    String::from_utf8(bytes).map_err(|_| RepoError::Malformed { document: document.to_owned(), reason: "it is not UTF-8".into() })
}

/// A document of the metadata, unpacked, its digests checked both packed and unpacked where both are given.
fn document(folder: &Path, document: &Document) -> Result<String, RepoError> {
    let path = folder.join(&document.location);
    let wrong = || RepoError::Digest { path: path.clone() };
    let packed = read(&path)?;
    if hex::encode(Sha256::digest(&packed)) != document.sha256 {
        return Err(wrong());
    }
    let limit = document.open_size.unwrap_or(LARGEST_DOCUMENT_BYTES).min(LARGEST_DOCUMENT_BYTES);
    let unpacked = unpack(&packed, limit).map_err(|source| RepoError::Io { path: path.clone(), source })?;
    if document.open_sha256.as_ref().is_some_and(|expected| hex::encode(Sha256::digest(&unpacked)) != *expected) {
        return Err(wrong());
    }
    text(unpacked, &document.location)
}

/// Unpacks zstd or gzip, told by their magic numbers; anything else is taken as it is. One byte more than `limit` is an error.
fn unpack(packed: &[u8], limit: u64) -> io::Result<Vec<u8>> {
    let mut unpacked = Vec::new();
    let source: Box<dyn Read + '_> = match packed {
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Box::new(zstd::Decoder::new(packed)?),
        [0x1f, 0x8b, ..] => Box::new(flate2::read::MultiGzDecoder::new(packed)),
        _ => Box::new(packed),
    };
    source.take(limit.saturating_add(1)).read_to_end(&mut unpacked)?;
    if unpacked.len() as u64 > limit {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "it unpacks to more than the index says"));
    }
    Ok(unpacked)
}
