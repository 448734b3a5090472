//! Reads the indexes of suites, and asks mirrors for files.

use std::time::Instant;

use super::held::Held;
use super::listing::{ListedFile, Listing, Wanted};
use super::newer::Update;
use super::upstream::without_epoch;
use crate::apt::{Access, AptError, Archive, IndexKind, Mirror, Network, Presence, Settings, Suite, presence, suite_indexes};
use crate::source::{SourceError, parse_mirror, places};
use planning::spec::{Origin, Source, SourceUsage};
use runtime::cancel::Cancel;
use runtime::progress::{Event, Outcome, Reporter};
use runtime::store::Store;

/// Where sources in the archive are fetched from.
pub struct Mirrors {
    archive: Archive,
    source_mirrors: Vec<Mirror>,
}

impl Mirrors {
    /// Those of the user's settings, else of the host's apt configuration.
    ///
    /// # Errors
    /// When there are none, or a setting is not an address.
    pub fn find(settings: &Settings) -> Result<Self, SourceError> {
        let source_mirrors = settings.source_mirrors.iter().map(|text| parse_mirror(text)).collect::<Result<_, _>>()?;
        Ok(Self { archive: Archive::find(settings)?, source_mirrors })
    }

    /// The addresses that a build would try for a file of a newer version.
    pub fn addresses(&self, held: &Held, update: &Update, file: &ListedFile) -> Vec<String> {
        let (sha256, version) = (file.sha256, without_epoch(&update.version).to_owned());
        let (package, name) = (held.package.clone(), file.name.clone());
        let origin = match held.index {
            IndexKind::Sources => Origin::Debian { package, version, file: name, sha256 },
            IndexKind::Packages => Origin::Deb { source: held.source.clone(), package, version, arch: String::new(), file: name, sha256 },
        };
        let source = Source { origins: vec![origin], name: None, path: None, usage: SourceUsage::Keep };
        places(&source, &self.archive, &self.source_mirrors, &[]).into_iter().map(|place| place.uri).collect()
    }

    fn of_suite(&self, suite: &Suite) -> &[Mirror] {
        if suite.is_security() { &self.archive.security } else { &self.archive.main }
    }
}

/// Whether files are at one of their addresses, in order.
///
/// # Errors
/// When the user asked to stop.
pub fn available(files: Vec<Vec<String>>, reporter: &dyn Reporter, cancel: &Cancel) -> Result<Vec<Presence>, AptError> {
    if files.is_empty() {
        return Ok(Vec::new());
    }
    let (unit, begun) = ("availability of newer files".to_owned(), Instant::now());
    reporter.event(Event::Started { unit: unit.clone() });
    let answers = presence(files, &Network::from_environment(), cancel)?;
    finished(reporter, unit, begun);
    Ok(answers)
}

/// Reads what `suites` list of `wanted`, from the archive's signed indexes. A suite that no mirror has is left out with a warning.
///
/// # Errors
/// When no suite is left, an index cannot be read, or the user asked to stop.
pub fn read(
    (store, settings): (&Store, &Settings),
    mirrors: &Mirrors,
    suites: &[Suite],
    wanted: &Wanted,
    reporter: &dyn Reporter,
    cancel: &Cancel,
) -> Result<Listing, AptError> {
    let mut kinds: Vec<IndexKind> = wanted.iter().map(|(index, _)| *index).collect();
    kinds.dedup();
    let (mut listing, mut left_out) = (Listing::default(), Vec::new());
    for suite in suites {
        let access = Access { store, keyring: &settings.keyring, mirrors: mirrors.of_suite(suite), cancel };
        if access.mirrors.is_empty() {
            left_out.push(format!("this machine has no mirror of security updates, which `{suite}` is on"));
            continue;
        }
        let (unit, begun) = (format!("index {suite}"), Instant::now());
        reporter.event(Event::Started { unit: unit.clone() });
        let texts = suite_indexes(&access, suite.as_str(), &kinds).inspect_err(|error| reporter.failed(&unit, error.to_string()))?;
        finished(reporter, unit, begun);
        match texts {
            Some(texts) => listing.add(suite, &kinds.iter().copied().zip(texts.iter().map(String::as_str)).collect::<Vec<_>>(), wanted),
            None => left_out.push(format!("the archive has no suite `{suite}`")),
        }
    }
    if listing.suites().is_empty() {
        return Err(AptError::NoSuites { reasons: left_out.join("; ") });
    }
    for reason in left_out {
        reporter.warn(format!("{reason}: it is left out"));
    }
    Ok(listing)
}

fn finished(reporter: &dyn Reporter, unit: String, begun: Instant) {
    let elapsed_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    reporter.event(Event::Finished { unit, outcome: Outcome::Built, elapsed_ms });
}
