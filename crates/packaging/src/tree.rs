//! The content of a spec's packages, by path in the image.

use std::collections::BTreeMap;
use std::io::{self, Read as _};

use super::directory::{above, is_standard};
use super::error::{PackageError, Unpackageable};
use super::obstacle::Obstacle;
use base::glob::Glob;
use runtime::install_root::InstalledFile;

/// Files, links and directories by their path in the image.
#[derive(Debug, Default)]
pub struct Tree {
    entries: BTreeMap<String, Entry>,
    /// Modes of the directories that contain entries.
    directories: BTreeMap<String, u32>,
    /// How many entries were dropped.
    dropped: usize,
}

/// What is at one path.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its kind.
    pub kind: Kind,
    /// Permission bits, setuid and the like included; without meaning for links.
    pub mode: u32,
}

/// What is at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File(Content),
    /// A directory that the spec declares, or that the build left empty.
    Directory,
    /// A symbolic link and its target.
    Link(String),
    /// A file that the package owns but does not contain.
    Ghost,
    /// Something that the build installed and a package cannot contain.
    Unpackageable(Obstacle),
}

/// The location of a file's bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// A file that the build installed.
    Installed(InstalledFile),
    /// In memory.
    Memory(Vec<u8>),
}

impl Content {
    /// The bytes, up to `limit_bytes`.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn read(&self, limit_bytes: u64) -> Result<Vec<u8>, PackageError> {
        match self {
            Self::Memory(bytes) => Ok(bytes[..bytes.len().min(usize::try_from(limit_bytes).unwrap_or(usize::MAX))].to_vec()),
            Self::Installed(file) => {
                let read = || -> io::Result<Vec<u8>> {
                    let mut bytes = Vec::new();
                    file.open()?.take(limit_bytes).read_to_end(&mut bytes)?;
                    Ok(bytes)
                };
                read().map_err(|source| PackageError::io("read", &file.path(), source))
            }
        }
    }
}

impl Tree {
    /// Puts something at a path, replacing what may be there.
    pub fn put(&mut self, path: impl Into<String>, entry: Entry) {
        self.entries.insert(path.into(), entry);
    }

    /// Adds an entry of the spec's table `key`. A file or link replaces one that the build installed.
    ///
    /// # Errors
    /// When one of the two is a directory.
    pub fn put_own(&mut self, key: &'static str, path: impl Into<String>, entry: Entry) -> Result<(), PackageError> {
        let path = path.into();
        let below = format!("{path}/");
        let is_directory = matches!(self.entries.get(&path), Some(Entry { kind: Kind::Directory, .. }))
            || self.entries.range(below.clone()..).next().is_some_and(|(other, _)| other.starts_with(&below));
        let is_something = self.entries.contains_key(&path) && !is_directory;
        if (entry.kind == Kind::Directory && is_something) || (entry.kind != Kind::Directory && is_directory) {
            return Err(PackageError::OtherKind { key, path });
        }
        self.put(path, entry);
        Ok(())
    }

    /// Checks that nothing is below a file or a link.
    ///
    /// # Errors
    /// The first entry that is.
    pub fn check_parents(&self) -> Result<(), PackageError> {
        for path in self.entries.keys() {
            let above = above(path).find(|above| self.entries.get(*above).is_some_and(|entry| entry.kind != Kind::Directory));
            if let Some(above) = above {
                return Err(PackageError::BelowNoDirectory { path: path.clone(), above: above.to_owned() });
            }
        }
        Ok(())
    }

    /// Records the mode of a directory of the install root. It is part of a package only if something in it is.
    pub fn note_directory(&mut self, path: impl Into<String>, mode: u32) {
        self.directories.insert(path.into(), mode);
    }

    /// The mode of the directory at `path`, if it was recorded.
    pub fn directory_mode(&self, path: &str) -> Option<u32> {
        self.directories.get(path).copied()
    }

    /// The recorded directories with their mutable modes, sorted by path.
    pub fn directories_mut(&mut self) -> impl Iterator<Item = (&str, &mut u32)> {
        self.directories.iter_mut().map(|(path, mode)| (path.as_str(), mode))
    }

    /// The recorded directories, sorted by path.
    pub fn directories(&self) -> impl Iterator<Item = &str> {
        self.directories.keys().map(String::as_str)
    }

    /// Removes entries that `globs` match, and empty directories that `emptied` match: with `/a/**`, `/a` is removed as well.
    pub fn drop(&mut self, globs: &[Glob], emptied: &[Glob]) {
        let before = self.entries.len();
        self.entries.retain(|path, entry| {
            let may_be_empty = matches!(entry.kind, Kind::Directory | Kind::Unpackageable(_));
            let is_dropped = globs.iter().any(|glob| glob.matches(path)) || (may_be_empty && emptied.iter().any(|glob| glob.matches(path)));
            !is_dropped
        });
        self.dropped += before - self.entries.len();
    }

    /// How many entries were dropped.
    pub fn dropped(&self) -> usize {
        self.dropped
    }

    /// Checks that packages can contain all entries.
    ///
    /// # Errors
    /// All entries that a package cannot contain.
    pub fn check(&self) -> Result<(), PackageError> {
        let found: Vec<Unpackageable> = self
            .entries
            .iter()
            .filter_map(|(path, entry)| match &entry.kind {
                Kind::Unpackageable(obstacle) => Some(Unpackageable { path: path.clone(), obstacle: obstacle.clone() }),
                Kind::File(_) | Kind::Directory | Kind::Link(_) | Kind::Ghost => None,
            })
            .collect();
        if found.is_empty() { Ok(()) } else { Err(PackageError::Unpackageable { found }) }
    }

    /// Removes directories that are now empty and those that every system has, and adds those that occur only in paths of entries.
    pub fn settle_directories(&mut self) {
        let mut settled = BTreeMap::new();
        for path in self.entries.keys() {
            for directory in above(path).filter(|directory| !is_standard(directory)) {
                let mode = self.directories.get(directory).copied().unwrap_or(0o755);
                settled.insert(directory.to_owned(), mode);
            }
        }
        self.directories = settled;
    }

    /// What is at `path`.
    pub fn get(&self, path: &str) -> Option<&Entry> {
        self.entries.get(path)
    }

    /// All entries, sorted by path.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.entries.iter().map(|(path, entry)| (path.as_str(), entry))
    }

    /// All entries, mutable, sorted by path.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&str, &mut Entry)> {
        self.entries.iter_mut().map(|(path, entry)| (path.as_str(), entry))
    }
}
