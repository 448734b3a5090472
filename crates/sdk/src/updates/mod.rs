//! Newer versions in the Debian archive of what specs take from it.
//!
//! [`fn@held`] says what a spec takes, [`Listing`] what the archive's signed indexes list, [`fn@newer`] compares the two, and [`outdated`] asks
//! which of the newer versions can be fetched. Only [`fn@read`] and [`available`] have effects.

mod find;
mod held;
mod listing;
mod newer;
mod part;
mod read;
mod upstream;

pub use find::{Found, Obstacle, Outdated, outdated};
pub use held::{ArchiveFile, Held, held, in_archive};
pub use listing::{Listed, ListedFile, Listing, Wanted};
pub use newer::{Content, Scope, Update, newer};
pub use part::Part;
pub use read::{Mirrors, available, read};
pub use upstream::{SpecVersion, is_derived, spec_version, without_epoch};
