//! A repository's section in a `*.repo` file.

use super::main::{Key, Transport};
use super::value::{boolean, list, number};
use super::{Place, Variables};

/// A repository as configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepositoryConfig {
    /// Its section's name.
    pub id: String,
    /// Its name for people (`name`).
    pub name: String,
    /// Whether it is used (`enabled`).
    pub enabled: bool,
    /// Where it is, in the order of trial (`baseurl`).
    pub base_urls: Vec<String>,
    /// A list of such places, one a line (`mirrorlist`).
    pub mirror_list: Option<String>,
    /// Such a list with digests (`metalink`).
    pub metalink: Option<String>,
    /// Where the keys are that may sign it (`gpgkey`).
    pub keys: Vec<String>,
    /// A smaller number goes before a larger one (`priority`).
    pub priority: i32,
    /// The user name for the server (`username`).
    pub user: Option<String>,
    /// Its password (`password`).
    pub password: Option<String>,
    /// Whether lists of files are not fetched (`skip_md_filelists`).
    pub skip_filelists: bool,
    /// Whether advisories are not fetched (`skip_md_updateinfo`).
    pub skip_updateinfo: bool,
    /// Whether change logs are not fetched (`skip_md_other`).
    pub skip_other: bool,
    /// Patterns of packages skipped here (`excludepkgs`, `exclude`).
    pub excludes: Vec<String>,
    /// Patterns of the only packages taken from here; empty is all (`includepkgs`).
    pub includes: Vec<String>,
    /// How it is reached and checked.
    pub transport: Transport,
    /// Where it was described.
    pub place: Place,
}

/// The reference's `TDNF_REPO_DEFAULT_PRIORITY`.
const PRIORITY: i32 = 50;

impl RepositoryConfig {
    /// A repository with nothing but defaults: in use unless somebody says otherwise.
    pub fn new(id: &str, transport: Transport, place: Place) -> Self {
        Self {
            id: id.to_owned(),
            name: id.to_owned(),
            enabled: true,
            base_urls: Vec::new(),
            mirror_list: None,
            metalink: None,
            keys: Vec::new(),
            priority: PRIORITY,
            user: None,
            password: None,
            skip_filelists: false,
            skip_updateinfo: false,
            skip_other: false,
            excludes: Vec::new(),
            includes: Vec::new(),
            transport,
            place,
        }
    }

    /// Sets a key. Variables are expanded in names and addresses.
    pub(super) fn set(&mut self, key: &str, value: &str, variables: &Variables) -> Result<Key, String> {
        let text = || Some(variables.expand(value)).filter(|value| !value.is_empty());
        let urls = || list(&variables.expand(value));
        match key {
            "name" => self.name = variables.expand(value),
            "enabled" => self.enabled = boolean(value)?,
            "baseurl" => self.base_urls = urls().iter().map(|url| checked(url)).collect::<Result<_, _>>()?,
            "mirrorlist" => self.mirror_list = text().map(|url| checked(&url)).transpose()?,
            "metalink" => self.metalink = text().map(|url| checked(&url)).transpose()?,
            "gpgkey" => self.keys = urls().iter().map(|url| checked(url)).collect::<Result<_, _>>()?,
            "priority" => self.priority = number(value)?,
            "username" => self.user = text(),
            "password" => self.password = Some(value.to_owned()).filter(|value| !value.is_empty()),
            "skip_md_filelists" => self.skip_filelists = boolean(value)?,
            "skip_md_updateinfo" => self.skip_updateinfo = boolean(value)?,
            "skip_md_other" => self.skip_other = boolean(value)?,
            "excludepkgs" | "exclude" => self.excludes.extend(list(value)),
            "includepkgs" => self.includes.extend(list(value)),
            "cost" | "fastestmirror" | "type" | "countme" | "module_hotfixes" | "failovermethod" | "deltarpm" => {
                return Ok(Key::Ignored("it belongs to dnf"));
            }
            _ => return self.transport.set(key, value),
        }
        Ok(Key::Set)
    }

    /// Whether it says where it is at all.
    pub(super) fn has_place(&self) -> bool {
        !self.base_urls.is_empty() || self.mirror_list.is_some() || self.metalink.is_some()
    }
}

/// An address that can be fetched: `http:`, `https:`, `file:` or a bare absolute path.
pub(super) fn checked(url: &str) -> Result<String, String> {
    let known = ["http://", "https://", "file:///"].iter().any(|scheme| url.starts_with(scheme) && url.len() > scheme.len());
    if known || url.starts_with('/') {
        return Ok(url.to_owned());
    }
    Err(format!("`{url}` is neither an http://, https:// or file:/// address nor an absolute path"))
}
