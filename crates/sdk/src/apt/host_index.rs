//! A private apt: with its own sources, lists, status and cache in a scratch directory, and the project's keyring. From the host it uses
//! only the network settings (proxies, credentials).

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use super::process::{complaints, run};
use super::{AptError, Archive, Mirror, Network, Patience, Record, Settings};
use runtime::cancel::Cancel;
use runtime::store::{Scratch, Store};
use runtime::tool::Tool;

/// Nothing for three times as long means that the mirror does not answer; apt itself would ask it four times for each file.
const PATIENCE: Patience = Patience::new(3, 30);

/// The signed package index of one suite or several, fetched into a scratch directory that vanishes with the value.
pub struct HostIndex<'a> {
    scratch: Scratch,
    cancel: &'a Cancel,
}

impl<'a> HostIndex<'a> {
    /// Like [`super::Index::fetch`].
    ///
    /// # Errors
    /// When no mirror returns one, or apt cannot be run.
    pub fn fetch(store: &Store, settings: &Settings, archive: &Archive, suites: &[&str], cancel: &'a Cancel) -> Result<Self, AptError> {
        let mut reasons = String::new();
        for mirror in &archive.main {
            let index = Self { scratch: store.scratch("apt")?, cancel };
            index.prepare(mirror, suites, &settings.keyring)?;
            let network = Network::from_environment();
            let tool = network.for_apt().into_iter().fold(index.tool("apt-get"), |tool, (name, value)| tool.env(name, value));
            let mut pace = PATIENCE.pace();
            let mut seen = 0;
            let mut look = || {
                let bytes = index.fetched_bytes();
                pace.take(bytes.saturating_sub(std::mem::replace(&mut seen, bytes)))
            };
            let ended = run("apt-get", tool.args(["-q", "update"]), cancel, &mut look)?;
            if let Some(reason) = ended.given_up {
                let _ = write!(reasons, "{}{mirror}: {reason}", if reasons.is_empty() { "" } else { "; " });
                continue;
            }
            // apt-get update ends with 0 for a mirror it cannot reach; so the presence of the index is checked.
            if ended.status.success() && index.has_lists()? {
                return Ok(index);
            }
            let reason = failure_of_update(&ended.stderr).replace(&mirror.address(), &mirror.to_string());
            let _ = write!(reasons, "{}{mirror}: {reason}", if reasons.is_empty() { "" } else { "; " });
        }
        Err(AptError::Index { suite: suites.join(" "), reasons })
    }

    /// Like [`super::Index::resolve`].
    ///
    /// # Errors
    /// When there is no such set.
    pub fn resolve(&self, installed: &[Record], wanted: &[String]) -> Result<Vec<Record>, AptError> {
        let status: String = installed.iter().map(Record::installed_stanza).collect();
        self.write("status", &status)?;
        let tool = self.tool("apt-get").args(["-y", "--no-remove", "--print-uris", "install", "--"]).args(wanted);
        let ended = run("apt-get", tool, self.cancel, &mut || Ok(()))?;
        if !ended.status.success() {
            return Err(AptError::Unresolved { reason: complaints(&ended.stderr) });
        }
        // Lines are `'URI' NAME_VERSION_ARCH.deb SIZE HASH`.
        let file_names = ended.stdout.lines().filter(|line| line.starts_with('\'')).filter_map(|line| line.split_whitespace().nth(1));
        let names: BTreeSet<String> = file_names.filter_map(|file| Some(file.split_once('_')?.0.to_owned())).collect();
        self.records(&names)
    }

    /// Like [`super::Index::records`].
    ///
    /// # Errors
    /// When one of them is not in the index.
    pub fn records(&self, names: &BTreeSet<String>) -> Result<Vec<Record>, AptError> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let tool = self.tool("apt-cache").args(["show", "--no-all-versions", "--"]).args(names);
        let ended = run("apt-cache", tool, self.cancel, &mut || Ok(()))?;
        let mut records = Record::parse_all(&ended.stdout);
        records.sort_by(|a, b| a.name.cmp(&b.name));
        records.dedup_by(|a, b| a.name == b.name);
        match names.iter().find(|name| records.binary_search_by(|record| record.name.cmp(name)).is_err()) {
            Some(name) => Err(AptError::UnknownPackage { name: name.clone() }),
            None => Ok(records),
        }
    }

    fn tool(&self, program: &str) -> Tool {
        Tool::new(program).arg("-c").arg(self.path("apt.conf"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    fn write(&self, name: &str, text: &str) -> Result<(), AptError> {
        let path = self.path(name);
        fs::write(&path, text).map_err(|source| AptError::io("write", &path, source))
    }

    fn prepare(&self, mirror: &Mirror, suites: &[&str], keyring: &Path) -> Result<(), AptError> {
        for folder in ["lists/partial", "cache/archives/partial", "keys"] {
            let path = self.path(folder);
            fs::create_dir_all(&path).map_err(|source| AptError::io("make", &path, source))?;
        }
        // A folder of keys instead of `Signed-By`, which does not accept a path with blanks.
        let copy = self.path("keys/keyring.asc");
        fs::copy(keyring, &copy).map_err(|source| AptError::io("read", keyring, source))?;
        let sources = format!(
            "Types: deb\nURIs: {}\nSuites: {}\nComponents: main\nArchitectures: amd64\nTargets: Packages\n",
            mirror.address(),
            suites.join(" ")
        );
        self.write("archive.sources", &sources)?;
        self.write("status", "")?;
        self.write("apt.conf", &configuration(self.scratch.path(), suites.last().unwrap_or(&"")))
    }

    /// How much of the lists is there; apt keeps what it has not finished in a folder of its own.
    fn fetched_bytes(&self) -> u64 {
        let folders = ["lists", "lists/partial"].into_iter().filter_map(|folder| fs::read_dir(self.path(folder)).ok());
        folders.flatten().flatten().filter_map(|entry| entry.metadata().ok()).filter(|file| file.is_file()).map(|file| file.len()).sum()
    }

    fn has_lists(&self) -> Result<bool, AptError> {
        let folder = self.path("lists");
        let entries = fs::read_dir(&folder).map_err(|source| AptError::io("list", &folder, source))?;
        Ok(entries.flatten().any(|entry| entry.file_name().to_string_lossy().contains("_Packages")))
    }
}

/// Read after the host's configuration (apt.conf(5)), so that only network settings of the host remain in effect.
fn configuration(folder: &Path, preferred: &str) -> String {
    let folder = folder.display();
    // As root, apt would fetch as the user `_apt`, who cannot access the store.
    let user = if nix::unistd::geteuid().is_root() { "APT::Sandbox::User \"root\";\n" } else { "" };
    format!(
        "#clear APT::Update;\n#clear APT::Default-Release;\n#clear APT::Architectures;\n#clear DPkg;\n\
         Dir::Etc::sourcelist \"{folder}/archive.sources\";\nDir::Etc::sourceparts \"/dev/null\";\n\
         Dir::Etc::preferences \"/dev/null\";\nDir::Etc::preferencesparts \"/dev/null\";\n\
         Dir::Etc::trusted \"/dev/null\";\nDir::Etc::trustedparts \"{folder}/keys\";\n\
         Dir::State \"{folder}\";\nDir::State::lists \"{folder}/lists\";\nDir::State::status \"{folder}/status\";\n\
         Dir::State::extended_states \"{folder}/extended_states\";\nDir::Cache \"{folder}/cache\";\n\
         Dir::Cache::pkgcache \"pkgcache.bin\";\nDir::Cache::srcpkgcache \"srcpkgcache.bin\";\nDir::Log \"{folder}\";\n\
         APT::Architecture \"amd64\";\nAPT::Architectures {{ \"amd64\"; }};\n{user}\
         APT::Default-Release \"{preferred}\";\n\
         APT::Install-Recommends \"false\";\nAPT::Install-Suggests \"false\";\nAPT::Get::AllowUnauthenticated \"false\";\n\
         Acquire::AllowInsecureRepositories \"false\";\nAcquire::AllowWeakRepositories \"false\";\n\
         Acquire::Languages \"none\";\nAcquire::Retries \"3\";\nAcquire::http::Timeout \"30\";\nAcquire::https::Timeout \"30\";\n"
    )
}

fn failure_of_update(stderr: &str) -> String {
    let told: Vec<&str> = stderr.lines().filter_map(|line| line.strip_prefix("E: ").or_else(|| line.strip_prefix("W: "))).collect();
    told.first().map_or_else(|| complaints(stderr), |first| (*first).trim().to_owned())
}
