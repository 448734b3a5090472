//! Writing a cache.

use std::collections::BTreeSet;
use std::fs;
use std::sync::{Mutex, MutexGuard, PoisonError};

use base::diagnostic::{ExitCode, Failure, Problems};
use base::digest::Digest;
use planning::action::BuildResult;
use runtime::cancel::Cancel;
use runtime::remote::RemoteError;
use runtime::store::{Store, StoreError};
use runtime::workers::try_each;
use serde::Serialize;
use signing::{Envelope, PublicKey, SignError, StatementKey, seal};

use super::builders::{BuilderName, with_builder};
use super::entry::{self, File};
use super::merge::{Merged, merge};
use super::offer::ENVELOPE;
use super::place::{Content, Place, PlaceError, by_digest};
use super::statement::{SharedPackage, Statement};

/// The file of a cache that describes its builder, for `cargo xtask cache trust`.
pub const BUILDER_FILE: &str = "builder.toml";

/// The builder that writes a cache.
pub struct Publisher<'a> {
    /// The builder's name for others.
    pub name: BuilderName<'a>,
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
    /// The builder's name there.
    pub builder: String,
    /// The name that it had there until now, if that was another.
    pub renamed: Option<String>,
}

/// Why a cache was not written, or not all of it.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The folder or server does not take files.
    #[error(transparent)]
    Place(PlaceError),
    /// A package is damaged or gone.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Signing failed.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// The cache's list of builders has mistakes.
    #[error("the list of builders `{file}` is damaged")]
    Builders {
        /// The list.
        file: String,
        /// What is wrong with it.
        #[source]
        problems: Problems,
    },
    /// Another builder of the cache has the same name.
    #[error("the cache contains results of another builder called `{name}`")]
    NameTaken {
        /// The name.
        name: String,
    },
    /// The cache contains another result for the same build.
    #[error("`{entry}` is the result of the same build of `{spec}`, with other packages")]
    Disagreement {
        /// The entry.
        entry: String,
        /// The spec.
        spec: String,
    },
    /// The user asked to stop.
    #[error("interrupted")]
    Interrupted,
}

impl From<PlaceError> for ExportError {
    fn from(error: PlaceError) -> Self {
        match error {
            PlaceError::Interrupted | PlaceError::Program(RemoteError::Interrupted) => Self::Interrupted,
            error => Self::Place(error),
        }
    }
}

impl Failure for ExportError {
    fn inner(&self) -> Option<&dyn Failure> {
        match self {
            Self::Place(error) => Some(error),
            Self::Store(error) => Some(error),
            Self::Sign(error) => Some(error),
            Self::Builders { .. } | Self::NameTaken { .. } | Self::Disagreement { .. } | Self::Interrupted => None,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Disagreement { .. } => Some(
                "one build is not reproducible, or one builder is not to be trusted: find out which before the entry is removed".into(),
            ),
            Self::NameTaken { .. } => {
                Some("choose another name with --name; if the key was renewed, remove the old builder from that file".into())
            }
            Self::Interrupted => Some("run the same command again: it writes only what is missing".into()),
            Self::Builders { .. } => Some(
                "restore that file or remove it, and run the same command again: each builder adds itself to it when it writes next".into(),
            ),
            Self::Place(_) | Self::Store(_) | Self::Sign(_) => self.inner()?.hint(),
        }
    }

    fn exit(&self) -> ExitCode {
        match self {
            Self::Interrupted => ExitCode::Interrupted,
            Self::Disagreement { .. }
            | Self::NameTaken { .. }
            | Self::Builders { .. }
            | Self::Place(_)
            | Self::Store(_)
            | Self::Sign(_) => self.inner().map_or(ExitCode::Failed, Failure::exit),
        }
    }
}

/// Adds results to the cache at `place`, and `objects` of the store: sources, or packages of the SDK. Nothing is ever removed. Readers see a
/// result only when all its packages are there.
///
/// # Errors
/// When a file cannot be written, a package is damaged, the cache contains another result for one of the builds, or the user asked to stop.
pub fn export(
    place: &dyn Place,
    results: &[&BuildResult],
    objects: &BTreeSet<Digest>,
    store: &Store,
    publisher: &Publisher<'_>,
    cancel: &Cancel,
) -> Result<Exported, ExportError> {
    let writer = Writer { place, store, key: publisher.key, cancel, exported: Mutex::default() };
    merge(place, BUILDER_FILE, &|existing| {
        let listed = with_builder(existing, &place.shown(BUILDER_FILE), publisher)?;
        let mut exported = writer.exported();
        exported.builder = listed.name;
        // After this run's own change it has no other name any more.
        exported.renamed = exported.renamed.take().or(listed.renamed);
        Ok(Some(listed.text.into_bytes()).filter(|text| existing != Some(text)))
    })?;
    let objects: Vec<&Digest> = objects.iter().collect();
    try_each(&objects, AT_A_TIME, |object| place.announce(object, writer.object(object)?).map_err(ExportError::from))?;
    try_each(results, AT_A_TIME, |result| writer.result(result))?;
    Ok(writer.exported.into_inner().unwrap_or_else(PoisonError::into_inner))
}

/// Files written at a time: a server far away answers slowly.
const AT_A_TIME: usize = 6;

struct Writer<'a> {
    place: &'a dyn Place,
    store: &'a Store,
    key: &'a StatementKey,
    cancel: &'a Cancel,
    exported: Mutex<Exported>,
}

impl Writer<'_> {
    /// Adds a result: its packages first, and last the entry that names them.
    fn result(&self, result: &BuildResult) -> Result<(), ExportError> {
        let name = format!("ac/{}", result.key.hex());
        let mut packages = Vec::new();
        for package in &result.packages {
            let size_bytes = self.object(&package.object)?;
            packages.push(SharedPackage { package: package.clone(), size_bytes });
        }
        let statement = Statement { key: result.key, spec: result.spec.clone(), packages: packages.clone() }.to_json();
        let merged = merge(self.place, &name, &|entry| {
            let Some(envelope) = self.envelope(entry, &statement, (&name, result))? else { return Ok(None) };
            self.entry(envelope, &packages).map(Some)
        })?;
        match merged {
            Merged::Present => self.exported().present += 1,
            Merged::Added => self.exported().results += 1,
        }
        Ok(())
    }

    /// The statement of a result with this builder's signature and those that `entry` has; nothing if it has this builder's.
    fn envelope(
        &self,
        entry: Option<&[u8]>,
        statement: &[u8],
        (name, result): (&str, &BuildResult),
    ) -> Result<Option<String>, ExportError> {
        Ok(match entry.map(|bytes| present(bytes, &result.key, statement, self.key.public())) {
            Some(Present::Signed) => None,
            Some(Present::SignedByOthers(envelope)) => Some(signed_also(&envelope, statement, self.key)?),
            Some(Present::Useless) | None => Some(seal(statement, self.key)?),
            Some(Present::Other) => {
                return Err(ExportError::Disagreement { entry: self.place.shown(name), spec: result.spec.to_string() });
            }
        })
    }

    /// The entry of a result, whose envelope is also stored as a file.
    fn entry(&self, envelope: String, packages: &[SharedPackage]) -> Result<Vec<u8>, ExportError> {
        let sha256 = Digest::of_bytes(&envelope);
        self.place.write(&by_digest(&sha256), Content::Bytes(envelope.as_bytes()))?;
        let size_bytes = envelope.len() as u64;
        let mut files = vec![File { path: ENVELOPE.into(), sha256, size_bytes, contents: Some(envelope.into_bytes()) }];
        files.extend(packages.iter().map(|SharedPackage { package, size_bytes }| File {
            path: format!("packages/{}", package.file_name),
            sha256: package.object,
            size_bytes: *size_bytes,
            contents: None,
        }));
        Ok(entry::encode(&files, &self.key.id()))
    }

    /// Adds an object of the store, after it was checked, unless it is there, and returns its size in bytes.
    fn object(&self, object: &Digest) -> Result<u64, ExportError> {
        if self.cancel.is_raised() {
            return Err(ExportError::Interrupted);
        }
        let path = self.store.object(object).ok_or(StoreError::Missing { digest: *object })?;
        let length = fs::metadata(&path).map_err(|source| StoreError::io("read", &path, source))?.len();
        if !self.place.has(object, length)? {
            let name = by_digest(object);
            self.place.write(&name, Content::File(&self.store.verified(object)?))?;
            // A network that wants a login first answers that it took everything.
            if !self.place.has(object, length)? {
                return Err(PlaceError::NotStored { address: self.place.shown(&name) }.into());
            }
            let mut exported = self.exported();
            exported.files += 1;
            exported.bytes += length;
        }
        Ok(length)
    }

    fn exported(&self) -> MutexGuard<'_, Exported> {
        self.exported.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The state of an entry that already exists.
enum Present {
    /// The same result, signed by this builder.
    Signed,
    /// The same result, signed only by others.
    SignedByOthers(Vec<u8>),
    /// Another result.
    Other,
    /// It is damaged, or about another build, so that no reader accepts it.
    Useless,
}

fn present(entry: &[u8], build: &Digest, statement: &[u8], key: &PublicKey) -> Present {
    let files = entry::decode(entry).unwrap_or_default();
    let written = files.into_iter().find(|file| file.path == ENVELOPE).and_then(|file| file.contents);
    let Some((written, envelope)) = written.and_then(|written| Some((Envelope::parse(&written)?, written))) else {
        return Present::Useless;
    };
    match written.statement() == statement {
        true if written.signed_by(key).is_some() => Present::Signed,
        true => Present::SignedByOthers(envelope),
        false if Statement::key_of(written.statement()) == Some(*build) => Present::Other,
        false => Present::Useless,
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
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::Path;

    use super::*;
    use crate::offer::{Offer, Refused};
    use crate::place::Folder;
    use crate::settings::TrustedBuilder;
    use planning::action::{BuiltPackage, By};
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
        BuildResult { spec: spec().name, key, fields, packages, elapsed_ms: 5, cpu_ms: 6, peak_memory_bytes: 7, by: By::Here, shared: None }
    }

    fn publish(folder: &Path, store: &Store, key: &StatementKey, content: &str) -> Result<Exported, ExportError> {
        let name = &key.id()[..8];
        let publisher = Publisher { name: BuilderName::Chosen(name), key, modules: None };
        export(&Folder::new(folder), &[&result(store, content)], &BTreeSet::new(), store, &publisher, &Cancel::new())
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
        let exported = |results, present, files, bytes| {
            let builder = first.id()[..8].to_owned();
            Exported { results, present, files, bytes, builder, renamed: None }
        };
        assert_eq!(publish(&cache, &store, &first, "same").unwrap(), exported(1, 0, 1, 4));
        assert_eq!(publish(&cache, &store, &first, "same").unwrap(), exported(0, 1, 0, 0));
        assert_eq!(read(&cache, 1, &[("a", &first)]).unwrap().builders, ["a"]);
        assert!(matches!(read(&cache, 2, &[("a", &first), ("b", &second)]), Err(Refused::TooFew { wanted: 2, .. })));
        assert!(
            matches!(read(&cache, 2, &[("a", &first), ("also-a", &first)]), Err(Refused::TooFew { builders, .. }) if builders == ["a"])
        );
        assert!(matches!(read(&cache, 1, &[("c", &stranger)]), Err(Refused::Strangers { .. })));
        publish(&cache, &store, &second, "same").unwrap();
        assert_eq!(read(&cache, 2, &[("a", &first), ("b", &second)]).unwrap().builders, ["a", "b"]);
        assert!(matches!(publish(&cache, &store, &stranger, "other"), Err(ExportError::Disagreement { .. })));
        let mode = fs::metadata(cache.join("ac").join(Digest::of_bytes("key").hex())).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o644);
    }

    #[test]
    fn an_entry_of_another_build_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("store")).unwrap();
        let (cache, key) = (folder.path().join("cache"), key());
        let publisher = Publisher { name: BuilderName::Chosen("me"), key: &key, modules: None };
        let other = BuildResult { key: Digest::of_bytes("other"), ..result(&store, "other") };
        export(&Folder::new(&cache), &[&other], &BTreeSet::new(), &store, &publisher, &Cancel::new()).unwrap();
        let entry = |key: &str| cache.join("ac").join(Digest::of_bytes(key).hex());
        fs::copy(entry("other"), entry("key")).unwrap();
        assert!(matches!(read(&cache, 1, &[("me", &key)]), Err(Refused::Unfit(_))));
        assert_eq!(publish(&cache, &store, &key, "same").unwrap().results, 1);
        assert_eq!(read(&cache, 1, &[("me", &key)]).unwrap().builders, ["me"]);
    }

    /// Builders that export the same results at once, each with a key and a name of its own.
    fn export_at_once(place: &(dyn Fn() -> Box<dyn Place> + Sync), builders: usize) -> Vec<StatementKey> {
        const RESULTS: usize = 8;
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("store")).unwrap();
        let one = |number: usize| BuildResult { key: Digest::of_bytes(format!("{number}")), ..result(&store, "same") };
        let results: Vec<BuildResult> = (0..RESULTS).map(one).collect();
        let results: Vec<&BuildResult> = results.iter().collect();
        let keys: Vec<StatementKey> = (0..builders).map(|_| key()).collect();
        std::thread::scope(|scope| {
            for key in &keys {
                let (results, store) = (&results, &store);
                scope.spawn(move || {
                    let publisher = Publisher { name: BuilderName::Chosen(&key.id()[..8]), key, modules: None };
                    let exported = export(&*place(), results, &BTreeSet::new(), store, &publisher, &Cancel::new()).unwrap();
                    assert_eq!(exported.results, RESULTS);
                });
            }
        });
        keys
    }

    /// Each of the builders signed each result, and is in the list.
    fn check_signatures(folder: &Path, keys: &[StatementKey]) {
        for entry in fs::read_dir(folder.join("ac")).unwrap() {
            let files = entry::decode(&fs::read(entry.unwrap().path()).unwrap()).unwrap();
            let envelope = Envelope::parse(files[0].contents.as_ref().unwrap()).unwrap();
            for key in keys {
                assert!(envelope.signed_by(key.public()).is_some());
            }
            assert_eq!(envelope.key_names().count(), keys.len());
        }
        let listed = crate::settings::Settings::parse("x", &fs::read_to_string(folder.join(BUILDER_FILE)).unwrap()).unwrap().builders;
        assert_eq!(listed.len(), keys.len());
    }

    #[test]
    fn no_signature_is_lost_when_several_builders_export_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let keys = export_at_once(&|| Box::new(Folder::new(folder.path())), 4);
        check_signatures(folder.path(), &keys);
    }

    #[test]
    fn no_signature_is_lost_when_several_builders_push_to_our_server_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let accepts: fn(&str) -> Option<file_server::Accepted> = |name| match name.split_once('/') {
            Some(("cas", digest)) => digest.parse().ok().map(file_server::Accepted::With),
            _ => Some(file_server::Accepted::UpTo(1 << 20)),
        };
        let uploads = file_server::Uploads { accepts, authorizations: crate::place::authorizations("t") };
        let listen = "127.0.0.1:0".parse().unwrap();
        let serving = file_server::Server::open(folder.path(), listen).unwrap().with_uploads(uploads);
        let address = format!("http://kaon:t@{}", serving.address().unwrap());
        let cancel = Cancel::new();
        let keys = std::thread::scope(|scope| {
            scope.spawn(|| serving.run(&cancel, &|_, _| {}));
            let place = || Box::new(crate::place::Server::new(&address.parse().unwrap(), &Cancel::new()).unwrap()) as Box<dyn Place>;
            let keys = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| export_at_once(&place, 3)));
            cancel.raise();
            keys
        });
        check_signatures(folder.path(), &keys.unwrap());
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
        let publisher = Publisher { name: BuilderName::Chosen("me"), key: &key, modules: None };
        assert!(matches!(
            export(&Folder::new(&cache), &[&result], &BTreeSet::new(), &store, &publisher, &Cancel::new()),
            Err(ExportError::Store(_))
        ));
        assert!(!cache.join("ac").exists());
    }
}
