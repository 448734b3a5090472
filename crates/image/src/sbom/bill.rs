//! The bill itself, before it is written in any form.

use std::collections::BTreeMap;

use crate::description::Image;
use base::address::public;
use base::digest::Digest;
use planning::action::Results;
use planning::graph::Graph;
use planning::spec::{Origin, Source};
use rootfs::InstalledPackage;

/// What an image is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bill {
    /// The image, as `kaon-minimal`.
    pub name: String,
    /// The image in one line.
    pub summary: String,
    /// Names what is in it.
    pub identity: Digest,
    /// Its packages, by name.
    pub components: Vec<Component>,
}

/// A package of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Component {
    /// Its name.
    pub name: String,
    /// `[epoch:]version-release`.
    pub version: String,
    /// `x86_64` or `noarch`.
    pub arch: String,
    /// SPDX expression.
    pub license: String,
    /// Upstream's page.
    pub homepage: Option<String>,
    /// The unsigned package, where a spec made it.
    pub digest: Option<Digest>,
    /// What it was built from.
    pub sources: Vec<SourceFile>,
    /// Packages of the image that it needs, by name.
    pub needs: Vec<String>,
}

/// A file a package was built from: where it may come from, and what comes from there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SourceFile {
    /// Its name.
    pub name: String,
    /// An address, or a package URL where the Debian archive is meant.
    pub uri: String,
    /// SHA-256 of it.
    pub sha256: Digest,
}

impl Component {
    /// The package URL (purl, type `rpm`).
    pub fn purl(&self) -> String {
        let (epoch, version) = self.version.split_once(':').map_or((None, &*self.version), |(epoch, version)| (Some(epoch), version));
        let epoch = epoch.map(|epoch| format!("&epoch={epoch}")).unwrap_or_default();
        format!("pkg:rpm/kaon/{}@{}?arch={}{epoch}", escaped(&self.name), escaped(version), self.arch)
    }
}

/// The bill of an image with these packages in it.
pub fn bill(image: &Image, identity: Digest, installed: &[InstalledPackage], graph: &Graph, results: &Results) -> Bill {
    let digests: BTreeMap<&str, Digest> =
        results.values().flat_map(|result| &result.packages).map(|package| (package.name.as_str(), package.object)).collect();
    let mut components: Vec<Component> =
        installed.iter().map(|package| component(package, installed, graph, digests.get(&*package.name).copied())).collect();
    components.sort_by(|a, b| a.name.cmp(&b.name));
    Bill { name: format!("kaon-{}", image.name), summary: image.summary.clone(), identity, components }
}

fn component(package: &InstalledPackage, installed: &[InstalledPackage], graph: &Graph, digest: Option<Digest>) -> Component {
    let rest = package.nevra.strip_prefix(&format!("{}-", package.name)).unwrap_or_default();
    let (version, arch) = rest.rsplit_once('.').unwrap_or((rest, "noarch"));
    let name = graph.index().package(&package.name);
    let spec = name.and_then(|name| graph.index().owner(name)).and_then(|owner| graph.spec(owner)).map(|folder| &folder.spec);
    let is_installed = |wanted: &str| installed.iter().any(|package| package.name == wanted);
    let mut sources: Vec<SourceFile> = spec.into_iter().flat_map(|spec| &spec.sources).flat_map(source_files).collect();
    sources.sort();
    sources.dedup();
    Component {
        name: package.name.clone(),
        version: version.to_owned(),
        arch: arch.to_owned(),
        license: spec.map_or_else(|| "NOASSERTION".to_owned(), |spec| spec.license.clone()),
        homepage: spec.and_then(|spec| spec.homepage.clone()),
        digest,
        sources,
        needs: name
            .into_iter()
            .flat_map(|name| graph.run_requires(name))
            .map(ToString::to_string)
            .filter(|needed| is_installed(needed) && *needed != package.name)
            .collect(),
    }
}

/// A source, once for each origin: their bytes may differ.
fn source_files(source: &Source) -> impl Iterator<Item = SourceFile> {
    source.origins.iter().map(|origin| {
        let uri = match origin {
            Origin::Url { url, .. } => public(url),
            Origin::Debian { package, version, .. } => format!("pkg:deb/debian/{}@{}?arch=source", escaped(package), escaped(version)),
            Origin::Crate { file, .. } => crate_url(file),
        };
        SourceFile { name: origin.file_name().to_owned(), uri, sha256: *origin.sha256() }
    })
}

/// The package URL of `NAME-VERSION.crate`. Names may contain digits and hyphens, but no dots.
fn crate_url(file: &str) -> String {
    let stem = file.trim_end_matches(".crate");
    let is_version = |text: &str| text.split('.').next().is_some_and(|major| major.bytes().all(|byte| byte.is_ascii_digit()));
    let parts = stem.match_indices('-').map(|(at, _)| (&stem[..at], &stem[at + 1..]));
    let (name, version) =
        parts.into_iter().find(|(name, version)| !name.contains('.') && version.contains('.') && is_version(version)).unwrap_or((stem, ""));
    format!("pkg:cargo/{}@{}", escaped(name), escaped(version))
}

/// A part of a package URL: all but letters, digits and `.-_~` percent-encoded.
fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_~".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crates_are_split_into_name_and_version() {
        for (file, url) in [
            ("zstd-sys-2.0.16+zstd.1.5.7.crate", "pkg:cargo/zstd-sys@2.0.16%2Bzstd.1.5.7"),
            ("sha-1-0.10.1.crate", "pkg:cargo/sha-1@0.10.1"),
            ("rand_core-0.10.0-rc.5.crate", "pkg:cargo/rand_core@0.10.0-rc.5"),
        ] {
            assert_eq!(crate_url(file), url);
        }
    }
}
