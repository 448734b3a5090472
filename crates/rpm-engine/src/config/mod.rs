//! The configuration: `tdnf.conf`, `*.repo` files, variables and drop-in directories.
//!
//! What a package ships is below `/usr/lib/tdnf`, what the administrator writes below `/etc`; a file in `/etc` takes the place of one
//! of the same name in `/usr`. Keys of `tdnf.conf` are set in the order of [`Config::load`], later ones over earlier ones.

mod error;
mod ini;
mod main;
mod plain;
mod repository;
#[cfg(test)]
mod tests;
mod value;
mod variables;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use glob::Pattern;

pub use error::{ConfigError, Place, Warning};
pub use main::{Main, Proxy, Transport};
pub use plain::{Setting, settings};
pub use repository::RepositoryConfig;
pub use value::{boolean, number};
pub use variables::Variables;

use main::Key;

/// Where a package lays its defaults.
const VENDOR: &str = "usr/lib/tdnf";

/// The administrator's own file.
const MAIN_FILE: &str = "etc/tdnf/tdnf.conf";

/// What the command line says about the configuration.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// Another `tdnf.conf` (`-c`). It is the only one read then, and `*.d` directories are looked for next to it.
    pub file: Option<PathBuf>,
    /// `key=value`, or `repository.key=value` (`--setopt`).
    pub set: Vec<String>,
    /// `$releasever` (`--releasever`).
    pub release: Option<String>,
    /// The architecture, whatever is configured (`--forcearch`).
    pub arch: Option<String>,
    /// Patterns of repositories, each with whether they are to be enabled, in order (`--enablerepo`, `--disablerepo`).
    pub enable: Vec<(bool, String)>,
    /// Patterns of the only repositories to be used (`--repo`, `--repoid`).
    pub only: Vec<String>,
    /// Repositories by id and address (`--repofrompath`).
    pub added: Vec<(String, String)>,
}

/// All that is configured.
#[derive(Clone, Debug)]
pub struct Config {
    /// Settings of the whole program.
    pub main: Main,
    /// The repositories, by id, disabled ones included.
    pub repositories: Vec<RepositoryConfig>,
    /// The variables.
    pub variables: Variables,
    /// What was passed over.
    pub warnings: Vec<Warning>,
}

impl Config {
    /// Reads the configuration of the system in `root`: `/usr/lib/tdnf/tdnf.conf`, `/etc/tdnf/tdnf.conf`, the `tdnf.conf.d`,
    /// `minversions.d`, `protected.d` and `locks.d` directories next to them, variables, and `*.repo` files; then what the command
    /// line says. `release` gives `$releasever` from the packages that say so, if the command line does not.
    ///
    /// # Errors
    /// When a file cannot be read, a line or value makes no sense, or an option names no repository.
    pub fn load(
        root: &Path,
        arch: &str,
        overrides: &Overrides,
        release: impl FnOnce(&Main) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        let mut loader = Loader { main: Main::default(), warnings: Vec::new() };
        match &overrides.file {
            Some(file) => loader.read_with_directories(file, true)?,
            None => {
                loader.read_with_directories(&root.join(VENDOR).join("tdnf.conf"), false)?;
                loader.read_with_directories(&root.join(MAIN_FILE), false)?;
            }
        }
        let (main_options, repository_options) = assignments(&overrides.set)?;
        for (key, value) in &main_options {
            loader.set(key, value, &command_line())?;
        }
        let Loader { mut main, mut warnings } = loader;
        main.arch = overrides.arch.clone().or(main.arch);
        let mut variables = Variables::default();
        variables.set("basearch", main.arch.as_deref().unwrap_or(arch));
        variables.set("arch", main.arch.as_deref().unwrap_or(arch));
        for directory in &main.variable_directories {
            variables.read(&beneath(root, directory))?;
        }
        if let Some(release) = overrides.release.clone().or_else(|| release(&main)) {
            variables.set("releasever", release);
        }
        let (mut repositories, mut faults) = read_repositories(root, &main, &variables, &mut warnings)?;
        add_from_paths(&mut repositories, &main, overrides)?;
        faults.retain(|id, _| !overrides.added.iter().any(|(added, _)| added == id));
        for (id, key, value) in &repository_options {
            let mut found = false;
            for repository in repositories.iter_mut().filter(|repository| matches(id, &repository.id)) {
                set_in_repository(repository, key, value, &command_line(), &variables, &mut warnings)?;
                found = true;
            }
            if !found {
                return Err(ConfigError::NoSuchRepository { id: id.clone() });
            }
        }
        select(&mut repositories, &faults, overrides, &mut warnings)?;
        leave_out(&mut repositories, faults, &mut warnings);
        warnings.extend(
            repositories.iter().find(|repository| repository.enabled && repository.transport.lacks_proxy_password()).map(no_password),
        );
        Ok(Self { main, repositories, variables, warnings })
    }

    /// Whether the system in `root` has a configuration of its own: a `tdnf.conf`, or a repository in a usual place.
    pub fn is_in(root: &Path) -> bool {
        let vendor = root.join(VENDOR);
        let mut files_of_main = [vendor.join("tdnf.conf"), root.join(MAIN_FILE)].into_iter();
        let usual = Main::default().repository_directories;
        let mut directories = usual.iter().map(|directory| beneath(root, directory)).chain([vendor.join("repos.d")]);
        // What cannot be read is reported by whoever reads it.
        files_of_main.any(|file| file.exists())
            || directories.any(|directory| files(&directory, ".repo").map_or(true, |found| !found.is_empty()))
    }

    /// The repositories in use, those with the smallest priority number first.
    pub fn enabled(&self) -> Vec<&RepositoryConfig> {
        let mut enabled: Vec<_> = self.repositories.iter().filter(|repository| repository.enabled).collect();
        enabled.sort_by(|a, b| a.priority.cmp(&b.priority).then_with(|| a.id.cmp(&b.id)));
        enabled
    }
}

struct Loader {
    main: Main,
    warnings: Vec<Warning>,
}

impl Loader {
    /// Reads a file and what is in the drop-in directories next to it. Only a file asked for must be there.
    fn read_with_directories(&mut self, file: &Path, required: bool) -> Result<(), ConfigError> {
        let folder = file.parent().unwrap_or(Path::new("."));
        if required || file.exists() {
            self.read(file)?;
        }
        for drop_in in files(&folder.join("tdnf.conf.d"), ".conf")? {
            self.read(&drop_in)?;
        }
        for (directory, key) in [("minversions.d", "minversions"), ("protected.d", "protected_packages"), ("locks.d", "locks")] {
            for file in files(&folder.join(directory), ".conf")? {
                for (number, line) in (1..).zip(read(&file)?.lines()) {
                    let line = line.trim();
                    if line.is_empty() || line.starts_with(['#', ';']) {
                        continue;
                    }
                    if key == "locks" {
                        self.main.locks.extend(value::list(line));
                    } else {
                        self.set(key, line, &Place { file: file.clone(), line: number })?;
                    }
                }
            }
        }
        Ok(())
    }

    fn read(&mut self, file: &Path) -> Result<(), ConfigError> {
        for section in ini::parse(file, &read(file)?)?.strict()? {
            if section.name != "main" {
                let message = format!("the section `[{}]` is unknown; only `[main]` is read here", section.name);
                self.warnings.push(Warning { place: section.place, message });
                continue;
            }
            for entry in &section.entries {
                self.set(&entry.key, &entry.value, &entry.place)?;
            }
        }
        Ok(())
    }

    fn set(&mut self, key: &str, value: &str, place: &Place) -> Result<(), ConfigError> {
        let found = self.main.set(key, value);
        note(found, key, place, &mut self.warnings)
    }
}

/// Errors and warnings of one key.
fn note(found: Result<Key, String>, key: &str, place: &Place, warnings: &mut Vec<Warning>) -> Result<(), ConfigError> {
    let mut warn = |message: String| warnings.push(Warning { place: place.clone(), message });
    match found {
        Ok(Key::Set) => {}
        Ok(Key::Ignored(reason)) => warn(format!("`{key}` has no effect: {reason}")),
        Ok(Key::Unknown) => warn(format!("the key `{key}` is unknown")),
        Err(reason) => return Err(ConfigError::Value { place: place.clone(), key: key.to_owned(), reason }),
    }
    Ok(())
}

/// A key of `[main]` and its value; of a repository and its value.
type Assignments = (Vec<(String, String)>, Vec<(String, String, String)>);

fn assignments(options: &[String]) -> Result<Assignments, ConfigError> {
    let (mut of_main, mut of_repositories) = (Vec::new(), Vec::new());
    for text in options {
        let (key, value) = text.split_once('=').ok_or_else(|| ConfigError::NotAnAssignment { text: text.clone() })?;
        match key.rsplit_once('.') {
            Some((id, key)) => of_repositories.push((id.to_owned(), key.to_lowercase(), value.to_owned())),
            None => of_main.push((key.to_lowercase(), value.to_owned())),
        }
    }
    Ok((of_main, of_repositories))
}

fn command_line() -> Place {
    Place { file: "--setopt".into(), line: 0 }
}

fn read_repositories(
    root: &Path,
    main: &Main,
    variables: &Variables,
    warnings: &mut Vec<Warning>,
) -> Result<(Vec<RepositoryConfig>, Faults), ConfigError> {
    let named = &main.repository_directories;
    if let (true, Some(first)) = (main.needs_directories, named.first())
        && !named.iter().any(|directory| beneath(root, directory).is_dir())
    {
        return Err(ConfigError::NoDirectory { path: beneath(root, first) });
    }
    let mut by_file: BTreeMap<_, PathBuf> = BTreeMap::new();
    let vendor = [root.join(VENDOR).join("repos.d")];
    for directory in vendor.into_iter().chain(main.repository_directories.iter().map(|directory| beneath(root, directory))) {
        by_file.extend(files(&directory, ".repo")?.into_iter().map(|path| (path.file_name().map(ToOwned::to_owned), path)));
    }
    let (mut repositories, mut faults): (Vec<RepositoryConfig>, Faults) = (Vec::new(), Faults::new());
    for file in by_file.into_values() {
        let parsed = match read_any(&file, warnings).and_then(|text| ini::parse(&file, &text)) {
            Ok(parsed) => parsed,
            Err(error) => {
                warnings.push(Warning::unread(&file, &error));
                continue;
            }
        };
        warnings.extend(parsed.faults.iter().filter_map(Warning::of));
        for section in parsed.sections {
            if let Some(first) = repositories.iter().find(|repository| repository.id == section.name) {
                let message = format!("the repository `{}` is already defined at {}; this is ignored", section.name, first.place);
                warnings.push(Warning { place: section.place, message });
                continue;
            }
            let (repository, wrong) = described(section, main, variables, warnings);
            if !wrong.is_empty() {
                faults.insert(repository.id.clone(), wrong);
            }
            repositories.push(repository);
        }
    }
    repositories.sort_by(|a, b| a.id.cmp(&b.id));
    Ok((repositories, faults))
}

/// What is wrong with descriptions of repositories, by repository.
type Faults = BTreeMap<String, Vec<ConfigError>>;

/// The repository that a section describes, and what of the description is wrong.
fn described(
    section: ini::Section,
    main: &Main,
    variables: &Variables,
    warnings: &mut Vec<Warning>,
) -> (RepositoryConfig, Vec<ConfigError>) {
    let (mut faults, place) = (section.faults, section.place);
    if !section.name.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_.:+".contains(letter)) || section.name.starts_with('.') {
        let reason = format!("`{}` is not a repository name: use letters, digits and `-_.:+`", section.name);
        faults.push(ConfigError::Malformed { place: place.clone(), reason });
    }
    let mut repository = RepositoryConfig::new(&section.name, main.defaults.clone(), place.clone());
    for entry in &section.entries {
        faults.extend(set_in_repository(&mut repository, &entry.key, &entry.value, &entry.place, variables, warnings).err());
    }
    if !repository.has_place() && faults.is_empty() {
        let message = format!("the repository `{}` has no `baseurl`, `mirrorlist` or `metalink` and is ignored", section.name);
        warnings.push(Warning { place, message });
        repository.enabled = false;
    }
    (repository, faults)
}

/// A repository whose description makes no sense is not used: it stops nothing, and nobody guesses what was meant.
fn leave_out(repositories: &mut [RepositoryConfig], faults: Faults, warnings: &mut Vec<Warning>) {
    for (id, faults) in faults {
        warnings.extend(faults.iter().filter_map(Warning::of));
        for repository in repositories.iter_mut().filter(|repository| repository.id == id && repository.enabled) {
            repository.enabled = false;
            let message = format!("the repository `{id}` is not used because of that");
            warnings.push(Warning { place: repository.place.clone(), message });
        }
    }
}

/// One is enough: as a rule all repositories have it from `tdnf.conf`.
fn no_password(repository: &RepositoryConfig) -> Warning {
    let message = format!("`proxy_username` of the repository `{}` has no `proxy_password`: the proxy gets an empty one", repository.id);
    Warning { place: repository.place.clone(), message }
}

/// The text of a file that others wrote; what is not UTF-8 in it is replaced, with a warning.
fn read_any(path: &Path, warnings: &mut Vec<Warning>) -> Result<String, ConfigError> {
    let bytes = fs::read(path).map_err(|source| ConfigError::Io { path: path.to_owned(), source })?;
    Ok(String::from_utf8(bytes).unwrap_or_else(|error| {
        let place = Place { file: path.to_owned(), line: 1 };
        warnings.push(Warning { place, message: "the file is not UTF-8".to_owned() });
        String::from_utf8_lossy(error.as_bytes()).into_owned()
    }))
}

fn set_in_repository(
    repository: &mut RepositoryConfig,
    key: &str,
    value: &str,
    place: &Place,
    variables: &Variables,
    warnings: &mut Vec<Warning>,
) -> Result<(), ConfigError> {
    let found = repository.set(key, value, variables);
    note(found, key, place, warnings)
}

fn add_from_paths(repositories: &mut Vec<RepositoryConfig>, main: &Main, overrides: &Overrides) -> Result<(), ConfigError> {
    for (id, url) in &overrides.added {
        let place = Place { file: "--repofrompath".into(), line: 0 };
        let url = repository::checked(url).map_err(|reason| ConfigError::Malformed { place: place.clone(), reason })?;
        repositories.retain(|repository| repository.id != *id);
        let mut repository = RepositoryConfig::new(id, main.defaults.clone(), place);
        repository.enabled = true;
        repository.base_urls = vec![url];
        repositories.push(repository);
    }
    Ok(())
}

/// Switches repositories on and off as the command line says. One that is to be off and is not there is only worth a warning, as with dnf.
fn select(
    repositories: &mut [RepositoryConfig],
    faults: &Faults,
    overrides: &Overrides,
    warnings: &mut Vec<Warning>,
) -> Result<(), ConfigError> {
    let none = |id: &String| ConfigError::NoSuchRepository { id: id.clone() };
    if !overrides.only.is_empty() {
        for id in &overrides.only {
            repositories.iter().find(|repository| matches(id, &repository.id)).ok_or_else(|| none(id))?;
        }
        for repository in repositories.iter_mut() {
            repository.enabled = overrides.only.iter().any(|id| matches(id, &repository.id))
                && (repository.has_place() || faults.contains_key(&repository.id));
        }
    }
    for (enabled, id) in &overrides.enable {
        let mut found = false;
        for repository in repositories.iter_mut().filter(|repository| matches(id, &repository.id)) {
            repository.enabled = *enabled && (repository.has_place() || faults.contains_key(&repository.id));
            found = true;
        }
        match (found, enabled) {
            (true, _) => {}
            (false, true) => return Err(none(id)),
            (false, false) => {
                warnings.push(Warning { place: command_line(), message: format!("there is no repository `{id}` to disable") })
            }
        }
    }
    Ok(())
}

/// Whether `text` fits the shell pattern; one that is malformed fits only itself.
pub fn matches(pattern: &str, text: &str) -> bool {
    pattern == text || Pattern::new(pattern).is_ok_and(|glob| glob.matches(text))
}

/// An absolute path as seen from `root`.
pub fn beneath(root: &Path, path: &Path) -> PathBuf {
    root.join(path.strip_prefix("/").unwrap_or(path))
}

fn read(path: &Path) -> Result<String, ConfigError> {
    fs::read_to_string(path).map_err(|source| ConfigError::Io { path: path.to_owned(), source })
}

/// The regular files in a directory whose names end so, sorted. A directory that is not there has none.
fn files(directory: &Path, ending: &str) -> Result<Vec<PathBuf>, ConfigError> {
    let failed = |source| ConfigError::Io { path: directory.to_owned(), source };
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(failed)?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name.ends_with(ending) && !name.starts_with('.') && path.is_file() {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
