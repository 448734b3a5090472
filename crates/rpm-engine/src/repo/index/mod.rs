//! The index kept of a repository's packages: made once from the metadata, then mapped into memory and read only where it is asked.
//!
//! All numbers are 32 bits, little-endian. A file is: [`MAGIC`], the SHA-256 of the document it was made of (32 bytes), the offset and
//! length of each [`Section`], then the sections. Strings are a length and bytes, named by their offset among the strings. Tables are
//! sorted by their strings, so that they are searched without being read.

mod read;
mod write;

pub use read::Index;
pub use write::{Builder, build};

const MAGIC: &[u8; 8] = b"KTDNFI01";

/// Bytes before the section table.
const HEADER_BYTES: usize = 8 + 32;

/// The parts of the file, in order.
#[derive(Clone, Copy)]
enum Section {
    /// Lengths and bytes.
    Strings,
    /// Where each package's record begins among the records, in words; packages are sorted by name, then version.
    Packages,
    /// One record per package.
    Records,
    /// Indexes of packages, which the tables refer to.
    Members,
    /// Names of packages: string, first member, count.
    Names,
    /// Provided names, as `Names`.
    Provides,
    /// Paths, as `Names`.
    Paths,
    /// Obsoleted names, as `Names`.
    Obsoletes,
    /// Names that packages supplement, as `Names`.
    Supplements,
}

const SECTIONS: usize = 9;

/// Which of a package's relations a list of a record contains, in the order of the record.
const RELATIONS: usize = 9;

/// A dependency whose name is a boolean expression.
const RICH: u32 = 6;

#[cfg(test)]
mod tests;
