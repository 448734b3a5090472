//! Writing a cache: a folder that any static file server can serve.

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use base::diagnostic::Failure;
use base::digest::Digest;
use planning::action::BuildResult;
use runtime::store::{Store, StoreError};
use serde::Serialize;
use signing::{Envelope, PublicKey, SignError, StatementKey, seal};

use super::entry::{self, File};
use super::offer::ENVELOPE;
use super::settings::builder_text;
use super::statement::{SharedPackage, Statement};

/// The file of a cache that describes its builder, for `cargo xtask cache trust`.
pub const BUILDER_FILE: &str = "builder.toml";

/// The builder that writes a cache.
pub struct Publisher<'a> {
    /// The builder's name for others.
    pub name: &'a str,
    /// The key that results are signed with.
    pub key: &'a StatementKey,
    /// The certificate, in PEM, that its kernels verify modules with.
    pub modules: Option<&'a str>,
}

/// What was written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Exported {
    /// Results that were added.
    pub results: usize,
    /// Results that were already there.
    pub present: usize,
    /// Packages and other files that were added.
    pub files: usize,
    /// Their size, in bytes.
    pub bytes: u64,
}

/// Why a cache was not written, or not all of it.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// A file operation failed.
    #[error("cannot {operation} `{}`", path.display())]
    Io {
        /// What was being done.
        operation: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A package is damaged or missing.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Signing failed.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// The cache contains another result for the same build.
    #[error("`{}` is the result of the same build of `{spec}`, with other packages", path.display())]
    Disagreement {
        /// The entry.
        path: PathBuf,
        /// The spec.
        spec: String,
    },
}

impl Failure for ExportError {
    fn inner(&self) -> Option<&dyn Failure> {
        match self {
            Self::Store(error) => Some(error),
            Self::Sign(error) => Some(error),
            Self::Io { .. } | Self::Disagreement { .. } => None,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Io { .. } => {
                Some("check who owns the directory and that its file system has room; what was written so far is whole".into())
            }
            Self::Disagreement { .. } => Some(
                "one build is not reproducible, or one builder is not to be trusted: find out which before the entry is removed".into(),
            ),
            Self::Store(_) | Self::Sign(_) => self.inner()?.hint(),
        }
    }
}

/// Adds results to the cache in `folder`, and `objects` of the store: sources, or packages of the SDK. Nothing is ever removed. Concurrent
/// readers see a result only when all its packages are there.
///
/// # Errors
/// When a file cannot be written, a package is damaged, or the cache contains another result for one of the builds.
pub fn export(
    folder: &Path,
    results: &[&BuildResult],
    objects: &BTreeSet<Digest>,
    store: &Store,
    publisher: &Publisher<'_>,
) -> Result<Exported, ExportError> {
    let mut writer = Writer { folder, store, exported: Exported::default() };
    let text = builder_text(publisher.name, publisher.key.public(), publisher.modules);
    writer.put(&folder.join(BUILDER_FILE), text.as_bytes())?;
    for object in objects {
        writer.object(object)?;
    }
    for result in results {
        writer.result(result, publisher.key)?;
    }
    Ok(writer.exported)
}

struct Writer<'a> {
    folder: &'a Path,
    store: &'a Store,
    exported: Exported,
}

impl Writer<'_> {
    /// Adds a result: its packages first, then the entry that refers to them.
    fn result(&mut self, result: &BuildResult, key: &StatementKey) -> Result<(), ExportError> {
        let path = self.folder.join("ac").join(result.key.hex());
        let mut packages = Vec::new();
        for package in &result.packages {
            let size_bytes = self.object(&package.object)?;
            packages.push(SharedPackage { package: package.clone(), size_bytes });
        }
        let statement = Statement { key: result.key, spec: result.spec.clone(), packages }.to_json();
        let envelope = match fs::read(&path) {
            Ok(bytes) => match present(&bytes, &statement, key.public()) {
                Present::Signed => {
                    self.exported.present += 1;
                    return Ok(());
                }
                Present::SignedByOthers(envelope) => signed_also(&envelope, &statement, key)?,
                Present::Unreadable => seal(&statement, key)?,
                Present::Other => return Err(ExportError::Disagreement { path, spec: result.spec.to_string() }),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => seal(&statement, key)?,
            Err(source) => return Err(ExportError::Io { operation: "read", path, source }),
        };
        let sha256 = Digest::of_bytes(&envelope);
        self.put(&self.blob(&sha256), envelope.as_bytes())?;
        let size_bytes = envelope.len() as u64;
        let mut files = vec![File { path: ENVELOPE.into(), sha256, size_bytes, contents: Some(envelope.into_bytes()) }];
        for package in &result.packages {
            let size_bytes = length(&self.blob(&package.object))?;
            files.push(File { path: format!("packages/{}", package.file_name), sha256: package.object, size_bytes, contents: None });
        }
        self.put(&path, &entry::encode(&files, &key.id()))?;
        self.exported.results += 1;
        Ok(())
    }

    /// Adds an object of the store after verifying it, and returns its size.
    fn object(&mut self, object: &Digest) -> Result<u64, ExportError> {
        let target = self.blob(object);
        if let Ok(meta) = fs::metadata(&target) {
            return Ok(meta.len());
        }
        let path = self.store.verified(object)?;
        let bytes = fs::read(&path).map_err(|source| ExportError::Io { operation: "read", path: path.clone(), source })?;
        self.put(&target, &bytes)?;
        self.exported.files += 1;
        self.exported.bytes += bytes.len() as u64;
        Ok(bytes.len() as u64)
    }

    fn blob(&self, object: &Digest) -> PathBuf {
        self.folder.join("cas").join(object.hex())
    }

    /// Writes a file atomically, readable by everybody.
    fn put(&self, path: &Path, bytes: &[u8]) -> Result<(), ExportError> {
        let folder = path.parent().expect("files of a cache are in its directories");
        let write = || {
            if !folder.is_dir() {
                fs::create_dir_all(folder)?;
                fs::set_permissions(folder, Permissions::from_mode(0o755))?;
            }
            let mut file = tempfile::Builder::new().prefix(".new-").tempfile_in(folder)?;
            file.write_all(bytes)?;
            file.as_file().set_permissions(Permissions::from_mode(0o644))?;
            file.as_file().sync_all()?;
            file.persist(path).map_err(|error| error.error)
        };
        write().map(drop).map_err(|source| ExportError::Io { operation: "write", path: path.to_owned(), source })
    }
}

fn length(path: &Path) -> Result<u64, ExportError> {
    fs::metadata(path).map(|meta| meta.len()).map_err(|source| ExportError::Io { operation: "read", path: path.to_owned(), source })
}

/// The state of an entry that already exists.
enum Present {
    /// The same result, signed by this builder.
    Signed,
    /// The same result, signed only by others.
    SignedByOthers(Vec<u8>),
    /// Another result.
    Other,
    /// It is damaged.
    Unreadable,
}

fn present(entry: &[u8], statement: &[u8], key: &PublicKey) -> Present {
    let files = entry::decode(entry).unwrap_or_default();
    let written = files.into_iter().find(|file| file.path == ENVELOPE).and_then(|file| file.contents);
    let Some((written, envelope)) = written.and_then(|written| Some((Envelope::parse(&written)?, written))) else {
        return Present::Unreadable;
    };
    match written.statement() == statement {
        true if written.signed_by(key).is_some() => Present::Signed,
        true => Present::SignedByOthers(envelope),
        false => Present::Other,
    }
}

/// Adds this builder's signature to an envelope.
fn signed_also(envelope: &[u8], statement: &[u8], key: &StatementKey) -> Result<String, SignError> {
    let own = seal(statement, key)?;
    Ok(signing::with_signatures_of(&own, envelope).unwrap_or(own))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::offer::{Offer, Refused};
    use crate::settings::TrustedBuilder;
    use planning::action::BuiltPackage;
    use planning::spec::Spec;

    fn spec() -> Spec {
        let text = "[package]\nversion = \"1\"\nrelease = 1\nsummary = \"x\"\nlicense = \"MIT\"\n[build.none]\n";
        planning::spec::parse(&"demo".parse().unwrap(), "x", text).unwrap()
    }

    fn key() -> StatementKey {
        StatementKey::open_or_create(tempfile::tempdir().unwrap().path()).unwrap()
    }

    fn result(store: &Store, content: &str) -> BuildResult {
        let package = BuiltPackage {
            name: spec().name,
            file_name: format!("demo-1-{}.x86_64.rpm", spec().rpm_release()),
            object: store.put_bytes(content.as_bytes()).unwrap(),
            provides: vec![],
            requires: vec![],
            files: 1,
            installed_bytes: 1,
        };
        let key = Digest::of_bytes("key");
        let (fields, packages) = (BTreeMap::new(), vec![package]);
        BuildResult { spec: spec().name, key, fields, packages, elapsed_ms: 5, cpu_ms: 6, peak_memory_bytes: 7, shared: None }
    }

    fn publish(folder: &Path, store: &Store, key: &StatementKey, content: &str) -> Result<Exported, ExportError> {
        let publisher = Publisher { name: "me", key, modules: None };
        export(folder, &[&result(store, content)], &BTreeSet::new(), store, &publisher)
    }

    fn read(folder: &Path, agree: usize, trusted: &[(&str, &StatementKey)]) -> Result<Offer, Refused> {
        let trusted: BTreeMap<String, TrustedBuilder> =
            trusted.iter().map(|(name, key)| ((*name).to_owned(), TrustedBuilder { key: key.public().clone(), modules: None })).collect();
        let entry = fs::read(folder.join("ac").join(Digest::of_bytes("key").hex())).unwrap();
        Offer::read(&entry, ("x", agree), &spec(), &Digest::of_bytes("key"), &trusted)
    }

    #[test]
    fn builders_that_agree_add_their_signatures() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("store")).unwrap();
        let (cache, first, second, stranger) = (folder.path().join("cache"), key(), key(), key());
        assert_eq!(publish(&cache, &store, &first, "same").unwrap(), Exported { results: 1, present: 0, files: 1, bytes: 4 });
        assert_eq!(publish(&cache, &store, &first, "same").unwrap(), Exported { results: 0, present: 1, files: 0, bytes: 0 });
        assert_eq!(read(&cache, 1, &[("a", &first)]).unwrap().builders, ["a"]);
        assert!(matches!(read(&cache, 2, &[("a", &first), ("b", &second)]), Err(Refused::TooFew { wanted: 2, .. })));
        assert!(matches!(read(&cache, 1, &[("c", &stranger)]), Err(Refused::Strangers { .. })));
        publish(&cache, &store, &second, "same").unwrap();
        assert_eq!(read(&cache, 2, &[("a", &first), ("b", &second)]).unwrap().builders, ["a", "b"]);
        assert!(matches!(publish(&cache, &store, &stranger, "other"), Err(ExportError::Disagreement { .. })));
        let mode = fs::metadata(cache.join("ac").join(Digest::of_bytes("key").hex())).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o644);
    }

    #[test]
    fn a_damaged_package_is_not_published() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("store")).unwrap();
        let result = result(&store, "content");
        let path = store.object(&result.packages[0].object).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        fs::write(&path, "c0ntent").unwrap();
        let (key, cache) = (key(), folder.path().join("cache"));
        let publisher = Publisher { name: "me", key: &key, modules: None };
        assert!(matches!(export(&cache, &[&result], &BTreeSet::new(), &store, &publisher), Err(ExportError::Store(_))));
        assert!(!cache.join("ac").exists());
    }
}
