//! The command line of `tdnf-automatic`.

use std::path::PathBuf;

use clap::Parser;

/// Report, fetch or apply updates without anybody asking, as `/etc/tdnf/automatic.conf` says.
#[derive(Debug, Parser)]
#[command(
    name = "tdnf-automatic",
    version,
    disable_version_flag = true,
    about = "Report, fetch or apply updates, as /etc/tdnf/automatic.conf says"
)]
pub struct Arguments {
    /// Use this file instead of `/etc/tdnf/automatic.conf`.
    #[arg(short, long, value_name = "FILE")]
    pub conf: Option<PathBuf>,
    /// Apply updates, whatever the file says.
    #[arg(short, long)]
    pub install: bool,
    /// Only report updates, whatever the file says.
    #[arg(short, long)]
    pub notify: bool,
    /// Wait for a random time first, at most `random_sleep`.
    #[arg(short, long)]
    pub timer: bool,
    /// Update the system in this directory.
    #[arg(long = "installroot", value_name = "DIRECTORY")]
    pub install_root: Option<PathBuf>,
    /// Print the version.
    #[arg(short = 'v', long, action = clap::ArgAction::Version)]
    pub version: Option<bool>,
}
