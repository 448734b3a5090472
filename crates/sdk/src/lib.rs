//! The SDK: the compilers and tools every build uses, made of Debian binary packages.
//!
//! `specs/sdk.toml` describes layers, `specs/sdk.lock` pins the packages of each by SHA-256. A layer becomes one directory tree that
//! contains its own packages only; a sandbox stacks the layers a build names. No maintainer script ever runs.

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

pub use command::{FILES, LayerStatus, Sdk};
pub use description::{Description, Layer};
pub use ensure::{LayerTree, ensure};
pub use error::SdkError;
pub use lock::{Lock, LockedLayer, LockedPackage};
pub use name::{InvalidLayerName, LayerName};
pub use program::wrap;
pub use resolve::resolve;
