//! Raises specs to a version that the user names.

use super::before::{Before, Raised, pin};
use super::error::BumpError;
use crate::cli::Context;
use crate::command::outdated::listing;
use base::diagnostic::Report;
use planning::bump::{ArchiveChange, ReleaseChange, SourceChange, SourcePlaces, bump};
use planning::spec::Source;
use sdk::apt::Suite;
use sdk::updates::{ArchiveFile, Listing, Scope, Wanted, in_archive};

/// Raises all of `specs` to `version`.
///
/// # Errors
/// When the version is impossible, a file cannot be fetched, or the archive lists none.
pub fn raise(context: &Context<'_>, specs: Vec<Before>, version: &str, further: &[Suite]) -> Result<Vec<Raised>, Report> {
    let mut probed = Vec::new();
    for before in specs {
        // Mistakes in the version are found before anything is fetched.
        let unchanged = vec![SourceChange::default(); before.places.sources.len()];
        let probe = bump(&before.text, &before.places, version, ReleaseChange::First, &unchanged);
        let sources = before.parsed(&probe.text)?.sources;
        probed.push((before, sources));
    }
    let wanted: Wanted = probed
        .iter()
        .flat_map(|(before, sources)| before.places.sources.iter().zip(sources))
        .filter_map(|(places, source)| unknown(places, source, version))
        .map(|file| (file.index, file.package.to_owned()))
        .collect();
    let listing = if wanted.is_empty() { Listing::default() } else { listing(context, &wanted, further, Scope::All)?.1 };
    let mut raised = Vec::new();
    for (before, sources) in probed {
        let change = |(places, source)| change(context, &before, places, source, version, &listing);
        let changes: Vec<SourceChange> = before.places.sources.iter().zip(&sources).map(change).collect::<Result<_, _>>()?;
        raised.push(before.raised(context, (version, ReleaseChange::First), &changes, Vec::new())?);
    }
    Ok(raised)
}

/// Whether a source's file depends on the version.
pub fn depends_on_version(source: &SourcePlaces) -> bool {
    source.url_of("").is_some() || source.archive.as_ref().is_some_and(planning::bump::ArchivePlaces::has_version)
}

/// The file of the new version in the archive whose digest only the archive's index has.
fn unknown<'a>(places: &SourcePlaces, source: &'a Source, version: &str) -> Option<ArchiveFile<'a>> {
    let origin = places.archive.as_ref().filter(|origin| origin.has_version())?;
    in_archive(source).filter(|_| places.url_of(version).is_none() || origin.has_own_digest())
}

fn change(
    context: &Context<'_>,
    before: &Before,
    places: &SourcePlaces,
    source: &Source,
    version: &str,
    listing: &Listing,
) -> Result<SourceChange, Report> {
    let url = places.url_of(version);
    let listed = unknown(places, source, version).map(|file| (listing.digest(&file), file.file.to_owned()));
    let digest = match (&listed, &url) {
        (Some((None, file)), None) => return Err(BumpError::NotListed { file: file.clone(), spec: before.name.clone() }.into()),
        (listed, _) => listed.as_ref().and_then(|(digest, _)| *digest),
    };
    let sha256 = match url {
        Some(url) => Some(pin(context, &url)?),
        None => digest,
    };
    let text = places.archive.as_ref().map(|origin| origin.text.clone());
    Ok(SourceChange { sha256, archive: text.zip(digest).map(|(text, sha256)| ArchiveChange { text, sha256 }) })
}
