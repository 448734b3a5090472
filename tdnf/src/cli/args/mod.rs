//! What the command line can say.

mod common;
mod configure;
mod history;
mod listing;
mod repoquery;
mod reposync;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use common::Common;
pub use configure::{Configure, ConfigureAction, Settings};
pub use history::{HistoryAction, HistoryArguments, HistoryRange, HistoryShown, HistorySpan};
pub use listing::{Listing, Updateinfo};
pub use repoquery::Repoquery;
pub use reposync::Reposync;

/// Install, update, remove and query packages.
#[derive(Debug, Parser)]
#[command(
    name = "tdnf",
    version,
    about = "Install, update, remove and query packages",
    max_term_width = 120,
    disable_help_subcommand = false
)]
pub struct Cli {
    /// Options of every command.
    #[command(flatten)]
    pub common: Common,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Install or update packages, given by name, capability, path or package file.
    #[command(alias = "localinstall")]
    Install(Packages),
    /// Remove packages and the packages that require them.
    #[command(alias = "remove")]
    Erase(Erased),
    /// Update all or some packages.
    #[command(alias = "upgrade", alias = "update-to", alias = "upgrade-to")]
    Update(OptionalPackages),
    /// Install older versions.
    Downgrade(OptionalPackages),
    /// Reinstall packages.
    Reinstall(Packages),
    /// Change installed packages to the versions in the repositories.
    #[command(name = "distro-sync", alias = "distrosync")]
    DistroSync(OptionalPackages),
    /// Remove packages that were installed only for packages since removed.
    #[command(alias = "autoerase")]
    Autoremove(OptionalPackages),
    /// Set the reason for which packages are installed.
    Mark {
        /// The reason.
        #[arg(value_enum)]
        what: MarkAs,
        /// Names of installed packages.
        #[arg(required = true)]
        packages: Vec<String>,
    },
    /// Show the history of transactions, or undo them.
    History(HistoryArguments),
    /// Show packages.
    List(Listing),
    /// Show details of packages.
    Info(Listing),
    /// Search names, summaries and descriptions for words.
    Search(Packages),
    /// Find packages that provide a name, capability or path.
    #[command(alias = "whatprovides")]
    Provides(Packages),
    /// Query packages and their relations.
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
    /// Show repositories in full.
    Repoinfo {
        /// Which; none is all enabled ones.
        #[arg(value_name = "REPOSITORY")]
        repositories: Vec<String>,
    },
    /// Fetch the metadata of all enabled repositories.
    Makecache,
    /// Remove cached data.
    Clean {
        /// What.
        #[arg(value_enum, required = true)]
        what: Vec<CleanWhat>,
    },
    /// Count the available packages.
    Count,
    /// Check that installed packages are consistent and no transaction is unfinished.
    Check,
    /// Check that the packages in a directory are consistent.
    #[command(name = "check-local")]
    CheckLocal {
        /// The directory.
        directory: PathBuf,
    },
    /// Copy repositories into a directory.
    Reposync(Box<Reposync>),
    /// Read and change configuration files; also as `tdnf-config`.
    Config(Configure),
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

/// Documents generated from the description of the command line.
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

/// Packages to be removed.
#[derive(Debug, Args)]
pub struct Erased {
    /// Remove the older ones of packages that are installed in several versions.
    #[arg(long)]
    pub duplicates: bool,
    /// Names, patterns or capabilities.
    #[arg(required_unless_present = "duplicates", value_name = "PACKAGE")]
    pub packages: Vec<String>,
}

/// Packages, or all.
#[derive(Debug, Args)]
pub struct OptionalPackages {
    /// Names or patterns; none is all.
    #[arg(value_name = "PACKAGE")]
    pub packages: Vec<String>,
}

/// The reason for which packages are installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum MarkAs {
    /// The user asked for them.
    #[value(alias = "user", alias = "manual")]
    Install,
    /// Only others require them.
    #[value(alias = "dependency", alias = "remove")]
    Auto,
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
    /// Keys from the network that were accepted.
    Keys,
    /// Nothing: there are no plugins.
    Plugins,
    /// That metadata is fresh.
    #[value(name = "expire-cache")]
    ExpireCache,
    /// Everything but the keys.
    All,
}
