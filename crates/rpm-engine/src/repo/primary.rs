//! `primary.xml`: what a solver needs to know of each package.

use std::io::BufRead;

use super::repomd::{checksum, location};
use super::xml::{Element, number, walk};
use super::{Offer, RepoError};
use crate::dependency::{Capability, Comparison, Dependency};
use crate::package::{Details, Nevra, Package, is_word, one_line};
use crate::version::Evr;

/// Gives all packages to `each`, in the document's order. Those of which something makes no sense are left out and returned as texts.
pub(super) fn parse(xml: impl BufRead, mut each: impl FnMut(Offer) -> Result<(), RepoError>) -> Result<Vec<String>, RepoError> {
    let (mut offer, mut fault, mut left_out) = (blank(), None, Vec::new());
    let walked = walk("primary.xml", "metadata", xml, |stack| {
        if let [_, package] = stack
            && package.name == "package"
        {
            let mut finished = std::mem::replace(&mut offer, blank());
            finished.package.paths.sort_unstable();
            let wrong = fault.take().or_else(|| check(&finished).err());
            match wrong {
                None => each(finished)?,
                Some(wrong) => left_out.push(format!("the package `{}` is left out: {}", finished.package.nevra.name, reason(&wrong))),
            }
            return Ok(());
        }
        if let Err(wrong) = add(&mut offer, stack) {
            fault.get_or_insert(wrong);
        }
        Ok(())
    });
    walked.map_err(|error| error.at_package(&offer.package.nevra.name))?;
    Ok(left_out)
}

fn reason(error: &RepoError) -> String {
    std::error::Error::source(error).map_or_else(|| error.to_string(), |source| format!("{error}: {source}"))
}

/// Adds what an element says of a package.
fn add(offer: &mut Offer, stack: &[Element]) -> Result<(), RepoError> {
    match stack {
        [_, _, element] => fact(offer, element),
        [_, _, format, element] if format.name == "format" && matches!(element.name.as_str(), "license" | "sourcerpm") => {
            match element.name.as_str() {
                "license" => offer.details.license = one_line(&element.text),
                _ => offer.details.source = one_line(&element.text),
            }
            Ok(())
        }
        [_, _, format, element] if format.name == "format" && element.name == "file" => {
            offer.package.paths.push(path("primary.xml", &element.text)?);
            Ok(())
        }
        [_, _, _, relation, entry] if entry.name == "entry" => add_relation(offer, &relation.name, entry),
        _ => Ok(()),
    }
}

/// Refuses a package that is not all there, or whose name and version could not stand in a file's name.
fn check(offer: &Offer) -> Result<(), RepoError> {
    let nevra = &offer.package.nevra;
    let malformed = |reason: String| Err(RepoError::Malformed { document: "primary.xml".into(), reason });
    if offer.checksum.is_empty() || offer.location.is_empty() {
        return malformed(format!("the package `{}` lacks its location or checksum", nevra.name));
    }
    let release = nevra.evr.release.as_deref().unwrap_or_default();
    match [&nevra.name, &nevra.evr.version, release, &nevra.arch].into_iter().find(|word| !is_word(word)) {
        Some(word) => malformed(format!("`{word}` cannot be a name, version, release or architecture")),
        None => Ok(()),
    }
}

/// A path as packages contain them: absolute and normalised.
pub(super) fn path(document: &str, text: &str) -> Result<String, RepoError> {
    // Directories of some repositories end with a slash.
    let inner = text.strip_prefix('/').map(|text| text.strip_suffix('/').unwrap_or(text));
    let plain = |component: &str| !matches!(component, "" | "." | "..") && !component.contains('\0');
    match inner {
        Some(inner) if text == "/" || inner.split('/').all(plain) => Ok(text.to_owned()),
        _ => Err(RepoError::Malformed { document: document.to_owned(), reason: format!("`{text}` is not absolute and normalised") }),
    }
}

fn blank() -> Offer {
    let nevra = Nevra { name: String::new(), evr: Evr::new(0, "", None), arch: String::new() };
    let package = Package {
        nevra,
        provides: Vec::new(),
        requires: Vec::new(),
        conflicts: Vec::new(),
        obsoletes: Vec::new(),
        recommends: Vec::new(),
        supplements: Vec::new(),
        paths: Vec::new(),
        installed_size_bytes: 0,
        package_size_bytes: 0,
    };
    Offer { package, details: Details::default(), location: String::new(), checksum: String::new() }
}

fn fact(offer: &mut Offer, element: &Element) -> Result<(), RepoError> {
    let number = |name: &str| number("primary.xml", element.attribute(name));
    let package = &mut offer.package;
    match element.name.as_str() {
        "name" => package.nevra.name.clone_from(&element.text),
        "arch" => package.nevra.arch.clone_from(&element.text),
        "version" => package.nevra.evr = evr(element, "ver", "rel").unwrap_or_else(|| Evr::new(0, "", None)),
        "checksum" => offer.checksum = checksum(element)?.unwrap_or_default(),
        "summary" => offer.details.summary = one_line(&element.text),
        "description" => offer.details.description.clone_from(&element.text),
        "url" => offer.details.url = one_line(&element.text),
        "time" => offer.details.build_time = number("build")?,
        "size" => {
            package.package_size_bytes = number("package")?;
            package.installed_size_bytes = number("installed")?;
        }
        "location" => offer.location = location(element)?,
        _ => {}
    }
    Ok(())
}

/// The version in an element's attributes, whose names differ from document to document.
pub(super) fn evr(element: &Element, version: &str, release: &str) -> Option<Evr> {
    let epoch = element.attribute("epoch").and_then(|epoch| epoch.parse().ok()).unwrap_or(0);
    Some(Evr::new(epoch, element.attribute(version)?, element.attribute(release)))
}

fn add_relation(offer: &mut Offer, relation: &str, entry: &Element) -> Result<(), RepoError> {
    let (package, details) = (&mut offer.package, &mut offer.details);
    let name = entry.attribute("name").unwrap_or_default();
    let range = entry.attribute("flags").and_then(Comparison::parse).zip(evr(entry, "ver", "rel"));
    let into = match relation {
        "provides" | "obsoletes" => {
            let into = if relation == "provides" { &mut package.provides } else { &mut package.obsoletes };
            into.push(Capability { name: name.to_owned(), range });
            return Ok(());
        }
        "requires" => &mut package.requires,
        "conflicts" => &mut package.conflicts,
        "recommends" => &mut package.recommends,
        "supplements" => &mut package.supplements,
        "suggests" => &mut details.suggests,
        "enhances" => &mut details.enhances,
        _ => return Ok(()),
    };
    let wrong = |source| RepoError::Dependency { package: package.nevra.to_string(), source };
    let dependency = Dependency::new(name, range).map_err(wrong)?;
    if relation == "requires" && entry.attribute("pre") == Some("1") {
        details.requires_pre.push(dependency.clone());
    }
    into.push(dependency);
    Ok(())
}
