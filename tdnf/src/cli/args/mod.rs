//! What the command line can say.

mod common;
mod history;
mod listing;
mod repoquery;
mod reposync;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use common::Common;
pub use history::{HistoryAction, HistoryRange, HistorySpan};
pub use listing::{Listing, Updateinfo};
pub use repoquery::Repoquery;
pub use reposync::Reposync;

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
