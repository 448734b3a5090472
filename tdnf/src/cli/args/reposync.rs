//! How repositories are copied.

use std::path::PathBuf;

use clap::Args;

/// How repositories are copied.
#[derive(Debug, Args)]
pub struct Reposync {
    /// Only packages of these architectures.
    #[arg(long, value_name = "ARCH")]
    pub arch: Vec<String>,
    /// Remove packages that are no longer in the repository.
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
    /// Check signatures, and remove unsigned packages.
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
    /// Print addresses without fetching.
    #[arg(short = 'u', long)]
    pub urls: bool,
    /// Which of the enabled repositories; none is all.
    #[arg(value_name = "REPOSITORY")]
    pub repositories: Vec<String>,
}
