//! The disk byte by byte: a sparse file, or the archive for Google's cloud.

use std::fs::File;
use std::io::{self, BufWriter, Read, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use tar::Header;

use super::gzip::gzip;
use super::{FormatError, VirtualDisk, pieces};
use base::epoch::SOURCE_DATE_EPOCH;

/// The size of pieces that become holes if they are all zeros.
const PIECE_BYTES: u64 = 64 << 10;

/// Writes the disk byte by byte, with holes where it contains nothing.
///
/// # Errors
/// When a file cannot be read or written.
pub fn write_raw(disk: &VirtualDisk, path: &Path) -> Result<(), FormatError> {
    let broken = FormatError::write(path);
    let file = File::create(path).map_err(&broken)?;
    file.set_len(disk.size_bytes()).map_err(&broken)?;
    pieces::each(
        disk,
        PIECE_BYTES,
        |piece| Ok(piece.to_vec()),
        |number, piece| {
            let offset = number * PIECE_BYTES;
            let length = usize::try_from(disk.size_bytes() - offset).unwrap_or(usize::MAX).min(piece.len());
            file.write_all_at(&piece[..length], offset).map_err(&broken)
        },
    )
}

/// Writes the archive that Google Compute Engine imports: `disk.raw` in a gzipped GNU tar. The disk must be a whole number of GiB.
///
/// # Errors
/// When a file cannot be read or written.
pub fn write_gce(disk: &VirtualDisk, path: &Path) -> Result<(), FormatError> {
    let broken = FormatError::write(path);
    let mut header = Header::new_gnu();
    header.set_path("disk.raw").map_err(&broken)?;
    header.set_size(disk.size_bytes());
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(SOURCE_DATE_EPOCH.into());
    header.set_cksum();
    // A whole number of GiB needs no padding; two empty blocks end the archive.
    let archive = header.as_bytes().as_slice().chain(DiskReader { disk, at: 0 }).chain([0_u8; 1024].as_slice());
    let mut out = BufWriter::new(File::create(path).map_err(&broken)?);
    gzip(archive, &mut out).and_then(|()| out.flush()).map_err(&broken)
}

/// The disk from its start to its end.
struct DiskReader<'a> {
    disk: &'a VirtualDisk,
    at: u64,
}

impl Read for DiskReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.disk.size_bytes() - self.at).unwrap_or(usize::MAX);
        let length = left.min(buffer.len());
        self.disk.read_at(self.at, &mut buffer[..length]).map_err(io::Error::other)?;
        self.at += length as u64;
        Ok(length)
    }
}
