//! Clients of the Debian archive: the host's apt with separate state (the host's configuration is only read to find the mirror), or this
//! program itself.

mod builtin;
mod busy;
mod cache_address;
mod choice;
mod config;
mod download;
mod error;
mod heard;
mod host_index;
mod index;
mod mirror;
mod netrc;
mod over_grpc;
mod pace;
mod process;
mod reason;
mod record;
mod suite;

use std::path::PathBuf;

pub use builtin::{
    Access, IndexKind, Lasts, Network, Presence, ProxySetting, Trouble, Via, basic, compare_versions, presence, retry_after, suite_indexes,
};
pub use busy::is_busy;
pub use cache_address::{CacheAddress, InvalidCacheAddress};
pub use choice::{Client, ClientChoice};
pub use config::{Repository, parse_deb822, parse_one_line};
pub use download::{Download, Outcome, Patience, download, host};
pub use error::AptError;
pub use heard::Heard;
pub use index::Index;
pub use mirror::{Archive, InvalidMirror, Mirror};
pub use netrc::credentials;
pub use pace::Rate;
pub use record::Record;
pub use suite::{InvalidSuite, Suite};

/// The user's settings for fetching.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `KAON_DEBIAN_MIRROR`: the Debian archive to use instead of the one in the host's apt configuration.
    pub debian_mirror: Option<String>,
    /// Which client talks to the archive.
    pub client: Client,
    /// `--source-mirror`: where to look for sources after their own origins, by file name and by digest.
    pub source_mirrors: Vec<String>,
    /// Shared caches, which have files by digest: tried last for sources and packages of the SDK.
    pub caches: Vec<CacheAddress>,
    /// The host's apt configuration, `/etc/apt`.
    pub apt_folder: PathBuf,
    /// The project's copy of the Debian archive's keys.
    pub keyring: PathBuf,
    /// The project's top folder, whose crates cargo fetches.
    pub project: PathBuf,
    /// `--locked`: refuse whatever would change `sdk.lock`.
    pub locked: bool,
}

/// The folder of the host's apt configuration.
pub const HOST_APT_FOLDER: &str = "/etc/apt";

/// A small archive for tests of other modules.
#[cfg(test)]
pub(crate) mod testing {
    pub(crate) use super::builtin::{TestArchive, server};
}
