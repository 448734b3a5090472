//! What is asked of packages and their relations.

use clap::Args;

/// What is asked of packages.
#[derive(Debug, Args, Default)]
pub struct Repoquery {
    /// Available packages (the default).
    #[arg(long)]
    pub available: bool,
    /// Installed packages.
    #[arg(long)]
    pub installed: bool,
    /// Installed packages of which there are several versions.
    #[arg(long)]
    pub duplicates: bool,
    /// Installed packages that no repository contains.
    #[arg(long)]
    pub extras: bool,
    /// Updates of installed packages.
    #[arg(long)]
    pub upgrades: bool,
    /// Older versions of installed packages.
    #[arg(long)]
    pub downgrades: bool,
    /// Packages installed on request of the user.
    #[arg(long)]
    pub userinstalled: bool,
    /// Packages of these architectures.
    #[arg(long, value_name = "ARCH", value_delimiter = ',')]
    pub arch: Vec<String>,
    /// Packages that contain a path.
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
    /// Show their changelogs.
    #[arg(long, group = "shown")]
    pub changelogs: bool,
    /// Show the source packages they were built from.
    #[arg(long, group = "shown")]
    pub source: bool,
    /// Show their locations.
    #[arg(long, group = "shown")]
    pub location: bool,
    /// Show in a format: `%{name}`, `%{version}`, `%{release}`, `%{epoch}`, `%{arch}`, `%{evr}`, `%{repoid}`, `%{summary}`, …
    #[arg(long = "qf", alias = "queryformat", group = "shown", value_name = "FORMAT")]
    pub format: Option<String>,
    /// Names or patterns; none is all.
    #[arg(value_name = "PACKAGE")]
    pub packages: Vec<String>,
}
