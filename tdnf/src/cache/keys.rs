//! The keys a repository is checked with.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::{CacheError, Context, io_at};
use crate::download::{self, Client, Item};
use rpm_engine::config::{RepositoryConfig, beneath};
use rpm_engine::key::{KeyFacts, UnusableKey, UsableKey, armour_of};
use rpm_engine::keyring::Keyring;

/// Where keys are that every repository without its own may be signed with.
const SYSTEM_KEYS: &str = "/etc/pki/rpm-gpg";

/// No key is larger.
const LARGEST_KEY_BYTES: u64 = 1 << 20;

/// A key that came over the network and nobody accepted yet.
#[derive(Debug)]
pub struct KeyQuestion<'a> {
    /// The repository that names it.
    pub id: &'a str,
    /// Where it was fetched from.
    pub url: &'a str,
    /// The keys in it.
    pub facts: &'a [KeyFacts],
}

/// The keys of `repository`: those it names, else those of the system. One that cannot be used is passed over with a warning where there are
/// others.
///
/// # Errors
/// When there is none, or none can be read, is still good and was accepted.
pub fn keyring(repository: &RepositoryConfig, context: &Context<'_>) -> Result<Keyring, CacheError> {
    gathered(repository, context, Age::Any)
}

/// As [`keyring`], keys from the network fetched again: whoever signs with a new key lays it where the old one was. None where they are what
/// they were.
///
/// # Errors
/// As [`keyring`].
pub fn renewed(repository: &RepositoryConfig, context: &Context<'_>) -> Result<Option<Keyring>, CacheError> {
    let remote: Vec<&String> = repository.keys.iter().filter(|key| download::local_path(key).is_none()).collect();
    if context.cache_only || remote.is_empty() {
        return Ok(None);
    }
    let kept = || remote.iter().map(|key| fs::read(kept_at(repository, key, context)).ok()).collect::<Vec<_>>();
    let before = kept();
    let keys = gathered(repository, context, Age::New)?;
    Ok((kept() != before).then_some(keys))
}

/// Whether a key that was accepted before will do.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Age {
    Any,
    New,
}

/// Where the accepted keys of a repository are.
fn folder(repository: &RepositoryConfig, persistent: &Path) -> PathBuf {
    persistent.join("keys").join(&repository.id)
}

/// Forgets which keys from the network were accepted for a repository; they are asked about again.
///
/// # Errors
/// When they cannot be removed.
pub fn forget(repository: &RepositoryConfig, persistent: &Path) -> Result<(), CacheError> {
    let folder = folder(repository, persistent);
    match fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(io_at(&folder)(error)),
        _ => Ok(()),
    }
}

fn kept_at(repository: &RepositoryConfig, key: &str, context: &Context<'_>) -> PathBuf {
    folder(repository, context.persistent).join(format!("{}.asc", &hex::encode(Sha256::digest(key))[..16]))
}

fn gathered(repository: &RepositoryConfig, context: &Context<'_>, age: Age) -> Result<Keyring, CacheError> {
    let (mut usable, mut wrong) = (Vec::new(), Vec::new());
    let mut take = |key: &str, text: &str| {
        for found in usable_keys(repository, key, text, context.now) {
            match found {
                Ok(key) => usable.push(key.armoured),
                Err(error) => wrong.push(error),
            }
        }
    };
    let mut unread = Vec::new();
    for key in &repository.keys {
        match text_of(repository, key, context, age) {
            Ok(text) => take(key, &text),
            Err(error) => unread.push(error),
        }
    }
    if repository.keys.is_empty() {
        // The other files of that directory were not named by anybody.
        system_keys(context.root)?.iter().filter(|(_, text)| is_armoured(text)).for_each(|(key, text)| take(key, text));
    }
    wrong.extend(unread);
    if usable.is_empty() {
        return Err(wrong.into_iter().next().unwrap_or_else(|| CacheError::NoKeys { id: repository.id.clone() }));
    }
    wrong.iter().for_each(|error| (context.warn)(&error.with_causes()));
    Keyring::from_armoured(usable).map_err(|source| CacheError::Keys { id: repository.id.clone(), source })
}

fn is_armoured(text: &str) -> bool {
    text.contains("-----BEGIN PGP PUBLIC KEY BLOCK-----")
}

/// Each key in a text.
fn usable_keys(repository: &RepositoryConfig, key: &str, text: &str, now: u64) -> Vec<Result<UsableKey, CacheError>> {
    let id = || repository.id.clone();
    if !is_armoured(text) {
        let wrong = KeyFacts::read(text, now).err();
        return wrong.map(|source| Err(CacheError::Key { id: id(), key: key.to_owned(), source })).into_iter().collect();
    }
    let usable = |found: Result<UsableKey, UnusableKey>| {
        let found = found.map_err(|source| CacheError::Key { id: id(), key: key.to_owned(), source })?;
        // A kind of key that signatures are not checked with.
        Keyring::from_armoured([&found.armoured]).map_err(|source| CacheError::Keys { id: id(), source })?;
        Ok(found)
    };
    UsableKey::each(text, now).into_iter().map(usable).collect()
}

fn system_keys(root: &Path) -> Result<Vec<(String, String)>, CacheError> {
    let folder = beneath(root, Path::new(SYSTEM_KEYS));
    let Ok(entries) = fs::read_dir(&folder) else { return Ok(Vec::new()) };
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| path.is_file()).collect();
    paths.sort();
    paths.into_iter().map(|path| Ok((path.display().to_string(), read_key(&path)?))).collect()
}

fn read_key(path: &Path) -> Result<String, CacheError> {
    Ok(armour_of(&fs::read(path).map_err(io_at(path))?))
}

/// The text of a key. One that is elsewhere is fetched once, shown, and kept when it was accepted.
fn text_of(repository: &RepositoryConfig, key: &str, context: &Context<'_>, age: Age) -> Result<String, CacheError> {
    if let Some(path) = download::local_path(key) {
        let inside = beneath(context.root, &path);
        let found = if inside.exists() { &inside } else { &path };
        return read_key(found).map_err(|error| match error {
            CacheError::Io { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                CacheError::Key { id: repository.id.clone(), key: key.to_owned(), source: UnusableKey::Missing }
            }
            error => error,
        });
    }
    let folder = context.persistent.join("keys").join(&repository.id);
    let kept = kept_at(repository, key, context);
    let known = if kept.exists() { Some(read_key(&kept)?) } else { None };
    if let Some(text) = known.clone() {
        // One whose time is over may have been renewed where it came from.
        if context.cache_only || (age == Age::Any && usable_keys(repository, key, &text, context.now).iter().any(Result::is_ok)) {
            return Ok(text);
        }
    }
    fs::create_dir_all(&folder).map_err(io_at(&folder))?;
    let arrived = kept.with_extension("new");
    let item = Item {
        label: key.to_owned(),
        urls: vec![key.to_owned()],
        to: arrived.clone(),
        expected: None,
        size: None,
        most_bytes: LARGEST_KEY_BYTES,
    };
    let failed = |source| CacheError::Download { id: repository.id.clone(), source };
    let client = Client::new(repository, context.network).map_err(failed)?;
    download::fetch(&client, &item, context.report).map_err(failed)?;
    let text = read_key(&arrived)?;
    if known.as_ref() == Some(&text) {
        fs::remove_file(&arrived).map_err(io_at(&arrived))?;
        return Ok(text);
    }
    let (mut facts, mut wrong) = (Vec::new(), None);
    for found in usable_keys(repository, key, &text, context.now) {
        match found {
            Ok(key) => facts.push(key.facts),
            Err(error) => wrong = wrong.or(Some(error)),
        }
    }
    if let (true, Some(error)) = (facts.is_empty(), wrong) {
        return Err(error);
    }
    if !(context.accept)(&KeyQuestion { id: &repository.id, url: key, facts: &facts }) {
        fs::remove_file(&arrived).map_err(io_at(&arrived))?;
        return Err(CacheError::KeyNotAccepted { id: repository.id.clone(), key: key.to_owned() });
    }
    fs::rename(&arrived, &kept).map_err(io_at(&kept))?;
    Ok(text)
}
