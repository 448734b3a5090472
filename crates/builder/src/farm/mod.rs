//! Builds on the workers of a server of Bazel's Remote Execution API.

mod either;
mod error;
mod layers;
mod outputs;
mod remote;
mod sent;

use std::collections::BTreeMap;

use runtime::remote::Server;

pub(super) use either::Either;
pub use error::FarmError;
pub(super) use remote::Remote;

/// A server whose workers build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Farm {
    /// The server.
    pub server: Server,
    /// Builds at the same time.
    pub jobs: usize,
    /// The properties that workers must have, as the server's operator named them.
    pub properties: BTreeMap<String, String>,
    /// What becomes of builds that no worker can run.
    pub fallback: Fallback,
}

/// What becomes of builds that no worker can run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fallback {
    /// This machine runs them.
    ThisMachine,
    /// They fail.
    Nothing,
}
