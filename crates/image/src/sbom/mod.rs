//! What an image is made of, machine-readable: a bill of materials as SPDX 2.3 and CycloneDX 1.6, and provenance as an in-toto statement.
//!
//! They meet NTIA's "Minimum Elements for a Software Bill of Materials": supplier, name, version, identifiers, relationships, author and time.
//!
//! All data come from the graph: image → package → source with its hash. Nothing is guessed from files, and nothing is taken from the clock.

mod bill;
mod cyclonedx;
mod provenance;
mod source;
mod spdx;

pub use bill::{Bill, Component, Member, bill};
pub use cyclonedx::cyclonedx;
pub use provenance::{Subject, provenance};
pub use source::{SourceFile, source_file};
pub use spdx::spdx;

/// The supplier of images and packages, and the author of the documents.
const SUPPLIER: &str = "Kaon";

/// [`SOURCE_DATE_EPOCH`](base::epoch::SOURCE_DATE_EPOCH) in the format of RFC 3339.
const CREATED: &str = "2026-01-01T00:00:00Z";
const _: () = assert!(base::epoch::SOURCE_DATE_EPOCH == 1_767_225_600, "the day above is this one");

#[cfg(test)]
mod shape;
#[cfg(test)]
mod tests;
