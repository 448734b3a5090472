//! The shared cache: results that other builders made and signed, so that users need not build everything.
//!
//! A cache is a folder or a server with two directories, in the layout of Bazel's HTTP caches: `ac/KEY` describes the result of the build
//! with that key, `cas/SHA256` are the packages. The description contains an in-toto statement in a DSSE envelope. Trust is in the
//! signature of a trusted builder, not in the server, which can withhold results but not change them.
//!
//! [`statement`] and [`entry`] are the formats, [`settings`] what the user trusts, [`Caches`] reads, [`export()`] writes.

mod builders;
pub mod entry;
mod export;
mod fetch;
mod merge;
mod offer;
pub mod place;
mod prune;
mod readable;
pub mod settings;
pub mod statement;

pub use builders::BuilderName;
pub use export::{BUILDER_FILE, ExportError, Exported, Publisher, export};
pub use fetch::{Access, CacheUse, Caches, FetchError, Tally};
pub use offer::Offer;
pub use prune::{PruneError, Pruned, Rules, prune};
pub use readable::{UnreadableFolder, check_readable};
