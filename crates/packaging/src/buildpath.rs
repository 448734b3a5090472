//! Detects paths of the sandbox in installed files: they do not exist on the system that the package is installed on.

use std::fmt;
use std::io::{self, Read};

use memchr::memmem::Finder;

use super::directory::{above, is_volatile};
use super::error::PackageError;
use super::tree::{Content, Kind, Tree};
use super::usrmerge::destination;
use base::glob::Glob;
use planning::recipe::INSTALL_ROOT;
use planning::spec::Spec;

/// The directory of builds, with a trailing `/`.
const BUILD: &str = "/build/";

/// How much of a file is searched at a time, in bytes.
const CHUNK_BYTES: usize = 1 << 20;

/// How many bytes before a match are needed to see whether a path begins there.
const BEFORE_BYTES: usize = 3;

/// How much of a chunk is searched again with the next one: more than the longest path that is shown.
const OVERLAP_BYTES: usize = 128;

/// A path of the sandbox in an installed file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildPath {
    /// The file in the image.
    pub path: String,
    /// Where the path is.
    pub place: Place,
}

/// Where a path of the sandbox is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// The file itself is in a directory that packages must not contain.
    Location {
        /// The directory.
        directory: String,
    },
    /// It is the target of a symbolic link.
    Target(String),
    /// It is in a line of a text.
    Line {
        /// The line's number, counted from 1.
        number: usize,
        /// The path.
        found: String,
    },
    /// It is in a file that is not text.
    Binary(String),
}

impl fmt::Display for BuildPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = &self.path;
        match &self.place {
            Place::Location { directory } => write!(f, "`{path}` is installed into `{directory}`"),
            Place::Target(target) => write!(f, "`{path}` is a link to `{target}`"),
            Place::Line { number, found } => write!(f, "`{path}` line {number} contains `{found}`"),
            Place::Binary(found) => write!(f, "`{path}` contains `{found}`"),
        }
    }
}

/// Looks for paths of the sandbox in everything that a build installed: in its location, in link targets and in files. Binary files are
/// searched only for the install root, since compilers write paths of sources into programs.
///
/// # Errors
/// All findings that no glob of the spec allows, or a glob of the spec that matches nothing.
pub fn check(spec: &Spec, tree: &Tree) -> Result<(), PackageError> {
    let compile = |text: &String| Glob::new(text).map_err(PackageError::bad_glob(text));
    let allowed = spec.build_paths.iter().map(compile).collect::<Result<Vec<_>, _>>()?;
    if let Some(unused) = allowed.iter().find(|glob| !tree.iter().any(|(path, _)| glob.matches(path))) {
        return Err(PackageError::BuildPathsMatchNothing { spec: spec.name.clone(), glob: unused.text().to_owned() });
    }
    let mut found = Vec::new();
    for (path, entry) in tree.iter().filter(|(path, _)| !allowed.iter().any(|glob| glob.matches(path))) {
        if let Some(place) = place(path, &entry.kind)? {
            found.push(BuildPath { path: path.to_owned(), place });
        }
    }
    if found.is_empty() { Ok(()) } else { Err(PackageError::BuildPaths { found }) }
}

fn place(path: &str, kind: &Kind) -> Result<Option<Place>, PackageError> {
    if is_volatile(path) {
        let directory = above(path).filter(|directory| is_volatile(directory)).last().unwrap_or(path);
        return Ok(Some(Place::Location { directory: directory.to_owned() }));
    }
    match kind {
        Kind::Link(target) => {
            let leads_to = format!("{}/", destination(path, target));
            Ok(leads_to.starts_with(BUILD).then(|| Place::Target(target.clone())))
        }
        Kind::File(Content::Installed(file)) => {
            let searched = file.open().and_then(search);
            searched.map_err(|source| PackageError::io("read", &file.path(), source))
        }
        Kind::File(Content::Memory(_)) | Kind::Directory | Kind::Ghost | Kind::Unpackageable(_) => Ok(None),
    }
}

/// The first path of the sandbox in a file.
fn search(mut file: impl Read) -> io::Result<Option<Place>> {
    let finder = Finder::new(BUILD.trim_end_matches('/'));
    let mut buffer = Vec::with_capacity(CHUNK_BYTES + OVERLAP_BYTES);
    let (mut line, mut begin, mut is_text) = (1, 0, true);
    loop {
        let read = file.by_ref().take(CHUNK_BYTES as u64).read_to_end(&mut buffer)?;
        if begin == 0 {
            // The same test as in grep and git.
            is_text = !buffer.contains(&0);
        }
        let is_last = read < CHUNK_BYTES;
        // A match near the end may continue in the next chunk.
        let end = if is_last { buffer.len() } else { buffer.len() - OVERLAP_BYTES };
        for at in finder.find_iter(&buffer).skip_while(|at| *at < begin).take_while(|at| *at < end) {
            let begins_a_path = !is_text || !ends_a_path(&buffer[at.saturating_sub(BEFORE_BYTES)..at]);
            let found = path_at(&buffer[at..]).filter(|found| begins_a_path && (is_text || is_below(found, INSTALL_ROOT)));
            let Some(found) = found else { continue };
            let number = line + count_lines(&buffer[..at]);
            return Ok(Some(if is_text { Place::Line { number, found } } else { Place::Binary(found) }));
        }
        if is_last {
            return Ok(None);
        }
        line += count_lines(&buffer[..end - BEFORE_BYTES]);
        buffer.drain(..end - BEFORE_BYTES);
        begin = BEFORE_BYTES;
    }
}

fn count_lines(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte == b'\n').count()
}

fn is_below(path: &str, directory: &str) -> bool {
    path.strip_prefix(directory).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn is_of_path(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || b"._-+~@%/".contains(byte)
}

/// Whether the text before a match makes it part of a longer path, as in `../build` or `$(top)/build`, and not the value of an option, as
/// in `-L/build`.
fn ends_a_path(before: &[u8]) -> bool {
    match before {
        [rest @ .., b'-', letter] if letter.is_ascii_alphabetic() => rest.last().is_some_and(is_of_path),
        [.., byte] => is_of_path(byte) || b")}".contains(byte),
        [] => false,
    }
}

/// The path of the sandbox that begins here, if it is one.
fn path_at(bytes: &[u8]) -> Option<String> {
    let path: Vec<u8> = bytes.iter().copied().take(OVERLAP_BYTES / 2).take_while(is_of_path).collect();
    let path = String::from_utf8_lossy(&path).trim_end_matches(['.', '/']).to_owned();
    // `/build` alone is not reported: it is the name of many directories and arguments.
    path.starts_with(BUILD).then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_the_sandbox_are_told_from_others() {
        for (text, expected) in [
            ("prefix=/build/out/usr\n", Some((1, "/build/out/usr"))),
            ("#!/bin/sh\n\nexec \"/build/src/x\".\n", Some((3, "/build/src/x"))),
            ("Libs: -L/build/out/usr/lib -la\n", Some((1, "/build/out/usr/lib"))),
            ("see file:///build/x", None),
            ("(/build/go).", Some((1, "/build/go"))),
            ("https://example.org/build/out", None),
            ("$(top)/build/out ${x}/build/out ../build/out x/build/out", None),
            ("--with-x/build/out", None),
            ("run `make /build`, then look into /build/ and /builds/out", None),
            ("", None),
        ] {
            let found = search(text.as_bytes()).unwrap();
            assert_eq!(found, expected.map(|(number, found)| Place::Line { number, found: found.to_owned() }), "{text}");
        }
    }

    #[test]
    fn programs_may_name_their_sources_but_not_the_install_root() {
        assert_eq!(search(&b"\x7fELF\0/build/src/a.c\0/build/output\0"[..]).unwrap(), None);
        assert_eq!(search(&b"\x7fELF\0/build/out/usr/lib\0"[..]).unwrap(), Some(Place::Binary("/build/out/usr/lib".into())));
        assert_eq!(search(&b"\0string/build/out\0"[..]).unwrap(), Some(Place::Binary("/build/out".into())));
    }

    #[test]
    fn nothing_is_lost_between_chunks() {
        for at in ((CHUNK_BYTES - 2 * OVERLAP_BYTES)..(CHUNK_BYTES + 2 * OVERLAP_BYTES)).step_by(3) {
            let mut text = vec![b'\n'; at];
            text.extend_from_slice(b"/build/out/usr/share/sample/file\n");
            text.resize(2 * CHUNK_BYTES + 7, b' ');
            let expected = Place::Line { number: at + 1, found: "/build/out/usr/share/sample/file".into() };
            assert_eq!(search(&text[..]).unwrap(), Some(expected), "{at}");
        }
        for length in (CHUNK_BYTES - OVERLAP_BYTES - 8)..(CHUNK_BYTES - OVERLAP_BYTES + 8) {
            let mut text = vec![b'x'; length];
            text.extend_from_slice(b"/build/out/usr");
            text.resize(2 * CHUNK_BYTES, b' ');
            assert_eq!(search(&text[..]).unwrap(), None, "the end of another path");
        }
    }
}
