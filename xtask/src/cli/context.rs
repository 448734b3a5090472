//! The context of all commands.

use std::env;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::arguments::MOST_JOBS;
use super::output::Output;
use super::{Global, signal};
use base::diagnostic::{ExitCode, Failure, Report};
use builder::project;
use builder::{Builder, Caching, Fallback, Farm, Kernels, RecordedCosts};
use cache::settings::Remote;
use cache::{CacheUse, Caches, check_readable};
use planning::graph::Graph;
use runtime::cancel::Cancel;
use runtime::limits::check_memory;
use runtime::progress::Reporter;
use runtime::sandbox::Isolation;
use runtime::store::{Store, check_owner};
use sdk::Sdk;
use sdk::apt::{HOST_APT_FOLDER, Settings};
use sdk::source::{SourceError, parse_mirror};

/// Settings, directories, and output.
pub struct Context<'a> {
    /// The project's top folder.
    pub root: PathBuf,
    /// Options of all commands.
    pub global: Global,
    /// The output of results and messages.
    pub output: &'a Output,
    /// The receiver of progress.
    pub reporter: Arc<dyn Reporter>,
    /// Raised by Ctrl-C.
    pub cancel: Cancel,
}

/// There is no usable directory for the store or the keys.
#[derive(Debug, thiserror::Error)]
enum NoPlace {
    #[error("no directory for {what}: neither `{variable}` nor `HOME` is set")]
    Unset { what: &'static str, variable: &'static str },
    #[error("no directory for {what}: `{variable}` is not set, and `HOME` is `{}`, which is not an absolute path", home.display())]
    RelativeHome { what: &'static str, variable: &'static str, home: PathBuf },
    #[error("the directory for {what} is `{}`: only a shell replaces `~`, and only without quotes", path.display())]
    Tilde { what: &'static str, variable: &'static str, path: PathBuf },
    #[error("the directory for {what} is `{}`, which is not UTF-8 text", path.display())]
    NotText { what: &'static str, variable: &'static str, path: PathBuf },
    #[error("the directory for {what} is `{}`, a link to `{}`, which does not exist", path.display(), target.display())]
    LinkToNothing { what: &'static str, variable: &'static str, path: PathBuf, target: PathBuf },
}

impl Failure for NoPlace {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Unset { variable, .. } => Some(format!("set {variable} to a directory you may write to")),
            Self::RelativeHome { variable, .. } => {
                Some(format!("set HOME to an absolute path, or {variable} to a directory you may write to"))
            }
            Self::Tilde { variable, .. } => Some(format!("write the whole path, such as `{variable}=\"$HOME/kaon\"`")),
            Self::NotText { variable, .. } => Some(format!("set {variable} to a path in UTF-8")),
            Self::LinkToNothing { variable, .. } => {
                Some(format!("mount or create what it leads to, or set {variable} to another directory"))
            }
        }
    }

    fn exit(&self) -> ExitCode {
        ExitCode::Host
    }
}

/// There is no cache to take results from.
#[derive(Debug, thiserror::Error)]
#[error("`--cache-only` builds nothing, and there is no cache to take results from")]
struct NoCache;

impl Failure for NoCache {
    fn hint(&self) -> Option<String> {
        Some("name one with --cache, an address or a name in cache.toml".into())
    }

    fn exit(&self) -> ExitCode {
        ExitCode::Usage
    }
}

/// Remote builds are not possible as they were asked for.
#[derive(Debug, thiserror::Error)]
enum NoRemote {
    #[error("`--remote-only` builds nothing on this machine, and there is no server whose workers build")]
    NoServer,
    #[error("`--sandbox chroot` is for builds on this machine, and workers build in namespaces")]
    Chroot,
}

impl Failure for NoRemote {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoServer => "name one with --remote, or in `[remote]` of cache.toml".into(),
            Self::Chroot => "give only one of --sandbox chroot and --remote; --no-remote ignores `[remote]` of cache.toml".into(),
        })
    }

    fn exit(&self) -> ExitCode {
        ExitCode::Usage
    }
}

/// The current directory was removed.
#[derive(Debug, thiserror::Error)]
#[error("the current directory cannot be used")]
struct NoCurrentDirectory(#[source] std::io::Error);

impl Failure for NoCurrentDirectory {}

impl<'a> Context<'a> {
    /// Finds the project and prepares for signals.
    pub(super) fn new(mut global: Global, output: &'a Output) -> Result<Self, Report> {
        let here = env::current_dir().map_err(NoCurrentDirectory)?;
        global.source_mirror = global.source_mirror.iter().map(|text| source_mirror(text, &here)).collect::<Result<_, _>>()?;
        // cargo runs an alias in the caller's directory, and a packaged binary may be anywhere.
        let root = planning::project::find_root(&here)?;
        global.sandbox.select();
        let cancel = output.cancel();
        signal::watch(&cancel);
        runtime::remote::set_up(root.clone(), output.reporter(), cancel.clone());
        Ok(Self { root, reporter: output.reporter(), global, output, cancel })
    }

    /// The graph of all specs.
    ///
    /// # Errors
    /// All mistakes in them.
    pub fn graph(&self) -> Result<Graph, Report> {
        let specs = planning::project::load_specs(&self.root.join("specs"))?;
        Ok(project::graph(specs, &Sdk::describe(&self.root)?)?)
    }

    /// The store.
    ///
    /// # Errors
    /// When there is no directory for it or it cannot be created.
    pub fn store(&self) -> Result<Store, Report> {
        let root = match &self.global.store {
            Some(path) => path.clone(),
            None => home_folder("the store", "KAON_STORE", "XDG_CACHE_HOME", ".cache")?.join("kaon"),
        };
        check_place("the store", "KAON_STORE", &root)?;
        check_owner(&root)?;
        Ok(Store::open(&root)?.reporting_to(self.reporter.clone()).stopped_by(&self.cancel).of_checkout(&self.root))
    }

    /// The directory of the signing keys.
    ///
    /// # Errors
    /// When there is no directory for it.
    pub fn keys(&self) -> Result<PathBuf, Report> {
        let place = match &self.global.keys {
            Some(path) => path.clone(),
            None => home_folder("the signing keys", "KAON_KEYS", "XDG_DATA_HOME", ".local/share")?.join("kaon/keys"),
        };
        check_place("the signing keys", "KAON_KEYS", &place)?;
        Ok(place)
    }

    /// This machine as a builder.
    ///
    /// # Errors
    /// When this process may have too little memory, the SDK's files or the recorded costs cannot be read, descriptions of kernels have
    /// mistakes, or there is no directory for the keys.
    pub fn builder<'w>(&'w self, graph: &'w Graph, store: &'w Store) -> Result<Builder<'w>, Report> {
        check_memory()?;
        let keys = self.keys()?;
        let mut kernels = Kernels::load(graph, &self.root, &keys)?;
        // Even if caches are not read: kernels that were taken from one keep their keys.
        if let Some((_, certificate)) = self.trust()?.modules() {
            kernels.trust(certificate.to_owned());
        }
        Ok(Builder {
            kernels,
            caching: Caching::default(),
            farm: None,
            costs: RecordedCosts::load(&self.root)?,
            sdk: Sdk::load(&self.root)?,
            settings: self.settings(),
            keys,
            jobs: self.jobs(),
            reporter: &*self.reporter,
            cancel: self.cancel.clone(),
            graph,
            store,
        })
    }

    /// The same, but takes results from caches instead of building, and builds on the workers of a server if there is one.
    ///
    /// # Errors
    /// As for [`Self::builder`]; when a `cache.toml` has mistakes, or a `--cache` or `--remote` is not valid.
    pub fn caching_builder<'w>(&'w self, graph: &'w Graph, store: &'w Store) -> Result<Builder<'w>, Report> {
        let trust = self.trust()?;
        let chosen = if self.global.no_cache { Vec::new() } else { trust.chosen(&self.global.cache)? };
        if self.global.cache_only && chosen.is_empty() {
            return Err(NoCache.into());
        }
        // Those of cache.toml may be absent today; then a warning names them, as for servers.
        if !self.global.cache.is_empty() {
            chosen.iter().try_for_each(|(_, cache)| check_readable(&cache.address))?;
        }
        for (name, cache) in &chosen {
            if let Some(trusted) = trust.too_few_for(cache) {
                self.reporter.warn(format!(
                    "nothing of the cache `{name}` is used: {} builders must agree (`agree` in cache.toml), and {trusted} can, as many are trusted",
                    cache.agree
                ));
            }
        }
        let mut builder = self.builder(graph, store)?;
        builder.settings.caches = chosen.iter().map(|(_, cache)| cache.address.clone()).collect();
        let used = if self.global.cache_only { CacheUse::Only } else { CacheUse::BuildsTheRest };
        builder.caching = Caching { caches: Caches::new(chosen, &trust, used) };
        builder.farm = self.farm(&trust)?;
        Ok(builder)
    }

    /// The server whose workers build, if there is one.
    fn farm(&self, settings: &cache::settings::Settings) -> Result<Option<Farm>, Report> {
        let Some(Remote { server, jobs, properties }) = self.remote(settings)? else {
            return if self.global.remote_only { Err(NoRemote::NoServer.into()) } else { Ok(None) };
        };
        if Isolation::selected() == Isolation::Chroot {
            return Err(NoRemote::Chroot.into());
        }
        let fallback = if self.global.remote_only { Fallback::Nothing } else { Fallback::ThisMachine };
        Ok(Some(Farm { server, jobs, properties, fallback }))
    }

    /// The server whose workers build, as the command line and `cache.toml` name it.
    ///
    /// # Errors
    /// When the address is not valid.
    pub fn remote(&self, settings: &cache::settings::Settings) -> Result<Option<Remote>, Report> {
        if self.global.no_remote {
            return Ok(None);
        }
        Ok(settings.remote(self.global.remote.as_deref(), self.global.remote_jobs)?)
    }

    /// The trusted builders and known caches, from the project's and the user's `cache.toml`.
    ///
    /// # Errors
    /// When a file cannot be read or has mistakes.
    pub fn trust(&self) -> Result<cache::settings::Settings, Report> {
        let user = self.trust_folder().ok();
        Ok(cache::settings::Settings::load(&cache::settings::files(&self.root, user.as_deref()))?)
    }

    /// The directory of the user's own settings.
    ///
    /// # Errors
    /// When there is no directory for it.
    pub fn trust_folder(&self) -> Result<PathBuf, Report> {
        Ok(home_folder("the settings", "XDG_CONFIG_HOME", "XDG_CONFIG_HOME", ".config")?.join("kaon"))
    }

    /// The settings for fetching.
    pub fn settings(&self) -> Settings {
        Settings {
            debian_mirror: self.global.debian_mirror.clone(),
            client: self.global.debian_client.client(),
            source_mirrors: self.global.source_mirror.clone(),
            caches: Vec::new(),
            apt_folder: HOST_APT_FOLDER.into(),
            keyring: Sdk::keyring(&self.root),
            project: self.root.clone(),
            locked: self.global.locked,
        }
    }

    /// Processors to keep busy.
    pub fn jobs(&self) -> usize {
        let all = || std::thread::available_parallelism().map_or(1, Into::into).min(MOST_JOBS);
        self.global.jobs.filter(|jobs| *jobs > 0).unwrap_or_else(all)
    }
}

/// The directory `xdg` of the XDG base directory specification, for `what`, which can be set with `variable`. The specification ignores relative
/// paths in its variables.
fn home_folder(what: &'static str, variable: &'static str, xdg: &str, below_home: &str) -> Result<PathBuf, NoPlace> {
    let path = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    match (path(xdg).filter(|path| path.is_absolute()), path("HOME")) {
        (Some(given), _) => Ok(given),
        (None, Some(home)) if home.is_absolute() => Ok(home.join(below_home)),
        (None, Some(home)) => Err(NoPlace::RelativeHome { what, variable, home }),
        (None, None) => Err(NoPlace::Unset { what, variable }),
    }
}

/// Checks a directory for `what` before it is created: text that a shell should have expanded, and paths that cannot be passed to sandboxes.
fn check_place(what: &'static str, variable: &'static str, path: &Path) -> Result<(), NoPlace> {
    let first = path.components().next().map(|first| first.as_os_str().as_encoded_bytes());
    if first.is_some_and(|first| first.starts_with(b"~")) {
        return Err(NoPlace::Tilde { what, variable, path: path.to_owned() });
    }
    if path.to_str().is_none() {
        return Err(NoPlace::NotText { what, variable, path: path.to_owned() });
    }
    match path.read_link() {
        Ok(target) if !path.exists() => Err(NoPlace::LinkToNothing { what, variable, path: path.to_owned(), target }),
        Ok(_) | Err(_) => Ok(()),
    }
}

/// A `--source-mirror` in the form for fetching: an address, or the absolute path of a folder.
fn source_mirror(text: &str, here: &Path) -> Result<String, SourceError> {
    let is_relative = !text.starts_with('/') && !text.contains(':');
    let folder = is_relative.then(|| here.join(text).canonicalize().ok()).flatten().filter(|folder| folder.is_dir());
    let text = folder.map_or_else(|| text.to_owned(), |folder| folder.display().to_string());
    parse_mirror(&text).map(|_| text)
}
