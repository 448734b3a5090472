//! Options of every command.

use std::path::PathBuf;

use clap::Args;

/// Options of every command.
#[derive(Debug, Args, Default)]
pub struct Common {
    /// Answer yes to all questions.
    #[arg(short = 'y', long = "assumeyes", global = true)]
    pub assume_yes: bool,
    /// Answer no to all questions.
    #[arg(long = "assumeno", global = true, conflicts_with = "assume_yes")]
    pub assume_no: bool,
    /// Say only what was asked for.
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Say more.
    #[arg(short, long, global = true)]
    pub verbose: bool,
    /// Answer in JSON.
    #[arg(short = 'j', long, global = true)]
    pub json: bool,
    /// Use this configuration file.
    #[arg(short, long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Look after the system in this directory.
    #[arg(short, long = "installroot", global = true, value_name = "DIRECTORY")]
    pub install_root: Option<PathBuf>,
    /// The value of `$releasever`.
    #[arg(long = "releasever", global = true, value_name = "VERSION")]
    pub release: Option<String>,
    /// Look at packages of this architecture instead of the machine's.
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
    /// Use a repository at an address too.
    #[arg(long = "repofrompath", global = true, value_name = "ID,URL")]
    pub from_path: Vec<String>,
    /// Use the packages in a directory too.
    #[arg(long = "repofromdir", global = true, value_name = "ID,DIRECTORY")]
    pub from_directory: Vec<String>,
    /// Leave packages aside.
    #[arg(short = 'x', long, global = true, value_name = "PATTERN", value_delimiter = ',')]
    pub exclude: Vec<String>,
    /// Leave no package aside that the configuration excludes.
    #[arg(long = "disableexcludes", global = true)]
    pub disable_excludes: bool,
    /// Fetch metadata anew.
    #[arg(long, global = true)]
    pub refresh: bool,
    /// Fetch nothing: use what is cached.
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
    /// Only the newest versions will do.
    #[arg(short, long, global = true)]
    pub best: bool,
    /// Remove installed packages that are in the way.
    #[arg(long = "allowerasing", global = true)]
    pub allow_erasing: bool,
    /// Leave aside what cannot be installed.
    #[arg(long = "skip-broken", alias = "skipbroken", global = true)]
    pub skip_broken: bool,
    /// Do not count conflicts.
    #[arg(long = "skipconflicts", global = true)]
    pub skip_conflicts: bool,
    /// Do not count obsoletes.
    #[arg(long = "skipobsoletes", global = true)]
    pub skip_obsoletes: bool,
    /// Do not check signatures of packages, only their digests.
    #[arg(long = "skipsignature", global = true)]
    pub skip_signature: bool,
    /// Accepted for compatibility: digests are always checked.
    #[arg(long = "skipdigest", global = true)]
    pub skip_digest: bool,
    /// Install without what packages require.
    #[arg(long = "nodeps", global = true)]
    pub no_dependencies: bool,
    /// With install: not the packages, but what source packages of these names need to be built.
    #[arg(long = "builddeps", global = true)]
    pub build_dependencies: bool,
    /// Keep what was installed only for removed packages.
    #[arg(long = "noautoremove", global = true)]
    pub no_autoremove: bool,
    /// Only fetch the packages.
    #[arg(long = "downloadonly", global = true)]
    pub download_only: bool,
    /// With --downloadonly: put the packages here.
    #[arg(long = "downloaddir", global = true, value_name = "DIRECTORY")]
    pub download_directory: Option<PathBuf>,
    /// With --downloadonly: installed requirements too.
    #[arg(long = "alldeps", global = true)]
    pub all_dependencies: bool,
    /// Plan and check everything, then stop.
    #[arg(long = "testonly", alias = "dryrun", global = true)]
    pub test_only: bool,
    /// Only what closes security holes.
    #[arg(long, global = true)]
    pub security: bool,
    /// Only what is at least as grave as this CVSS score.
    #[arg(long = "sec-severity", global = true, value_name = "SCORE")]
    pub severity: Option<String>,
    /// Only what needs a new start of the machine.
    #[arg(long = "reboot-required", global = true)]
    pub reboot_required: bool,
    /// Show why the solver decides as it does.
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
    /// Accepted for compatibility: errors are always said.
    #[arg(short = 'e', long = "errorlevel", global = true, value_name = "LEVEL", hide = true)]
    pub error_level: Option<String>,
}
