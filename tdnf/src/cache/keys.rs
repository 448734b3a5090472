//! The keys a repository is checked with.

use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::{CacheError, Context, io_at};
use crate::download::{self, Client, Item};
use rpm_engine::config::{RepositoryConfig, beneath};
use rpm_engine::key::KeyFacts;
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

/// The keys of `repository`: those it names, else those of the system.
///
/// # Errors
/// When there is none, or one cannot be read, is expired or revoked, or was not accepted.
pub fn keyring(repository: &RepositoryConfig, context: &Context<'_>) -> Result<Keyring, CacheError> {
    let mut texts = Vec::new();
    for key in &repository.keys {
        texts.push((key.clone(), text_of(repository, key, context)?));
    }
    if repository.keys.is_empty() {
        texts.extend(system_keys(context.root)?);
    }
    if texts.is_empty() {
        return Err(CacheError::NoKeys { id: repository.id.clone() });
    }
    for (key, text) in &texts {
        facts(repository, key, text, context.now)?;
    }
    let id = || repository.id.clone();
    Keyring::from_armoured(texts.iter().map(|(_, text)| text)).map_err(|source| CacheError::Keys { id: id(), source })
}

fn facts(repository: &RepositoryConfig, key: &str, text: &str, now: u64) -> Result<Vec<KeyFacts>, CacheError> {
    KeyFacts::read(text, now).map_err(|source| CacheError::Key { id: repository.id.clone(), key: key.to_owned(), source })
}

fn system_keys(root: &Path) -> Result<Vec<(String, String)>, CacheError> {
    let folder = beneath(root, Path::new(SYSTEM_KEYS));
    let Ok(entries) = fs::read_dir(&folder) else { return Ok(Vec::new()) };
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| path.is_file()).collect();
    paths.sort();
    paths.into_iter().map(|path| Ok((path.display().to_string(), read_key(&path)?))).collect()
}

fn read_key(path: &Path) -> Result<String, CacheError> {
    let bytes = fs::read(path).map_err(io_at(path))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The text of a key. One that is elsewhere is fetched once, shown, and kept when it was accepted.
fn text_of(repository: &RepositoryConfig, key: &str, context: &Context<'_>) -> Result<String, CacheError> {
    if let Some(path) = download::local_path(key) {
        let inside = beneath(context.root, &path);
        return read_key(if inside.exists() { &inside } else { &path });
    }
    let folder = context.persistent.join("keys").join(&repository.id);
    let kept = folder.join(format!("{}.asc", &hex::encode(Sha256::digest(key))[..16]));
    if kept.exists() {
        return read_key(&kept);
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
    let client = Client::new(repository, context.family).map_err(failed)?;
    download::fetch(&client, &item, context.report).map_err(failed)?;
    let text = read_key(&arrived)?;
    let facts = facts(repository, key, &text, context.now)?;
    if !(context.accept)(&KeyQuestion { id: &repository.id, url: key, facts: &facts }) {
        fs::remove_file(&arrived).map_err(io_at(&arrived))?;
        return Err(CacheError::KeyNotAccepted { id: repository.id.clone(), key: key.to_owned() });
    }
    fs::rename(&arrived, &kept).map_err(io_at(&kept))?;
    Ok(text)
}
