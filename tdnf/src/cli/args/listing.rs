//! What is asked of packages and advisories, a line or a page each.

use clap::Args;

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
