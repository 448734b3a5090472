//! What an ELF file provides and requires, in RPM's notation.
//!
//! The capabilities are those of RPM's own `elfdeps`: `libz.so.1()(64bit)` for a soname, `libz.so.1(ZLIB_1.2.9)(64bit)` for a
//! version of its interface, `rtld(GNU_HASH)` for files that only a dynamic linker with support for that hash table can load.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;

use object::Endianness;
use object::elf::{
    self, DT_DEBUG, DT_GNU_HASH, DT_HASH, DT_NEEDED, DT_RPATH, DT_RUNPATH, DT_SONAME, EM_X86_64, ET_DYN, ET_EXEC, FileHeader64,
    VER_FLG_BASE,
};
use object::read::elf::{Dyn as _, FileHeader as _, SectionTable};
use object::read::{ReadCache, ReadRef, StringTable};

type Header = FileHeader64<Endianness>;

/// The first bytes of every ELF file.
pub const MAGIC: &[u8; 4] = b"\x7fELF";

/// The soname of the dynamic linker.
pub const DYNAMIC_LINKER: &str = "ld-linux-x86-64.so.2";

/// The capability of a dynamic linker that reads the GNU hash table.
const GNU_HASH: &str = "rtld(GNU_HASH)";

/// A dynamically linked x86-64 program or library.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Dynamic {
    /// Its own name for the dynamic linker.
    pub soname: Option<String>,
    /// Libraries it is linked with.
    pub needed: Vec<String>,
    /// Versions it needs of other libraries' interfaces, by library.
    pub needed_versions: BTreeMap<String, BTreeSet<String>>,
    /// Versions of its own interface.
    pub defined_versions: BTreeSet<String>,
    /// Entries of `DT_RPATH` and `DT_RUNPATH`.
    pub library_paths: Vec<String>,
    /// Whether the entries are those of `DT_RUNPATH`, which apply only to this file and not to the libraries that it loads (ld.so(8)).
    pub has_runpath: bool,
    /// Whether it is a program, including position-independent ones.
    pub is_program: bool,
    /// Whether its only hash table is the GNU one.
    pub only_gnu_hash: bool,
}

/// The kind of an ELF file.
#[derive(Debug, PartialEq, Eq)]
pub enum Elf {
    /// A program or library of this machine that the dynamic linker loads.
    Dynamic(Dynamic),
    /// A program of this machine that needs no dynamic linker.
    Static,
    /// Not run by the system: an object file, a kernel module, BPF, firmware, another machine's.
    Other,
}

/// Why an ELF file cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ElfError {
    /// Its tables are truncated or contradict each other.
    #[error("its tables cannot be read: {0}")]
    Tables(#[from] object::read::Error),
    /// A name of its dynamic section is not in the table of names.
    #[error("a name in its dynamic section is outside of the string table")]
    Name,
}

/// Reads the tables of an ELF file.
///
/// # Errors
/// When it is truncated or its tables contradict each other.
pub fn read(file: File) -> Result<Elf, ElfError> {
    parse(&ReadCache::new(file))
}

/// Reads an ELF file in memory.
///
/// # Errors
/// As for [`read`].
pub fn parse<'data, R: ReadRef<'data>>(data: R) -> Result<Elf, ElfError> {
    if data.read_bytes_at(4, 1) != Ok(&[elf::ELFCLASS64]) {
        return Ok(Elf::Other);
    }
    let header = Header::parse(data)?;
    let endian = header.endian()?;
    let kind = header.e_type(endian);
    if header.e_machine(endian) != EM_X86_64 || (kind != ET_EXEC && kind != ET_DYN) {
        return Ok(Elf::Other);
    }
    let sections = header.sections(endian, data)?;
    let Some((entries, link)) = sections.dynamic(endian, data)? else { return Ok(Elf::Static) };
    let strings = sections.strings(endian, data, link)?;
    let mut found = Dynamic { is_program: kind == ET_EXEC, ..Dynamic::default() };
    let (mut hash, mut gnu_hash) = (false, false);
    for entry in entries {
        let text = || -> Result<String, ElfError> {
            let name = entry.val32(endian).and_then(|offset| strings.get(offset).ok());
            name.map(lossy).ok_or(ElfError::Name)
        };
        match entry.tag32(endian) {
            Some(DT_SONAME) => found.soname = Some(text()?),
            Some(DT_NEEDED) => found.needed.push(text()?),
            Some(tag @ (DT_RPATH | DT_RUNPATH)) => {
                found.library_paths.extend(text()?.split(':').map(str::to_owned));
                found.has_runpath |= tag == DT_RUNPATH;
            }
            // Linkers add DT_DEBUG only to programs, which distinguishes position-independent programs from libraries.
            Some(DT_DEBUG) => found.is_program = true,
            Some(DT_HASH) => hash = true,
            Some(DT_GNU_HASH) => gnu_hash = true,
            _ => {}
        }
    }
    found.only_gnu_hash = gnu_hash && !hash;
    read_versions(&sections, endian, data, &mut found)?;
    if found.is_program && found.needed.is_empty() { Ok(Elf::Static) } else { Ok(Elf::Dynamic(found)) }
}

fn read_versions<'data, R: ReadRef<'data>>(
    sections: &SectionTable<'data, Header, R>,
    endian: Endianness,
    data: R,
    found: &mut Dynamic,
) -> Result<(), object::read::Error> {
    if let Some((mut needs, link)) = sections.gnu_verneed(endian, data)? {
        let strings: StringTable<'data, R> = sections.strings(endian, data, link)?;
        while let Some((need, mut versions)) = needs.next()? {
            let library = lossy(need.file(endian, strings)?);
            while let Some(version) = versions.next()? {
                found.needed_versions.entry(library.clone()).or_default().insert(lossy(version.name(endian, strings)?));
            }
        }
    }
    if let Some((mut definitions, link)) = sections.gnu_verdef(endian, data)? {
        let strings = sections.strings(endian, data, link)?;
        while let Some((definition, mut names)) = definitions.next()? {
            // The base version repeats the soname.
            if definition.vd_flags.get(endian) & VER_FLG_BASE != 0 {
                continue;
            }
            if let Some(name) = names.next()? {
                found.defined_versions.insert(lossy(name.name(endian, strings)?));
            }
        }
    }
    Ok(())
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The capability for a soname, or for one version of its interface.
pub fn capability(soname: &str, version: &str) -> String {
    format!("{soname}({version})(64bit)")
}

impl Dynamic {
    /// What the file provides if it is a library named `file_name`.
    pub fn provides(&self, file_name: &str) -> Vec<String> {
        if self.is_program {
            return Vec::new();
        }
        let soname = self.soname.as_deref().unwrap_or(file_name);
        let versions = self.defined_versions.iter().map(String::as_str);
        let mut capabilities: Vec<String> = std::iter::once("").chain(versions).map(|version| capability(soname, version)).collect();
        // RPM's own generator leaves this to the C library's spec; here it is generated.
        if soname == DYNAMIC_LINKER {
            capabilities.push(GNU_HASH.to_owned());
        }
        capabilities
    }

    /// The libraries that the file needs: sonames, each followed by the versions of its interface.
    pub fn requires(&self) -> Vec<String> {
        let mut capabilities: Vec<String> = self.needed.iter().map(|soname| capability(soname, "")).collect();
        for (library, versions) in &self.needed_versions {
            capabilities.extend(versions.iter().map(|version| capability(library, version)));
        }
        if self.only_gnu_hash {
            capabilities.push(GNU_HASH.to_owned());
        }
        capabilities
    }
}
