//! Updates a spec to a new version by editing its text: versions and digests are replaced in place, and comments, order and layout stay as
//! they are.

mod difference;
mod read;

use std::ops::Range;

use base::digest::Digest;

pub use difference::{DiffLine, difference};
pub use read::read;

/// The places of a spec's text that change with its version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    /// The current version.
    pub version: String,
    /// Its range, with quotation marks.
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
    pub debian: Option<DebianPlaces>,
}

/// A Debian origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DebianPlaces {
    /// `package_version:file`, as written.
    pub text: String,
    /// The line it is in, from 1.
    pub line: usize,
    /// The range of its own digest, with quotation marks, if it has one.
    sha256_at: Option<Range<usize>>,
}

const PLACEHOLDER: &str = "{version}";

impl SourcePlaces {
    /// The address of the source's file for another version, if its address has `{version}`.
    pub fn url_of(&self, version: &str) -> Option<String> {
        self.url.as_ref().filter(|url| url.contains(PLACEHOLDER)).map(|url| url.replace(PLACEHOLDER, version))
    }

    /// Its name in messages: its address or its Debian file.
    pub fn label(&self) -> &str {
        self.url.as_deref().or(self.debian.as_ref().map(|debian| &*debian.text)).unwrap_or("this source")
    }
}

/// A spec's text for a new version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bumped {
    /// The new text.
    pub text: String,
    /// Debian origins that still name the old version, whose bytes differ from the new one's.
    pub stale_debian: Vec<DebianPlaces>,
    /// Sources whose files were not replaced, as their addresses have no `{version}`.
    pub kept: Vec<SourcePlaces>,
    /// Other lines, from 1, that contain the old version.
    pub old_version_in: Vec<usize>,
}

/// Puts a new version into a spec's text, with the digests of the sources' new files: `digests` has one per source whose address has
/// `{version}`, in order. The release becomes 1. The digest of a Debian origin is replaced by a placeholder: otherwise the old version's
/// bytes would be accepted when the address does not answer.
pub fn bump(text: &str, places: &Places, version: &str, digests: &[Option<Digest>]) -> Bumped {
    let mut changes =
        vec![(places.version_at.clone(), in_quotes(text, &places.version_at, version)), (places.release_at.clone(), "1".to_owned())];
    let (mut stale_debian, mut kept) = (Vec::new(), Vec::new());
    for (source, digest) in places.sources.iter().zip(digests) {
        let Some(digest) = digest else {
            kept.push(source.clone());
            continue;
        };
        changes.extend(source.sha256_at.clone().map(|at| (at.clone(), in_quotes(text, &at, &digest.hex()))));
        let stale = source.debian.iter().filter(|debian| !debian.text.contains(PLACEHOLDER));
        for debian in stale {
            changes.extend(debian.sha256_at.clone().map(|at| (at.clone(), in_quotes(text, &at, &"0".repeat(64)))));
            stale_debian.push(debian.clone());
        }
    }
    changes.sort_by_key(|(at, _)| std::cmp::Reverse(at.start));
    let mut new = text.to_owned();
    for (at, replacement) in changes {
        new.replace_range(at, &replacement);
    }
    // The line of the version itself may contain the old one as part of the new.
    let version_line = text[..places.version_at.start].lines().count().max(1);
    let named: Vec<usize> = stale_debian.iter().map(|debian| debian.line).chain([version_line]).collect();
    let old_version_in = lines_with(&new, &places.version).into_iter().filter(|line| !named.contains(line)).collect();
    Bumped { text: new, stale_debian, kept, old_version_in }
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
