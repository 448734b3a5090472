//! qcow2, version 3, with compressed clusters (QEMU, docs/interop/qcow2.txt).
//!
//! Header, clusters in order of offset, second-level tables, first-level table, reference counts. Compressed clusters follow each other
//! byte by byte.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use flate2::{Compress, Compression, FlushCompress, Status};

use super::{FormatError, VirtualDisk, pieces};

const CLUSTER_BITS: u32 = 16;
const CLUSTER: u64 = 1 << CLUSTER_BITS;

/// Entries of a second-level table, one cluster of them.
const TABLE_ENTRIES: u64 = CLUSTER / 8;

/// 16-bit counts per cluster.
const COUNTS: u64 = CLUSTER / 2;

/// Where the sector count begins in a compressed cluster's descriptor.
const COMPRESSED_SHIFT: u32 = 62 - (CLUSTER_BITS - 8);
const COMPRESSED: u64 = 1 << 62;

/// The reference count is exactly 1.
const COPIED: u64 = 1 << 63;

/// Writes the disk as qcow2.
///
/// # Errors
/// When a file cannot be read or written.
pub fn write_qcow2(disk: &VirtualDisk, path: &Path) -> Result<(), FormatError> {
    let broken = FormatError::write(path);
    let file = File::create(path).map_err(&broken)?;
    let mut image = Image { out: BufWriter::with_capacity(1 << 20, &file), at: 0, tables: BTreeMap::new(), counts: Vec::new() };
    image.metadata(&[0; CLUSTER as usize]).map_err(&broken)?;
    pieces::each(disk, CLUSTER, cluster, |number, piece| image.cluster(number, &piece).map_err(&broken))?;
    let header = image.end(disk.size_bytes()).map_err(&broken)?;
    file.write_all_at(&header, 0).map_err(&broken)
}

/// A cluster to be written.
enum Piece {
    Compressed(Vec<u8>),
    Plain(Vec<u8>),
}

/// Raw deflate with a window of 4 KiB, the most that readers must support.
fn cluster(plain: &[u8]) -> Result<Piece, FormatError> {
    let mut compress = Compress::new_with_window_bits(Compression::new(6), false, 12);
    // One byte less than the cluster: what does not fit is stored uncompressed.
    let mut out = Vec::with_capacity(plain.len() - 1);
    match compress.compress_vec(plain, &mut out, FlushCompress::Finish) {
        Ok(Status::StreamEnd) => Ok(Piece::Compressed(out)),
        Ok(Status::Ok | Status::BufError) => Ok(Piece::Plain(plain.to_vec())),
        Err(error) => Err(FormatError::Compress(io::Error::other(error))),
    }
}

struct Image<'a> {
    out: BufWriter<&'a File>,
    at: u64,
    /// Second-level tables by number.
    tables: BTreeMap<u64, Vec<u64>>,
    /// References to each cluster of the file.
    counts: Vec<u16>,
}

impl Image<'_> {
    fn cluster(&mut self, number: u64, piece: &Piece) -> io::Result<()> {
        let descriptor = match piece {
            Piece::Compressed(bytes) => {
                let begin = self.at;
                self.write(bytes)?;
                let last = self.at - 1;
                (begin / CLUSTER..=last / CLUSTER).for_each(|host| self.refer(host));
                COMPRESSED | (last / 512 - begin / 512) << COMPRESSED_SHIFT | begin
            }
            Piece::Plain(bytes) => self.metadata(bytes)? | COPIED,
        };
        let table = self.tables.entry(number / TABLE_ENTRIES).or_insert_with(|| vec![0; TABLE_ENTRIES as usize]);
        table[(number % TABLE_ENTRIES) as usize] = descriptor;
        Ok(())
    }

    /// Writes the tables and returns the header.
    fn end(mut self, size_bytes: u64) -> io::Result<Vec<u8>> {
        let mut first_level = vec![0_u64; usize::try_from(size_bytes.div_ceil(CLUSTER * TABLE_ENTRIES)).unwrap_or(usize::MAX)];
        for (number, table) in std::mem::take(&mut self.tables) {
            first_level[number as usize] = self.metadata(&big_endian(&table))? | COPIED;
        }
        let first_level_at = self.metadata(&big_endian(&first_level))?;
        let (counts_at, counts_clusters) = self.reference_counts()?;
        self.out.flush()?;
        Ok(header(size_bytes, first_level_at, first_level.len() as u32, counts_at, counts_clusters))
    }

    /// Writes the reference counts, including their own; returns the offset of their table and its number of clusters.
    fn reference_counts(&mut self) -> io::Result<(u64, u32)> {
        let used = self.counts.len() as u64;
        let (mut blocks, mut table) = (0, 0);
        loop {
            let needed = (used + blocks + table).div_ceil(COUNTS);
            let table_needed = (needed * 8).div_ceil(CLUSTER);
            if (needed, table_needed) == (blocks, table) {
                break;
            }
            (blocks, table) = (needed, table_needed);
        }
        self.counts.resize((used + blocks + table) as usize, 1);
        let counts: Vec<u8> = self.counts.iter().flat_map(|count| count.to_be_bytes()).collect();
        let places: Vec<u64> = (0..blocks).map(|block| (used + block) * CLUSTER).collect();
        self.aligned(&counts)?;
        let at = self.at;
        self.aligned(&big_endian(&places))?;
        Ok((at, table as u32))
    }

    /// Writes whole clusters, each with one reference, and returns their offset.
    fn metadata(&mut self, bytes: &[u8]) -> io::Result<u64> {
        self.align()?;
        let at = self.at;
        self.aligned(bytes)?;
        (at / CLUSTER..self.at / CLUSTER).for_each(|host| self.refer(host));
        Ok(at)
    }

    fn aligned(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.align()?;
        self.write(bytes)?;
        self.align()
    }

    fn align(&mut self) -> io::Result<()> {
        let gap = self.at.next_multiple_of(CLUSTER) - self.at;
        self.write(&vec![0; gap as usize])
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.out.write_all(bytes)?;
        self.at += bytes.len() as u64;
        Ok(())
    }

    fn refer(&mut self, host: u64) {
        let host = host as usize;
        if self.counts.len() <= host {
            self.counts.resize(host + 1, 0);
        }
        self.counts[host] += 1;
    }
}

fn big_endian(numbers: &[u64]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_be_bytes()).collect()
}

fn header(size_bytes: u64, first_level_at: u64, first_level_entries: u32, counts_at: u64, counts_clusters: u32) -> Vec<u8> {
    let mut bytes = b"QFI\xfb".to_vec();
    let mut number = |number: u64, width: usize| bytes.extend(&number.to_be_bytes()[8 - width..]);
    number(3, 4);
    // No backing file, no encryption.
    number(0, 8);
    number(0, 4);
    number(u64::from(CLUSTER_BITS), 4);
    number(size_bytes, 8);
    number(0, 4);
    number(u64::from(first_level_entries), 4);
    number(first_level_at, 8);
    number(counts_at, 8);
    number(u64::from(counts_clusters), 4);
    // No snapshots, no features; counts of 2^4 bits; this header's length.
    number(0, 4);
    number(0, 8);
    (0..3).for_each(|_| number(0, 8));
    number(4, 4);
    number(104, 4);
    // The end of header extensions.
    number(0, 8);
    bytes
}
