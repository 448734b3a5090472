//! The signed package index of suites, read without programs of the host.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;
use lzma_rust2::XzReader;

use super::agent::Network;
use super::catalogue::{Catalogue, Package};
use super::download::download;
use super::keyring::{Keyring, SignatureError};
use super::release::{IndexFile, Release, ReleaseError, now};
use super::solve::solve;
use crate::apt::{AptError, Download, Mirror, Outcome, Patience, Record};
use base::digest::Digest;
use runtime::cancel::Cancel;
use runtime::store::{Scratch, Store};

/// The indexes of several suites, in order of preference.
pub struct BuiltinIndex {
    indexes: Vec<String>,
}

/// Why the index of a suite could not be read from a mirror.
#[derive(Debug, thiserror::Error)]
enum IndexError {
    /// A file of the suite could not be fetched.
    #[error("{path}: {reason}")]
    Transfer { path: String, reason: String },
    /// No key of the keyring signed the suite.
    #[error("{path}: {source}")]
    Signature { path: String, source: SignatureError },
    /// The suite's `Release` file cannot be used.
    #[error("{path}: {source}")]
    Release { path: String, source: ReleaseError },
    /// The suite has no index of the component `main` for this architecture.
    #[error("the suite `{suite}` has no index of `main` for amd64")]
    NoPackages { suite: String },
    /// An index does not match the signed `Release` file.
    #[error("{path} does not match the signed index: expected SHA-256 {expected}, found {found}")]
    WrongBytes { path: String, expected: Digest, found: Digest },
    /// An index cannot be unpacked.
    #[error("{path} cannot be unpacked: {reason}")]
    Damaged { path: String, reason: String },
    /// An error unrelated to the mirror.
    #[error(transparent)]
    Other(#[from] AptError),
}

const PATIENCE: Patience = Patience::new(3, 30);

/// The largest size of an unpacked index.
const LARGEST_INDEX_BYTES: u64 = 1 << 30;

/// The paths of the index, by compression, the smallest first.
const PACKAGES: [&str; 3] = ["main/binary-amd64/Packages.xz", "main/binary-amd64/Packages.gz", "main/binary-amd64/Packages"];

impl BuiltinIndex {
    /// Fetches the indexes of `suites` from the first mirror that returns them signed by the keyring.
    ///
    /// # Errors
    /// When no mirror does, the keyring cannot be used, or the user asked to stop.
    pub fn fetch(store: &Store, keyring: &Path, mirrors: &[Mirror], suites: &[&str], cancel: &Cancel) -> Result<Self, AptError> {
        let keyring = Keyring::read(keyring, now())?;
        let mut reasons = Vec::new();
        for mirror in mirrors {
            let scratch = store.scratch("index")?;
            let fetcher = Fetcher { mirror, keyring: &keyring, scratch, network: Network::from_environment(), cancel };
            match suites.iter().map(|suite| fetcher.suite(suite)).collect() {
                Ok(indexes) => return Ok(Self { indexes }),
                Err(IndexError::Other(error)) => return Err(error),
                Err(error) => reasons.push(format!("{mirror}: {error}")),
            }
        }
        Err(AptError::Index { suite: suites.join(" "), reasons: reasons.join("; ") })
    }

    /// Like [`crate::apt::Index::resolve`].
    ///
    /// # Errors
    /// When there is no such set of packages.
    pub fn resolve(&self, installed: &[Record], wanted: &[String]) -> Result<Vec<Record>, AptError> {
        let installed: Vec<Package<'_>> = installed.iter().map(Package::of).collect();
        solve(&self.catalogue(), &installed, wanted)?.into_iter().map(record).collect()
    }

    /// Like [`crate::apt::Index::records`].
    ///
    /// # Errors
    /// When one of the packages is not in the index.
    pub fn records(&self, names: &BTreeSet<String>) -> Result<Vec<Record>, AptError> {
        let catalogue = self.catalogue();
        let find = |name: &String| catalogue.get(name).ok_or_else(|| AptError::UnknownPackage { name: name.clone() }).and_then(record);
        names.iter().map(find).collect()
    }

    fn catalogue(&self) -> Catalogue<'_> {
        Catalogue::new(&self.indexes.iter().map(String::as_str).collect::<Vec<_>>())
    }
}

fn record(package: Package<'_>) -> Result<Record, AptError> {
    Record::parse(package.stanza).ok_or_else(|| AptError::UnknownPackage { name: package.name.to_owned() })
}

struct Fetcher<'a> {
    mirror: &'a Mirror,
    keyring: &'a Keyring,
    scratch: Scratch,
    network: Network,
    cancel: &'a Cancel,
}

impl Fetcher<'_> {
    fn suite(&self, suite: &str) -> Result<String, IndexError> {
        let folder = format!("dists/{suite}");
        let release = self.release(&folder)?;
        let in_release = |source| IndexError::Release { path: format!("{folder}/Release"), source };
        let release = Release::parse(&release).map_err(in_release)?;
        release.check(suite, now()).map_err(in_release)?;
        let index = PACKAGES.iter().find_map(|path| Some((*path, *release.files.get(*path)?)));
        let (path, file) = index.ok_or_else(|| IndexError::NoPackages { suite: suite.to_owned() })?;
        let packed = self.index(&folder, path, file, release.has_by_hash)?;
        unpack(&packed, path).map_err(|error| IndexError::Damaged { path: format!("{folder}/{path}"), reason: error.to_string() })
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
        let release = text(&self.get(&path)?)?;
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
        let outcome = download(&[item], PATIENCE, &self.network, &|_| {}, self.cancel)?.into_iter().next();
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

fn unpack(packed: &Path, name: &str) -> std::io::Result<String> {
    let file = BufReader::new(File::open(packed)?);
    let stream: Box<dyn Read> = match name.rsplit('.').next() {
        Some("xz") => Box::new(XzReader::new(file, true)),
        Some("gz") => Box::new(MultiGzDecoder::new(file)),
        _ => Box::new(file),
    };
    let mut text = String::new();
    stream.take(LARGEST_INDEX_BYTES).read_to_string(&mut text)?;
    Ok(text)
}
