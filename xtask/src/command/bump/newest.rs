//! Raises specs to the newest version in the Debian archive that can be fetched.

use super::before::{Before, Raised, pin};
use super::error::BumpError;
use crate::cli::Context;
use crate::command::outdated::compare;
use base::diagnostic::Report;
use planning::bump::{ArchiveChange, NewFile, ReleaseChange, SourceChange, SourcePlaces, archive_text};
use planning::spec::{PatchSeries, Source, SourceUsage};
use sdk::apt::Suite;
use sdk::updates::{Content, Held, Outdated, Scope, SpecVersion, Update, held, in_archive, is_derived, spec_version};

/// Raises those of `specs` for which the archive has something newer, and with them those that take nothing from it. None if all are
/// current.
///
/// # Errors
/// When the indexes cannot be read, all that is newer cannot be fetched, or a file at an address cannot.
pub fn raise(context: &Context<'_>, specs: Vec<Before>, further: &[Suite]) -> Result<Vec<Raised>, Report> {
    let all: Vec<Held> = specs.iter().flat_map(|before| held(&before.spec)).collect();
    let found = compare(context, all, further, Scope::All)?.outdated;
    let (with_sources, others): (Vec<Before>, Vec<Before>) = specs.into_iter().partition(|before| !held(&before.spec).is_empty());
    let mut raised = Vec::new();
    for before in with_sources {
        let own: Vec<&Outdated> = found.iter().filter(|one| one.held.spec == before.name).collect();
        if !own.is_empty() {
            raised.push(raise_one(context, before, &own)?);
        }
    }
    // Of those without sources, the version is that of the spec they have it from.
    for before in others {
        let origin = raised.iter().find(|one| one.before.places.version == before.places.version);
        if let Some((version, release)) = origin.map(|one| (one.version.clone(), one.release)) {
            raised.push(before.raised(context, (&version, release), &[], Vec::new())?);
        }
    }
    Ok(raised)
}

fn raise_one(context: &Context<'_>, before: Before, found: &[&Outdated]) -> Result<Raised, Report> {
    let is_any_fetchable = found.iter().any(|one| one.fetchable().is_some());
    if let (false, Some(error)) = (is_any_fetchable, found.iter().find_map(|one| not_fetchable(one))) {
        return Err(error.into());
    }
    let update_of = |held: &Held| found.iter().find(|one| one.held == *held).and_then(|one| one.fetchable());
    let (version, mut warnings) = version(&before, update_of);
    warnings.extend(found.iter().filter_map(|one| out_of_reach(one)));
    warnings.extend(found.iter().filter_map(|one| nothing_new(&before.path, one)));
    let mut changes = Vec::new();
    for (places, source) in before.sources() {
        let update = in_archive(source).and_then(|file| found.iter().find(|one| one.held.has(&file))).and_then(|one| one.fetchable());
        changes.push(change(context, places, source, &version, version != before.places.version, update)?);
        warnings.extend(update.and_then(|update| patches_to_check(&before.path, places, source, update)));
    }
    let has_new_files = found.iter().filter_map(|one| one.fetchable()).any(|update| update.content == Content::NewFiles);
    let release = match (version == before.places.version, has_new_files) {
        (false, _) => ReleaseChange::First,
        (true, true) => ReleaseChange::Next,
        (true, false) => ReleaseChange::Same,
    };
    before.raised(context, (&version, release), &changes, warnings)
}

fn not_fetchable(one: &Outdated) -> Option<BumpError> {
    let newest = one.found.first()?;
    let (spec, package, version) = (one.held.spec.clone(), one.held.package.clone(), newest.update.version.clone());
    Some(BumpError::NotFetchable { spec, package, version, source: newest.obstacle.clone()? })
}

/// A warning of a newer version than the one that is taken.
fn out_of_reach(one: &Outdated) -> Option<String> {
    let newest = one.found.first()?;
    let obstacle = newest.obstacle.as_ref()?;
    Some(format!("version {} of `{}` is newer still, but cannot be fetched: {obstacle}", newest.update.version, one.held.package))
}

/// A warning that a version does not change what is built.
fn nothing_new(path: &str, one: &Outdated) -> Option<String> {
    let update = one.fetchable().filter(|update| update.content == Content::SameFiles)?;
    Some(format!(
        "{path}: {} of `{}` has the files that the spec has: what is new in it is in others, such as `debian/patches`, and is not built \
         until the spec takes them",
        update.version, one.held.package
    ))
}

/// The spec's new version: that of the package from which its current one is derived, else of its first source.
fn version<'a>(before: &Before, update_of: impl Fn(&Held) -> Option<&'a Update>) -> (String, Vec<String>) {
    let (current, all) = (&before.places.version, held(&before.spec));
    let leading = all.iter().find(|held| is_derived(current, &held.version)).or(all.first());
    let Some((held, update)) = leading.and_then(|held| Some((held, update_of(held)?))) else { return (current.clone(), Vec::new()) };
    match spec_version(current, &held.version, &update.version) {
        SpecVersion::Derived(version) => (version, Vec::new()),
        SpecVersion::Guessed(version) => {
            let warning = format!(
                "{}: {current} is not derived from {} of `{}`, so {version} is a guess for {}: check it",
                before.path, held.version, held.package, update.version
            );
            (version, vec![warning])
        }
    }
}

fn change(
    context: &Context<'_>,
    places: &SourcePlaces,
    source: &Source,
    version: &str,
    is_new: bool,
    update: Option<&Update>,
) -> Result<SourceChange, Report> {
    let pinned = || places.url_of(version).filter(|_| is_new).map(|url| pin(context, &url)).transpose();
    let (file, origin) = (in_archive(source), places.archive.as_ref());
    let Some(((file, origin), update)) = file.zip(origin).zip(update) else {
        return Ok(SourceChange { sha256: pinned()?, archive: None });
    };
    let Some(listed) = update.file(&file.part) else { return Ok(SourceChange::default()) };
    let new = NewFile { package: file.package, version: &update.version, name: &listed.name };
    let archive = Some(ArchiveChange { text: archive_text(origin, new, version), sha256: listed.sha256 });
    // The signed index vouches for one file. The one at the address has to be fetched if it has other bytes.
    let sha256 = if origin.has_own_digest() { pinned()? } else { Some(listed.sha256) };
    Ok(SourceChange { sha256, archive })
}

/// A warning that a list of patches was made for another archive of patches.
fn patches_to_check(path: &str, places: &SourcePlaces, source: &Source, update: &Update) -> Option<String> {
    let SourceUsage::Patches { series: PatchSeries::These(_), .. } = &source.usage else { return None };
    let (line, old) = (places.line, in_archive(source)?);
    let new = &update.file(&old.part)?.name;
    Some(format!("{path}:{line}: the list of `patches` was made for {}: compare it with `debian/patches/series` in {new}", old.file))
}
