//! Selects the client for the Debian archive.

use std::env;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use clap::ValueEnum;

use super::download::APT_HELPER;

/// The user's choice of the client for the Debian archive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ClientChoice {
    /// The host's apt if it is installed, otherwise the built-in client
    #[default]
    Auto,
    /// The host's apt
    Apt,
    /// The built-in client, which needs no program of the host
    Builtin,
}

/// The client for the Debian archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Client {
    /// The host's apt, with its proxies and credentials.
    Apt,
    /// This program itself.
    Builtin,
}

impl ClientChoice {
    /// The client to use on this machine.
    pub fn client(self) -> Client {
        let has_apt = || ["apt-get", "apt-cache"].iter().all(|name| is_on_path(name)) && is_program(Path::new(APT_HELPER));
        match self {
            Self::Apt => Client::Apt,
            Self::Builtin => Client::Builtin,
            Self::Auto if has_apt() => Client::Apt,
            Self::Auto => Client::Builtin,
        }
    }
}

fn is_on_path(name: &str) -> bool {
    env::var_os("PATH").is_some_and(|path| env::split_paths(&path).any(|folder| is_program(&folder.join(name))))
}

fn is_program(path: &Path) -> bool {
    path.metadata().is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}
