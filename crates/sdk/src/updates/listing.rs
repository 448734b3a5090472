//! What the archive's indexes list of some packages (Debian Policy, chapter 5).

use std::collections::{BTreeMap, BTreeSet};

use memchr::memmem;

use super::held::{ArchiveFile, Held};
use super::part::Part;
use super::upstream::without_epoch;
use crate::apt::{IndexKind, Suite};
use base::digest::Digest;

/// The packages to look for: the index that lists each, and its name.
pub type Wanted = BTreeSet<(IndexKind, String)>;

/// What the indexes of suites list of the packages looked for.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    suites: Vec<Suite>,
    packages: BTreeMap<(IndexKind, String), Vec<Listed>>,
}

/// A version of a package in a suite.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The version, with its epoch.
    pub version: String,
    /// The suite.
    pub suite: Suite,
    /// Its files.
    pub files: Vec<ListedFile>,
}

/// A file of a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedFile {
    /// What it is.
    pub part: Part,
    /// Its name.
    pub name: String,
    /// Its digest.
    pub sha256: Digest,
}

impl Listing {
    /// Adds what the indexes of a suite list of `wanted`.
    pub fn add(&mut self, suite: &Suite, indexes: &[(IndexKind, &str)], wanted: &Wanted) {
        self.suites.push(suite.clone());
        for (kind, text) in indexes {
            let names: BTreeSet<&str> = wanted.iter().filter(|(index, _)| index == kind).map(|(_, name)| &**name).collect();
            for stanza in stanzas(text) {
                let Some(name) = field(stanza, "Package").filter(|name| names.contains(name)) else { continue };
                let Some(version) = field(stanza, "Version") else { continue };
                let files = match kind {
                    IndexKind::Sources => source_files(name, version, stanza),
                    IndexKind::Packages => binary_file(stanza).into_iter().collect(),
                };
                let listed = Listed { version: version.to_owned(), suite: suite.clone(), files };
                self.packages.entry((*kind, name.to_owned())).or_default().push(listed);
            }
        }
    }

    /// The suites whose indexes were read.
    pub fn suites(&self) -> &[Suite] {
        &self.suites
    }

    /// All versions of a package, by suite.
    pub fn of(&self, index: IndexKind, package: &str) -> &[Listed] {
        self.packages.get(&(index, package.to_owned())).map_or(&[], Vec::as_slice)
    }

    /// All versions of the package that a spec has.
    pub fn of_held(&self, held: &Held) -> &[Listed] {
        self.of(held.index, &held.package)
    }

    /// The digest of the file with the name and version of `file`.
    pub fn digest(&self, file: &ArchiveFile<'_>) -> Option<Digest> {
        let is_it = |listed: &&Listed| without_epoch(&listed.version) == without_epoch(file.version);
        let files = self.of(file.index, file.package).iter().filter(is_it).flat_map(|listed| &listed.files);
        files.into_iter().find(|listed| listed.name == file.file).map(|listed| listed.sha256)
    }
}

fn stanzas(text: &str) -> impl Iterator<Item = &str> {
    let ends = memmem::find_iter(text.as_bytes(), b"\n\n").chain([text.len()]);
    ends.scan(0, move |start, end| {
        let stanza = text.get(*start..end).unwrap_or_default();
        *start = end;
        Some(stanza.trim_start_matches('\n'))
    })
}

/// The value on a field's own line.
fn field<'a>(stanza: &'a str, name: &str) -> Option<&'a str> {
    stanza.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
}

/// The lines `DIGEST SIZE NAME` of a source package.
fn source_files(package: &str, version: &str, stanza: &str) -> Vec<ListedFile> {
    let lines = stanza.lines().skip_while(|line| !line.starts_with("Checksums-Sha256:")).skip(1);
    let file = |line: &str| {
        let mut words = line.split_whitespace();
        let (sha256, name) = (words.next()?.parse().ok()?, words.nth(1)?);
        Some(ListedFile { part: Part::of_source(package, version, name), name: name.to_owned(), sha256 })
    };
    lines.take_while(|line| line.starts_with(' ')).filter_map(file).collect()
}

fn binary_file(stanza: &str) -> Option<ListedFile> {
    let path = field(stanza, "Filename")?;
    let name = path.rsplit('/').next().unwrap_or(path);
    let part = Part::Binary(field(stanza, "Architecture")?.to_owned());
    Some(ListedFile { part, name: name.to_owned(), sha256: field(stanza, "SHA256")?.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_of_wanted_packages_are_listed_with_their_digests() {
        let [a, b, c] = ["a", "b", "c"].map(Digest::of_bytes);
        let sources = format!(
            "Package: x\nBinary: y,\n z\nVersion: 1:2-3\nChecksums-Sha1:\n 00 1 x_2.orig.tar.gz\nChecksums-Sha256:\n {a} 12 x_2.orig.tar.gz\n \
             {b} 3 x_2-3.dsc\nDirectory: pool/main/x/x\n\nPackage: other\nVersion: 1\n\nPackage: x\nVersion: 1-1\nFiles:\n\n"
        );
        let packages = format!("Package: x\nVersion: 1:2-3\nArchitecture: all\nFilename: pool/main/x/x/x_2-3_all.deb\nSHA256: {c}\n");
        let wanted: Wanted = [(IndexKind::Sources, "x".to_owned()), (IndexKind::Packages, "x".to_owned())].into();
        let mut listing = Listing::default();
        listing.add(&"trixie".parse().unwrap(), &[(IndexKind::Sources, &sources), (IndexKind::Packages, &packages)], &wanted);
        let shown = |index| {
            let all = listing.of(index, "x").iter();
            all.map(|listed| (listed.version.clone(), listed.files.iter().map(|file| (file.part.clone(), file.sha256)).collect::<Vec<_>>()))
                .collect::<Vec<_>>()
        };
        let dsc = Part::Other("x_2-3.dsc".into());
        assert_eq!(shown(IndexKind::Sources), [("1:2-3".into(), vec![(Part::Upstream, a), (dsc, b)]), ("1-1".into(), vec![])]);
        assert_eq!(shown(IndexKind::Packages), [("1:2-3".into(), vec![(Part::Binary("all".into()), c)])]);
        assert!(listing.of(IndexKind::Sources, "other").is_empty());

        let file = |version, file| ArchiveFile {
            index: IndexKind::Packages,
            source: "x",
            package: "x",
            version,
            part: Part::Binary("all".into()),
            file,
            sha256: a,
        };
        assert_eq!(listing.digest(&file("2-3", "x_2-3_all.deb")), Some(c), "without the epoch");
        assert_eq!(listing.digest(&file("2-4", "x_2-3_all.deb")), None);
        assert_eq!(listing.digest(&file("2-3", "x_2-3_amd64.deb")), None);
    }
}
