//! A package's headers as bytes: a third of what they take once they were read, and hardly ever needed again.

use rpm::PackageMetadata;
use sha2::{Digest as _, Sha256};

use super::shape::{ENTRY, INTRO, LEAD};
use super::tags::Tags;

/// Lead and headers whose shape was checked.
#[derive(Clone, Debug)]
pub(crate) struct Headers(Box<[u8]>);

impl Headers {
    /// What [`super::shape`] gave.
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        Self(bytes.into())
    }

    /// The values of the main header. Lead and signature header, filled up to a multiple of 8 bytes, precede it.
    pub(crate) fn tags(&self) -> Option<Tags<'_>> {
        let word = |at: usize| Some(u32::from_be_bytes(self.0.get(at..at + 4)?.try_into().ok()?) as usize);
        let (entries, length) = (word(LEAD + 8)?, word(LEAD + 12)?);
        Tags::of(self.0.get((LEAD + INTRO + entries * ENTRY + length).next_multiple_of(8)..)?)
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
