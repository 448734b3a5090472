//! What must be distributed with an image: its packages' licences, their texts, and the sources they were built from.
//!
//! ```text
//! README, manifest.csv, manifest.json
//! licenses/<package>/…                     the texts in the package
//! sources/<spec>/<file>                    all sources, patch archives and crates
//! specs/<spec>/…, specs/sdk.*              as in the project, with patches and scripts
//! kernel-config/…                          as in the project, the files that a kernel is configured by
//! workspaces/<spec>/…                      the part of the project's workspace that a spec is built from
//! ```
//!
//! [`facts`] finds out what is in the image, [`layout`] decides the directory's content, [`mod@write`] writes it.

mod error;
mod facts;
mod layout;
mod manifest;
mod readme;
mod texts;
mod write;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Instant;

use serde::Serialize;

use crate::{Builder, ImageResult};
use base::digest::Digest;
use base::name::PackageName;
use image::description::Image;
use planning::spec::Source;
use runtime::directory::{DirectoryError, Kind};
use runtime::progress::{Event, Outcome};
use sdk::source::Fetcher;

pub use error::LegalError;

use facts::Facts;
use layout::{Entry, Layout, Sources};

/// The directories that are written here. The mark is a file that exists for this purpose alone, so that no other directory is mistaken for
/// one.
const DIRECTORY: Kind = Kind { name: "a directory that `legal-info` wrote", mark: ".kaon-legal-info" };

/// Whether sources are part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WithSources {
    /// All of them are included.
    Included,
    /// They are named with their digests.
    Named,
}

/// What [`legal_info`] wrote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Written {
    /// Packages of the image.
    pub packages: usize,
    /// Licence texts.
    pub license_texts: usize,
    /// Source files; 0 if they are left out.
    pub sources: usize,
    /// Size of all files, in bytes.
    pub size_bytes: u64,
}

/// Checks that `folder` may be written: it does not exist, is empty, or was written by an earlier call.
///
/// # Errors
/// [`DirectoryError::Occupied`].
pub fn check_place(folder: &Path) -> Result<(), DirectoryError> {
    DIRECTORY.check_replaceable(folder)
}

/// Writes the directory `folder` about a built image, replacing what an earlier call wrote: completely or not at all. Sources that are not
/// in the store are fetched.
///
/// # Errors
/// When a source cannot be fetched, a package or the project cannot be read, or the directory cannot be written.
pub fn legal_info(
    builder: &Builder<'_>,
    image: &Image,
    result: &ImageResult,
    with_sources: WithSources,
    folder: &Path,
) -> Result<Written, LegalError> {
    let unit = format!("legal info of {}", image.name);
    let begun = Instant::now();
    builder.reporter.event(Event::Started { unit: unit.clone() });
    let write = || {
        builder.reporter.phase(&unit, "packages");
        let facts = Facts::gather(builder, image, result)?;
        builder.reporter.phase(&unit, "sources");
        let sources = match with_sources {
            WithSources::Included => Sources::Included(fetch(builder, &facts)?),
            WithSources::Named => Sources::Named,
        };
        let layout = Layout::plan(&facts, &sources);
        builder.reporter.phase(&unit, "files");
        let writer = write::Writer { store: builder.store, project: &builder.settings.project, cancel: &builder.cancel };
        let size_bytes = DIRECTORY.replace(folder, |folder| writer.write(&layout.entries, folder))?;
        Ok(written(&facts, &layout, size_bytes))
    };
    let written = write().inspect_err(|error: &LegalError| builder.reporter.failed(&unit, error.to_string()))?;
    let elapsed_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    builder.reporter.event(Event::Finished { unit, outcome: Outcome::Built, elapsed_ms });
    Ok(written)
}

fn written(facts: &Facts<'_>, layout: &Layout, size_bytes: u64) -> Written {
    let count = |is_counted: fn(&Entry) -> bool| layout.entries.values().filter(|entry| is_counted(entry)).count();
    Written {
        packages: facts.packages.len(),
        license_texts: count(|entry| matches!(entry, Entry::Text { .. })),
        sources: count(|entry| matches!(entry, Entry::Object(_))),
        size_bytes,
    }
}

/// Fetches the missing sources of all specs. Returns the digest of each source's file, in the spec's order.
fn fetch(builder: &Builder<'_>, facts: &Facts<'_>) -> Result<BTreeMap<PackageName, Vec<Digest>>, LegalError> {
    let fetcher = Fetcher::new(builder.store, &builder.settings, builder.reporter, &builder.cancel);
    let sources: Vec<(&PackageName, &Source)> =
        facts.specs.iter().flat_map(|(name, folder)| folder.spec.sources.iter().map(move |source| (*name, source))).collect();
    let wanted: Vec<&Source> = sources.iter().map(|(_, source)| *source).collect();
    let mut found: BTreeMap<PackageName, Vec<Digest>> = BTreeMap::new();
    let mut failures = Vec::new();
    let fetched = fetcher.ensure_all(&wanted).map_err(|_| LegalError::Interrupted)?;
    for ((spec, _), fetched) in sources.into_iter().zip(fetched) {
        match fetched {
            Ok(digest) => found.entry(spec.clone()).or_default().push(digest),
            Err(failure) => failures.push(failure),
        }
    }
    // Two specs may share a source, which is one failure.
    let mut told = BTreeSet::new();
    failures.retain(|failure| told.insert(failure.to_string()));
    if failures.is_empty() { Ok(found) } else { Err(LegalError::Sources(failures)) }
}
