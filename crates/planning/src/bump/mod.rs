//! Updates a spec to a new version by editing its text: versions and digests are replaced in place, and comments, order and layout stay as
//! they are.

mod archive;
mod difference;
mod read;
mod together;

use std::ops::Range;

use base::digest::Digest;

pub use archive::{NewFile, archive_text};
pub use difference::{DiffLine, difference};
pub use read::read;
pub use together::together;

/// The places of a spec's text that change with its version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    /// The current version.
    pub version: String,
    /// The current release.
    release: u32,
    /// The range of the version, with quotation marks.
    version_at: Range<usize>,
    /// The range of the release.
    release_at: Range<usize>,
    /// Sources, in order.
    pub sources: Vec<SourcePlaces>,
}

/// The places of a source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourcePlaces {
    /// The line of its table's header, from 1.
    pub line: usize,
    /// Its address, with `{version}`.
    pub url: Option<String>,
    /// The range of its digest, with quotation marks.
    sha256_at: Option<Range<usize>>,
    /// Its file in the Debian archive.
    pub archive: Option<ArchivePlaces>,
}

/// An origin in the Debian archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArchivePlaces {
    /// The key it is written with.
    pub key: ArchiveKey,
    /// `package_version:file` or `NAME_VERSION_ARCH.deb`, as written.
    pub text: String,
    /// The line it is in, from 1.
    pub line: usize,
    /// The range of the text, with quotation marks.
    text_at: Range<usize>,
    /// The range of its own digest, with quotation marks, if it has one.
    sha256_at: Option<Range<usize>>,
}

/// The key of an origin in the Debian archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArchiveKey {
    /// `debian`: a file of a source package.
    Debian,
    /// `deb`: a binary package.
    Deb,
}

const PLACEHOLDER: &str = "{version}";

impl SourcePlaces {
    /// The address of the source's file for another version, if its address has `{version}`.
    pub fn url_of(&self, version: &str) -> Option<String> {
        self.url.as_ref().filter(|url| url.contains(PLACEHOLDER)).map(|url| url.replace(PLACEHOLDER, version))
    }

    /// Its name in messages: its address or its file in the archive.
    pub fn label(&self) -> &str {
        self.url.as_deref().or(self.archive.as_ref().map(|origin| &*origin.text)).unwrap_or("this source")
    }
}

impl ArchivePlaces {
    /// Whether it has `{version}`.
    pub fn has_version(&self) -> bool {
        self.text.contains(PLACEHOLDER)
    }

    /// Whether it has a digest of its own, other than that of the file at the address.
    pub fn has_own_digest(&self) -> bool {
        self.sha256_at.is_some()
    }
}

/// What becomes of the release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReleaseChange {
    /// It is 1: the version is new.
    First,
    /// One more: the version has other sources.
    Next,
    /// It stays: so do the sources.
    Same,
}

/// What changes in a source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceChange {
    /// The new `sha256` of the source.
    pub sha256: Option<Digest>,
    /// The new origin in the archive.
    pub archive: Option<ArchiveChange>,
}

/// A new origin in the archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArchiveChange {
    /// What is written.
    pub text: String,
    /// The digest of the file; written where the origin has one of its own.
    pub sha256: Digest,
}

/// A spec's text for a new version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bumped {
    /// The new text.
    pub text: String,
    /// Origins in the archive whose files have other bytes than those of the new version, or unknown ones.
    pub stale: Vec<ArchivePlaces>,
    /// Sources that stay as they are although the version changes.
    pub kept: Vec<SourcePlaces>,
    /// Other lines, from 1, that contain the old version.
    pub old_version_in: Vec<usize>,
}

/// Puts a version into a spec's text, and what changes in its sources, in order. The digest of an origin in the archive that is not known is
/// replaced by a placeholder: otherwise the old version's bytes would be accepted when the address does not answer.
pub fn bump(text: &str, places: &Places, version: &str, release: ReleaseChange, sources: &[SourceChange]) -> Bumped {
    let is_new = places.version != version;
    let release = match release {
        ReleaseChange::First => 1,
        ReleaseChange::Next => places.release.saturating_add(1),
        ReleaseChange::Same => places.release,
    };
    let mut changes =
        vec![(places.version_at.clone(), in_quotes(text, &places.version_at, version)), (places.release_at.clone(), release.to_string())];
    let (mut stale, mut kept) = (Vec::new(), Vec::new());
    for (source, change) in places.sources.iter().zip(sources) {
        let put = |at: &Option<Range<usize>>, value: &str| at.clone().map(|at| (at.clone(), in_quotes(text, &at, value)));
        changes.extend(change.sha256.and_then(|digest| put(&source.sha256_at, &digest.hex())));
        match (&source.archive, &change.archive) {
            (Some(origin), Some(new)) => {
                changes.extend(put(&Some(origin.text_at.clone()), &new.text));
                changes.extend(put(&origin.sha256_at, &new.sha256.hex()));
            }
            (Some(origin), None) if change.sha256.is_some() && (!origin.has_version() || origin.has_own_digest()) => {
                changes.extend(put(&origin.sha256_at, &"0".repeat(64)));
                stale.push(origin.clone());
            }
            _ if is_new && change.sha256.is_none() => kept.push(source.clone()),
            _ => {}
        }
    }
    changes.sort_by_key(|(at, _)| std::cmp::Reverse(at.start));
    let mut new = text.to_owned();
    for (at, replacement) in changes {
        new.replace_range(at, &replacement);
    }
    // The line of the version itself may contain the old one as part of the new.
    let version_line = text[..places.version_at.start].lines().count().max(1);
    let named: Vec<usize> = stale.iter().map(|origin| origin.line).chain([version_line]).collect();
    let written_out = if is_new { lines_with(&new, &places.version) } else { Vec::new() };
    let old_version_in = written_out.into_iter().filter(|line| !named.contains(line)).collect();
    Bumped { text: new, stale, kept, old_version_in }
}

/// A string in the same kind of quotation marks as the one at this position.
fn in_quotes(text: &str, at: &Range<usize>, value: &str) -> String {
    let written = &text[at.clone()];
    let mark = ["\"\"\"", "'''", "\"", "'"].into_iter().find(|mark| written.starts_with(mark)).unwrap_or("\"");
    format!("{mark}{value}{mark}")
}

/// The lines that contain a version, except comments. None for a version without a full stop, which would match too much else.
fn lines_with(text: &str, version: &str) -> Vec<usize> {
    if !version.contains('.') {
        return Vec::new();
    }
    let is_part = |c: char| c.is_ascii_digit();
    let has = |line: &str| {
        line.match_indices(version).any(|(at, _)| !line[..at].ends_with(is_part) && !line[at + version.len()..].starts_with(is_part))
    };
    let numbered = text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with('#') && has(line));
    numbered.map(|(at, _)| at + 1).collect()
}

#[cfg(test)]
mod tests;
