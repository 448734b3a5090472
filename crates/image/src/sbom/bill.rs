//! The bill of materials, independent of its format.

use std::collections::BTreeMap;

use super::source::{SourceFile, escaped, source_files};
use crate::description::Image;
use base::digest::Digest;
use planning::action::Results;
use planning::graph::Graph;
use rootfs::InstalledPackage;

/// A bill of materials of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bill {
    /// The image, as `kaon-minimal`.
    pub name: String,
    /// The image in one line.
    pub summary: String,
    /// Identifies its content.
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
    /// SPDX expression, if a spec builds it.
    pub license: Option<String>,
    /// Upstream's page.
    pub homepage: Option<String>,
    /// The unsigned package, if a spec builds it.
    pub digest: Option<Digest>,
    /// What it was built from.
    pub sources: Vec<SourceFile>,
    /// Packages of the image that it needs, by name.
    pub needs: Vec<String>,
}

impl Component {
    /// The package URL (purl, type `rpm`).
    pub fn purl(&self) -> String {
        let (epoch, version) = self.version.split_once(':').map_or((None, &*self.version), |(epoch, version)| (Some(epoch), version));
        let epoch = epoch.map(|epoch| format!("&epoch={epoch}")).unwrap_or_default();
        format!("pkg:rpm/kaon/{}@{}?arch={}{epoch}", escaped(&self.name), escaped(version), self.arch)
    }
}

impl Bill {
    /// The image's version: the builder's.
    pub fn version(&self) -> &'static str {
        env!("CARGO_PKG_VERSION")
    }

    /// The image's package URL (purl).
    pub fn purl(&self) -> String {
        format!("pkg:generic/kaon/{}@{}?checksum=sha256:{}", escaped(&self.name), self.version(), self.identity)
    }

    /// The sources of all its packages, each file once.
    pub fn sources(&self) -> impl Iterator<Item = &SourceFile> {
        let sources = self.components.iter().flat_map(|component| &component.sources);
        // The version is that of the spec that names the source, and several specs may name it.
        sources.map(|source| ((&source.name, &source.uri, source.sha256), source)).collect::<BTreeMap<_, _>>().into_values()
    }
}

/// A package of an image, and its dependencies within the image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The package.
    pub package: InstalledPackage,
    /// Names of packages of the image that provide what it requires, sorted.
    pub needs: Vec<String>,
}

/// The bill of an image with these packages in it.
pub fn bill(image: &Image, identity: Digest, members: &[Member], graph: &Graph, results: &Results) -> Bill {
    let digests: BTreeMap<&str, Digest> =
        results.values().flat_map(|result| &result.packages).map(|package| (package.name.as_str(), package.object)).collect();
    let mut components: Vec<Component> =
        members.iter().map(|member| component(member, graph, digests.get(&*member.package.name).copied())).collect();
    components.sort_by(|a, b| a.name.cmp(&b.name));
    Bill { name: format!("kaon-{}", image.name), summary: image.summary.clone(), identity, components }
}

fn component(member: &Member, graph: &Graph, digest: Option<Digest>) -> Component {
    let Member { package, needs } = member;
    let rest = package.nevra.strip_prefix(&format!("{}-", package.name)).unwrap_or_default();
    let (version, arch) = rest.rsplit_once('.').unwrap_or((rest, "noarch"));
    let name = graph.index().package(&package.name);
    let folder = name.and_then(|name| graph.index().owner(name)).and_then(|owner| graph.spec(owner));
    let spec = folder.map(|folder| &folder.spec);
    let mut sources: Vec<SourceFile> = folder.into_iter().flat_map(|folder| source_files(&graph.compiled_from(folder).spec)).collect();
    sources.sort();
    sources.dedup();
    Component {
        name: package.name.clone(),
        version: version.to_owned(),
        arch: arch.to_owned(),
        license: spec.map(|spec| spec.license.clone()),
        homepage: spec.and_then(|spec| spec.homepage.clone()),
        digest,
        sources,
        needs: needs.clone(),
    }
}
