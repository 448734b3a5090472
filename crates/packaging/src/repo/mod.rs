//! Package repositories in the format of `dnf`, `tdnf` and `createrepo_c`: packages, metadata, and a signature of the metadata.
//!
//! ```text
//! Packages/<name>-<version>-<release>.<arch>.rpm
//! repodata/<sha256>-primary.xml.gz, -filelists.xml.gz, -other.xml.gz; -updateinfo.xml.gz where there are advisories
//! repodata/repomd.xml, repomd.xml.asc, repomd.xml.key
//! RPM-GPG-KEY-kaon
//! ```
//!
//! Nothing in it depends on the clock or on the order of packages. A metadata file is named by its digest, so that a cache between server
//! and client never mixes two states of the repository. Every client supports gzip.

mod advisory;
mod configuration;
mod error;
mod lists;
mod metadata;
mod primary;
mod record;
mod revision;

use std::fs;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

pub use advisory::{Advisories, Advisory, AdvisoryKind, InvalidAdvisory};
pub use configuration::{check, configuration};
pub use error::RepoError;

use metadata::MetadataFile;
use record::Record;
use runtime::directory::{self, Kind};
use signing::Keys;

/// The file with the public key that packages and metadata are signed with.
pub const PUBLIC_KEY: &str = "RPM-GPG-KEY-kaon";

/// The kind of directory that a repository may replace.
const REPOSITORY: Kind = Kind { name: "a repository", mark: "repodata" };

/// A package for a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepoPackage {
    /// The signed RPM file.
    pub file: PathBuf,
    /// `<name>-<version>-<release>.<arch>.rpm`
    pub file_name: String,
}

/// The content of a repository besides its packages.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// Advisories about its packages.
    pub advisories: Advisories,
    /// Its revision: clients refuse a smaller one than they have seen. By default, it is that of the replaced repository, plus one if the
    /// content changes; the first one is [`base::epoch::SOURCE_DATE_EPOCH`].
    pub revision: Option<u64>,
    /// When it expires for clients, in seconds since 1970.
    pub expires: Option<u64>,
}

/// Writes the repository of exactly these packages, without further content, like [`write_with`].
///
/// # Errors
/// As for [`write_with`].
pub fn write(dir: &Path, packages: &[RepoPackage], keys: &Keys) -> Result<(), RepoError> {
    write_with(dir, packages, &Facts::default(), keys)
}

/// Writes the repository of exactly these packages as the directory `dir`, replacing its content. Packages are hard-linked where possible.
/// Concurrent readers of `dir` see either the old repository or the new one.
///
/// # Errors
/// When a package cannot be read, two have one name, or the directory cannot be written.
pub fn write_with(dir: &Path, packages: &[RepoPackage], facts: &Facts, keys: &Keys) -> Result<(), RepoError> {
    let mut packages: Vec<&RepoPackage> = packages.iter().collect();
    packages.sort_by(|a, b| a.file_name.cmp(&b.file_name));
    if let Some(pair) = packages.windows(2).find(|pair| pair[0].file_name == pair[1].file_name) {
        return Err(RepoError::Twice { file_name: pair[0].file_name.clone() });
    }
    let records = packages.par_iter().map(|package| Record::read(package)).collect::<Result<Vec<_>, _>>()?;
    let files = metadata::files(&records, &facts.advisories)?;
    let revision = facts.revision.unwrap_or_else(|| revision::next(dir, &files, facts.expires));
    let repomd = metadata::repomd(&files, revision, facts.expires);
    REPOSITORY.replace(dir, |folder| fill(folder, &records, &files, &repomd, keys))
}

fn fill(folder: &Path, records: &[Record], files: &[MetadataFile], repomd: &str, keys: &Keys) -> Result<(), RepoError> {
    let packages = folder.join("Packages");
    let repodata = folder.join("repodata");
    for made in [&packages, &repodata] {
        fs::create_dir(made).map_err(|source| RepoError::io("make", made, source))?;
    }
    for made in [folder, &packages, &repodata] {
        directory::set_mode(made, 0o755)?;
    }
    for record in records {
        directory::link_or_copy(&record.file, &packages.join(&record.file_name))?;
    }
    let put = |path: PathBuf, bytes: &[u8]| {
        fs::write(&path, bytes).map_err(|source| RepoError::io("write", &path, source))?;
        Ok::<_, RepoError>(directory::set_mode(&path, 0o644)?)
    };
    for file in files {
        put(repodata.join(&file.name), &file.bytes)?;
    }
    put(repodata.join("repomd.xml"), repomd.as_bytes())?;
    put(repodata.join("repomd.xml.asc"), keys.detached(repomd.as_bytes())?.as_bytes())?;
    put(repodata.join("repomd.xml.key"), keys.public().as_bytes())?;
    put(folder.join(PUBLIC_KEY), keys.public().as_bytes())
}
