//! Writing an index.

use std::collections::{BTreeMap, HashMap};

use super::{HEADER_BYTES, MAGIC, RICH, SECTIONS};
use crate::dependency::{Capability, Comparison, Dependency};
use crate::repo::Offer;
use crate::version::Evr;

#[derive(Default)]
struct Writer<'a> {
    strings: Vec<u8>,
    known: HashMap<&'a str, u32>,
    records: Vec<u32>,
}

/// The index of `offers`, made of the document whose SHA-256 is `source`.
pub fn build(offers: &[Offer], source: [u8; 32]) -> Vec<u8> {
    let mut order: Vec<&Offer> = offers.iter().collect();
    order.sort_by(|a, b| a.package.nevra.cmp(&b.package.nevra).then_with(|| a.location.cmp(&b.location)));
    let mut writer = Writer::default();
    let mut packages = Vec::with_capacity(order.len());
    for offer in &order {
        packages.push(writer.records.len() as u32);
        writer.record(offer);
    }
    let mut members = Vec::new();
    let names = writer.table(&order, &mut members, |offer| vec![&offer.package.nevra.name]);
    let provides = writer.table(&order, &mut members, |offer| offer.package.provides.iter().map(|all| all.name.as_str()).collect());
    let paths = writer.table(&order, &mut members, |offer| offer.package.paths.iter().map(String::as_str).collect());
    let obsoletes = writer.table(&order, &mut members, |offer| offer.package.obsoletes.iter().map(|all| all.name.as_str()).collect());
    let supplements = writer.table(&order, &mut members, |offer| offer.package.supplements.iter().flat_map(named).collect());
    let words = |words: &[u32]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>();
    let mut strings = std::mem::take(&mut writer.strings);
    strings.resize(strings.len().next_multiple_of(4), 0);
    let sections = [
        strings,
        words(&packages),
        words(&writer.records),
        words(&members),
        words(&names),
        words(&provides),
        words(&paths),
        words(&obsoletes),
        words(&supplements),
    ];
    assemble(&sections, source)
}

fn assemble(sections: &[Vec<u8>; SECTIONS], source: [u8; 32]) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend(source);
    let mut offset = HEADER_BYTES + SECTIONS * 8;
    for section in sections {
        bytes.extend((offset as u32).to_le_bytes());
        bytes.extend((section.len() as u32).to_le_bytes());
        offset += section.len();
    }
    for section in sections {
        bytes.extend(section);
    }
    bytes
}

/// The names a dependency asks for.
fn named(dependency: &Dependency) -> Vec<&str> {
    match dependency {
        Dependency::Simple(capability) => vec![capability.name.as_str()],
        Dependency::Rich(rich) => rich.leaves().into_iter().map(|(capability, _)| capability.name.as_str()).collect(),
    }
}

impl<'a> Writer<'a> {
    fn string(&mut self, text: &'a str) -> u32 {
        match self.known.get(text) {
            Some(offset) => *offset,
            None => {
                let offset = self.own(text);
                self.known.insert(text, offset);
                offset
            }
        }
    }

    /// A string that is not looked for among those written.
    fn own(&mut self, text: &str) -> u32 {
        let offset = self.strings.len() as u32;
        self.strings.extend((text.len() as u32).to_le_bytes());
        self.strings.extend(text.as_bytes());
        offset
    }

    fn record(&mut self, offer: &'a Offer) {
        let (package, details) = (&offer.package, &offer.details);
        let name = self.string(&package.nevra.name);
        self.records.push(name);
        self.evr(&package.nevra.evr);
        let texts = [&package.nevra.arch, &offer.location, &offer.sha256, &details.summary, &details.description, &details.url];
        for text in texts.into_iter().chain([&details.license, &details.source]) {
            let text = self.string(text);
            self.records.push(text);
        }
        for size in [package.installed_size_bytes, package.package_size_bytes, details.build_time] {
            self.records.extend([size as u32, (size >> 32) as u32]);
        }
        self.capabilities(&package.provides);
        self.capabilities(&package.obsoletes);
        let dependencies = [&package.requires, &package.conflicts, &package.recommends, &package.supplements];
        for list in dependencies.into_iter().chain([&details.requires_pre, &details.suggests, &details.enhances]) {
            self.dependencies(list);
        }
        self.records.push(package.paths.len() as u32);
        for path in &package.paths {
            let path = self.string(path);
            self.records.push(path);
        }
    }

    fn evr(&mut self, evr: &'a Evr) {
        let version = self.string(&evr.version);
        // No release is written as an empty one, which is none too.
        let release = self.string(evr.release.as_deref().unwrap_or_default());
        self.records.extend([evr.epoch, version, release]);
    }

    fn capabilities(&mut self, all: &'a [Capability]) {
        self.records.push(all.len() as u32);
        all.iter().for_each(|capability| self.capability(capability));
    }

    fn capability(&mut self, capability: &'a Capability) {
        let name = self.string(&capability.name);
        match &capability.range {
            None => self.records.extend([name, 0]),
            Some((comparison, evr)) => {
                self.records.extend([name, code(*comparison)]);
                self.evr(evr);
            }
        }
    }

    fn dependencies(&mut self, all: &'a [Dependency]) {
        self.records.push(all.len() as u32);
        for dependency in all {
            match dependency {
                Dependency::Simple(capability) => self.capability(capability),
                Dependency::Rich(rich) => {
                    let text = self.own(&rich.to_string());
                    self.records.extend([text, RICH]);
                }
            }
        }
    }

    /// A table of all names that `of` gives, and its members.
    fn table(&mut self, order: &[&'a Offer], members: &mut Vec<u32>, of: impl Fn(&'a Offer) -> Vec<&'a str>) -> Vec<u32> {
        let mut by_name: BTreeMap<&'a str, Vec<u32>> = BTreeMap::new();
        for (index, offer) in (0..).zip(order) {
            for name in of(offer) {
                let packages = by_name.entry(name).or_default();
                if packages.last() != Some(&index) {
                    packages.push(index);
                }
            }
        }
        let mut table = Vec::with_capacity(by_name.len() * 3);
        for (name, packages) in by_name {
            table.extend([self.string(name), members.len() as u32, packages.len() as u32]);
            members.extend(packages);
        }
        table
    }
}

/// The number of a comparison; 0 is none.
fn code(comparison: Comparison) -> u32 {
    match comparison {
        Comparison::Less => 1,
        Comparison::AtMost => 2,
        Comparison::Equal => 3,
        Comparison::AtLeast => 4,
        Comparison::Greater => 5,
    }
}
