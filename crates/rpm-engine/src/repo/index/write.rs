//! Writing an index.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::io::{self, Write};

use super::{HEADER_BYTES, MAGIC, RICH, SECTIONS};
use crate::dependency::{Capability, Comparison, Dependency};
use crate::package::Nevra;
use crate::repo::Offer;
use crate::version::Evr;

/// Tables that find packages by a name.
const TABLES: usize = 5;

/// An index in the making: packages are added one by one, in any order, and need not be kept.
#[derive(Default)]
pub struct Builder {
    strings: Strings,
    records: Vec<u32>,
    /// What packages are sorted by, and where their records begin.
    packages: Vec<(Nevra, String, u32)>,
    /// The names of each table, and the packages in the order they were added in.
    tables: [Vec<(u32, u32)>; TABLES],
}

/// Strings, each written once.
#[derive(Default)]
struct Strings {
    bytes: Vec<u8>,
    /// Offsets by hash. Of strings with equal hashes the later ones have the next free numbers.
    known: HashMap<u64, u32>,
    state: RandomState,
}

impl Strings {
    fn offset(&mut self, text: &str) -> u32 {
        let mut key = self.state.hash_one(text);
        while let Some(offset) = self.known.get(&key) {
            if self.get(*offset) == text.as_bytes() {
                return *offset;
            }
            key = key.wrapping_add(1);
        }
        let offset = self.own(text);
        self.known.insert(key, offset);
        offset
    }

    /// A string that is not looked for among those written.
    fn own(&mut self, text: &str) -> u32 {
        let offset = self.bytes.len() as u32;
        self.bytes.extend((text.len() as u32).to_le_bytes());
        self.bytes.extend(text.as_bytes());
        offset
    }

    fn get(&self, offset: u32) -> &[u8] {
        let rest = &self.bytes[offset as usize..];
        let (length, rest) = rest.split_at(4);
        let length = length.iter().rev().fold(0, |length, byte| length << 8 | usize::from(*byte));
        &rest[..length]
    }
}

/// The index of `offers`, made of the document whose SHA-256 is `source`.
pub fn build(offers: &[Offer], source: [u8; 32]) -> Vec<u8> {
    let mut builder = Builder::default();
    offers.iter().for_each(|offer| builder.add(offer));
    let mut bytes = Vec::new();
    // Memory takes everything.
    let _ = builder.write(source, &mut bytes);
    bytes
}

impl Builder {
    /// Adds a package.
    pub fn add(&mut self, offer: &Offer) {
        let place = self.packages.len() as u32;
        self.packages.push((offer.package.nevra.clone(), offer.location.clone(), self.records.len() as u32));
        self.record(offer);
        let package = &offer.package;
        let names: [Vec<&str>; TABLES] = [
            vec![&package.nevra.name],
            package.provides.iter().map(|all| all.name.as_str()).collect(),
            package.paths.iter().map(String::as_str).collect(),
            package.obsoletes.iter().map(|all| all.name.as_str()).collect(),
            package.supplements.iter().flat_map(named).collect(),
        ];
        for (table, names) in self.tables.iter_mut().zip(names) {
            table.extend(names.into_iter().map(|name| (self.strings.offset(name), place)));
        }
    }

    /// Writes the index, made of the document whose SHA-256 is `source`.
    ///
    /// # Errors
    /// When `to` refuses.
    pub fn write(mut self, source: [u8; 32], to: &mut impl Write) -> io::Result<()> {
        self.strings.known = HashMap::new();
        let (order, places) = self.sorted();
        let mut members = Vec::new();
        let tables = std::mem::take(&mut self.tables).map(|table| self.table(table, &places, &mut members));
        let mut strings = self.strings.bytes;
        strings.resize(strings.len().next_multiple_of(4), 0);
        let [names, provides, paths, obsoletes, supplements] = &tables;
        let words: [&[u32]; SECTIONS - 1] = [&order, &self.records, &members, names, provides, paths, obsoletes, supplements];
        to.write_all(MAGIC)?;
        to.write_all(&source)?;
        let mut offset = HEADER_BYTES + SECTIONS * 8;
        for length in std::iter::once(strings.len()).chain(words.iter().map(|words| words.len() * 4)) {
            to.write_all(&(offset as u32).to_le_bytes())?;
            to.write_all(&(length as u32).to_le_bytes())?;
            offset += length;
        }
        to.write_all(&strings)?;
        words.into_iter().flatten().try_for_each(|word| to.write_all(&word.to_le_bytes()))
    }

    /// Where the record of each package begins, sorted; and for each package added its place among them.
    fn sorted(&mut self) -> (Vec<u32>, Vec<u32>) {
        let packages = std::mem::take(&mut self.packages);
        let mut order: Vec<u32> = (0..packages.len() as u32).collect();
        order.sort_by(|a, b| {
            let [a, b] = [a, b].map(|at| &packages[*at as usize]);
            a.0.cmp(&b.0).then_with(|| a.1.cmp(&b.1))
        });
        let mut places = vec![0; order.len()];
        for (place, at) in (0..).zip(&order) {
            places[*at as usize] = place;
        }
        (order.into_iter().map(|at| packages[at as usize].2).collect(), places)
    }

    /// A table of names, sorted, and its members.
    fn table(&self, mut rows: Vec<(u32, u32)>, places: &[u32], members: &mut Vec<u32>) -> Vec<u32> {
        rows.iter_mut().for_each(|row| row.1 = places[row.1 as usize]);
        rows.sort_unstable_by(|a, b| match a.0 == b.0 {
            true => a.1.cmp(&b.1),
            false => self.strings.get(a.0).cmp(self.strings.get(b.0)),
        });
        rows.dedup();
        let mut table = Vec::new();
        for rows in rows.chunk_by(|a, b| a.0 == b.0) {
            table.extend([rows[0].0, members.len() as u32, rows.len() as u32]);
            members.extend(rows.iter().map(|row| row.1));
        }
        table
    }
}

/// The names a dependency asks for.
fn named(dependency: &Dependency) -> Vec<&str> {
    match dependency {
        Dependency::Simple(capability) => vec![capability.name.as_str()],
        Dependency::Rich(rich) => rich.leaves().into_iter().map(|(capability, _)| capability.name.as_str()).collect(),
    }
}

impl Builder {
    fn record(&mut self, offer: &Offer) {
        let (package, details) = (&offer.package, &offer.details);
        let name = self.strings.offset(&package.nevra.name);
        self.records.push(name);
        self.evr(&package.nevra.evr);
        let texts = [&package.nevra.arch, &offer.location, &offer.checksum, &details.summary, &details.description, &details.url];
        for text in texts.into_iter().chain([&details.license, &details.source]) {
            let text = self.strings.offset(text);
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
            let path = self.strings.offset(path);
            self.records.push(path);
        }
    }

    fn evr(&mut self, evr: &Evr) {
        let version = self.strings.offset(&evr.version);
        // No release is written as an empty one, which is none too.
        let release = self.strings.offset(evr.release.as_deref().unwrap_or_default());
        self.records.extend([evr.epoch, version, release]);
    }

    fn capabilities(&mut self, all: &[Capability]) {
        self.records.push(all.len() as u32);
        all.iter().for_each(|capability| self.capability(capability));
    }

    fn capability(&mut self, capability: &Capability) {
        let name = self.strings.offset(&capability.name);
        match &capability.range {
            None => self.records.extend([name, 0]),
            Some((comparison, evr)) => {
                self.records.extend([name, code(*comparison)]);
                self.evr(evr);
            }
        }
    }

    fn dependencies(&mut self, all: &[Dependency]) {
        self.records.push(all.len() as u32);
        for dependency in all {
            match dependency {
                Dependency::Simple(capability) => self.capability(capability),
                Dependency::Rich(rich) => {
                    let text = self.strings.own(&rich.to_string());
                    self.records.extend([text, RICH]);
                }
            }
        }
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
