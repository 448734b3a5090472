//! The metadata and packages kept of each repository on this machine.
//!
//! Each repository has a folder: `repodata` as it was fetched, `index` and `index-files` made of it, `left-out` with the reasons why packages
//! are not in those, `rpms`, `mirrors`, and `lastrefresh`, which is written last.

mod error;
mod keys;
mod refresh;
mod seen;

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use crate::download::{self, Client, DownloadError, Item, Network};
use rpm_engine::checksum;
use rpm_engine::config::{RepositoryConfig, Variables};
use rpm_engine::keyring::Keyring;
use rpm_engine::repo::{Advisory, Change, Index, Metadata, Offer, index};

pub use error::CacheError;
pub use keys::{KeyQuestion, forget, keyring, renewed};

/// No package is larger.
const LARGEST_PACKAGE_BYTES: u64 = 16 << 30;

/// What holds for all repositories of a run.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The system that is looked after.
    pub root: &'a Path,
    /// Where folders of repositories are.
    pub cache: &'a Path,
    /// Where accepted keys and what was seen is kept.
    pub persistent: &'a Path,
    /// Whether metadata is fetched though it is not old (`--refresh`).
    pub refresh: bool,
    /// Whether nothing is fetched at all (`-C`).
    pub cache_only: bool,
    /// What is known of the network.
    pub network: &'a Arc<Network>,
    /// As many files are fetched at once.
    pub at_once: usize,
    /// The time, in seconds since 1970.
    pub now: u64,
    /// Whether a key from the network is accepted.
    pub accept: &'a dyn Fn(&KeyQuestion<'_>) -> bool,
    /// What variables in lists of mirrors stand for.
    pub variables: &'a Variables,
    /// Hears how downloads go.
    pub report: download::Report<'a>,
    /// Hears what was passed over.
    pub warn: &'a dyn Fn(&str),
    /// Hears what takes time.
    pub note: &'a dyn Fn(&str),
}

/// A repository's folder.
pub(crate) struct Kept<'a> {
    repository: &'a RepositoryConfig,
    name: String,
    folder: PathBuf,
}

/// A repository ready to be asked.
#[derive(Debug)]
pub struct Opened {
    /// As configured.
    pub repository: RepositoryConfig,
    /// Its checked metadata.
    pub metadata: Metadata,
    /// Its packages.
    pub index: Index,
    folder: PathBuf,
}

impl<'a> Kept<'a> {
    /// The folder's name contains a digest of the addresses, so that what was kept of another place is never taken for this one's.
    fn new(repository: &'a RepositoryConfig, cache: &Path) -> Self {
        let places = repository.base_urls.iter().chain(&repository.mirror_list).chain(&repository.metalink);
        let digest = Sha256::digest(places.map(String::as_str).collect::<Vec<_>>().join("\n"));
        let name = format!("{}-{}", repository.id, &hex::encode(digest)[..8]);
        Self { repository, folder: cache.join(&name), name }
    }

    fn mirrors(&self) -> Vec<String> {
        match fs::read_to_string(self.folder.join("mirrors")) {
            Ok(text) => text.lines().map(str::to_owned).collect(),
            Err(_) => self.repository.base_urls.clone(),
        }
    }

    /// Whether the metadata was fetched so lately that it is taken as it is.
    fn is_fresh(&self, now: u64) -> bool {
        let text = fs::read_to_string(self.folder.join("lastrefresh")).unwrap_or_default();
        let Ok(fetched) = text.trim().parse::<u64>() else { return false };
        // A time in the future says that the clock was wrong: then nothing is known.
        match self.repository.transport.metadata_expire {
            None => true,
            Some(expire) => fetched <= now && now - fetched < expire.as_secs(),
        }
    }
}

/// Opens a repository, its metadata brought up to date first where that is due.
///
/// # Errors
/// When it cannot be fetched or is not trusted.
pub fn open(repository: &RepositoryConfig, context: &Context<'_>) -> Result<Opened, CacheError> {
    let kept = Kept::new(repository, context.cache);
    let there = kept.folder.join("lastrefresh").exists();
    if context.cache_only && !there {
        return Err(CacheError::NotCached { id: repository.id.clone() });
    }
    if context.cache_only || (!context.refresh && kept.is_fresh(context.now)) {
        let opened = open_kept(&kept, context);
        // A damaged cache is made again; an index nobody trusts any more is an error wherever it comes from.
        // One whose time is over is fetched again, too.
        let damaged = matches!(&opened, Err(CacheError::Expired { .. }))
            || matches!(&opened, Err(CacheError::Refused { source, .. }) if !matches!(source, rpm_engine::repo::RepoError::Untrusted { .. }));
        if !damaged || context.cache_only {
            return opened;
        }
    }
    let _lock = lock(&kept)?;
    let metadata = refresh::refresh(&kept, context, &["primary", "updateinfo", "modules"])?;
    with_index(&kept, metadata, context)
}

fn lock(kept: &Kept<'_>) -> Result<File, CacheError> {
    fs::create_dir_all(kept.folder.join("repodata")).map_err(io_at(&kept.folder))?;
    let path = kept.folder.join("lock");
    let file = File::create(&path).map_err(io_at(&path))?;
    file.lock().map_err(io_at(&path))?;
    Ok(file)
}

fn open_kept(kept: &Kept<'_>, context: &Context<'_>) -> Result<Opened, CacheError> {
    let repository = kept.repository;
    let trusted = if repository.transport.repo_gpgcheck { Some(keyring(repository, context)?) } else { None };
    let refused = |source| CacheError::Refused { id: repository.id.clone(), source };
    let metadata = Metadata::open(&kept.folder, trusted.as_ref().map(|keys| keys.at(context.now))).map_err(refused)?;
    refresh::unexpired(repository, &metadata, context)?;
    with_index(kept, metadata, context)
}

fn with_index(kept: &Kept<'_>, metadata: Metadata, context: &Context<'_>) -> Result<Opened, CacheError> {
    let mut left_out = None;
    let index = index_of(kept.repository, &kept.folder, &metadata, "primary", "index", |builder| {
        left_out = Some(metadata.each_offer(|offer| {
            builder.add(&offer);
            Ok(())
        })?);
        Ok(())
    })?;
    let list = kept.folder.join("left-out");
    if let Some(left_out) = left_out {
        note_modules(kept.repository, &metadata, &index, context)?;
        publish(&list, left_out.iter().map(|reason| format!("{}\n", reason.replace('\n', " "))).collect::<String>().as_bytes())?;
    }
    let reasons = fs::read_to_string(&list).unwrap_or_default();
    reasons.lines().for_each(|reason| (context.warn)(&format!("repository `{}`: {reason}", kept.repository.id)));
    Ok(Opened { repository: kept.repository.clone(), metadata, index, folder: kept.folder.clone() })
}

/// Says that modules are not supported, if they would hide packages: once, when the index is made.
fn note_modules(repository: &RepositoryConfig, metadata: &Metadata, index: &Index, context: &Context<'_>) -> Result<(), CacheError> {
    let is_there = metadata.repomd.get("modules").is_some_and(rpm_engine::repo::Document::is_sealed);
    if !is_there || context.cache_only {
        return Ok(());
    }
    let of_modules = metadata.of_modules().map_err(|source| CacheError::Refused { id: repository.id.clone(), source })?;
    let count = (0..index.len()).filter_map(|at| index.nevra(at)).filter(|nevra| of_modules.contains(nevra)).count();
    if count > 0 {
        (context.note)(&format!(
            "{count} packages of '{}' belong to modules, which are not supported: they are offered as all others",
            repository.name
        ));
    }
    Ok(())
}

/// The index made of a document, taken from the file if that was made of the very same.
fn index_of(
    repository: &RepositoryConfig,
    folder: &Path,
    metadata: &Metadata,
    kind: &'static str,
    file: &str,
    fill: impl FnOnce(&mut index::Builder) -> Result<(), rpm_engine::repo::RepoError>,
) -> Result<Index, CacheError> {
    let refused = |source| CacheError::Refused { id: repository.id.clone(), source };
    let document = metadata.repomd.get(kind).ok_or_else(|| refused(rpm_engine::repo::RepoError::Lacks { kind }))?;
    let mut source = [0; 32];
    if hex::decode_to_slice(&document.checksum, &mut source).is_err() {
        // It is longer than SHA-256.
        source = Sha256::digest(&document.checksum).into();
    }
    let path = folder.join(file);
    if let Some(index) = Index::open(&path, source).map_err(io_at(&path))? {
        return Ok(index);
    }
    let mut builder = index::Builder::default();
    fill(&mut builder).map_err(refused)?;
    publish_by(&path, |file| {
        let mut file = BufWriter::new(file);
        builder.write(source, &mut file)?;
        file.flush()
    })?;
    let damaged = || refused(rpm_engine::repo::RepoError::Index { path: path.clone() });
    Index::open(&path, source).map_err(io_at(&path))?.ok_or_else(damaged)
}

impl Opened {
    fn kept(&self) -> Kept<'_> {
        let name = self.folder.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
        Kept { repository: &self.repository, name, folder: self.folder.clone() }
    }

    fn refused(&self, source: rpm_engine::repo::RepoError) -> CacheError {
        CacheError::Refused { id: self.repository.id.clone(), source }
    }

    /// Fetches a document where the cache lacks it.
    fn need(&self, kind: &'static str, context: &Context<'_>) -> Result<(), CacheError> {
        if context.cache_only {
            return Ok(());
        }
        let kept = self.kept();
        let _lock = lock(&kept)?;
        refresh::documents(&kept, &self.metadata, &[kind], context)
    }

    /// The packages with all their paths. The file list is fetched where it is not there yet.
    ///
    /// # Errors
    /// When it cannot be fetched, or is damaged.
    pub fn index_with_files(&self, context: &Context<'_>) -> Result<Index, CacheError> {
        self.need("filelists", context)?;
        index_of(&self.repository, &self.folder, &self.metadata, "filelists", "index-files", |builder| self.add_with_files(builder))
    }

    /// Adds all packages, with the paths of the file list where that knows them.
    fn add_with_files(&self, builder: &mut index::Builder) -> Result<(), rpm_engine::repo::RepoError> {
        let mut left: HashMap<&str, usize> = (0..self.index.len()).filter_map(|at| Some((self.index.checksum(at)?, at))).collect();
        let mut with_files = vec![false; self.index.len()];
        self.metadata.each_filelist(|digest, paths| {
            if let Some(at) = left.remove(digest)
                && let Some(mut offer) = self.index.offer(at)
            {
                offer.package.paths = paths;
                builder.add(&offer);
                with_files[at] = true;
            }
            Ok(())
        })?;
        let others = (0..self.index.len()).filter(|at| !with_files[*at]).filter_map(|at| self.index.offer(at));
        others.for_each(|offer| builder.add(&offer));
        Ok(())
    }

    /// The advisories; none where the repository has none or they are not wanted.
    ///
    /// # Errors
    /// When they cannot be fetched, or are damaged.
    pub fn advisories(&self, context: &Context<'_>) -> Result<Vec<Advisory>, CacheError> {
        if self.repository.skip_updateinfo {
            return Ok(Vec::new());
        }
        self.need("updateinfo", context)?;
        self.metadata.advisories().map_err(|source| self.refused(source))
    }

    /// The change logs, by the checksum of the package's file.
    ///
    /// # Errors
    /// When they cannot be fetched, or are damaged.
    pub fn changes(&self, context: &Context<'_>) -> Result<HashMap<String, Vec<Change>>, CacheError> {
        self.need("other", context)?;
        self.metadata.changes().map_err(|source| self.refused(source))
    }

    /// Copies the metadata to `to`: the index, its signature, and every document it names, whatever that is.
    ///
    /// # Errors
    /// When one cannot be fetched or written.
    pub fn copy_metadata(&self, to: &Path, context: &Context<'_>) -> Result<(), CacheError> {
        let (client, mirrors) = (self.client(context)?, self.kept().mirrors());
        let mut items = Vec::new();
        for document in self.metadata.repomd.kinds().filter_map(|kind| self.metadata.repomd.get(kind)) {
            let (here, there) = (self.folder.join(&document.location), to.join(&document.location));
            let parent = there.parent().unwrap_or(to);
            fs::create_dir_all(parent).map_err(io_at(parent))?;
            match checksum::has(&here, &document.checksum).unwrap_or(false) {
                true => drop(fs::copy(&here, &there).map_err(io_at(&there))?),
                false => items.push((&client, refresh::item(&self.repository, document, &mirrors, there))),
            }
        }
        self.or_download(download::fetch_all(&items, context.at_once, context.report))?;
        let folder = to.join("repodata");
        fs::create_dir_all(&folder).map_err(io_at(&folder))?;
        for name in ["repomd.xml.asc", "repomd.xml"] {
            let (here, there) = (self.folder.join("repodata").join(name), folder.join(name));
            if here.exists() {
                fs::copy(&here, &there).map_err(io_at(&there))?;
            }
        }
        Ok(())
    }

    /// Fetches everything the repository has but change logs, as `makecache` does.
    ///
    /// # Errors
    /// When it cannot be fetched, or is damaged.
    pub fn complete(&self, context: &Context<'_>) -> Result<(), CacheError> {
        if !self.repository.skip_filelists && self.metadata.repomd.get("filelists").is_some() {
            self.index_with_files(context)?;
        }
        Ok(())
    }

    /// The keys its packages are checked with; none where they are not.
    ///
    /// # Errors
    /// As [`keyring`].
    pub fn keys(&self, context: &Context<'_>) -> Result<Option<Keyring>, CacheError> {
        if self.repository.transport.gpgcheck { keyring(&self.repository, context).map(Some) } else { Ok(None) }
    }

    /// As [`Opened::keys`], fetched again; none where they are the same.
    ///
    /// # Errors
    /// As [`keyring`].
    pub fn renewed_keys(&self, context: &Context<'_>) -> Result<Option<Keyring>, CacheError> {
        if self.repository.transport.gpgcheck { renewed(&self.repository, context) } else { Ok(None) }
    }

    /// Where a package's file is kept once it was fetched.
    pub fn package_path(&self, offer: &Offer) -> PathBuf {
        self.folder.join("rpms").join(offer.file_name())
    }

    /// The addresses of a package's file, in the order of trial.
    pub fn package_urls(&self, offer: &Offer) -> Vec<String> {
        self.kept().mirrors().iter().map(|mirror| refresh::join(mirror, &offer.location)).collect()
    }

    /// Where a package's file is on this machine, if the first place of the repository is a directory: it is used where it is.
    pub fn package_in_place(&self, offer: &Offer) -> Option<PathBuf> {
        let first = self.kept().mirrors().into_iter().next()?;
        download::local_path(&refresh::join(&first, &offer.location)).filter(|path| path.is_file())
    }

    /// A package's file as something to be fetched to `to`.
    pub fn item(&self, offer: &Offer, to: PathBuf) -> Item {
        Item {
            label: offer.package.nevra.to_string(),
            urls: self.package_urls(offer),
            to,
            expected: Some(offer.checksum.clone()),
            size: Some(offer.package.package_size_bytes).filter(|size| *size > 0),
            most_bytes: LARGEST_PACKAGE_BYTES,
        }
    }

    /// What is to be fetched so that a package's file is at `to`; nothing, if it does already.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn package_item(&self, offer: &Offer, to: PathBuf) -> Result<Option<Item>, CacheError> {
        if checksum::has(&to, &offer.checksum).unwrap_or(false) {
            return Ok(None);
        }
        let parent = to.parent().unwrap_or(&self.folder);
        fs::create_dir_all(parent).map_err(io_at(parent))?;
        Ok(Some(self.item(offer, to)))
    }

    /// Where it is kept on this machine.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A client with this repository's settings.
    ///
    /// # Errors
    /// When a certificate, a key or the proxy's address cannot be used.
    pub fn client(&self, context: &Context<'_>) -> Result<Client, CacheError> {
        self.or_download(Client::new(&self.repository, context.network))
    }

    fn or_download<T>(&self, result: Result<T, DownloadError>) -> Result<T, CacheError> {
        result.map_err(|source| CacheError::Download { id: self.repository.id.clone(), source })
    }
}

/// The revision of what is cached of a repository, and when it was fetched, for people; none where nothing is.
pub fn state(repository: &RepositoryConfig, context: &Context<'_>) -> Option<(String, String)> {
    let kept = Kept::new(repository, context.cache);
    let fetched = fs::read_to_string(kept.folder.join("lastrefresh")).ok()?.trim().parse().ok()?;
    let metadata = Metadata::open(&kept.folder, None).ok()?;
    Some((metadata.repomd.revision, crate::calendar::local(fetched)))
}

/// What of the cache is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clean {
    /// Packages.
    Packages,
    /// Metadata.
    Metadata,
    /// The indexes made of it.
    Indexes,
    /// Nothing but the knowledge that metadata is fresh.
    Expiry,
    /// All of it.
    All,
}

/// Removes what `what` says of the folders of these repositories, or of all folders.
///
/// # Errors
/// When something cannot be removed.
pub fn clean(cache: &Path, repositories: Option<&[&RepositoryConfig]>, what: Clean) -> Result<(), CacheError> {
    let folders: Vec<PathBuf> = match repositories {
        Some(repositories) => repositories.iter().map(|repository| Kept::new(repository, cache).folder).collect(),
        None => fs::read_dir(cache).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path())).collect(),
    };
    let names: &[&str] = match what {
        Clean::Packages => &["rpms"],
        Clean::Metadata => &["lastrefresh", "repodata", "mirrors", "arriving"],
        Clean::Indexes => &["index", "index-files", "left-out"],
        Clean::Expiry => &["lastrefresh"],
        Clean::All => &["lastrefresh", "repodata", "mirrors", "arriving", "index", "index-files", "left-out", "rpms", "lock", ""],
    };
    for folder in folders {
        for name in names {
            let path = folder.join(name);
            let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            match removed {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(io_at(&path)(error)),
                _ => {}
            }
        }
    }
    Ok(())
}

fn io_at(path: &Path) -> impl Fn(io::Error) -> CacheError + use<> {
    let path = path.to_owned();
    move |source| CacheError::Io { path: path.clone(), source }
}

/// Writes a file so that it is there whole or not at all.
fn publish(path: &Path, bytes: &[u8]) -> Result<(), CacheError> {
    publish_by(path, |file| file.write_all(bytes))
}

/// Writes a file by `fill`; it is there as a whole or not at all.
fn publish_by(path: &Path, fill: impl FnOnce(&mut File) -> io::Result<()>) -> Result<(), CacheError> {
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    let write = || {
        let mut file = File::create(&new)?;
        fill(&mut file)?;
        file.sync_data()?;
        fs::rename(&new, path)
    };
    write().map_err(io_at(path))
}
