//! streamOptimized VMDK (VMware, "Virtual Disk Format 5.0"): what OVF packages and VMware's products import.
//!
//! Header, descriptor, compressed grains each with its marker, a grain table after every 512 of them, the grain directory, a footer that
//! locates it, and an end marker. Nothing is random or depends on the clock or a file name.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use flate2::Compression;
use flate2::write::ZlibEncoder;

use super::{FormatError, VirtualDisk, pieces};

const SECTOR: u64 = 512;
const GRAIN_BYTES: u64 = 64 << 10;
const GRAIN_SECTORS: u64 = GRAIN_BYTES / SECTOR;

/// Entries of a grain table.
const TABLE_ENTRIES: u64 = 512;

/// The offsets of the grains and of the descriptor, in sectors.
const OVERHEAD_SECTORS: u64 = 128;
const DESCRIPTOR_AT: u64 = 1;
const DESCRIPTOR_SECTORS: u64 = 20;

/// The value in the header that means: the offset of the grain directory is in the footer.
const AT_END: u64 = u64::MAX;

/// Types of metadata markers. The marker of a grain has its size instead.
const MARKER_TABLE: u32 = 1;
const MARKER_DIRECTORY: u32 = 2;
const MARKER_FOOTER: u32 = 3;

/// Writes the disk as a streamOptimized VMDK.
///
/// # Errors
/// When a file cannot be read or written, or the disk is larger than 2 TiB.
pub fn write_vmdk(disk: &VirtualDisk, path: &Path) -> Result<(), FormatError> {
    const MOST: u64 = 2 << 40;
    if disk.size_bytes() > MOST {
        return Err(FormatError::TooLarge { format: "VMDK", size_bytes: disk.size_bytes(), most_bytes: MOST });
    }
    let broken = FormatError::write(path);
    let mut stream = Stream::begin(disk, File::create(path).map_err(&broken)?).map_err(&broken)?;
    pieces::each(disk, GRAIN_BYTES, compressed, |number, grain| stream.grain(number, &grain).map_err(&broken))?;
    stream.end().map_err(&broken)
}

fn compressed(grain: &[u8]) -> Result<Vec<u8>, FormatError> {
    let mut encoder = ZlibEncoder::new(Vec::with_capacity(grain.len() / 2), Compression::new(6));
    encoder.write_all(grain).and_then(|()| encoder.finish()).map_err(FormatError::Compress)
}

struct Stream {
    out: BufWriter<File>,
    capacity_sectors: u64,
    at_sector: u64,
    /// The sector of each grain table; 0 if there is none.
    directory: Vec<u32>,
    /// The number of the table being filled, and its entries.
    table: (u64, Vec<u32>),
}

impl Stream {
    fn begin(disk: &VirtualDisk, file: File) -> io::Result<Self> {
        let capacity_sectors = disk.size_bytes().div_ceil(GRAIN_BYTES) * GRAIN_SECTORS;
        let tables = capacity_sectors.div_ceil(GRAIN_SECTORS * TABLE_ENTRIES);
        let mut stream = Self {
            out: BufWriter::with_capacity(1 << 20, file),
            capacity_sectors,
            at_sector: 0,
            directory: vec![0; usize::try_from(tables).unwrap_or(usize::MAX)],
            table: (0, vec![0; TABLE_ENTRIES as usize]),
        };
        stream.write(&stream.header(AT_END))?;
        let mut text = descriptor(disk, capacity_sectors).into_bytes();
        text.resize((DESCRIPTOR_SECTORS * SECTOR) as usize, 0);
        stream.write(&text)?;
        stream.write(&vec![0; ((OVERHEAD_SECTORS - stream.at_sector) * SECTOR) as usize])?;
        Ok(stream)
    }

    fn grain(&mut self, number: u64, data: &[u8]) -> io::Result<()> {
        if number / TABLE_ENTRIES != self.table.0 {
            self.end_table()?;
            self.table.0 = number / TABLE_ENTRIES;
        }
        self.table.1[(number % TABLE_ENTRIES) as usize] = self.here()?;
        let mut marked = Vec::with_capacity(12 + data.len());
        marked.extend((number * GRAIN_SECTORS).to_le_bytes());
        marked.extend((data.len() as u32).to_le_bytes());
        marked.extend(data);
        self.write(&marked)
    }

    fn end_table(&mut self) -> io::Result<()> {
        if self.table.1.iter().all(|entry| *entry == 0) {
            return Ok(());
        }
        let bytes: Vec<u8> = self.table.1.iter().flat_map(|entry| entry.to_le_bytes()).collect();
        self.marker(bytes.len() as u64 / SECTOR, MARKER_TABLE)?;
        self.directory[self.table.0 as usize] = self.here()?;
        self.table.1.fill(0);
        self.write(&bytes)
    }

    fn end(mut self) -> io::Result<()> {
        self.end_table()?;
        let directory: Vec<u8> = self.directory.iter().flat_map(|entry| entry.to_le_bytes()).collect();
        self.marker((directory.len() as u64).div_ceil(SECTOR), MARKER_DIRECTORY)?;
        let footer = self.header(self.at_sector);
        self.write(&directory)?;
        self.marker(1, MARKER_FOOTER)?;
        self.write(&footer)?;
        self.write(&[0; SECTOR as usize])?;
        self.out.flush()
    }

    fn marker(&mut self, sectors: u64, kind: u32) -> io::Result<()> {
        let mut bytes = sectors.to_le_bytes().to_vec();
        bytes.extend([0; 4]);
        bytes.extend(kind.to_le_bytes());
        self.write(&bytes)
    }

    /// Writes whole sectors, the last one padded.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let sectors = (bytes.len() as u64).div_ceil(SECTOR);
        self.out.write_all(bytes)?;
        self.out.write_all(&[0; SECTOR as usize][..(sectors * SECTOR) as usize - bytes.len()])?;
        self.at_sector += sectors;
        Ok(())
    }

    fn here(&self) -> io::Result<u32> {
        u32::try_from(self.at_sector).map_err(|_| io::ErrorKind::FileTooLarge.into())
    }

    /// SparseExtentHeader, version 3, compressed and with markers.
    fn header(&self, directory_at: u64) -> Vec<u8> {
        let mut bytes = b"KDMV".to_vec();
        bytes.extend(3_u32.to_le_bytes());
        bytes.extend(0x0003_0001_u32.to_le_bytes());
        for number in [self.capacity_sectors, GRAIN_SECTORS, DESCRIPTOR_AT, DESCRIPTOR_SECTORS] {
            bytes.extend(number.to_le_bytes());
        }
        bytes.extend((TABLE_ENTRIES as u32).to_le_bytes());
        for number in [0, directory_at, OVERHEAD_SECTORS] {
            bytes.extend(number.to_le_bytes());
        }
        // Clean shutdown; the four characters that a text-mode transfer would change; deflate.
        bytes.extend([0, b'\n', b' ', b'\r', b'\n', 1, 0]);
        bytes.resize(SECTOR as usize, 0);
        bytes
    }
}

/// The text that describes the disk. The CID, random with other writers, is derived from the content's identity.
fn descriptor(disk: &VirtualDisk, capacity_sectors: u64) -> String {
    let bytes = disk.identity().bytes();
    let cid = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]) & 0x7fff_ffff;
    let uuid: Vec<String> = bytes[..16].iter().map(|byte| format!("{byte:02x}")).collect();
    let cylinders = (capacity_sectors / (255 * 63)).min(65_535);
    format!(
        "# Disk DescriptorFile\nversion=1\nCID={cid:08x}\nparentCID=ffffffff\ncreateType=\"streamOptimized\"\n\n\
         # Extent description\nRW {capacity_sectors} SPARSE \"disk.vmdk\"\n\n# The Disk Data Base\n#DDB\n\n\
         ddb.adapterType = \"lsilogic\"\nddb.geometry.cylinders = \"{cylinders}\"\nddb.geometry.heads = \"255\"\n\
         ddb.geometry.sectors = \"63\"\nddb.uuid = \"{}-{}\"\nddb.virtualHWVersion = \"14\"\n",
        uuid[..8].join(" "),
        uuid[8..].join(" "),
    )
}
