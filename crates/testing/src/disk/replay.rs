//! Checks what a disk starts when it is interrupted at each of its writes.

use std::fmt;
use std::fs::File;
use std::os::unix::fs::FileExt as _;

use disk_layout::{MIB, no_system_code, notice_code, notice_program};
use nix::fcntl::{FallocateFlags, fallocate};

use super::firmware::{self, ESP};

/// One write.
pub struct Write {
    /// The offset, in bytes.
    pub at: u64,
    /// The data.
    pub data: Data,
}

/// What is written.
pub enum Data {
    /// These bytes.
    Bytes(Vec<u8>),
    /// This many zeros.
    Zeros(u64),
}

impl Write {
    fn end(&self) -> u64 {
        self.at
            + match &self.data {
                Data::Bytes(bytes) => bytes.len() as u64,
                Data::Zeros(length) => *length,
            }
    }

    /// The write in parts: by sector, if firmware reads the area.
    fn parts(&self, by_sector: bool) -> Vec<(u64, Data)> {
        match &self.data {
            Data::Zeros(length) => vec![(self.at, Data::Zeros(*length))],
            Data::Bytes(bytes) => {
                let step = if by_sector && bytes.len() <= 64 * 512 { 512 } else { bytes.len().max(1) };
                bytes.chunks(step).enumerate().map(|(index, part)| (self.at + (index * step) as u64, Data::Bytes(part.to_vec()))).collect()
            }
        }
    }
}

fn put(disk: &File, at: u64, data: &Data) {
    match data {
        Data::Bytes(bytes) => disk.write_all_at(bytes, at).unwrap(),
        Data::Zeros(length) => {
            let signed = |number: u64| i64::try_from(number).unwrap();
            let how = FallocateFlags::FALLOC_FL_PUNCH_HOLE | FallocateFlags::FALLOC_FL_KEEP_SIZE;
            fallocate(disk, how, signed(at), signed(*length)).unwrap();
        }
    }
}

/// What firmware starts from a disk: BIOS, and UEFI with any program that it might find first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    pub bios: Start,
    pub uefi: Vec<Start>,
}

/// What is started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// Nothing.
    Nothing,
    /// The notice that the installation is not finished.
    Notice,
    /// The old system.
    Old,
    /// The new system.
    New,
    /// Something else.
    Wrong,
}

/// The boot programs before and after the installation.
pub struct Known {
    old: (Option<Vec<u8>>, Vec<Vec<u8>>),
    new: (Option<Vec<u8>>, Vec<Vec<u8>>),
}

impl Known {
    /// Reads the disk before and after.
    pub fn new(old: &File, new: &File) -> Self {
        let of = |disk: &File| (firmware::bios(disk), firmware::uefi(disk));
        Self { old: of(old), new: of(new) }
    }

    /// What firmware starts from a disk.
    pub fn verdict(&self, disk: &File) -> Verdict {
        let is = |known: &(Option<Vec<u8>>, Vec<Vec<u8>>), program: &Vec<u8>| known.1.contains(program);
        let bios = match firmware::bios(disk) {
            None => Start::Nothing,
            Some(code) if code == notice_code() => Start::Notice,
            Some(code) if self.new.0.as_ref() == Some(&code) && code != no_system_code() => Start::New,
            Some(code) if self.old.0.as_ref() == Some(&code) => Start::Old,
            Some(_) => Start::Wrong,
        };
        let uefi = |program: Vec<u8>| match program {
            program if program == notice_program() => Start::Notice,
            program if is(&self.new, &program) => Start::New,
            program if is(&self.old, &program) => Start::Old,
            _ => Start::Wrong,
        };
        Verdict { bios, uefi: firmware::uefi(disk).into_iter().map(uefi).collect() }
    }
}

impl Verdict {
    fn any(&self, start: Start) -> bool {
        self.bios == start || self.uefi.contains(&start)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}/", self.bios)?;
        match self.uefi[..] {
            [] => write!(f, "{:?}", Start::Nothing),
            _ => self.uefi.iter().try_for_each(|start| write!(f, "{start:?}")),
        }
    }
}

/// The result of replaying.
pub struct Replayed {
    /// The verdicts in order, without repetitions.
    pub verdicts: Vec<String>,
    /// How many states of the disk were checked.
    pub states: usize,
    /// The number of writes before the new system could be started.
    pub before: usize,
}

/// Repeats the writes on `disk`, which is in the old state, and checks the disk after each of them; in areas that firmware reads, after
/// each sector.
///
/// Once the new system can be started, nothing more may be written to its partitions except the EFI system partition. The old system may be
/// startable only until something is written to its partitions.
pub fn replay(disk: &File, writes: &[Write], known: &Known, finished: &File) -> Replayed {
    let (old, new) = (firmware::partitions(disk), firmware::partitions(finished));
    let size = firmware::Disk::size(disk);
    let system = |at: u64| new.iter().any(|part| part.kind == ESP && (part.at..part.at + part.size).contains(&at));
    let first = known.verdict(disk);
    let mut found = Replayed { verdicts: vec![first.to_string()], states: 1, before: writes.len() };
    let (mut last, mut damaged) = (first, false);
    for (number, write) in writes.iter().enumerate() {
        let end = write.end();
        let touches = |parts: &[firmware::Partition], but: Option<[u8; 16]>| {
            parts.iter().any(|part| Some(part.kind) != but && write.at < part.at + part.size && end > part.at)
        };
        assert!(!last.any(Start::New) || !touches(&new, Some(ESP)), "write {number} at {} changes a system that starts", write.at);
        damaged |= touches(&old, None);
        let looked_at = write.at < MIB || end > size - MIB || system(write.at);
        for (at, part) in write.parts(looked_at) {
            put(disk, at, &part);
            if !looked_at {
                continue;
            }
            let now = known.verdict(disk);
            found.states += 1;
            assert!(!now.any(Start::Wrong), "write {number} at {}: {now}", write.at);
            assert!(!(damaged && now.any(Start::Old)), "write {number} at {}: {now}, and the old system is damaged", write.at);
            if now != last {
                found.verdicts.push(now.to_string());
                if now.any(Start::New) {
                    found.before = found.before.min(number);
                }
                last = now;
            }
        }
    }
    found
}
