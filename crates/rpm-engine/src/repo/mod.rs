//! Package repositories: their signed metadata, read and checked, and the index kept of it.

mod document;
mod error;
mod filelists;
pub mod index;
mod metalink;
mod modules;
mod other;
pub mod percent;
mod primary;
mod repomd;
mod unpack;
mod updateinfo;
mod xml;

use std::collections::{BTreeSet, HashMap};
use std::fs::File;
use std::io::{BufRead, Read};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::keyring::KeyringAt;
use crate::package::{Details, Nevra, Package};

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
    /// Where the package file is: a path relative to the repository, as it is, or an encoded address if it is elsewhere (`xml:base`).
    pub location: String,
    /// The checksum of the package file, in lowercase hexadecimal; which it is its length says.
    pub checksum: String,
}

impl Offer {
    /// Where the package file is put in a copy of the repository, relative to it.
    pub fn path(&self) -> String {
        if self.location.contains("://") { self.file_name() } else { self.location.clone() }
    }

    /// How the package file is called.
    pub fn file_name(&self) -> String {
        let text = match self.location.contains("://") {
            true => String::from_utf8_lossy(&percent::decoded(&self.location)).into_owned(),
            false => self.location.clone(),
        };
        text.rsplit_once('/').map_or(text.as_str(), |(_, name)| name).to_owned()
    }
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
    /// When a file is missing, damaged or malformed, or the signature is by none of `keys`, or by one that is not valid any more.
    pub fn open(folder: &Path, keys: Option<KeyringAt<'_>>) -> Result<Self, RepoError> {
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
    /// When the list is missing or damaged, or what it says of any package makes no sense.
    pub fn offers(&self) -> Result<Vec<Offer>, RepoError> {
        let mut offers = Vec::new();
        let left_out = self.each_offer(|offer| {
            offers.push(offer);
            Ok(())
        })?;
        match left_out.into_iter().next() {
            Some(reason) => Err(RepoError::Malformed { document: "primary.xml".into(), reason }),
            None => Ok(offers),
        }
    }

    /// As [`Metadata::offers`], one at a time; they are to be believed when all were given. Packages of which something makes no sense are
    /// left out, and returned as texts that say why.
    ///
    /// # Errors
    /// When the list is missing, damaged or malformed, or as `each` says.
    pub fn each_offer(&self, each: impl FnMut(Offer) -> Result<(), RepoError>) -> Result<Vec<String>, RepoError> {
        self.read("primary", |xml| primary::parse(xml, each))
    }

    /// Gives every package all its paths.
    ///
    /// # Errors
    /// When the file list is missing, damaged or malformed.
    pub fn read_filelists(&self, offers: &mut [Offer]) -> Result<(), RepoError> {
        let by_digest: HashMap<String, usize> = offers.iter().enumerate().map(|(index, offer)| (offer.checksum.clone(), index)).collect();
        self.each_filelist(|digest, paths| {
            if let Some(offer) = by_digest.get(digest).and_then(|index| offers.get_mut(*index)) {
                offer.package.paths = paths;
            }
            Ok(())
        })
    }

    /// Gives `each` the checksum of each package's file, and all paths of the package. They are to be believed when all were given.
    ///
    /// # Errors
    /// When the file list is missing, damaged or malformed, or as `each` says.
    pub fn each_filelist(&self, each: impl FnMut(&str, Vec<String>) -> Result<(), RepoError>) -> Result<(), RepoError> {
        self.read("filelists", |xml| filelists::parse(xml, each))
    }

    /// The advisories; none where the repository has none.
    ///
    /// # Errors
    /// When they are damaged or malformed.
    pub fn advisories(&self) -> Result<Vec<Advisory>, RepoError> {
        if self.repomd.get("updateinfo").is_none() {
            return Ok(Vec::new());
        }
        self.read("updateinfo", |xml| updateinfo::parse(xml))
    }

    /// The change logs, by the checksum of the package's file.
    ///
    /// # Errors
    /// When they are missing, damaged or malformed.
    pub fn changes(&self) -> Result<HashMap<String, Vec<Change>>, RepoError> {
        self.read("other", |xml| other::parse(xml))
    }

    /// The packages of streams of modules; none where the repository has no modules.
    ///
    /// # Errors
    /// When their list is damaged.
    pub fn of_modules(&self) -> Result<BTreeSet<Nevra>, RepoError> {
        if self.repomd.get("modules").is_none() {
            return Ok(BTreeSet::new());
        }
        self.read("modules", |yaml| modules::parse(yaml))
    }

    fn read<T>(&self, kind: &'static str, read: impl FnOnce(&mut dyn BufRead) -> Result<T, RepoError>) -> Result<T, RepoError> {
        document::read(&self.folder, self.repomd.document(kind)?, read)
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
