//! Files whose content is not what it should be.

use std::path::PathBuf;

use base::digest::Digest;

/// A file is not the one that was asked for.
#[derive(Debug, thiserror::Error)]
#[error("`{}` is damaged: it has the digest {found}", path.display())]
pub struct Damaged {
    /// The file.
    pub path: PathBuf,
    /// The digest of its content.
    pub found: Digest,
}
