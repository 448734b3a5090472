//! What goes where in the directory.

use std::collections::{BTreeMap, BTreeSet};

use super::DIRECTORY;
use super::facts::{Facts, PackageFacts};
use super::manifest::{Manifest, Row, SourceRow};
use super::readme::readme;
use base::digest::Digest;
use base::name::PackageName;
use image::sbom::source_file;
use planning::project::{LocalFile, SpecFolder};
use planning::spec::{Arch, BuildSystem, Origin, Source, Spec};

/// Whether sources are included, and which are there.
pub enum Sources {
    /// By spec, the available file of each source, in the spec's order. It may be from any of a source's origins.
    Included(BTreeMap<PackageName, Vec<Digest>>),
    /// They are only named.
    Named,
}

/// All files of the directory.
#[derive(Debug, PartialEq, Eq)]
pub struct Layout {
    /// By path.
    pub entries: BTreeMap<String, Entry>,
}

/// What a file contains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A file of a package.
    Text {
        /// The package.
        package: PackageName,
        /// The package file.
        object: Digest,
        /// The path in it.
        path: String,
    },
    /// An object of the store.
    Object(Digest),
    /// A file of the project.
    Project {
        /// Its path relative to the project's top folder.
        path: String,
        /// Its expected content; none if no key depends on its bytes.
        expected: Option<LocalFile>,
    },
    /// These bytes.
    Bytes(Vec<u8>),
}

impl Layout {
    /// Decides what the directory contains.
    pub fn plan(facts: &Facts<'_>, sources: &Sources) -> Self {
        let mut entries = BTreeMap::new();
        for package in &facts.packages {
            entries.extend(package.texts.iter().map(|(path, place)| {
                let text = Entry::Text { package: package.name.clone(), object: package.object, path: place.clone() };
                (text_path(package, path), text)
            }));
        }
        for (spec, folder) in &facts.specs {
            entries.extend(spec_entries(spec, folder));
            if let Sources::Included(found) = sources {
                let chosen = chosen(folder, found.get(*spec));
                entries
                    .extend(chosen.into_iter().map(|(name, origin)| (format!("sources/{spec}/{name}"), Entry::Object(*origin.sha256()))));
            }
        }
        let project = |path: &String| (path.clone(), Entry::Project { path: path.clone(), expected: None });
        entries.extend(facts.shared.iter().map(project));
        let manifest = Manifest { image: facts.image.to_owned(), packages: rows(facts, sources) };
        let texts = [
            ("README", readme(facts.image, sources, &copies(&facts.packages))),
            ("manifest.csv", manifest.csv()),
            ("manifest.json", manifest.json()),
            (DIRECTORY.mark, String::new()),
        ];
        entries.extend(texts.map(|(path, text)| (path.to_owned(), Entry::Bytes(text.into_bytes()))));
        Self { entries }
    }
}

/// The spec, the files next to it, and its part of the workspace.
fn spec_entries<'a>(spec: &'a PackageName, folder: &'a SpecFolder) -> impl Iterator<Item = (String, Entry)> + 'a {
    let text = (format!("specs/{spec}/package.toml"), Entry::Bytes(folder.source.text.clone().into_bytes()));
    let beside = folder.files.iter().map(move |(path, file)| {
        let path = format!("specs/{spec}/{path}");
        (path.clone(), Entry::Project { path, expected: Some(*file) })
    });
    let workspace = folder.workspace.files.iter();
    let workspace = workspace.map(move |(path, content)| (format!("workspaces/{spec}/{path}"), Entry::Bytes(content.clone())));
    std::iter::once(text).chain(beside).chain(workspace)
}

fn text_path(package: &PackageFacts<'_>, path: &str) -> String {
    format!("licenses/{}/{path}", package.name)
}

/// For each source the origin of the available file, or the first if none is known, and a file name: the origin's, by which mirrors know
/// it; or its digest, which mirrors know as well, if the name is taken or not valid.
fn chosen<'a>(folder: &'a SpecFolder, found: Option<&Vec<Digest>>) -> Vec<(String, &'a Origin)> {
    let mut taken: BTreeMap<String, Digest> = BTreeMap::new();
    let origin = |(at, source): (usize, &'a Source)| {
        let digest = found.and_then(|found| found.get(at));
        source.origins.iter().find(|origin| digest.is_none_or(|digest| origin.sha256() == digest))
    };
    let named = folder.spec.sources.iter().enumerate().filter_map(origin).map(|origin| {
        let digest = *origin.sha256();
        let name = origin.file_name();
        let is_free =
            !name.is_empty() && !name.starts_with('.') && !name.contains('/') && taken.get(name).is_none_or(|other| *other == digest);
        let name = if is_free { name.to_owned() } else { digest.hex() };
        taken.insert(name.clone(), digest);
        (name, origin)
    });
    named.collect()
}

/// The packages with machine code but without sources: they contain files of the SDK.
fn copies<'a>(packages: &'a [PackageFacts<'_>]) -> Vec<&'a str> {
    let is_own = |spec: &Spec| !spec.sources.is_empty() || matches!(spec.build.system, BuildSystem::Cargo { .. });
    let copies = packages.iter().filter(|package| package.folder.spec.arch == Arch::X86_64 && !is_own(&package.compiled_from.spec));
    copies.map(|package| package.name.as_str()).collect()
}

fn rows(facts: &Facts<'_>, sources: &Sources) -> Vec<Row> {
    // Packages without licence texts usually require a package of the same spec that has them.
    let mut texts: BTreeMap<&PackageName, &PackageFacts<'_>> = BTreeMap::new();
    for package in facts.packages.iter().filter(|package| !package.texts.is_empty()) {
        texts.entry(&package.folder.spec.name).or_insert(package);
    }
    facts.packages.iter().map(|package| row(package, texts.get(&package.folder.spec.name).copied(), sources)).collect()
}

fn row(package: &PackageFacts<'_>, with_texts: Option<&PackageFacts<'_>>, sources: &Sources) -> Row {
    let spec = &package.compiled_from.spec;
    let found = match sources {
        Sources::Included(found) => found.get(&spec.name),
        Sources::Named => None,
    };
    let sources = chosen(package.compiled_from, found).into_iter().map(|(file, origin)| {
        let from = source_file(spec, origin).uri;
        SourceRow { file, sha256: *origin.sha256(), from }
    });
    let texts = if package.texts.is_empty() { with_texts } else { Some(package) };
    let texts: BTreeSet<String> = texts.into_iter().flat_map(|package| package.texts.keys().map(|path| text_path(package, path))).collect();
    Row {
        package: package.name.to_string(),
        version: spec.evr(),
        arch: package.arch.clone(),
        spec: spec.name.to_string(),
        license: spec.license.clone(),
        homepage: spec.homepage.clone(),
        sources: sources.collect(),
        patches: spec.patches.iter().map(|patch| format!("specs/{}/{}", spec.name, patch.file)).collect(),
        license_texts: texts.into_iter().collect(),
    }
}

#[cfg(test)]
mod tests;
