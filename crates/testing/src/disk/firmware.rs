//! What firmware would start from a disk: the parts of UEFI's partitions and FAT, and of a BIOS, that this needs. Written from the
//! standards, independently of the code that it tests.

use std::fs::File;
use std::os::unix::fs::FileExt as _;

/// A readable disk.
pub trait Disk {
    /// Reads `length` bytes at `at`; zeros beyond the end.
    fn read(&self, at: u64, length: usize) -> Vec<u8>;
    /// Its size, in bytes.
    fn size(&self) -> u64;
}

impl Disk for Vec<u8> {
    fn read(&self, at: u64, length: usize) -> Vec<u8> {
        let from = usize::try_from(at).unwrap().min(self.len());
        let mut bytes = self[from..self.len().min(from + length)].to_vec();
        bytes.resize(length, 0);
        bytes
    }

    fn size(&self) -> u64 {
        self.len() as u64
    }
}

impl Disk for File {
    fn read(&self, at: u64, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        let mut done = 0;
        while done < length {
            match self.read_at(&mut bytes[done..], at + done as u64).unwrap() {
                0 => break,
                more => done += more,
            }
        }
        bytes
    }

    fn size(&self) -> u64 {
        self.metadata().unwrap().len()
    }
}

/// Offset and size of a partition in bytes, its type, and its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partition {
    pub at: u64,
    pub size: u64,
    pub kind: [u8; 16],
    pub name: String,
}

const SECTOR: u64 = 512;
/// C12A7328-F81F-11D2-BA4B-00A0C93EC93B in the byte order of disks.
pub const ESP: [u8; 16] = [0x28, 0x73, 0x2a, 0xc1, 0x1f, 0xf8, 0xd2, 0x11, 0xba, 0x4b, 0x00, 0xa0, 0xc9, 0x3e, 0xc9, 0x3b];

fn number(bytes: &[u8], at: usize, length: usize) -> u64 {
    bytes[at..at + length].iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

fn crc(bytes: &[u8]) -> u64 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum().into()
}

/// The code that a BIOS runs: that of the first sector, if it has the boot signature.
pub fn bios(disk: &dyn Disk) -> Option<Vec<u8>> {
    let sector = disk.read(0, 512);
    (sector[510..] == [0x55, 0xaa]).then(|| sector[..440].to_vec())
}

/// The partitions that UEFI uses: those of the first intact table (UEFI 2.10, 5.3.2), or of an MBR.
pub fn partitions(disk: &dyn Disk) -> Vec<Partition> {
    let first = disk.read(0, 512);
    if first[510..] != [0x55, 0xaa] {
        return Vec::new();
    }
    let old: Vec<&[u8]> = first[446..510].chunks(16).collect();
    if old.iter().any(|entry| entry[4] == 0xee) {
        let last = disk.size() / SECTOR - 1;
        return table(disk, 1).or_else(|| table(disk, last)).unwrap_or_default();
    }
    let of = |entry: &&[u8]| Partition {
        at: number(entry, 8, 4) * SECTOR,
        size: number(entry, 12, 4) * SECTOR,
        kind: if entry[4] == 0xef { ESP } else { [entry[4]; 16] },
        name: String::new(),
    };
    old.iter().filter(|entry| entry[4] != 0).map(of).collect()
}

/// The table whose header is in this sector, if it is intact.
pub fn table(disk: &dyn Disk, sector: u64) -> Option<Vec<Partition>> {
    let header = disk.read(sector * SECTOR, 512);
    let size = usize::try_from(number(&header, 12, 4)).unwrap();
    if header[..8] != *b"EFI PART" || !(92..=512).contains(&size) || number(&header, 24, 8) != sector {
        return None;
    }
    let mut zeroed = header[..size].to_vec();
    zeroed[16..20].fill(0);
    let (count, each) = (number(&header, 80, 4) as usize, number(&header, 84, 4) as usize);
    if crc(&zeroed) != number(&header, 16, 4) || each != 128 || count > 1024 {
        return None;
    }
    let entries = disk.read(number(&header, 72, 8) * SECTOR, count * each);
    if crc(&entries) != number(&header, 88, 4) {
        return None;
    }
    let of = |entry: &[u8]| {
        let (first, last) = (number(entry, 32, 8), number(entry, 40, 8));
        let name: Vec<u16> = entry[56..].chunks(2).map(|pair| number(pair, 0, 2) as u16).take_while(|unit| *unit != 0).collect();
        let name = String::from_utf16_lossy(&name);
        Partition { at: first * SECTOR, size: (last + 1 - first) * SECTOR, kind: entry[..16].try_into().unwrap(), name }
    };
    Some(entries.chunks(128).filter(|entry| entry[..16] != [0; 16]).map(of).collect())
}

/// The programs that UEFI may start, whichever partition it tries first. It searches every FAT file system, not only marked ones.
pub fn uefi(disk: &dyn Disk) -> Vec<Vec<u8>> {
    let program = |partition: &Partition| Fat::open(disk, partition.at)?.file(&["EFI        ", "BOOT       ", "BOOTX64 EFI"]);
    partitions(disk).iter().filter_map(program).collect()
}

/// A FAT file system (ECMA-107, and Microsoft's description of FAT32).
pub struct Fat<'a> {
    disk: &'a dyn Disk,
    cluster: u64,
    tables: u64,
    root: u64,
    data: u64,
    root_cluster: Option<u64>,
    bits: u64,
    clusters: u64,
}

impl<'a> Fat<'a> {
    /// The file system at `at`, if there is one.
    pub fn open(disk: &'a dyn Disk, at: u64) -> Option<Self> {
        let boot = disk.read(at, 512);
        let [each, reserved, tables, entries] = [(13, 1), (14, 2), (16, 1), (17, 2)].map(|(at, length)| number(&boot, at, length));
        if boot[510..] != [0x55, 0xaa] || number(&boot, 11, 2) != SECTOR || !each.is_power_of_two() || reserved * tables == 0 {
            return None;
        }
        let either = |short: (usize, usize), long: (usize, usize)| match number(&boot, short.0, short.1) {
            0 => number(&boot, long.0, long.1),
            found => found,
        };
        let (sectors, length) = (either((19, 2), (32, 4)), either((22, 2), (36, 4)));
        let root = reserved + tables * length;
        let data = root + entries.div_ceil(16);
        let clusters = sectors.checked_sub(data)? / each;
        let bits = if clusters < 4085 {
            12
        } else if clusters < 65525 {
            16
        } else {
            32
        };
        let root_cluster = (bits == 32).then(|| number(&boot, 44, 4));
        let place = |sector: u64| at + sector * SECTOR;
        Some(Self {
            disk,
            cluster: each * SECTOR,
            tables: place(reserved),
            root: place(root),
            data: place(data),
            root_cluster,
            bits,
            clusters,
        })
    }

    fn next(&self, cluster: u64) -> Option<u64> {
        let bit = cluster * self.bits;
        let pair = number(&self.disk.read(self.tables + bit / 8, 4), 0, 4) >> (bit % 8);
        let next = pair & if self.bits == 32 { 0x0fff_ffff } else { (1 << self.bits) - 1 };
        (2..self.clusters + 2).contains(&next).then_some(next)
    }

    fn chain(&self, first: u64) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut cluster = (2..self.clusters + 2).contains(&first).then_some(first);
        while let Some(here) = cluster.filter(|_| bytes.len() < 16 << 20) {
            bytes.extend(self.disk.read(self.data + (here - 2) * self.cluster, self.cluster as usize));
            cluster = self.next(here);
        }
        bytes
    }

    /// The file at a path of short names.
    pub fn file(&self, path: &[&str]) -> Option<Vec<u8>> {
        let mut bytes = match self.root_cluster {
            Some(cluster) => self.chain(cluster),
            None => self.disk.read(self.root, (self.data - self.root) as usize),
        };
        for name in path {
            // 0x0f marks parts of long names, 0x08 the volume label.
            let found =
                bytes.chunks(32).take_while(|entry| entry[0] != 0).find(|entry| entry[..11] == *name.as_bytes() && entry[11] & 8 == 0)?;
            let (first, size) = (number(found, 20, 2) << 16 | number(found, 26, 2), number(found, 28, 4) as usize);
            let is_file = found[11] & 0x10 == 0;
            bytes = self.chain(first);
            if is_file {
                bytes.resize(size, 0);
            }
        }
        Some(bytes)
    }
}
