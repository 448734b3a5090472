//! `primary.xml`: what a solver needs to know of each package.

use super::repomd::{local, sha256};
use super::xml::{Element, walk};
use super::{Offer, RepoError};
use crate::dependency::{Capability, Comparison, Dependency};
use crate::package::{Details, Nevra, Package};
use crate::version::Evr;

/// Reads all packages.
pub(super) fn parse(xml: &str) -> Result<Vec<Offer>, RepoError> {
    let mut offers = Vec::new();
    let mut offer = blank();
    walk("primary.xml", xml, |stack| match stack {
        [_, package] if package.name == "package" => {
            let mut finished = std::mem::replace(&mut offer, blank());
            finished.package.paths.sort_unstable();
            if finished.sha256.is_empty() || finished.location.is_empty() || finished.package.nevra.name.is_empty() {
                let reason = format!("the package `{}` lacks its name, location or SHA-256", finished.package.nevra.name);
                return Err(RepoError::Malformed { document: "primary.xml".into(), reason });
            }
            offers.push(finished);
            Ok(())
        }
        [_, _, element] => fact(&mut offer, element),
        [_, _, format, element] if format.name == "format" && matches!(element.name.as_str(), "license" | "sourcerpm") => {
            match element.name.as_str() {
                "license" => offer.details.license.clone_from(&element.text),
                _ => offer.details.source.clone_from(&element.text),
            }
            Ok(())
        }
        [_, _, format, element] if format.name == "format" && element.name == "file" => {
            offer.package.paths.push(element.text.clone());
            Ok(())
        }
        [_, _, _, relation, entry] if entry.name == "entry" => add_relation(&mut offer, &relation.name, entry),
        _ => Ok(()),
    })?;
    Ok(offers)
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
    Offer { package, details: Details::default(), location: String::new(), sha256: String::new() }
}

fn fact(offer: &mut Offer, element: &Element) -> Result<(), RepoError> {
    let number = |name: &str| element.attribute(name).and_then(|text| text.parse().ok()).unwrap_or(0);
    let package = &mut offer.package;
    match element.name.as_str() {
        "name" => package.nevra.name.clone_from(&element.text),
        "arch" => package.nevra.arch.clone_from(&element.text),
        "version" => package.nevra.evr = evr(element, "ver", "rel").unwrap_or_else(|| Evr::new(0, "", None)),
        "checksum" => offer.sha256 = sha256(element).unwrap_or_default(),
        "summary" => offer.details.summary.clone_from(&element.text),
        "description" => offer.details.description.clone_from(&element.text),
        "url" => offer.details.url.clone_from(&element.text),
        "time" => offer.details.build_time = number("build"),
        "size" => {
            package.package_size_bytes = number("package");
            package.installed_size_bytes = number("installed");
        }
        "location" => offer.location = local(element.attribute("href").unwrap_or_default())?,
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
