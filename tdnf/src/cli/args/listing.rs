//! What is asked of packages and advisories, a line or a page each.

use clap::Args;

/// Which packages.
#[derive(Debug, Args, Default)]
pub struct Listing {
    /// List installed and available packages (the default).
    #[arg(long)]
    pub all: bool,
    /// List only installed packages.
    #[arg(long)]
    pub installed: bool,
    /// List only available packages.
    #[arg(long)]
    pub available: bool,
    /// List only installed packages that no repository contains.
    #[arg(long)]
    pub extras: bool,
    /// List only available packages that obsolete installed ones.
    #[arg(long)]
    pub obsoletes: bool,
    /// List only available packages built in the last seven days.
    #[arg(long)]
    pub recent: bool,
    /// List only updates of installed packages.
    #[arg(long, alias = "upgrades")]
    pub updates: bool,
    /// List only older versions of installed packages.
    #[arg(long)]
    pub downgrades: bool,
    /// List all versions, which is always done.
    #[arg(long = "showduplicates")]
    pub show_duplicates: bool,
    /// One of the words above, then names or patterns.
    #[arg(value_name = "WHICH | PACKAGE")]
    pub words: Vec<String>,
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
    /// Those that installed packages do not fix yet (the default).
    #[arg(long)]
    pub available: bool,
    /// Those that installed packages fix.
    #[arg(long)]
    pub installed: bool,
    /// All.
    #[arg(long)]
    pub all: bool,
    /// `list`, `info`, `summary`, `all` or `installed`, then names of packages, advisories, CVEs or bugs.
    #[arg(value_name = "HOW | PACKAGE | ADVISORY")]
    pub words: Vec<String>,
}
