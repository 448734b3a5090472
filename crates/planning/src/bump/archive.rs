//! How an origin in the Debian archive is written for another version.

use super::{ArchiveKey, ArchivePlaces, PLACEHOLDER};

/// A file in the Debian archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewFile<'a> {
    /// The source package, or the binary one.
    pub package: &'a str,
    /// Its version, with the epoch.
    pub version: &'a str,
    /// The file's name.
    pub name: &'a str,
}

/// The text for `file` in place of an origin, in a spec that gets the version `spec_version`: with an epoch and `{version}` where the
/// origin was written with them.
pub fn archive_text(old: &ArchivePlaces, file: NewFile<'_>, spec_version: &str) -> String {
    let written = |text: &str| if old.has_version() { text.replacen(spec_version, PLACEHOLDER, 1) } else { text.to_owned() };
    // A package's name may contain the version as well.
    let rest = |name: &str| match name.strip_prefix(file.package).and_then(|rest| rest.strip_prefix('_')) {
        Some(rest) => format!("{}_{}", file.package, written(rest)),
        None => name.to_owned(),
    };
    match old.key {
        ArchiveKey::Deb => rest(file.name),
        ArchiveKey::Debian => {
            let has_epoch = old.text.rsplit_once(':').is_some_and(|(source, _)| source.contains(':'));
            let version = if has_epoch { file.version } else { file.version.split_once(':').map_or(file.version, |(_, rest)| rest) };
            format!("{}_{}:{}", file.package, written(version), rest(file.name))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_written_as_before() {
        for (key, old, (package, version, name), expected) in [
            (ArchiveKey::Debian, "x_1-1:x_1.orig.tar.gz", ("x", "1:2-1", "x_2.orig.tar.xz"), "x_2-1:x_2.orig.tar.xz"),
            (ArchiveKey::Debian, "x_1:1-1:x_1.orig.tar.gz", ("x", "1:2-1", "x_2.orig.tar.xz"), "x_1:2-1:x_2.orig.tar.xz"),
            (
                ArchiveKey::Debian,
                "x_{version}-1:x_{version}-1.debian.tar.xz",
                ("x", "2-3", "x_2-3.debian.tar.xz"),
                "x_{version}-3:x_{version}-3.debian.tar.xz",
            ),
            (
                ArchiveKey::Deb,
                "x-source-2_{version}-1_all.deb",
                ("x-source-2", "1:2-2", "x-source-2_2-2_all.deb"),
                "x-source-2_{version}-2_all.deb",
            ),
            (ArchiveKey::Deb, "x_1-1_all.deb", ("x", "2-1", "x_2-1_all.deb"), "x_2-1_all.deb"),
        ] {
            let old = ArchivePlaces { key, text: old.into(), line: 1, text_at: 0..0, sha256_at: None };
            assert_eq!(archive_text(&old, NewFile { package, version, name }, "2"), expected);
        }
    }
}
