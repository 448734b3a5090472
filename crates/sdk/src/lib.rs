//! The SDK: the compilers and tools that every build uses, from Debian binary packages.
//!
//! `specs/sdk.toml` describes layers, `specs/sdk.lock` pins the packages of each by SHA-256. A layer becomes one directory tree with only
//! its own packages; a sandbox stacks the layers that a build names. Maintainer scripts are never run.

pub mod apt;
mod command;
mod deb;
mod description;
mod ensure;
mod error;
mod finish;
mod lock;
mod name;
mod packages;
mod program;
mod resolve;
pub mod source;
#[cfg(test)]
mod tests;
mod unpack;
pub mod updates;

pub use command::{FILES, LayerStatus, Sdk};
pub use description::{Description, Layer};
pub use ensure::{LayerTree, ensure};
pub use error::SdkError;
pub use lock::{Lock, LockedLayer, LockedPackage};
pub use name::{InvalidLayerName, LayerName};
pub use program::wrap;
