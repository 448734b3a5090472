//! Signed copies of built packages: each is signed once per key.

use std::path::PathBuf;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use base::diagnostic::Failure;
use base::digest::Digest;
use packaging::repo::{self, RepoError, RepoPackage};
use planning::action::{BuiltPackage, Results};
use runtime::store::{Store, StoreError};
use signing::{Keys, SignError};

/// Why packages could not be published.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Signing failed.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// The repository could not be written.
    #[error(transparent)]
    Repo(#[from] RepoError),
}

impl Failure for PublishError {
    fn inner(&self) -> Option<&dyn Failure> {
        match self {
            Self::Store(error) => Some(error),
            Self::Sign(error) => Some(error),
            Self::Repo(error) => Some(error),
        }
    }
}

/// A package with a signature.
#[derive(Clone, Debug)]
pub struct SignedPackage {
    /// The unsigned package.
    pub built: BuiltPackage,
    /// The signed file's object.
    pub object: Digest,
    /// The signed file.
    pub path: PathBuf,
}

#[derive(Serialize, Deserialize)]
struct Signed {
    object: Digest,
}

/// All packages of `results`, signed; sorted by name.
///
/// # Errors
/// When an object is missing or damaged, or signing fails.
pub fn sign_all(store: &Store, keys: &Keys, results: &Results) -> Result<Vec<SignedPackage>, PublishError> {
    let mut packages: Vec<&BuiltPackage> = results.values().flat_map(|result| &result.packages).collect();
    packages.sort_by(|a, b| a.name.cmp(&b.name));
    packages.into_par_iter().map(|package| sign(store, keys, package)).collect()
}

/// The key of the result that refers to the copy of an object signed with a key.
pub(super) fn signed_key(object: &Digest, fingerprint: &str) -> Digest {
    Digest::of_json(&("signed package", object, fingerprint))
}

fn sign(store: &Store, keys: &Keys, package: &BuiltPackage) -> Result<SignedPackage, PublishError> {
    let key = signed_key(&package.object, &keys.fingerprint());
    let known: Option<Signed> = store.result(&key).ok().flatten();
    // Verify whatever is published: a damaged copy is set aside and made again.
    let at_hand = known.and_then(|signed| store.verified(&signed.object).ok().map(|path| (signed.object, path)));
    let (object, path) = match at_hand {
        Some(found) => found,
        None => {
            let scratch = store.scratch("sign")?;
            let signed = scratch.path().join(&package.file_name);
            keys.sign_rpm(&store.verified(&package.object)?, &signed)?;
            let object = store.put_file(&signed)?;
            store.put_result(&key, &Signed { object })?;
            (object, store.verified(&object)?)
        }
    };
    Ok(SignedPackage { built: package.clone(), object, path })
}

/// Writes the repository of these packages into `folder`.
///
/// # Errors
/// When it cannot be written.
pub fn write_repository(folder: &std::path::Path, packages: &[SignedPackage], keys: &Keys) -> Result<(), PublishError> {
    write_repository_with(folder, packages, &repo::Facts::default(), keys)
}

/// The same, with data beyond its packages.
///
/// # Errors
/// When it cannot be written.
pub fn write_repository_with(
    folder: &std::path::Path,
    packages: &[SignedPackage],
    facts: &repo::Facts,
    keys: &Keys,
) -> Result<(), PublishError> {
    let listed: Vec<RepoPackage> =
        packages.iter().map(|package| RepoPackage { file: package.path.clone(), file_name: package.built.file_name.clone() }).collect();
    Ok(repo::write_with(folder, &listed, facts, keys)?)
}
