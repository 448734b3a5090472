//! The `[main]` section of `tdnf.conf`.

use std::path::PathBuf;
use std::time::Duration;

use super::value::{boolean, bytes, duration, expiry, list, number};

/// What a key turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    /// It was set.
    Set,
    /// The reference has it; here it changes nothing, for this reason.
    Ignored(&'static str),
    /// Nobody knows it.
    Unknown,
}

/// Settings for the whole program, and the defaults of repositories.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Main {
    /// Directories of `*.repo` files (`reposdir`, or `repodir` as older versions wrote it).
    pub repository_directories: Vec<PathBuf>,
    /// Whether one of them must be there: somebody named them.
    pub needs_directories: bool,
    /// Where metadata and packages are kept (`cachedir`).
    pub cache_directory: PathBuf,
    /// Where history and what was seen of repositories is kept (`persistdir`).
    pub persistent_directory: PathBuf,
    /// Directories of variables (`varsdir`).
    pub variable_directories: Vec<PathBuf>,
    /// Packages and capabilities whose version is `$releasever` (`distroverpkg`).
    pub release_packages: Vec<String>,
    /// The architecture, where it is not the machine's own (`distroarchpkg`).
    pub arch: Option<String>,
    /// Whether packages stay in the cache after they were installed (`keepcache`).
    pub keep_cache: bool,
    /// Patterns of packages that are skipped (`excludepkgs`, `exclude`).
    pub excludes: Vec<String>,
    /// Patterns of installed packages that stay as they are (`locks.d`).
    pub locks: Vec<String>,
    /// `name=version`: packages that are never put below a version (`minversions`).
    pub min_versions: Vec<(String, String)>,
    /// Names of packages that are never removed (`protected_packages`).
    pub protected: Vec<String>,
    /// Packages and capabilities of which several versions are installed side by side (`installonlypkgs`).
    pub install_only: Vec<String>,
    /// As many versions of those are kept; 0 keeps all (`installonly_limit`).
    pub install_only_limit: u32,
    /// Whether what was installed only for a removed package is removed with it (`clean_requirements_on_remove`).
    pub clean_requirements: bool,
    /// Whether a command fails at once where another program is changing the system (`exit_on_lock`).
    pub exit_on_lock: bool,
    /// Whether only the newest version will do (`best`).
    pub best: bool,
    /// Whether what cannot be installed is skipped (`skip_broken`).
    pub skip_broken: bool,
    /// Whether what packages recommend is installed too (`install_weak_deps`).
    pub weak: bool,
    /// Whether questions are answered with yes (`assumeyes`).
    pub assume_yes: bool,
    /// Whether `check-update` ends with 100 where there are updates (`dnf_check_update_compat`).
    pub check_update_compat: bool,
    /// Whether `distro-sync` installs packages again that have the same version but other content (`distrosync_reinstall_changed`).
    pub reinstall_changed: bool,
    /// Most files open at once (`openmax`).
    pub open_max: u32,
    /// Whether package files named on the command line must be signed, where that is not as for repositories (`cligpgcheck`).
    pub check_files: Option<bool>,
    /// Whether packages' own scripts are run (`tsflags` without `noscripts`).
    pub scripts: bool,
    /// Whether everything is checked and nothing changed (`tsflags=test`).
    pub test_only: bool,
    /// As many files are fetched at once (`max_parallel_downloads`).
    pub parallel_downloads: u32,
    /// What repositories have where they do not say otherwise.
    pub defaults: Transport,
}

/// How a repository is reached and checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transport {
    /// Whether packages must be signed (`gpgcheck`).
    pub gpgcheck: bool,
    /// Whether the index must be signed (`repo_gpgcheck`).
    pub repo_gpgcheck: bool,
    /// Whether the repository is passed over where it cannot be reached (`skip_if_unavailable`).
    pub skip_if_unavailable: bool,
    /// How long metadata is good; `None` is for ever (`metadata_expire`).
    pub metadata_expire: Option<Duration>,
    /// How long nothing may happen before a transfer is given up; zero is the built-in one (`timeout`).
    pub timeout: Duration,
    /// How long a server may take to answer a call; zero is `timeout` (`connect_timeout`).
    pub connect_timeout: Duration,
    /// As often a transfer is tried again (`retries`).
    pub retries: u32,
    /// A transfer slower than this many bytes a second over `timeout` is given up; 0 never (`minrate`).
    pub min_rate_bytes: u64,
    /// A transfer is kept below this many bytes a second; 0 never (`throttle`).
    pub throttle_bytes: u64,
    /// Whether the server's certificate is checked (`sslverify`).
    pub ssl_verify: bool,
    /// Certificates of authorities instead of the system's (`sslcacert`).
    pub ssl_ca: Option<PathBuf>,
    /// The certificate shown to the server (`sslclientcert`).
    pub ssl_client_certificate: Option<PathBuf>,
    /// Its key (`sslclientkey`).
    pub ssl_client_key: Option<PathBuf>,
    /// Which proxy requests go through (`proxy`).
    pub proxy: Proxy,
    /// The user name for the proxy (`proxy_username`).
    pub proxy_user: Option<String>,
    /// Its password (`proxy_password`).
    pub proxy_password: Option<String>,
}

/// Which proxy requests go through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Proxy {
    /// That of the environment (`http_proxy`, `https_proxy`, `all_proxy`), if it names one.
    #[default]
    OfEnvironment,
    /// None, whatever the environment says: `proxy=_none_`, or an empty value.
    None,
    /// The one at this address, which may contain credentials.
    At(String),
}

/// The reference's `TDNF_REPO_DEFAULT_METADATA_EXPIRE`.
const TWO_DAYS: Duration = Duration::from_secs(172_800);

impl Default for Transport {
    fn default() -> Self {
        Self {
            gpgcheck: true,
            repo_gpgcheck: true,
            skip_if_unavailable: false,
            metadata_expire: Some(TWO_DAYS),
            timeout: Duration::ZERO,
            connect_timeout: Duration::ZERO,
            retries: 10,
            min_rate_bytes: 0,
            throttle_bytes: 0,
            ssl_verify: true,
            ssl_ca: None,
            ssl_client_certificate: None,
            ssl_client_key: None,
            proxy: Proxy::OfEnvironment,
            proxy_user: None,
            proxy_password: None,
        }
    }
}

impl Transport {
    /// Whether `proxy_username` is set without `proxy_password`.
    pub(super) fn lacks_proxy_password(&self) -> bool {
        self.proxy_user.is_some() && self.proxy_password.is_none() && self.proxy != Proxy::None
    }

    /// Sets a key that both `[main]` and repositories have.
    pub(super) fn set(&mut self, key: &str, value: &str) -> Result<Key, String> {
        let text = || Some(value.to_owned()).filter(|value| !value.is_empty() && value != "_none_");
        let path = || text().map(PathBuf::from);
        match key {
            "gpgcheck" => self.gpgcheck = boolean(value)?,
            "repo_gpgcheck" => self.repo_gpgcheck = boolean(value)?,
            "skip_if_unavailable" => self.skip_if_unavailable = boolean(value)?,
            "metadata_expire" => self.metadata_expire = expiry(value)?,
            "connect_timeout" => self.connect_timeout = duration(value)?,
            "timeout" => self.timeout = duration(value)?,
            "retries" => self.retries = number(value)?,
            "minrate" => self.min_rate_bytes = bytes(value)?,
            "throttle" => self.throttle_bytes = bytes(value)?,
            "sslverify" => self.ssl_verify = boolean(value)?,
            "sslcacert" => self.ssl_ca = path(),
            "sslclientcert" => self.ssl_client_certificate = path(),
            "sslclientkey" => self.ssl_client_key = path(),
            "proxy" => self.proxy = text().map_or(Proxy::None, Proxy::At),
            "proxy_username" => self.proxy_user = text(),
            "proxy_password" => self.proxy_password = text(),
            _ => return Ok(Key::Unknown),
        }
        Ok(Key::Set)
    }
}

impl Default for Main {
    fn default() -> Self {
        let words = |all: &[&str]| all.iter().map(|word| (*word).to_owned()).collect();
        let paths = |all: &[&str]| all.iter().map(PathBuf::from).collect();
        Self {
            repository_directories: paths(&["/etc/yum.repos.d"]),
            needs_directories: false,
            cache_directory: "/var/cache/tdnf".into(),
            persistent_directory: "/var/lib/tdnf".into(),
            variable_directories: paths(&["/usr/lib/tdnf/vars", "/etc/tdnf/vars", "/etc/dnf/vars", "/etc/yum/vars"]),
            release_packages: words(&["system-release(releasever)", "system-release", "kaon-release"]),
            arch: None,
            keep_cache: false,
            excludes: Vec::new(),
            locks: Vec::new(),
            min_versions: Vec::new(),
            protected: words(&["tdnf"]),
            install_only: words(&["installonlypkg(kernel)", "kernel", "linux", "linux-generic", "linux-rt", "linux-secure"]),
            install_only_limit: 2,
            clean_requirements: false,
            exit_on_lock: false,
            best: false,
            skip_broken: false,
            weak: true,
            assume_yes: false,
            check_update_compat: false,
            reinstall_changed: false,
            open_max: 1024,
            check_files: None,
            scripts: true,
            test_only: false,
            parallel_downloads: 4,
            defaults: Transport::default(),
        }
    }
}

impl Main {
    /// Sets a key of `[main]`. An empty value of a list that grows takes away what was in it.
    pub(super) fn set(&mut self, key: &str, value: &str) -> Result<Key, String> {
        if value.is_empty() {
            match key {
                "excludepkgs" | "exclude" => self.excludes.clear(),
                "minversions" => self.min_versions.clear(),
                "protected_packages" => self.protected.clear(),
                "installonlypkgs" => self.install_only.clear(),
                _ => {}
            }
        }
        let paths = || list(value).into_iter().map(PathBuf::from).collect();
        match key {
            "repodir" | "reposdir" => {
                self.repository_directories = paths();
                self.needs_directories = true;
            }
            "cachedir" => self.cache_directory = absolute(value)?,
            "persistdir" => self.persistent_directory = absolute(value)?,
            "varsdir" => self.variable_directories = paths(),
            "distroverpkg" => self.release_packages = list(value),
            "distroarchpkg" => self.arch = Some(value.to_owned()).filter(|arch| !arch.is_empty()),
            "keepcache" => self.keep_cache = boolean(value)?,
            "excludepkgs" | "exclude" => self.excludes.extend(list(value)),
            "minversions" => self.min_versions.extend(min_versions(value)?),
            "protected_packages" => self.protected.extend(list(value)),
            "installonlypkgs" => self.install_only.extend(list(value)),
            "installonly_limit" => self.install_only_limit = number(value)?,
            "clean_requirements_on_remove" => self.clean_requirements = boolean(value)?,
            "exit_on_lock" => self.exit_on_lock = boolean(value)?,
            "best" => self.best = boolean(value)?,
            "skip_broken" => self.skip_broken = boolean(value)?,
            "install_weak_deps" => self.weak = boolean(value)?,
            "assumeyes" => self.assume_yes = boolean(value)?,
            "dnf_check_update_compat" => self.check_update_compat = boolean(value)?,
            "distrosync_reinstall_changed" => self.reinstall_changed = boolean(value)?,
            "openmax" => self.open_max = number(value)?,
            "max_parallel_downloads" => self.parallel_downloads = number::<u32>(value)?.clamp(1, 20),
            "cligpgcheck" => self.check_files = Some(boolean(value)?),
            "tsflags" => return self.set_flags(value),
            "maxstringlen" => return Ok(Key::Ignored("the length of strings is not limited")),
            // There are no plugins: what those of the reference do is built in.
            "plugins" | "noplugins" | "pluginpath" | "pluginconfpath" => {}
            "debuglevel" | "logfile" | "exactarch" | "obsoletes" => return Ok(Key::Ignored("it belongs to yum")),
            _ => return self.defaults.set(key, value),
        }
        Ok(Key::Set)
    }

    /// The flags of transactions, by RPM's names.
    fn set_flags(&mut self, value: &str) -> Result<Key, String> {
        let mut key = Key::Set;
        for flag in list(value) {
            match flag.as_str() {
                "noscripts" => self.scripts = false,
                "test" => self.test_only = true,
                "notriggers" | "nocrypto" | "nodocs" | "noplugins" | "nocontexts" | "nocaps" | "allfiles" | "deploops" => {
                    key = Key::Ignored("of RPM's transaction flags only `noscripts` and `test` are supported");
                }
                _ => return Err(format!("`{flag}` is not a transaction flag; known: `noscripts` and `test`")),
            }
        }
        Ok(key)
    }
}

fn absolute(value: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(value);
    if path.is_absolute() { Ok(path) } else { Err(format!("`{value}` is not an absolute path")) }
}

/// `tdnf=3.1.5 foo=1.2.3`
pub(super) fn min_versions(text: &str) -> Result<Vec<(String, String)>, String> {
    let pair = |word: &String| {
        let (name, version) = word.split_once('=').ok_or_else(|| format!("`{word}` must be written as `name=version`"))?;
        Ok((name.to_owned(), version.to_owned()))
    };
    list(text).iter().map(pair).collect()
}
