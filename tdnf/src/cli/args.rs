//! What the command line can say.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Installs, updates and removes packages, and answers questions about them.
#[derive(Debug, Parser)]
#[command(name = "tdnf", version, about, max_term_width = 120, disable_help_subcommand = false)]
pub struct Cli {
    /// Options of every command.
    #[command(flatten)]
    pub common: Common,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

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

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Install packages, newer versions of them, files of packages, or whatever provides something.
    Install(Packages),
    /// Remove packages and what requires them.
    #[command(alias = "remove")]
    Erase(Packages),
    /// Update all packages or some.
    #[command(alias = "upgrade", alias = "update-to", alias = "upgrade-to")]
    Update(OptionalPackages),
    /// Install older versions.
    Downgrade(OptionalPackages),
    /// Install packages again.
    Reinstall(Packages),
    /// Make what is installed what the repositories offer.
    #[command(name = "distro-sync", alias = "distrosync")]
    DistroSync(OptionalPackages),
    /// Remove packages that were installed only for others which are gone.
    #[command(alias = "autoerase")]
    Autoremove(OptionalPackages),
    /// Say why packages are installed.
    Mark {
        /// What is said.
        #[arg(value_enum)]
        what: MarkAs,
        /// Names of installed packages.
        #[arg(required = true)]
        packages: Vec<String>,
    },
    /// Show what was done, or take it back.
    History {
        /// What to do with the history.
        #[command(subcommand)]
        action: Option<HistoryAction>,
    },
    /// Show packages.
    List(Listing),
    /// Show packages in full.
    Info(Listing),
    /// Look for words in names, summaries and descriptions.
    Search(Packages),
    /// Find packages that provide something: a name, a capability, a path.
    #[command(alias = "whatprovides")]
    Provides(Packages),
    /// Ask about packages and their relations.
    Repoquery(Box<Repoquery>),
    /// Show updates.
    #[command(name = "check-update")]
    CheckUpdate(OptionalPackages),
    /// Show advisories.
    Updateinfo(Updateinfo),
    /// Show the repositories.
    Repolist {
        /// Which.
        #[arg(value_enum, default_value = "enabled")]
        which: Which,
    },
    /// Fetch the metadata of all enabled repositories.
    Makecache,
    /// Remove what is cached.
    Clean {
        /// What.
        #[arg(value_enum, required = true)]
        what: Vec<CleanWhat>,
    },
    /// Count the packages that are offered.
    Count,
    /// Check that installed packages fit together and what was begun is finished.
    Check,
    /// Check that the packages in a directory fit together.
    #[command(name = "check-local")]
    CheckLocal {
        /// The directory.
        directory: PathBuf,
    },
    /// Copy repositories into a directory.
    Reposync(Box<Reposync>),
    /// Write manual pages or a shell's completions.
    #[command(hide = true)]
    Generate {
        /// `man`, or a shell.
        what: Generated,
        /// Where manual pages go.
        #[arg(default_value = ".")]
        directory: PathBuf,
    },
}

/// What is made from the description of the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Generated {
    /// Manual pages, one for each command.
    Man,
    /// Completions for bash.
    Bash,
    /// Completions for zsh.
    Zsh,
    /// Completions for fish.
    Fish,
    /// Completions for elvish.
    Elvish,
}

/// Packages, at least one.
#[derive(Debug, Args)]
pub struct Packages {
    /// Names, patterns, capabilities, paths or package files.
    #[arg(required = true, value_name = "PACKAGE")]
    pub packages: Vec<String>,
}

/// Packages, or all.
#[derive(Debug, Args)]
pub struct OptionalPackages {
    /// Names or patterns; none is all.
    #[arg(value_name = "PACKAGE")]
    pub packages: Vec<String>,
}

/// Why packages are said to be installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum MarkAs {
    /// Somebody wants them.
    #[value(alias = "user", alias = "manual")]
    Install,
    /// Only others require them.
    #[value(alias = "dependency", alias = "remove")]
    Auto,
}

/// What to do with the history.
#[derive(Debug, Subcommand)]
pub enum HistoryAction {
    /// Show what was done.
    List(HistoryRange),
    /// Show what was done and which packages changed.
    Info(HistoryRange),
    /// Take note of changes made without tdnf.
    #[command(alias = "init")]
    Update,
    /// Go back to the state after a transaction.
    Rollback {
        /// Its number.
        #[arg(long)]
        to: u32,
    },
    /// Take transactions back.
    Undo(HistorySpan),
    /// Do transactions again.
    Redo(HistorySpan),
}

/// Which transactions.
#[derive(Debug, Args, Default)]
pub struct HistoryRange {
    /// The first.
    #[arg(long)]
    pub from: Option<u32>,
    /// The last.
    #[arg(long)]
    pub to: Option<u32>,
    /// The newest first.
    #[arg(long)]
    pub reverse: bool,
}

/// Which transactions.
#[derive(Debug, Args)]
pub struct HistorySpan {
    /// The first.
    #[arg(long)]
    pub from: u32,
    /// The last, if not the same.
    #[arg(long)]
    pub to: Option<u32>,
}

/// Which packages.
#[derive(Debug, Args, Default)]
pub struct Listing {
    /// Installed and offered ones (the default).
    #[arg(long)]
    pub all: bool,
    /// Only installed ones.
    #[arg(long)]
    pub installed: bool,
    /// Only offered ones.
    #[arg(long)]
    pub available: bool,
    /// Only installed ones that no repository offers.
    #[arg(long)]
    pub extras: bool,
    /// Only offered ones that obsolete installed ones.
    #[arg(long)]
    pub obsoletes: bool,
    /// Only offered ones that are new.
    #[arg(long)]
    pub recent: bool,
    /// Only updates of installed ones.
    #[arg(long, alias = "upgrades")]
    pub updates: bool,
    /// Only older versions of installed ones.
    #[arg(long)]
    pub downgrades: bool,
    /// One of the words above, then names or patterns.
    #[arg(value_name = "WHICH | PACKAGE")]
    pub words: Vec<String>,
}

/// Which repositories.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Which {
    /// Those in use.
    Enabled,
    /// Those not in use.
    Disabled,
    /// All.
    All,
}

/// What of the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CleanWhat {
    /// Fetched packages.
    Packages,
    /// Metadata.
    Metadata,
    /// Indexes made of metadata.
    Dbcache,
    /// Nothing: there are no plugins.
    Plugins,
    /// That metadata is fresh.
    #[value(name = "expire-cache")]
    ExpireCache,
    /// Everything.
    All,
}

/// What about advisories.
#[derive(Debug, Args)]
pub struct Updateinfo {
    /// A line each.
    #[arg(long)]
    pub list: bool,
    /// In full.
    #[arg(long)]
    pub info: bool,
    /// How many.
    #[arg(long)]
    pub summary: bool,
    /// Those that installed packages do not answer yet (the default).
    #[arg(long)]
    pub available: bool,
    /// Those that installed packages answer.
    #[arg(long)]
    pub installed: bool,
    /// All.
    #[arg(long)]
    pub all: bool,
    /// `list`, `info`, `summary`, `all` or `installed`, then names of packages.
    #[arg(value_name = "HOW | PACKAGE")]
    pub words: Vec<String>,
}

/// What is asked of packages.
#[derive(Debug, Args, Default)]
pub struct Repoquery {
    /// Offered packages (the default).
    #[arg(long)]
    pub available: bool,
    /// Installed packages.
    #[arg(long)]
    pub installed: bool,
    /// Installed packages of which there are several versions.
    #[arg(long)]
    pub duplicates: bool,
    /// Installed packages that no repository offers.
    #[arg(long)]
    pub extras: bool,
    /// Updates of installed packages.
    #[arg(long)]
    pub upgrades: bool,
    /// Older versions of installed packages.
    #[arg(long)]
    pub downgrades: bool,
    /// Installed packages that somebody asked for.
    #[arg(long)]
    pub userinstalled: bool,
    /// Packages of these architectures.
    #[arg(long, value_name = "ARCH", value_delimiter = ',')]
    pub arch: Vec<String>,
    /// Packages that hold a path.
    #[arg(long, value_name = "PATH")]
    pub file: Option<String>,
    /// Packages that require, recommend, suggest, supplement or enhance one of these.
    #[arg(long, value_name = "CAPABILITY", value_delimiter = ',')]
    pub whatdepends: Vec<String>,
    /// Packages that require one of these.
    #[arg(long, value_name = "CAPABILITY", value_delimiter = ',')]
    pub whatrequires: Vec<String>,
    /// Packages that provide one of these.
    #[arg(long, value_name = "CAPABILITY", value_delimiter = ',')]
    pub whatprovides: Vec<String>,
    /// Packages that obsolete one of these.
    #[arg(long, value_name = "CAPABILITY", value_delimiter = ',')]
    pub whatobsoletes: Vec<String>,
    /// Packages that conflict with one of these.
    #[arg(long, value_name = "CAPABILITY", value_delimiter = ',')]
    pub whatconflicts: Vec<String>,
    /// Packages that recommend one of these.
    #[arg(long, value_name = "CAPABILITY", value_delimiter = ',')]
    pub whatrecommends: Vec<String>,
    /// Packages that suggest one of these.
    #[arg(long, value_name = "CAPABILITY", value_delimiter = ',')]
    pub whatsuggests: Vec<String>,
    /// Packages that supplement one of these.
    #[arg(long, value_name = "CAPABILITY", value_delimiter = ',')]
    pub whatsupplements: Vec<String>,
    /// Packages that enhance one of these.
    #[arg(long, value_name = "CAPABILITY", value_delimiter = ',')]
    pub whatenhances: Vec<String>,
    /// Show what they provide.
    #[arg(long, group = "shown")]
    pub provides: bool,
    /// Show what they obsolete.
    #[arg(long, group = "shown")]
    pub obsoletes: bool,
    /// Show what they conflict with.
    #[arg(long, group = "shown")]
    pub conflicts: bool,
    /// Show what they require.
    #[arg(long, group = "shown")]
    pub requires: bool,
    /// Show what they recommend.
    #[arg(long, group = "shown")]
    pub recommends: bool,
    /// Show what they suggest.
    #[arg(long, group = "shown")]
    pub suggests: bool,
    /// Show what they supplement.
    #[arg(long, group = "shown")]
    pub supplements: bool,
    /// Show what they enhance.
    #[arg(long, group = "shown")]
    pub enhances: bool,
    /// Show all they depend on.
    #[arg(long, group = "shown")]
    pub depends: bool,
    /// Show what they require before their scripts run.
    #[arg(long = "requires-pre", group = "shown")]
    pub requires_pre: bool,
    /// Show their files.
    #[arg(short, long, group = "shown")]
    pub list: bool,
    /// Show what changed from release to release.
    #[arg(long, group = "shown")]
    pub changelogs: bool,
    /// Show the source packages they were made of.
    #[arg(long, group = "shown")]
    pub source: bool,
    /// Show where they lie.
    #[arg(long, group = "shown")]
    pub location: bool,
    /// Show in a format: `%{name}`, `%{version}`, `%{release}`, `%{epoch}`, `%{arch}`, `%{evr}`, `%{repoid}`, `%{summary}`, …
    #[arg(long = "qf", alias = "queryformat", group = "shown", value_name = "FORMAT")]
    pub format: Option<String>,
    /// Names or patterns; none is all.
    #[arg(value_name = "PACKAGE")]
    pub packages: Vec<String>,
}

/// How repositories are copied.
#[derive(Debug, Args)]
pub struct Reposync {
    /// Only packages of these architectures.
    #[arg(long, value_name = "ARCH")]
    pub arch: Vec<String>,
    /// Remove packages that the repository has no more.
    #[arg(long)]
    pub delete: bool,
    /// Copy metadata too.
    #[arg(long = "download-metadata")]
    pub download_metadata: bool,
    /// Where to put repositories.
    #[arg(short = 'p', long = "download-path", value_name = "DIRECTORY")]
    pub download_path: Option<PathBuf>,
    /// Where to put metadata, if not with the packages.
    #[arg(long = "metadata-path", value_name = "DIRECTORY")]
    pub metadata_path: Option<PathBuf>,
    /// Check signatures, and remove packages that have none.
    #[arg(long)]
    pub gpgcheck: bool,
    /// Only the newest version of each package.
    #[arg(short = 'n', long = "newest-only")]
    pub newest_only: bool,
    /// Without a folder for each repository.
    #[arg(long = "norepopath")]
    pub no_repo_path: bool,
    /// Only source packages.
    #[arg(long)]
    pub source: bool,
    /// Only show addresses.
    #[arg(short = 'u', long)]
    pub urls: bool,
    /// Which of the enabled repositories; none is all.
    #[arg(value_name = "REPOSITORY")]
    pub repositories: Vec<String>,
}
