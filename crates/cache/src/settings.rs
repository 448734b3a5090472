//! `cache.toml`: which builders are trusted, where their results are, and whose workers build.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base::address::one_without_password;
use base::diagnostic::{ExitCode, Failure, Problem, Problems, SourceText};
use base::digest::Digest;
use base::document::{Document, Spanned, Table};
use runtime::remote::{InvalidServer, Server};
use sdk::apt::{CacheAddress, InvalidCacheAddress, InvalidMirror};
use signing::PublicKey;

/// What all private keys in PEM begin with, whatever their kind (RFC 7468). Nothing of such a file is shown.
const PRIVATE_KEY: &str = "PRIVATE KEY-----";

/// The file's name, at the project's top and in the user's `~/.config/kaon`.
pub const FILE: &str = "cache.toml";

/// The settings of one or several files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// The trusted builders, by their names in the file.
    pub builders: BTreeMap<String, TrustedBuilder>,
    /// Caches, by name.
    pub caches: BTreeMap<String, NamedCache>,
    /// The server whose workers build.
    pub remote: Option<Remote>,
}

/// A server whose workers build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remote {
    /// Where it is.
    pub server: Server,
    /// Builds at the same time.
    pub jobs: usize,
    /// The properties that workers must have, as the server's operator named them.
    pub properties: BTreeMap<String, String>,
}

impl Remote {
    /// The server at an address, with the usual settings.
    pub fn at(server: Server) -> Self {
        Self { server, jobs: USUAL_JOBS, properties: BTreeMap::new() }
    }
}

/// Builds on workers at the same time: the graph of Kaon's packages is about as wide.
const USUAL_JOBS: usize = 16;

/// The largest number of builds on workers at the same time: each is a thread of the builder.
pub const MOST_JOBS_ON_WORKERS: usize = 1024;

/// A trusted builder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustedBuilder {
    /// Its key for statements.
    pub key: PublicKey,
    /// The certificate, in PEM, that its kernels verify modules with.
    pub modules: Option<String>,
}

/// A cache with a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedCache {
    /// Where it is.
    pub address: CacheAddress,
    /// Whether it is used without being named on the command line.
    pub is_used: bool,
    /// Whether `cargo xtask cache push` writes to it without being told so.
    pub is_pushed: bool,
    /// How many builders must have signed the same result.
    pub agree: usize,
}

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// A file cannot be read.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file has mistakes.
    #[error(transparent)]
    Mistakes(#[from] Problems),
    /// A `--cache` is meant as the address of a gRPC server, but is not one.
    #[error(transparent)]
    Server(#[from] InvalidServer),
    /// A `--cache` names files of another machine, or contains what no address does.
    #[error(transparent)]
    Files(InvalidMirror),
    /// A `--cache` continues after a path.
    #[error(transparent)]
    Continued(InvalidCacheAddress),
    /// A `--cache` is neither an address nor the name of a cache.
    #[error("`{text}` is neither the address of a cache nor the name of one in cache.toml")]
    Unknown {
        /// The argument.
        text: String,
        /// The known names.
        names: Vec<String>,
    },
}

impl Failure for SettingsError {
    fn inner(&self) -> Option<&dyn Failure> {
        match self {
            Self::Mistakes(problems) => Some(problems),
            Self::Read { .. } | Self::Server(_) | Self::Files(_) | Self::Continued(_) | Self::Unknown { .. } => None,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Unknown { names, .. } if names.is_empty() => {
                Some("give an address (https://host/folder) or the path of a folder that exists".into())
            }
            Self::Unknown { names, .. } => {
                Some(format!("give an address, the path of a folder that exists, or one of {}", names.join(", ")))
            }
            Self::Server(_) => Some(
                "write it as grpc://host:port, or with TLS grpcs://host:port; the name of an instance may follow: grpcs://host:port/main"
                    .into(),
            ),
            Self::Files(InvalidMirror::NoAddress { .. }) => {
                Some("a cache is a folder, or on a server of http, https, grpc or grpcs".into())
            }
            Self::Files(InvalidMirror::Character { .. } | InvalidMirror::NoHost { .. } | InvalidMirror::Path { .. }) => None,
            Self::Continued(_) => {
                Some("give the address of the folder alone; addresses that are signed for single files cannot be used".into())
            }
            Self::Files(InvalidMirror::OtherMachine { .. }) => {
                Some("mount the directory of that machine here, or have it served: `cargo xtask cache serve`".into())
            }
            Self::Read { source, .. } => (source.kind() == io::ErrorKind::InvalidData).then(|| "save it as text in UTF-8".into()),
            Self::Mistakes(problems) => problems.hint(),
        }
    }

    fn exit(&self) -> ExitCode {
        match self {
            Self::Unknown { .. } | Self::Server(_) | Self::Files(_) | Self::Continued(_) => ExitCode::Usage,
            Self::Mistakes(_) => ExitCode::Description,
            Self::Read { .. } => ExitCode::Failed,
        }
    }
}

impl Settings {
    /// Reads the files; later ones override earlier ones, name by name. A missing file counts as empty.
    ///
    /// # Errors
    /// When one cannot be read or has mistakes.
    pub fn load(files: &[PathBuf]) -> Result<Self, SettingsError> {
        let mut settings = Self::default();
        for path in files {
            let text = match fs::read_to_string(path) {
                Ok(text) => text,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(source) => return Err(SettingsError::Read { path: path.clone(), source }),
            };
            let read = Self::parse(&path.display().to_string(), &text).map_err(Problems::new)?;
            settings.builders.extend(read.builders);
            settings.caches.extend(read.caches);
            settings.remote = read.remote.or(settings.remote);
        }
        Ok(settings)
    }

    /// Reads a file's text.
    ///
    /// # Errors
    /// All mistakes in it.
    pub fn parse(path: &str, text: &str) -> Result<Self, Vec<Problem>> {
        if let Some(at) = text.find(PRIVATE_KEY) {
            let source = Arc::new(SourceText::new(path, &text[..at + PRIVATE_KEY.len()]));
            let hint = "only `kaon-provenance.pub` of a builder is for others; whoever has seen the private key can sign for the builder";
            return Err(vec![Problem::new(&source, at..at + PRIVATE_KEY.len(), "this is a private key").hint(hint)]);
        }
        Document::new(path, text).read(|top| {
            let mut settings = Self::default();
            for entry in top.table("builder").iter().flat_map(Table::entries) {
                let name = entry.key.value.clone();
                if !is_builder_name(&name) {
                    top.problem(entry.key.span.clone(), "the name of a builder may have letters, digits, `-` and `_`");
                    continue;
                }
                if let Some(builder) = entry.table().as_ref().and_then(builder) {
                    settings.builders.insert(name, builder);
                }
            }
            for table in top.tables("cache") {
                let Some((name, cache)) = cache(&table) else { continue };
                match settings.caches.entry(name.value) {
                    Entry::Occupied(entry) => top.problem(name.span, format!("there are two caches called `{}`", entry.key())),
                    Entry::Vacant(entry) => drop(entry.insert(cache)),
                }
            }
            settings.remote = top.table("remote").as_ref().and_then(remote);
            settings
        })
    }

    /// The server whose workers build: the one at `given`, an address, with the other settings of the files, otherwise that of the files.
    /// `jobs` are the builds at the same time, instead of those of the files.
    ///
    /// # Errors
    /// When the text is not an address.
    pub fn remote(&self, given: Option<&str>, jobs: Option<usize>) -> Result<Option<Remote>, SettingsError> {
        let remote = match given.map(str::parse::<Server>).transpose()? {
            None => self.remote.clone(),
            Some(server) => {
                let rest = self.remote.clone().unwrap_or_else(|| Remote::at(server.clone()));
                Some(Remote { server, ..rest })
            }
        };
        Ok(remote.map(|remote| Remote { jobs: jobs.unwrap_or(remote.jobs), ..remote }))
    }

    /// The caches to read: those of the command line, by name or address, otherwise those that are used by default.
    ///
    /// # Errors
    /// When a text is neither a name nor an address nor the path of a folder.
    pub fn chosen(&self, given: &[String]) -> Result<Vec<(String, NamedCache)>, SettingsError> {
        if given.is_empty() {
            return Ok(self.caches.iter().filter(|(_, cache)| cache.is_used).map(|(name, cache)| (name.clone(), cache.clone())).collect());
        }
        // Variables that were read from a file end with a line feed.
        given.iter().map(|text| text.trim()).filter(|text| !text.is_empty()).map(|text| self.named(text)).collect()
    }

    /// The caches to write to.
    pub fn pushed(&self) -> Vec<(String, NamedCache)> {
        self.caches.iter().filter(|(_, cache)| cache.is_pushed).map(|(name, cache)| (name.clone(), cache.clone())).collect()
    }

    fn named(&self, text: &str) -> Result<(String, NamedCache), SettingsError> {
        if let Some(cache) = self.caches.get(text) {
            return Ok((text.to_owned(), cache.clone()));
        }
        let unknown =
            || SettingsError::Unknown { text: one_without_password(text).into_owned(), names: self.caches.keys().cloned().collect() };
        let folder = fs::canonicalize(text).ok().filter(|folder| folder.is_dir());
        let address = folder.map_or_else(|| text.to_owned(), |folder| file_address(&folder));
        let address: CacheAddress = address.parse().map_err(|error| match error {
            InvalidCacheAddress::Grpc(error) => SettingsError::Server(error),
            error @ InvalidCacheAddress::Continued { .. } => SettingsError::Continued(error),
            InvalidCacheAddress::Files(InvalidMirror::Path { .. }) => unknown(),
            // What has no scheme may be meant as a name.
            InvalidCacheAddress::Files(InvalidMirror::NoAddress { .. }) if !text.contains("://") => unknown(),
            InvalidCacheAddress::Files(error) => SettingsError::Files(error),
        })?;
        // If the settings name this address, their values apply.
        let same = self.caches.iter().find(|(_, cache)| cache.address == address);
        let named = same.map(|(name, cache)| (name.clone(), cache.clone()));
        Ok(named.unwrap_or_else(|| (address.to_string(), NamedCache { address, is_used: true, is_pushed: false, agree: 1 })))
    }

    /// The number of trusted builders, if a cache wants more of them to agree: then nothing of it is ever used.
    pub fn too_few_for(&self, cache: &NamedCache) -> Option<usize> {
        let keys: BTreeSet<Digest> = self.builders.values().map(|builder| builder.key.id()).collect();
        // Without any, the cache's results name the builders that could be trusted.
        (!keys.is_empty() && cache.agree > keys.len()).then_some(keys.len())
    }

    /// The certificate that a trusted builder's kernels verify modules with, and the builder's name: the first by name.
    pub fn modules(&self) -> Option<(&str, &str)> {
        self.builders.iter().find_map(|(name, builder)| Some((name.as_str(), builder.modules.as_deref()?)))
    }
}

fn builder(table: &Table<'_>) -> Option<TrustedBuilder> {
    let modules = table.string("modules").and_then(|text| certificate(table, text));
    let written = table.required_string("key");
    table.finish();
    let written = written?;
    match PublicKey::from_pem(&without_indentation(&written.value)) {
        Ok(key) => Some(TrustedBuilder { key, modules }),
        Err(error) => {
            let hint =
                "it is the content of the builder's `kaon-provenance.pub`, which `cargo xtask cache export` writes into its builder file";
            table.problem_with_hint(written.span, error.to_string(), hint);
            None
        }
    }
}

/// PEM as it was before somebody indented it with the rest of a file.
fn without_indentation(pem: &str) -> String {
    pem.lines().map(str::trim).collect::<Vec<_>>().join("\n")
}

/// A certificate, with the same bytes as builders write: it is part of their kernels' keys.
fn certificate(table: &Table<'_>, text: Spanned<String>) -> Option<String> {
    let pem = format!("{}\n", without_indentation(&text.value).trim());
    let is_one = pem.starts_with("-----BEGIN CERTIFICATE-----\n") && pem.ends_with("\n-----END CERTIFICATE-----\n");
    if !is_one {
        table.problem(text.span, "this is not a certificate in PEM");
    }
    is_one.then_some(pem)
}

fn cache(table: &Table<'_>) -> Option<(Spanned<String>, NamedCache)> {
    let is_used = table.boolean("use", false);
    let is_pushed = table.boolean("push", false);
    let agree = table.integer("agree", 1..=16).map_or(1, |number| number.value as usize);
    let name = table.required_string("name");
    let address = table.required_parsed::<CacheAddress>("url");
    table.finish();
    Some((name?, NamedCache { address: address?.value, is_used, is_pushed, agree }))
}

fn remote(table: &Table<'_>) -> Option<Remote> {
    let jobs = table.integer("jobs", 1..=MOST_JOBS_ON_WORKERS as u64).map_or(USUAL_JOBS, |number| number.value as usize);
    let properties = table.table("properties");
    let properties = properties.iter().flat_map(Table::entries);
    let properties = properties.filter_map(|entry| Some((entry.key.value.clone(), entry.string()?.value))).collect();
    let server = table.required_parsed::<Server>("url");
    table.finish();
    Some(Remote { server: server?.value, jobs, properties })
}

/// Whether a text may be the name of a builder: it is a table's name in `cache.toml`, and shown to people who decide whom they trust.
pub fn is_builder_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

/// The table of `cache.toml` that trusts a builder.
pub fn builder_text(name: &str, key: &PublicKey, modules: Option<&str>) -> String {
    let block = |text: &str| format!("\"\"\"\n{}\n\"\"\"", text.trim());
    let modules = modules.map(|pem| format!("modules = {}\n", block(pem))).unwrap_or_default();
    format!("[builder.{name}]\nkey = {}\n{modules}", block(key.pem()))
}

/// The text of a `cache.toml` without the table of a builder; nothing where it has none.
pub fn without_builder(text: &str, name: &str) -> Option<String> {
    let begins = |line: &str| line.trim_start().starts_with('[');
    let headers = [format!("[builder.{name}]"), format!("[builder.\"{name}\"]")];
    let (mut kept, mut is_inside, mut is_found) = (String::new(), false, false);
    let mut in_block = false;
    for line in text.split_inclusive('\n') {
        if !in_block && begins(line) {
            let header = line.split('#').next().unwrap_or_default().trim();
            is_inside = headers.iter().any(|wanted| header == wanted);
            is_found |= is_inside;
        }
        // A key is a text of several lines, which may begin with anything.
        in_block ^= line.matches("\"\"\"").count() % 2 == 1;
        if !is_inside {
            kept.push_str(line);
        }
    }
    is_found.then_some(kept)
}

/// The files that say what is believed in the project at `root`, the user's last: the user's settings win.
pub fn files(root: &Path, user: Option<&Path>) -> Vec<PathBuf> {
    std::iter::once(root.join(FILE)).chain(user.map(|folder| folder.join(FILE))).collect()
}

/// A folder of this machine as an address, in which some characters mean something else.
fn file_address(folder: &Path) -> String {
    let mut address = "file:".to_owned();
    for character in folder.display().to_string().chars() {
        if character.is_whitespace() || character.is_control() || "%#?".contains(character) {
            let mut bytes = [0; 4];
            address.extend(character.encode_utf8(&mut bytes).bytes().map(|byte| format!("%{byte:02X}")));
        } else {
            address.push(character);
        }
    }
    address
}

#[cfg(test)]
mod tests;
