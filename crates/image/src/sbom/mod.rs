//! What an image is made of, for machines: a bill of materials as SPDX 2.3 and as CycloneDX 1.6, and the provenance as in-toto has it.
//!
//! They meet NTIA's "Minimum Elements for a Software Bill of Materials": supplier, name, version, identifiers, relationships, author and time.
//!
//! All come from the graph: image → package → source with its hash. Nothing is guessed from files, and nothing is taken from the clock.

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

/// Who supplies images and packages, and writes the documents.
const SUPPLIER: &str = "Kaon";

/// [`SOURCE_DATE_EPOCH`](base::epoch::SOURCE_DATE_EPOCH) as RFC 3339 writes it.
const CREATED: &str = "2026-01-01T00:00:00Z";
const _: () = assert!(base::epoch::SOURCE_DATE_EPOCH == 1_767_225_600, "the day above is this one");

#[cfg(test)]
mod shape;
#[cfg(test)]
mod tests;
