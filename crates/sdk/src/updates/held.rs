//! What a spec takes from the Debian archive.

use std::collections::BTreeMap;

use super::part::Part;
use crate::apt::IndexKind;
use base::digest::Digest;
use base::name::PackageName;
use planning::spec::{Origin, Source, Spec};

/// A file of the archive that a source comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArchiveFile<'a> {
    /// The index that lists it.
    pub index: IndexKind,
    /// The source package.
    pub source: &'a str,
    /// The package that the index lists: the source package, or a binary package built from it.
    pub package: &'a str,
    /// Its version as written in the spec: maybe without the epoch.
    pub version: &'a str,
    /// What the file is.
    pub part: Part,
    /// Its name.
    pub file: &'a str,
    /// Its digest.
    pub sha256: Digest,
}

/// Everything that a spec takes from one version of a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The spec.
    pub spec: PackageName,
    /// The index that lists the package.
    pub index: IndexKind,
    /// The source package.
    pub source: String,
    /// The package that the index lists.
    pub package: String,
    /// Its version as written in the spec.
    pub version: String,
    /// The files, each kind once, with their digests.
    pub files: Vec<(Part, Digest)>,
}

impl<'a> ArchiveFile<'a> {
    /// The file of an origin in the archive; `None` for other origins.
    pub fn of(origin: &'a Origin) -> Option<Self> {
        match origin {
            Origin::Debian { package, version, file, sha256 } => {
                let part = Part::of_source(package, version, file);
                Some(Self { index: IndexKind::Sources, source: package, package, version, part, file, sha256: *sha256 })
            }
            Origin::Deb { source, package, version, arch, file, sha256 } => {
                let part = Part::Binary(arch.clone());
                Some(Self { index: IndexKind::Packages, source, package, version, part, file, sha256: *sha256 })
            }
            Origin::Url { .. } | Origin::Crate { .. } => None,
        }
    }
}

impl Held {
    /// Whether a file is of this version of this package.
    pub fn has(&self, file: &ArchiveFile<'_>) -> bool {
        (self.index, &*self.package, &*self.version) == (file.index, file.package, file.version)
    }
}

/// The source's file in the archive, if it is there.
pub fn in_archive(source: &Source) -> Option<ArchiveFile<'_>> {
    source.origins.iter().find_map(ArchiveFile::of)
}

/// What a spec takes from the archive, in the order of its sources.
pub fn held(spec: &Spec) -> Vec<Held> {
    let mut all: Vec<Held> = Vec::new();
    let mut places: BTreeMap<_, usize> = BTreeMap::new();
    for file in spec.sources.iter().filter_map(in_archive) {
        let at = *places.entry((file.index, file.package, file.version)).or_insert_with(|| {
            all.push(Held {
                spec: spec.name.clone(),
                index: file.index,
                source: file.source.to_owned(),
                package: file.package.to_owned(),
                version: file.version.to_owned(),
                files: Vec::new(),
            });
            all.len() - 1
        });
        if all[at].files.iter().all(|(part, _)| *part != file.part) {
            all[at].files.push((file.part, file.sha256));
        }
    }
    all
}
