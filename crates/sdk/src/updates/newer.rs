//! Which listed versions are newer than a spec's.

use std::cmp::Ordering;

use super::held::Held;
use super::listing::{Listed, ListedFile};
use super::part::Part;
use super::upstream::without_epoch;
use crate::apt::{Suite, compare_versions};
use base::digest::Digest;

/// Which updates count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All.
    All,
    /// Those in suites of security updates.
    Security,
}

/// A newer version of what a spec has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Update {
    /// The version, with its epoch.
    pub version: String,
    /// The suites that list it, in the order they were read; at least one.
    pub suites: Vec<Suite>,
    /// The file for each part that the spec has, as far as it is listed.
    pub files: Vec<(Part, Option<ListedFile>)>,
    /// What it brings for the spec.
    pub content: Content,
}

/// What a version brings for a spec.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// Other files than the spec has.
    NewFiles,
    /// The files that the spec has: what is new is in others, such as Debian's patches for a spec that only takes upstream's archive.
    SameFiles,
}

impl Update {
    /// Whether it is a security update.
    pub fn is_security(&self) -> bool {
        self.suites.iter().any(Suite::is_security)
    }

    /// The file that replaces one of the spec's.
    pub fn file(&self, part: &Part) -> Option<&ListedFile> {
        self.files.iter().find(|(own, _)| own == part).and_then(|(_, file)| file.as_ref())
    }
}

/// The listed versions that are newer than the spec's, newest first.
pub fn newer(held: &Held, listed: &[Listed], scope: Scope) -> Vec<Update> {
    let counts = |one: &&Listed| match scope {
        Scope::All => true,
        Scope::Security => one.suite.is_security(),
    };
    let is_newer = |one: &&Listed| compare_to_spec(&one.version, &held.version) == Ordering::Greater;
    let mut found: Vec<&Listed> = listed.iter().filter(counts).filter(is_newer).collect();
    // Stable: the suites of one version stay in their order.
    found.sort_by(|a, b| compare_versions(&b.version, &a.version));
    found.chunk_by(|a, b| a.version == b.version).map(|same| update(held, same)).collect()
}

/// Names of files, and so most versions in specs, have no epoch; what is compared then has none either.
fn compare_to_spec(listed: &str, here: &str) -> Ordering {
    compare_versions(if here.contains(':') { listed } else { without_epoch(listed) }, here)
}

fn update(held: &Held, same: &[&Listed]) -> Update {
    let mut suites: Vec<Suite> = Vec::new();
    for listed in same {
        if !suites.contains(&listed.suite) {
            suites.push(listed.suite.clone());
        }
    }
    let file = |part: &Part| same.iter().flat_map(|listed| &listed.files).find(|file| file.part == *part).cloned();
    let is_same = |(part, sha256): &(Part, Digest)| file(part).is_some_and(|file| file.sha256 == *sha256);
    Update {
        version: same.first().map(|listed| listed.version.clone()).unwrap_or_default(),
        suites,
        content: if held.files.iter().all(is_same) { Content::SameFiles } else { Content::NewFiles },
        files: held.files.iter().map(|(part, _)| (part.clone(), file(part))).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apt::IndexKind;

    fn held(version: &str) -> Held {
        Held {
            spec: "x".parse().unwrap(),
            index: IndexKind::Sources,
            source: "x".into(),
            package: "x".into(),
            version: version.into(),
            files: vec![(Part::Upstream, Digest::of_bytes("x_2.orig.tar.gz")), (Part::Packaging, Digest::of_bytes("x_2-1.debian.tar.xz"))],
        }
    }

    fn listed(suite: &str, version: &str, files: &[&str]) -> Listed {
        let file =
            |name: &&str| ListedFile { part: Part::of_source("x", version, name), name: (*name).into(), sha256: Digest::of_bytes(name) };
        Listed { version: version.into(), suite: suite.parse().unwrap(), files: files.iter().map(file).collect() }
    }

    #[test]
    fn newer_versions_come_newest_first_with_their_suites() {
        let all = [
            listed("trixie", "1:1.0-1", &[]),
            listed("trixie", "1:1.0-1+deb13u1", &[]),
            listed("trixie-security", "1:1.0-1+deb13u1", &[]),
            listed("trixie-security", "1:1.0-1+deb13u2", &[]),
            listed("forky", "1:1.2~rc1-1", &[]),
            listed("trixie-security", "1:0.9-1", &[]),
        ];
        for (here, scope, expected) in [
            ("1.0-1", Scope::All, &["1:1.2~rc1-1 forky", "1:1.0-1+deb13u2 trixie-security", "1:1.0-1+deb13u1 trixie,trixie-security"][..]),
            ("1:1.0-1", Scope::Security, &["1:1.0-1+deb13u2 trixie-security", "1:1.0-1+deb13u1 trixie-security"]),
            ("1.0-1+deb13u2", Scope::Security, &[]),
            ("1.2-1", Scope::All, &[]),
            ("2:0.1-1", Scope::All, &[]),
        ] {
            let shown = |update: &Update| {
                let suites: Vec<&str> = update.suites.iter().map(Suite::as_str).collect();
                format!("{} {}", update.version, suites.join(","))
            };
            let found: Vec<String> = newer(&held(here), &all, scope).iter().map(shown).collect();
            assert_eq!(found, expected, "{here} {scope:?}");
        }
        assert!(newer(&held("1.0-1"), &all[1..3], Scope::All)[0].is_security());
        assert!(!newer(&held("1.0-1"), &all[4..5], Scope::All)[0].is_security());
    }

    #[test]
    fn files_of_the_same_kind_replace_those_of_the_spec() {
        let all = [listed("trixie", "2-1", &["x_2.orig.tar.gz", "x_2.orig.tar.gz.asc", "x_2-1.dsc", "x_2.orig-doc.tar.xz"])];
        let update = newer(&held("1-1"), &all, Scope::All).remove(0);
        assert_eq!(update.file(&Part::Upstream).map(|file| &*file.name), Some("x_2.orig.tar.gz"));
        assert_eq!(update.files.len(), 2);
        assert_eq!(update.file(&Part::Packaging), None);
    }
    #[test]
    fn a_version_with_the_files_of_the_spec_brings_nothing_new() {
        let content =
            |spec: &Held, packaging: &str| newer(spec, &[listed("trixie", "2-2", &["x_2.orig.tar.gz", packaging])], Scope::All)[0].content;
        let both = held("2-1");
        let upstream = Held { files: both.files[..1].to_vec(), ..both.clone() };
        assert_eq!(content(&both, "x_2-2.debian.tar.xz"), Content::NewFiles);
        assert_eq!(content(&upstream, "x_2-2.debian.tar.xz"), Content::SameFiles);
        assert_eq!(content(&both, "x_2-2.dsc"), Content::NewFiles, "a file that is not listed is not the same");
    }
}
