//! One run: the configuration, the system and the repositories that are looked at.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use super::args::Common;
use super::console::Console;
use super::error::CliError;
use super::local::{COMMAND_LINE, Local, Repositories};
use super::progress::Downloads;
use crate::cache::{self, Context, KeyQuestion, Opened};
use crate::download::{self, Client, Event, Family, Item, Network};
use crate::query::{Filter, Sack, Stock};
use rpm_engine::config::{Config, Main, Overrides, Place, RepositoryConfig, beneath, matches};
use rpm_engine::dependency::Capability;
use rpm_engine::system::{Installed, System};

/// No package file is larger.
const LARGEST_FILE_BYTES: u64 = 16 << 30;

/// One run.
pub struct Session {
    /// Options of every command.
    pub common: Common,
    /// What the user reads and answers.
    pub console: Console,
    /// The configuration.
    pub config: Config,
    /// The system looked after.
    pub system: System,
    /// What is installed.
    pub installed: Vec<Installed>,
    /// The machine's architecture.
    pub arch: String,
    /// The words of the command line, for the history.
    pub command_line: Vec<String>,
    /// When it began, in seconds since 1970.
    pub now: u64,
    cache: PathBuf,
    persistent: PathBuf,
    downloads: Downloads,
    network: Arc<Network>,
    /// What was said already: keys are read once for the index, and once for the packages.
    warned: Mutex<BTreeSet<String>>,
}

impl Session {
    /// Reads the configuration and what is installed.
    ///
    /// # Errors
    /// When either cannot be read.
    pub fn begin(mut common: Common, command_line: Vec<String>) -> Result<Self, CliError> {
        let console = Console::new(&common);
        let root = common.install_root.clone().unwrap_or_else(|| "/".into());
        // A root may be made by what is installed into it.
        if common.install_root.is_some() && !root.exists() {
            fs::create_dir_all(&root).map_err(io_at(&root))?;
        }
        let system = System::open(&root)?;
        let arch = machine();
        let installed = system.installed()?;
        // A root that is only being made has no configuration of its own yet; with `-c` nothing of the root's own is asked for.
        let configured = if Config::is_in(&root) && common.config.is_none() { &*root } else { Path::new("/") };
        let release = |main: &Main| release(main, &root, configured, &installed);
        let mut config = Config::load(configured, &arch, &overrides(&common)?, release)?;
        if !console.quiet {
            config.warnings.iter().for_each(|warning| console.warn(warning));
        }
        apply(&common, &mut config);
        common.test_only |= config.main.test_only;
        let arch = config.main.arch.clone().unwrap_or(arch);
        let (cache, persistent) = match places(&root, &config.main) {
            Places::Own(cache, persistent) => (cache, persistent),
            // Whoever has nowhere to write reads what root fetched.
            Places::ReadOnly(cache, persistent) => {
                common.cache_only = true;
                (cache, persistent)
            }
        };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let console = if config.main.assume_yes { console.assuming(true) } else { console };
        let downloads = Downloads::new(console);
        let family = if common.ipv4 { Family::V4 } else { Family::Any };
        let network = Arc::new(Network::new(if common.ipv6 { Family::V6 } else { family }));
        Ok(Self {
            arch,
            common,
            console,
            config,
            system,
            installed,
            command_line,
            now,
            cache,
            persistent,
            downloads,
            network,
            warned: Mutex::default(),
        })
    }

    /// Hands out what repositories are opened with.
    pub fn with_context<T>(&self, work: impl FnOnce(&Context<'_>) -> T) -> T {
        let accept = |question: &KeyQuestion<'_>| self.accept(question);
        let note = |text: &str| self.console.aside(text);
        let report = |event: Event<'_>| self.downloads.hear(event);
        let warn = |text: &str| {
            if self.warned.lock().is_ok_and(|mut warned| warned.insert(text.to_owned())) {
                self.console.warn(text);
            }
        };
        let context = Context {
            root: self.system.root(),
            cache: &self.cache,
            persistent: &self.persistent,
            refresh: self.common.refresh,
            cache_only: self.common.cache_only,
            network: &self.network,
            at_once: self.config.main.parallel_downloads as usize,
            now: self.now,
            accept: &accept,
            variables: &self.config.variables,
            report: &report,
            warn: &warn,
            note: &note,
        };
        let done = work(&context);
        self.downloads.clear();
        done
    }

    fn accept(&self, question: &KeyQuestion<'_>) -> bool {
        self.downloads.clear();
        self.console.note(format!("The repository `{}` is signed with a key from {}:", question.id, question.url));
        for key in question.facts {
            self.console.note(format!(" Fingerprint: {}", key.fingerprint));
            key.users.iter().for_each(|user| self.console.note(format!(" Owner      : {user}")));
        }
        self.console.ask("Is this ok")
    }

    /// Opens all enabled repositories, and the package files the command line names. Repositories that may be unavailable and are, are left
    /// aside with a warning.
    ///
    /// # Errors
    /// When another one cannot be used.
    pub fn open(&self) -> Result<Repositories, CliError> {
        let enabled = self.config.enabled();
        let open = |context: &Context<'_>| {
            let mut opened = Vec::new();
            for repository in enabled {
                match cache::open(repository, context) {
                    Ok(found) => opened.push(found),
                    Err(error) if repository.transport.skip_if_unavailable && error.is_of_repository() => {
                        self.console.warn(format!("{}; it is ignored", error.with_causes()));
                    }
                    Err(error) => return Err(error),
                }
            }
            Ok(opened)
        };
        let opened = self.with_context(open)?;
        let mut locals = Vec::new();
        for text in &self.common.from_directory {
            let (id, directory) = pair(text)?;
            if !self.common.only.is_empty() && !self.common.only.iter().any(|only| matches(only, &id)) {
                continue;
            }
            locals.push(Local::directory(&id, Path::new(&directory))?);
        }
        Ok(Repositories { opened, locals, files: BTreeMap::new() })
    }

    /// All packages: those installed, and those of the repositories.
    pub fn sack<'a>(&'a self, repositories: &'a Repositories) -> Sack<'a> {
        let stock = |opened: &'a Opened| Stock {
            id: &opened.repository.id,
            priority: opened.repository.priority,
            index: &opened.index,
            excludes: if self.common.disable_excludes { &[] } else { &opened.repository.excludes },
            includes: if self.common.disable_excludes { &[] } else { &opened.repository.includes },
        };
        let mut excludes: Vec<_> = self.common.exclude.iter().map(|text| (text.clone(), "`--exclude`")).collect();
        if !self.common.disable_excludes {
            excludes.extend(self.config.main.excludes.iter().map(|text| (text.clone(), "`excludepkgs`")));
        }
        let filter = Filter { excludes, min_versions: self.config.main.min_versions.clone() };
        // A file named by hand goes before whatever repositories hold.
        let local = |local: &'a Local| Stock { id: &local.id, priority: i32::MIN + 1, index: &local.index, excludes: &[], includes: &[] };
        let stocks = repositories.opened.iter().map(stock).chain(repositories.locals.iter().map(local)).collect();
        Sack::new(&self.installed, stocks, &self.arch, &filter)
    }

    /// A package file named on the command line; one that is elsewhere is fetched first.
    ///
    /// # Errors
    /// When it cannot be fetched.
    pub fn bring(&self, file: &str) -> Result<PathBuf, CliError> {
        if !file.starts_with("http://") && !file.starts_with("https://") {
            return Ok(download::local_path(file).unwrap_or_else(|| file.into()));
        }
        let folder = self.cache.join("files");
        fs::create_dir_all(&folder).map_err(io_at(&folder))?;
        let to = folder.join(file.rsplit('/').next().unwrap_or(file));
        let most_bytes = LARGEST_FILE_BYTES;
        let item = Item { label: file.to_owned(), urls: vec![file.to_owned()], to: to.clone(), expected: None, size: None, most_bytes };
        let place = Place { file: "the command line".into(), line: 0 };
        let settings = RepositoryConfig::new(COMMAND_LINE, self.config.main.defaults.clone(), place);
        let fetch = |context: &Context<'_>| {
            let client = Client::new(&settings, context.network)?;
            download::fetch(&client, &item, context.report)
        };
        self.with_context(fetch).map_err(|source| cache::CacheError::Download { id: COMMAND_LINE.into(), source })?;
        Ok(to)
    }

    /// Where metadata and packages are kept.
    pub fn cache_directory(&self) -> &Path {
        &self.cache
    }

    /// Where accepted keys and what was seen of repositories is kept.
    pub fn persistent_directory(&self) -> &Path {
        &self.persistent
    }
}

/// What the kernel calls the machine.
fn machine() -> String {
    let name = nix::sys::utsname::uname().ok().map(|name| name.machine().to_string_lossy().into_owned());
    name.unwrap_or_else(|| std::env::consts::ARCH.to_owned())
}

fn pair(text: &String) -> Result<(String, String), CliError> {
    let (id, place) = text.split_once(',').ok_or_else(|| CliError::Usage(format!("`{text}` must be written as `ID,PLACE`")))?;
    Ok((id.to_owned(), place.to_owned()))
}

fn overrides(common: &Common) -> Result<Overrides, CliError> {
    let added = common.from_path.iter().map(pair).collect::<Result<Vec<_>, CliError>>()?;
    // Who adds a repository wants it, whatever a pattern switches off; but not one besides those that are named.
    let is_wanted = |id: &String| common.only.is_empty() && !common.disable.contains(id);
    let wanted: Vec<String> = added.iter().map(|(id, _)| id.clone()).filter(is_wanted).collect();
    let all = |ids: &[String], on: bool| ids.iter().map(|id| (on, id.clone())).collect::<Vec<_>>();
    let local = common.from_directory.iter().map(pair).collect::<Result<Vec<_>, CliError>>()?;
    // Packages in a directory are a repository, too, which only the configuration does not know.
    let only: Vec<String> = common.only.iter().filter(|only| !local.iter().any(|(id, _)| id == *only)).cloned().collect();
    let none = if only.is_empty() && !common.only.is_empty() { vec![(false, "*".to_owned())] } else { Vec::new() };
    Ok(Overrides {
        file: common.config.clone(),
        set: common.set.clone(),
        release: common.release.clone(),
        arch: common.arch.clone(),
        enable: [none, all(&common.disable, false), all(&wanted, true), all(&common.enable, true)].concat(),
        only,
        added,
    })
}

/// What other options say of the configuration.
fn apply(common: &Common, config: &mut Config) {
    config.main.best |= common.best;
    config.main.skip_broken |= common.skip_broken;
    if common.no_autoremove {
        config.main.clean_requirements = false;
    }
    for repository in &mut config.repositories {
        if common.no_gpg_check {
            repository.transport.gpgcheck = false;
            repository.transport.repo_gpgcheck = false;
        }
        if common.skip_signature {
            repository.transport.gpgcheck = false;
        }
    }
}

/// `$releasever`: the version of the package that says so, else `VERSION_ID` of `os-release`.
fn release(main: &Main, root: &Path, configured: &Path, installed: &[Installed]) -> Option<String> {
    for name in &main.release_packages {
        let wanted = Capability::any(name);
        for package in installed.iter().map(|installed| &installed.package.package) {
            let provided = package.provides.iter().find(|provided| wanted.satisfied_by(provided));
            match provided.map(|provided| &provided.range) {
                Some(Some((_, evr))) => return Some(evr.version.clone()),
                Some(None) => return Some(package.nevra.evr.version.clone()),
                None => {}
            }
        }
    }
    let files = [root, configured].into_iter().flat_map(|root| ["etc/os-release", "usr/lib/os-release"].map(|file| root.join(file)));
    let text = files.filter_map(|file| fs::read_to_string(file).ok()).next()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VERSION_ID="))?;
    Some(line.trim().trim_matches(['"', '\'']).to_owned())
}

/// Where the cache is, and what is kept for good.
enum Places {
    /// Both can be written.
    Own(PathBuf, PathBuf),
    /// They are root's, and nothing else can be written.
    ReadOnly(PathBuf, PathBuf),
}

/// An ordinary user who may not write where root does has places of their own, or none at all.
fn places(root: &Path, main: &Main) -> Places {
    let (cache, state) = (beneath(root, &main.cache_directory), beneath(root, &main.persistent_directory));
    if nix::unistd::geteuid().is_root() || is_writable(&cache) {
        return Places::Own(cache, state);
    }
    let home = |variable: &str, below: &str| {
        let set = std::env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
        let place = set.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(below)))?.join("tdnf");
        is_writable(&place).then_some(place)
    };
    match (home("XDG_CACHE_HOME", ".cache"), home("XDG_STATE_HOME", ".local/state")) {
        (Some(cache), Some(state)) => Places::Own(cache, state),
        _ => Places::ReadOnly(cache, state),
    }
}

/// Whether files can be made in a directory, or in the nearest one above it that is there.
fn is_writable(path: &Path) -> bool {
    let existing = path.ancestors().find(|path| path.exists());
    existing.is_some_and(|path| nix::unistd::access(path, nix::unistd::AccessFlags::W_OK).is_ok())
}

/// A failure with a file.
pub fn io_at(path: &Path) -> impl Fn(std::io::Error) -> CliError + use<> {
    let path = path.to_owned();
    move |source| CliError::Io { path: path.clone(), source }
}

/// Refuses those who may not change the system.
///
/// # Errors
/// When the user is not root and the system is the running one.
pub fn need_root(session: &Session) -> Result<(), CliError> {
    let own = session.common.install_root.is_some() || session.common.download_only || session.common.test_only;
    may_change(own, nix::unistd::geteuid().is_root())
}

/// Everybody may change a system of their own, and root any.
fn may_change(own: bool, is_root: bool) -> Result<(), CliError> {
    if own || is_root { Ok(()) } else { Err(CliError::NotRoot) }
}

/// Refuses to go on without any repository.
///
/// # Errors
/// When none is enabled.
pub fn need_repositories(session: &Session) -> Result<(), CliError> {
    match session.config.enabled().is_empty() && session.common.from_directory.is_empty() {
        true => Err(CliError::NoEnabledRepos { others: !session.config.repositories.is_empty() }),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_root_changes_the_running_system() {
        for (own, is_root, may) in [(true, false, true), (true, true, true), (false, true, true), (false, false, false)] {
            assert_eq!(may_change(own, is_root).is_ok(), may);
        }
    }
}
