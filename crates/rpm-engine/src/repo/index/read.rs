//! Reading an index.

use std::fs::File;
use std::io;
use std::path::Path;

use memmap2::Mmap;

use super::{HEADER_BYTES, MAGIC, RELATIONS, RICH, SECTIONS, Section};
use crate::dependency::{Capability, Comparison, Dependency};
use crate::package::{Details, Nevra, Package};
use crate::repo::Offer;
use crate::version::Evr;

/// An index, mapped into memory.
#[derive(Debug)]
pub struct Index {
    bytes: Bytes,
    sections: [(usize, usize); SECTIONS],
}

#[derive(Debug)]
enum Bytes {
    Mapped(Mmap),
    Owned(Vec<u8>),
}

/// Where a record is read.
struct Cursor<'a> {
    index: &'a Index,
    at: usize,
}

impl Index {
    /// Opens the index at `path`, if it was made of the document whose SHA-256 is `source`. One of another document, or one that is
    /// damaged, does not count.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub fn open(path: &Path, source: [u8; 32]) -> io::Result<Option<Self>> {
        let file = match File::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        if file.metadata()?.len() < HEADER_BYTES as u64 {
            return Ok(None);
        }
        // SAFETY: indexes are published by rename and never written again, so the mapped file neither shrinks nor changes.
        let bytes = Bytes::Mapped(unsafe { Mmap::map(&file)? });
        Ok(Self::from_bytes(bytes, source))
    }

    /// An index in memory.
    pub fn of(offers: &[Offer]) -> Option<Self> {
        Self::from_bytes(Bytes::Owned(super::build(offers, [0; 32])), [0; 32])
    }

    fn from_bytes(bytes: Bytes, source: [u8; 32]) -> Option<Self> {
        let all = bytes.as_slice();
        if all.get(..8)? != MAGIC || all.get(8..HEADER_BYTES)? != source {
            return None;
        }
        let mut sections = [(0, 0); SECTIONS];
        for (number, section) in sections.iter_mut().enumerate() {
            let (offset, length) = (word(all, HEADER_BYTES + number * 8)?, word(all, HEADER_BYTES + number * 8 + 4)?);
            *section = (offset as usize, length as usize);
            all.get(offset as usize..(offset as usize).checked_add(length as usize)?)?;
        }
        Some(Self { bytes, sections })
    }

    /// How many packages there are; they are numbered from 0, sorted by name and version.
    pub fn len(&self) -> usize {
        self.sections[Section::Packages as usize].1 / 4
    }

    /// Whether there is no package.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A package's name, version and architecture.
    pub fn nevra(&self, package: usize) -> Option<Nevra> {
        self.record(package)?.nevra()
    }

    /// A package's name.
    pub fn name(&self, package: usize) -> Option<&str> {
        self.record(package)?.string()
    }

    /// The checksum of a package's file, in lowercase hexadecimal.
    pub fn checksum(&self, package: usize) -> Option<&str> {
        let mut cursor = self.record(package)?;
        cursor.nevra()?;
        cursor.string()?;
        cursor.string()
    }

    /// What the solver needs of a package.
    pub fn package(&self, package: usize) -> Option<Package> {
        self.offer(package).map(|offer| offer.package)
    }

    /// All that is known of a package.
    pub fn offer(&self, package: usize) -> Option<Offer> {
        let mut cursor = self.record(package)?;
        let mut nevra = cursor.nevra()?;
        nevra.arch.shrink_to_fit();
        let mut text = || cursor.string().map(str::to_owned);
        let (location, checksum) = (text()?, text()?);
        let mut details = Details { summary: text()?, description: text()?, url: text()?, ..Details::default() };
        (details.license, details.source) = (text()?, text()?);
        let (installed_size_bytes, package_size_bytes) = (cursor.long()?, cursor.long()?);
        details.build_time = cursor.long()?;
        let (provides, obsoletes) = (cursor.capabilities()?, cursor.capabilities()?);
        let mut lists = [const { Vec::new() }; RELATIONS - 2];
        for list in &mut lists {
            *list = cursor.dependencies()?;
        }
        let [requires, conflicts, recommends, supplements, requires_pre, suggests, enhances] = lists;
        (details.requires_pre, details.suggests, details.enhances) = (requires_pre, suggests, enhances);
        let count = cursor.count()?;
        let mut paths = Vec::with_capacity(count);
        for _ in 0..count {
            paths.push(cursor.string()?.to_owned());
        }
        let package = Package {
            nevra,
            provides,
            requires,
            conflicts,
            obsoletes,
            recommends,
            supplements,
            paths,
            installed_size_bytes,
            package_size_bytes,
        };
        Some(Offer { package, details, location, checksum })
    }

    /// The packages of a name.
    pub fn called(&self, name: &str) -> Vec<usize> {
        self.find(Section::Names, name)
    }

    /// The packages that provide a name, in whatever version.
    pub fn providing(&self, name: &str) -> Vec<usize> {
        self.find(Section::Provides, name)
    }

    /// The packages that contain a path, as far as the list of packages names it.
    pub fn holding(&self, path: &str) -> Vec<usize> {
        self.find(Section::Paths, path)
    }

    /// The packages that contain a path that fits, as far as [`Index::holding`] knows paths.
    pub fn holding_any(&self, fits: impl Fn(&str) -> bool) -> Vec<usize> {
        let (table, members) = (self.section(Section::Paths), self.section(Section::Members));
        let mut found = std::collections::BTreeSet::new();
        for row in table.chunks_exact(12) {
            let [string, first, count] = [0, 4, 8].map(|at| word(row, at).unwrap_or_default());
            if self.string(string).is_some_and(&fits) {
                let member = |at: u32| word(members, at as usize * 4).map(|package| package as usize);
                found.extend((first..first.saturating_add(count)).map_while(member));
            }
        }
        found.into_iter().collect()
    }

    /// The packages that obsolete a name, in whatever version.
    pub fn obsoleting(&self, name: &str) -> Vec<usize> {
        self.find(Section::Obsoletes, name)
    }

    /// The packages that supplement a name.
    pub fn supplementing(&self, name: &str) -> Vec<usize> {
        self.find(Section::Supplements, name)
    }

    fn section(&self, section: Section) -> &[u8] {
        let (offset, length) = self.sections[section as usize];
        self.bytes.as_slice().get(offset..offset + length).unwrap_or_default()
    }

    fn string(&self, offset: u32) -> Option<&str> {
        let strings = self.section(Section::Strings);
        let length = word(strings, offset as usize)? as usize;
        let start = (offset as usize).checked_add(4)?;
        std::str::from_utf8(strings.get(start..start.checked_add(length)?)?).ok()
    }

    fn record(&self, package: usize) -> Option<Cursor<'_>> {
        let at = word(self.section(Section::Packages), package.checked_mul(4)?)?;
        Some(Cursor { index: self, at: (at as usize).checked_mul(4)? })
    }

    /// Looks a name up in a sorted table.
    fn find(&self, section: Section, name: &str) -> Vec<usize> {
        let table = self.section(section);
        let row = |at: usize| {
            let [string, first, count] = [0, 4, 8].map(|field| word(table, at * 12 + field));
            Some((self.string(string?)?, first?, count?))
        };
        let (mut low, mut high) = (0, table.len() / 12);
        while low < high {
            let middle = low.midpoint(high);
            let Some((found, first, count)) = row(middle) else { return Vec::new() };
            match found.cmp(name) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => {
                    let members = self.section(Section::Members);
                    let member = |at: u32| word(members, at as usize * 4).map(|package| package as usize);
                    return (first..first.saturating_add(count)).map_while(member).collect();
                }
            }
        }
        Vec::new()
    }
}

impl Bytes {
    fn as_slice(&self) -> &[u8] {
        match self {
            Self::Mapped(mapped) => mapped,
            Self::Owned(owned) => owned,
        }
    }
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_le_bytes(bytes.try_into().ok()?))
}

impl<'a> Cursor<'a> {
    fn word(&mut self) -> Option<u32> {
        let word = word(self.index.section(Section::Records), self.at)?;
        self.at += 4;
        Some(word)
    }

    fn long(&mut self) -> Option<u64> {
        Some(u64::from(self.word()?) | u64::from(self.word()?) << 32)
    }

    /// A count of things that take a word each at least, so that a damaged one cannot ask for more memory than the file has.
    fn count(&mut self) -> Option<usize> {
        let count = self.word()? as usize;
        (count <= self.index.section(Section::Records).len() / 4).then_some(count)
    }

    fn string(&mut self) -> Option<&'a str> {
        let offset = self.word()?;
        self.index.string(offset)
    }

    fn nevra(&mut self) -> Option<Nevra> {
        Some(Nevra { name: self.string()?.to_owned(), evr: self.evr()?, arch: self.string()?.to_owned() })
    }

    fn evr(&mut self) -> Option<Evr> {
        let epoch = self.word()?;
        Some(Evr::new(epoch, self.string()?, Some(self.string()?)))
    }

    fn range(&mut self, code: u32) -> Option<Option<(Comparison, Evr)>> {
        let comparison = match code {
            0 => return Some(None),
            1 => Comparison::Less,
            2 => Comparison::AtMost,
            3 => Comparison::Equal,
            4 => Comparison::AtLeast,
            5 => Comparison::Greater,
            _ => return None,
        };
        Some(Some((comparison, self.evr()?)))
    }

    fn capabilities(&mut self) -> Option<Vec<Capability>> {
        let count = self.count()?;
        let mut all = Vec::with_capacity(count);
        for _ in 0..count {
            let (name, code) = (self.string()?.to_owned(), self.word()?);
            all.push(Capability { name, range: self.range(code)? });
        }
        Some(all)
    }

    fn dependencies(&mut self) -> Option<Vec<Dependency>> {
        let count = self.count()?;
        let mut all = Vec::with_capacity(count);
        for _ in 0..count {
            let (name, code) = (self.string()?, self.word()?);
            let range = if code == RICH { None } else { self.range(code)? };
            all.push(Dependency::new(name, range).ok()?);
        }
        Some(all)
    }
}
