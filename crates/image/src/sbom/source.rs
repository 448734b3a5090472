//! Files that packages were built from.

use base::address::public;
use base::digest::Digest;
use planning::spec::{Origin, Spec};

/// A file that a package was built from: one of its origins, and the content from there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SourceFile {
    /// Its name.
    pub name: String,
    /// The version: the source package's, the crate's, or that of the spec that names its address.
    pub version: String,
    /// An address, or a package URL for the Debian archive and registries of crates.
    pub uri: String,
    /// The file's SHA-256 digest.
    pub sha256: Digest,
}

impl SourceFile {
    /// Whether `uri` is an address, rather than a package URL.
    pub fn has_address(&self) -> bool {
        !self.uri.starts_with("pkg:")
    }

    /// The package URL (purl): of type `generic` for sources with only an address.
    pub fn purl(&self) -> String {
        let Self { name, version, uri, sha256 } = self;
        if !self.has_address() {
            return uri.clone();
        }
        format!("pkg:generic/{}@{}?checksum=sha256:{sha256}&download_url={}", escaped(name), escaped(version), escaped(uri))
    }

    /// The organisation that supplies it, if known.
    pub fn supplier(&self) -> Option<&'static str> {
        self.uri.starts_with("pkg:deb/debian/").then_some("Debian")
    }
}

/// The sources of a spec, one per origin, since their bytes may differ.
pub fn source_files(spec: &Spec) -> impl Iterator<Item = SourceFile> + '_ {
    spec.sources.iter().flat_map(|source| &source.origins).map(|origin| source_file(spec, origin))
}

/// The file of one origin of a source of `spec`.
pub fn source_file(spec: &Spec, origin: &Origin) -> SourceFile {
    let (version, uri) = match origin {
        Origin::Url { url, .. } => (spec.version.clone(), public(url)),
        Origin::Debian { package, version, .. } => {
            (version.clone(), format!("pkg:deb/debian/{}@{}?arch=source", escaped(package), escaped(version)))
        }
        Origin::Deb { package, version, arch, .. } => {
            (version.clone(), format!("pkg:deb/debian/{}@{}?arch={}", escaped(package), escaped(version), escaped(arch)))
        }
        Origin::Crate { file, .. } => {
            let (name, version) = crate_parts(file);
            (version.to_owned(), format!("pkg:cargo/{}@{}", escaped(name), escaped(version)))
        }
    };
    SourceFile { name: origin.file_name().to_owned(), version, uri, sha256: *origin.sha256() }
}

/// Name and version of `NAME-VERSION.crate`. Names may contain digits and hyphens, but no dots.
fn crate_parts(file: &str) -> (&str, &str) {
    let stem = file.trim_end_matches(".crate");
    let is_version = |text: &str| text.split('.').next().is_some_and(|major| major.bytes().all(|byte| byte.is_ascii_digit()));
    let mut parts = stem.match_indices('-').map(|(at, _)| (&stem[..at], &stem[at + 1..]));
    parts.find(|(name, version)| !name.contains('.') && version.contains('.') && is_version(version)).unwrap_or((stem, ""))
}

/// A part of a package URL: everything but letters, digits and `.-_~` percent-encoded.
pub(super) fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_~".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crates_are_split_into_name_and_version() {
        for (file, parts) in [
            ("zstd-sys-2.0.16+zstd.1.5.7.crate", ("zstd-sys", "2.0.16+zstd.1.5.7")),
            ("sha-1-0.10.1.crate", ("sha-1", "0.10.1")),
            ("rand_core-0.10.0-rc.5.crate", ("rand_core", "0.10.0-rc.5")),
        ] {
            assert_eq!(crate_parts(file), parts);
        }
    }

    #[test]
    fn every_origin_has_a_package_url_and_a_version() {
        let sha256 = Digest::of_bytes("x");
        let spec = planning::spec::parse(
            &"a".parse().unwrap(),
            "a",
            "[package]\nversion = \"2\"\nrelease = 1\nsummary = \"A\"\nlicense = \"MIT\"\n[build.none]\n",
        );
        let spec = spec.unwrap();
        let url = Origin::Url { url: "https://user:secret@example.org/a-2.tar.gz".into(), sha256 };
        let debian = Origin::Debian { package: "a".into(), version: "1:2-1".into(), file: "a_2.orig.tar.gz".into(), sha256 };
        let binary = Origin::Deb {
            source: "a".into(),
            package: "a-source".into(),
            version: "2-1".into(),
            arch: "all".into(),
            file: "a-source_2-1_all.deb".into(),
            sha256,
        };
        let registry = Origin::Crate { file: "zstd-sys-2.0.16+zstd.1.5.7.crate".into(), sha256 };
        let url_purl = format!("pkg:generic/a-2.tar.gz@2?checksum=sha256:{sha256}&download_url=https%3A%2F%2Fexample.org%2Fa-2.tar.gz");
        for (origin, version, purl, supplier) in [
            (url, "2", &*url_purl, None),
            (debian, "1:2-1", "pkg:deb/debian/a@1%3A2-1?arch=source", Some("Debian")),
            (binary, "2-1", "pkg:deb/debian/a-source@2-1?arch=all", Some("Debian")),
            (registry, "2.0.16+zstd.1.5.7", "pkg:cargo/zstd-sys@2.0.16%2Bzstd.1.5.7", None),
        ] {
            let file = source_file(&spec, &origin);
            assert_eq!((file.version.as_str(), file.purl().as_str(), file.supplier()), (version, purl, supplier));
        }
    }
}
