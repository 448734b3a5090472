//! A client of the Debian archive that needs no programs of the host: signed indexes, dependencies, and files over HTTP.

mod agent;
mod authorization;
mod catalogue;
mod date;
mod download;
mod fetcher;
mod forward;
mod index;
mod keyring;
mod no_proxy;
mod presence;
mod proxy;
mod relation;
mod release;
mod retry_after;
mod solve;
#[cfg(test)]
mod tests;
mod transfer;
mod trouble;
mod version;

pub use agent::Network;
pub use authorization::basic;
pub use download::download;
pub(super) use download::local_path;
pub use fetcher::{Access, IndexKind};
pub use index::{BuiltinIndex, suite_indexes};
pub use presence::{Presence, presence};
pub use proxy::{ProxySetting, Via};
pub use retry_after::retry_after;
#[cfg(test)]
pub(crate) use tests::{TestArchive, server};
pub use trouble::{Lasts, Trouble};
pub use version::compare as compare_versions;
