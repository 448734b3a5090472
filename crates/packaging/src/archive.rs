//! Detects static libraries that cannot be linked with.

use std::fmt;
use std::io::{self, BufReader, Read};
use std::path::Path;

use super::error::PackageError;
use super::obstacle::escaped;
use super::tree::{Content, Kind, Tree};

/// The magic bytes of an archive.
const MAGIC: &[u8; 8] = b"!<arch>\n";

/// The magic bytes of an archive that contains only the names of its members' files.
const THIN_MAGIC: &[u8; 8] = b"!<thin>\n";

/// The size of a member's header (ar(5)).
const HEADER_BYTES: usize = 60;

/// The largest member that is examined. No compiler writes object files of this size.
const MOST_MEMBER_BYTES: u64 = 64 << 20;

/// The symbol of object files that contain only GCC's bytecode.
const SLIM: &[u8] = b"__gnu_lto_slim";

/// Why an archive cannot be linked with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It contains the names of object files in the build's own folders.
    Thin,
    /// Its object files contain only the bytecode of one version of one compiler.
    Bytecode,
}

impl Fault {
    /// How to fix it.
    pub fn remedy(self) -> &'static str {
        match self {
            Self::Thin => "call `ar` without `T` and without `--thin`",
            Self::Bytecode => "compile with `-ffat-lto-objects`, or with `-fno-lto`",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Thin => "it is a thin archive, which only names files of the build",
            Self::Bytecode => "it contains only bytecode for link-time optimisation, which no other compiler reads",
        })
    }
}

/// A static library that cannot be linked with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadArchive {
    /// The file in the image.
    pub path: String,
    /// What is wrong with it.
    pub fault: Fault,
}

impl fmt::Display for BadArchive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` ({})", escaped(self.path.as_bytes()), self.fault)
    }
}

/// Checks that static libraries contain machine code.
///
/// # Errors
/// When one cannot be read, or all libraries that do not.
pub fn check(tree: &Tree) -> Result<(), PackageError> {
    let mut found = Vec::new();
    for (path, entry) in tree.iter().filter(|(path, _)| path.ends_with(".a")) {
        let fault = match &entry.kind {
            Kind::File(Content::Memory(bytes)) => {
                fault(&mut bytes.as_slice()).map_err(|source| PackageError::io("read", Path::new(path), source))?
            }
            Kind::File(Content::Installed(file)) => {
                let fault = file.open().and_then(|file| fault(&mut BufReader::new(file)));
                fault.map_err(|source| PackageError::io("read", &file.path(), source))?
            }
            Kind::Directory | Kind::Link(_) | Kind::Ghost | Kind::Unpackageable(_) => None,
        };
        found.extend(fault.map(|fault| BadArchive { path: path.to_owned(), fault }));
    }
    if found.is_empty() { Ok(()) } else { Err(PackageError::BadArchives { found }) }
}

/// The fault of the archive that `reader` returns. A file that is not an archive has none. Reading stops at the first object file with
/// machine code.
fn fault(reader: &mut impl Read) -> io::Result<Option<Fault>> {
    match &start(reader, MAGIC.len() as u64)?[..] {
        magic if magic == THIN_MAGIC => return Ok(Some(Fault::Thin)),
        magic if magic == MAGIC => {}
        _ => return Ok(None),
    }
    let mut fault = None;
    loop {
        let header = start(reader, HEADER_BYTES as u64)?;
        let size = header.get(48..58).and_then(|digits| str::from_utf8(digits).ok()?.trim_end().parse::<u64>().ok());
        let Some(size) = size.filter(|size| *size <= MOST_MEMBER_BYTES) else { return Ok(fault) };
        let member = start(reader, size)?;
        match kind(&member) {
            Member::Bytecode => fault = Some(Fault::Bytecode),
            Member::Machine => return Ok(None),
            Member::Other => {}
        }
        // Members begin at even offsets.
        start(reader, size % 2)?;
    }
}

/// Reads up to `bytes` bytes, fewer at the end.
fn start(reader: &mut impl Read, bytes: u64) -> io::Result<Vec<u8>> {
    let mut read = Vec::new();
    reader.take(bytes).read_to_end(&mut read)?;
    Ok(read)
}

/// The kind of a member of an archive.
enum Member {
    /// An object file with machine code.
    Machine,
    /// An object file of a compiler's bytecode.
    Bytecode,
    /// A list of symbols or names, or another file.
    Other,
}

fn kind(member: &[u8]) -> Member {
    if member.starts_with(b"BC\xc0\xde") {
        return Member::Bytecode;
    }
    if !member.starts_with(b"\x7fELF") {
        return Member::Other;
    }
    if member.windows(SLIM.len()).any(|window| window == SLIM) { Member::Bytecode } else { Member::Machine }
}
