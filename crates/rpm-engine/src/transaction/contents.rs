//! The contents of some files of a package, in memory: nothing is written.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Read};

use super::TransactionError;
use super::unpack::{self, Sink};
use crate::checksum::Hasher;
use crate::package::{FileKind, PackageFile};
use crate::rpmfile::{RpmFile, Unpacker};

/// The contents of the regular files of `package` whose paths are wanted, by path. Each is checked against the header.
///
/// # Errors
/// When the package is damaged or cannot be read. Signatures are not looked at.
pub fn contents(package: &RpmFile, is_wanted: impl Fn(&str) -> bool) -> Result<BTreeMap<String, Vec<u8>>, TransactionError> {
    let places = places(&package.files, &is_wanted);
    let mut read = InMemory::default();
    unpack::unpack(package, &places, &mut Unpacker::default(), &mut read)?;
    let wanted = package.files.iter().zip(&places).filter(|(file, _)| is_wanted(&file.path));
    Ok(wanted.filter_map(|(file, place)| Some((file.path.clone(), read.complete.get((*place)?)?.clone()))).collect())
}

/// Under which name the content of each file is kept. One of several names of a file has the content in the payload, and any may be wanted.
fn places<'p>(files: &'p [PackageFile], is_wanted: &impl Fn(&str) -> bool) -> Vec<Option<&'p str>> {
    let group = |file: &PackageFile| match &file.kind {
        FileKind::Regular { hardlink, .. } => *hardlink,
        FileKind::Directory | FileKind::Symlink { .. } => None,
    };
    let groups: HashMap<u32, &str> =
        files.iter().filter(|file| is_wanted(&file.path)).filter_map(|file| Some((group(file)?, file.path.as_str()))).collect();
    let place = |file: &'p PackageFile| match &file.kind {
        FileKind::Regular { hardlink: Some(group), .. } => groups.get(group).copied(),
        FileKind::Regular { hardlink: None, .. } => (is_wanted(&file.path) && !file.flags.ghost).then_some(file.path.as_str()),
        FileKind::Directory | FileKind::Symlink { .. } => None,
    };
    files.iter().map(place).collect()
}

/// Files that were read.
#[derive(Default)]
struct InMemory<'p> {
    complete: BTreeMap<&'p str, Vec<u8>>,
    reading: Option<(&'p str, &'p PackageFile, Vec<u8>)>,
}

impl<'p> Sink<'p> for InMemory<'p> {
    fn begin(&mut self, path: &'p str, file: &'p PackageFile) -> io::Result<()> {
        self.reading = Some((path, file, Vec::new()));
        Ok(())
    }

    fn content(&mut self, from: &mut dyn Read) -> io::Result<()> {
        self.reading.as_mut().map_or(Ok(0), |(_, _, content)| from.read_to_end(content)).map(drop)
    }

    fn end(&mut self) -> io::Result<bool> {
        let Some((path, file, content)) = self.reading.take() else { return Ok(false) };
        let mut hasher = Hasher::like(file.kind.digest().unwrap_or_default());
        hasher.update(&content);
        let is_right = file.kind.digest() == Some(&*hasher.hex());
        self.complete.insert(path, content);
        Ok(is_right)
    }
}
