//! Sources of packages: fetched from any origin that still has them, checked by SHA-256, stored.

mod archive;
mod cargo;
mod error;
mod fetch;
mod pin;
mod place;

pub use archive::{ArchiveError, HTML, NOT_AN_ARCHIVE, archive};
pub use error::{Attempt, Reason, SourceError};
pub use fetch::{Fetcher, FoundOut, parse_mirror};
pub use place::{Place, places, pool_path};
