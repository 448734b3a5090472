//! A package's headers as bytes: a third of what they take once they were read, and hardly ever needed again.

use rpm::PackageMetadata;
use sha2::{Digest as _, Sha256};

/// Lead and headers whose shape was checked.
#[derive(Debug)]
pub(crate) struct Headers(Box<[u8]>);

impl Headers {
    /// What [`super::shape`] gave.
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        Self(bytes.into())
    }

    /// Their digest.
    pub(crate) fn sha256(&self) -> [u8; 32] {
        Sha256::digest(&self.0).into()
    }

    /// Reads them.
    ///
    /// # Errors
    /// When they are malformed; if they were not at first, they never are.
    pub(crate) fn read(&self) -> Result<PackageMetadata, rpm::Error> {
        PackageMetadata::parse(&mut &self.0[..])
    }
}
