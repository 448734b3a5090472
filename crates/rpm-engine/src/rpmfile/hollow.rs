//! Hollow packages: headers alone, whose content is in a tree next to them.
//!
//! A medium that starts a live system contains the content of most packages once already. A package file that ends where its payload
//! would begin needs no second copy: its header is signed and names the SHA-256 of every file, so it matters not where they come from.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::stripped::has_content;
use crate::names;
use crate::package::{FileKind, PackageFile};

/// The payload such a package would have, as a stripped cpio archive.
pub(super) struct Payload<'a> {
    trees: &'a [PathBuf],
    files: &'a [PackageFile],
    /// The files whose content is still to come.
    waiting: VecDeque<usize>,
    /// What is read now.
    current: Box<dyn Read>,
    /// Whether that is the last entry.
    is_last: bool,
}

impl<'a> Payload<'a> {
    pub(super) fn new(files: &'a [PackageFile], trees: &'a [PathBuf]) -> Self {
        Self { trees, files, waiting: contents(files).collect(), current: Box::new(io::empty()), is_last: false }
    }
}

impl Read for Payload<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.current.read(buffer)?;
            if read > 0 || buffer.is_empty() || self.is_last {
                return Ok(read);
            }
            self.current = match self.waiting.pop_front() {
                Some(index) => {
                    let (file, size) = open(&self.files[index], self.trees)?;
                    let padding = io::repeat(0).take((4 - size % 4) % 4);
                    Box::new(io::Cursor::new(entry(index)).chain(file.take(size)).chain(padding))
                }
                None => {
                    self.is_last = true;
                    Box::new(io::Cursor::new(trailer()))
                }
            };
        }
    }
}

/// Whether all content is there, by name and size. What it is shows when it is read, by the header's digests.
pub(super) fn check(files: &[PackageFile], trees: &[PathBuf]) -> io::Result<()> {
    contents(files).try_for_each(|index| open(&files[index], trees).map(drop))
}

fn contents(files: &[PackageFile]) -> impl Iterator<Item = usize> + '_ {
    (0..files.len()).filter(|index| !files[*index].flags.ghost && has_content(files, *index))
}

/// The content of a file, from the first tree that has it in its size.
fn open(wanted: &PackageFile, trees: &[PathBuf]) -> io::Result<(File, u64)> {
    let FileKind::Regular { size, .. } = wanted.kind else { return Err(io::ErrorKind::InvalidInput.into()) };
    for tree in trees {
        let Ok(file) = File::open(tree.join(&*names::raw(wanted.path.trim_start_matches('/')))) else { continue };
        let about = file.metadata()?;
        if about.is_file() && about.len() == size {
            return Ok((file, size));
        }
    }
    let places: Vec<_> = trees.iter().map(|tree| tree.display().to_string()).collect();
    Err(io::Error::new(io::ErrorKind::NotFound, format!("`{}` is not in {}", wanted.path, places.join(", "))))
}

/// A stripped entry: what it begins with, the file's place in the header, two bytes to fill up.
fn entry(index: usize) -> Vec<u8> {
    let mut bytes = b"07070X".to_vec();
    bytes.extend(format!("{index:08x}").bytes());
    bytes.extend([0; 2]);
    bytes
}

/// The last entry, a plain one: thirteen fields, of which only the name's length counts.
fn trailer() -> Vec<u8> {
    const NAME: &[u8] = b"TRAILER!!!\0";
    let mut bytes = b"070701".to_vec();
    for field in 0..13 {
        bytes.extend(format!("{:08x}", if field == 11 { NAME.len() } else { 0 }).bytes());
    }
    bytes.extend(NAME);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

/// Whether a package's file ends before its payload.
pub(super) fn is_hollow(path: &Path, payload_offset: u64) -> io::Result<bool> {
    Ok(path.metadata()?.len() == payload_offset)
}
