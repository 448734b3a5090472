//! Options of every command.

use std::path::PathBuf;

use clap::Args;

/// Options of every command.
#[derive(Debug, Args, Default)]
pub struct Common {
    /// Answer yes to all questions.
    #[arg(short = 'y', long = "assumeyes", global = true)]
    pub assume_yes: bool,
    /// Answer no to all questions, even with --assumeyes.
    #[arg(long = "assumeno", global = true)]
    pub assume_no: bool,
    /// Print only results.
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Print more.
    #[arg(short, long, global = true)]
    pub verbose: bool,
    /// Print JSON.
    #[arg(short = 'j', long, global = true)]
    pub json: bool,
    /// Use this configuration file.
    #[arg(short, long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Operate on the system in this directory.
    #[arg(short, long = "installroot", global = true, value_name = "DIRECTORY")]
    pub install_root: Option<PathBuf>,
    /// The value of `$releasever`.
    #[arg(long = "releasever", global = true, value_name = "VERSION")]
    pub release: Option<String>,
    /// Use packages of this architecture instead of the machine's.
    #[arg(long = "forcearch", global = true, value_name = "ARCH")]
    pub arch: Option<String>,
    /// Set a key of the configuration: `key=value` or `repository.key=value`.
    #[arg(long = "setopt", global = true, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Enable repositories.
    #[arg(long = "enablerepo", global = true, value_name = "ID", value_delimiter = ',')]
    pub enable: Vec<String>,
    /// Disable repositories.
    #[arg(long = "disablerepo", global = true, value_name = "ID", value_delimiter = ',')]
    pub disable: Vec<String>,
    /// Use only these repositories.
    #[arg(long = "repoid", alias = "repo", global = true, value_name = "ID", value_delimiter = ',')]
    pub only: Vec<String>,
    /// Add a repository at an address.
    #[arg(long = "repofrompath", global = true, value_name = "ID,URL")]
    pub from_path: Vec<String>,
    /// Add the packages in a directory.
    #[arg(long = "repofromdir", global = true, value_name = "ID,DIRECTORY")]
    pub from_directory: Vec<String>,
    /// Exclude packages.
    #[arg(short = 'x', long, global = true, value_name = "PATTERN", value_delimiter = ',')]
    pub exclude: Vec<String>,
    /// Ignore the exclusions of the configuration.
    #[arg(long = "disableexcludes", global = true)]
    pub disable_excludes: bool,
    /// Fetch metadata again.
    #[arg(long, global = true)]
    pub refresh: bool,
    /// Use only the cache and fetch nothing.
    #[arg(short = 'C', long = "cacheonly", global = true)]
    pub cache_only: bool,
    /// Do not check signatures.
    #[arg(long = "nogpgcheck", global = true)]
    pub no_gpg_check: bool,
    /// Do not check signatures of package files named on the command line.
    #[arg(long = "nocligpgcheck", global = true)]
    pub no_file_gpg_check: bool,
    /// Use IPv4 only.
    #[arg(short = '4', long = "ipv4", global = true)]
    pub ipv4: bool,
    /// Use IPv6 only.
    #[arg(short = '6', long = "ipv6", global = true, conflicts_with = "ipv4")]
    pub ipv6: bool,
    /// Fail if the newest versions cannot be installed.
    #[arg(short, long, global = true)]
    pub best: bool,
    /// Allow removing installed packages that conflict.
    #[arg(long = "allowerasing", global = true)]
    pub allow_erasing: bool,
    /// Skip packages that cannot be installed.
    #[arg(long = "skip-broken", alias = "skipbroken", global = true)]
    pub skip_broken: bool,
    /// Ignore conflicts.
    #[arg(long = "skipconflicts", global = true)]
    pub skip_conflicts: bool,
    /// Ignore obsoletes.
    #[arg(long = "skipobsoletes", global = true)]
    pub skip_obsoletes: bool,
    /// Check only the digests of packages, not their signatures.
    #[arg(long = "skipsignature", global = true)]
    pub skip_signature: bool,
    /// Accepted for compatibility: digests are always checked.
    #[arg(long = "skipdigest", global = true)]
    pub skip_digest: bool,
    /// Install without the packages' requirements.
    #[arg(long = "nodeps", global = true)]
    pub no_dependencies: bool,
    /// With install: install what the source packages of these names need to be built instead.
    #[arg(long = "builddeps", global = true)]
    pub build_dependencies: bool,
    /// Keep packages that were installed only for removed ones.
    #[arg(long = "noautoremove", global = true)]
    pub no_autoremove: bool,
    /// Fetch the packages without installing them.
    #[arg(long = "downloadonly", global = true)]
    pub download_only: bool,
    /// With --downloadonly: put the packages here.
    #[arg(long = "downloaddir", global = true, value_name = "DIRECTORY")]
    pub download_directory: Option<PathBuf>,
    /// With --downloadonly: also fetch requirements that are installed.
    #[arg(long = "alldeps", global = true)]
    pub all_dependencies: bool,
    /// Plan and check the transaction, then stop.
    #[arg(long = "testonly", alias = "dryrun", global = true)]
    pub test_only: bool,
    /// Consider only security updates.
    #[arg(long, global = true)]
    pub security: bool,
    /// Consider only security updates with at least this CVSS score.
    #[arg(long = "sec-severity", global = true, value_name = "SCORE")]
    pub severity: Option<String>,
    /// Consider only what these advisories are about.
    #[arg(long = "advisory", alias = "advisories", global = true, value_name = "ID", value_delimiter = ',')]
    pub advisories: Vec<String>,
    /// Consider only what is about these CVEs.
    #[arg(long = "cve", alias = "cves", global = true, value_name = "ID", value_delimiter = ',')]
    pub cves: Vec<String>,
    /// Consider only what is about these reported bugs.
    #[arg(long = "bz", alias = "bzs", global = true, value_name = "ID", value_delimiter = ',')]
    pub bugs: Vec<String>,
    /// Consider only updates that need a reboot.
    #[arg(long = "reboot-required", global = true)]
    pub reboot_required: bool,
    /// Show the solver's decisions.
    #[arg(long = "debugsolver", global = true)]
    pub debug_solver: bool,
    /// Accepted for compatibility: there are no plugins.
    #[arg(long = "noplugins", global = true)]
    pub no_plugins: bool,
    /// Accepted for compatibility: there are no plugins.
    #[arg(long = "enableplugin", global = true, value_name = "NAME", hide = true)]
    pub enable_plugin: Vec<String>,
    /// Accepted for compatibility: there are no plugins.
    #[arg(long = "disableplugin", global = true, value_name = "NAME", hide = true)]
    pub disable_plugin: Vec<String>,
    /// Accepted for compatibility: librpm is not used.
    #[arg(long = "rpmverbosity", global = true, value_name = "LEVEL", hide = true)]
    pub rpm_verbosity: Option<String>,
    /// Accepted for compatibility: librpm is not used, so there are no macros.
    #[arg(long = "rpmdefine", global = true, value_name = "MACRO", hide = true)]
    pub rpm_define: Vec<String>,
    /// Accepted for compatibility: see --verbose.
    #[arg(short = 'd', long = "debuglevel", global = true, value_name = "LEVEL", hide = true)]
    pub debug_level: Option<String>,
    /// Accepted for compatibility: errors are always printed.
    #[arg(short = 'e', long = "errorlevel", global = true, value_name = "LEVEL", hide = true)]
    pub error_level: Option<String>,
}
