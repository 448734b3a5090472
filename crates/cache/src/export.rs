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
mod tests;
