use disk_layout::{Guid, Purpose, Size, Wish, notice_code, notice_program, plan};

use super::*;

const DISK_BYTES: usize = 16 << 20;
const SECTOR: usize = SECTOR_BYTES as usize;
const OLD_PROGRAM: &[u8] = b"MZ of the old system";
const NEW_PROGRAM: &[u8] = b"MZ of the new system";
const NEW_CODE: [u8; BOOT_CODE_BYTES] = [0x91; BOOT_CODE_BYTES];

/// A disk in memory and all that was written to it, sector by sector.
struct Log {
    bytes: Vec<u8>,
    writes: Vec<(usize, Vec<u8>)>,
}

impl Sink for Log {
    fn get(&mut self, at: u64, bytes: &mut [u8]) -> io::Result<()> {
        let at = usize::try_from(at).unwrap();
        bytes.copy_from_slice(&self.bytes[at..at + bytes.len()]);
        Ok(())
    }

    fn put(&mut self, at: u64, bytes: &[u8]) -> io::Result<()> {
        for (index, sector) in bytes.chunks(SECTOR).enumerate() {
            let at = usize::try_from(at).unwrap() + index * SECTOR;
            self.bytes[at..at + sector.len()].copy_from_slice(sector);
            self.writes.push((at, sector.to_vec()));
        }
        Ok(())
    }

    fn clear(&mut self, from: u64, to: u64) -> io::Result<()> {
        self.put(from, &vec![0; usize::try_from(to.saturating_sub(from)).unwrap()])
    }

    fn settle(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn layout() -> Layout {
    let wish = |purpose, size| Wish { purpose, size, label: "x".into(), guid: Guid::new(3) };
    let wishes = [wish(Purpose::Esp, Size::Bytes(4 * MIB)), wish(Purpose::Root, Size::Rest { at_least_bytes: 1 })];
    plan(DISK_BYTES as u64, Guid::new(1), &wishes).unwrap()
}

/// Where a small file system with one program is on [`layout`]'s system partition, and the same with another program.
fn esp(program: &[u8]) -> Vec<u8> {
    let mut bytes = layout().unfinished(0, true).notice;
    let notice = notice_program();
    let at = bytes.windows(notice.len()).position(|part| part == notice).unwrap();
    bytes[at..at + notice.len()].fill(0);
    bytes[at..at + program.len()].copy_from_slice(program);
    bytes
}

/// As if the program were given its name once all of it is there.
fn put_esp(log: &mut Log, program: &[u8]) {
    let bytes = esp(program);
    log.put(MIB + SECTOR_BYTES, &bytes[SECTOR..]).unwrap();
    log.put(MIB, &bytes[..SECTOR]).unwrap();
}

fn put(disk: &mut [u8], at: usize, bytes: &[u8]) {
    disk[at..at + bytes.len()].copy_from_slice(bytes);
}

/// An old system on a disk with a GPT that starts by either firmware.
fn old_gpt() -> Vec<u8> {
    let mut bytes = vec![0xaa; DISK_BYTES];
    bytes[..1 << 20].fill(0);
    let tables = layout().tables(&[0x90; BOOT_CODE_BYTES]);
    put(&mut bytes, 0, &tables.start);
    put(&mut bytes, usize::try_from(tables.end_offset_bytes).unwrap(), &tables.end);
    put(&mut bytes, 1 << 20, &esp(OLD_PROGRAM));
    bytes
}

/// The same with a partition table of old.
fn old_mbr() -> Vec<u8> {
    let mut bytes = old_gpt();
    bytes[SECTOR..1 << 20].fill(0);
    let end = DISK_BYTES - 33 * SECTOR;
    bytes[end..].fill(0xaa);
    bytes[446..462].copy_from_slice(&[0x80, 0, 0, 0, 0xef, 0, 0, 0, 0, 8, 0, 0, 0, 32, 0, 0]);
    bytes
}

/// The same with a boot loader between the table and the first partition.
fn old_boot_loader(mut bytes: Vec<u8>) -> Vec<u8> {
    let from = if bytes[SECTOR..SECTOR + 8] == *b"EFI PART" { 34 } else { 1 } * SECTOR;
    bytes[from..from + 50_000].fill(0xbb);
    bytes
}

fn installed() -> Vec<u8> {
    let mut log = Log { bytes: old_gpt(), writes: Vec::new() };
    begin(&mut log, &layout(), false).unwrap();
    put_esp(&mut log, OLD_PROGRAM);
    finish(&mut log, &layout(), &[0x90; BOOT_CODE_BYTES]).unwrap();
    log.bytes
}

fn unfinished() -> Vec<u8> {
    let mut log = Log { bytes: old_gpt(), writes: Vec::new() };
    begin(&mut log, &layout(), false).unwrap();
    log.bytes
}

/// What both firmwares do with a disk, in letters: `o`ld, `u`nfinished, `n`ew, `-` nothing.
fn verdict(disk: &Vec<u8>) -> (char, String) {
    let bios = match testing::disk::firmware::bios(disk) {
        Some(code) if code == notice_code() => 'u',
        Some(code) if code == NEW_CODE => 'n',
        Some(_) => 'o',
        None => '-',
    };
    let program = |bytes: Vec<u8>| match bytes {
        bytes if bytes == notice_program() => 'u',
        bytes if bytes.starts_with(NEW_PROGRAM) => 'n',
        bytes if bytes.starts_with(OLD_PROGRAM) => 'o',
        _ => '?',
    };
    let uefi: String = testing::disk::firmware::uefi(disk).into_iter().map(program).collect();
    (bios, if uefi.is_empty() { "-".to_owned() } else { uefi })
}

/// Cuts an installation over `old` off at every sector it writes, and returns the verdicts in order, without repetitions.
fn cut(old: &[u8], hidden: bool) -> Vec<(char, String)> {
    let layout = layout();
    let mut log = Log { bytes: old.to_vec(), writes: Vec::new() };
    begin(&mut log, &layout, hidden).unwrap();
    // Stands for all that is put onto the partitions.
    log.put(8 * MIB, &[0xcc; 4096]).unwrap();
    put_esp(&mut log, NEW_PROGRAM);
    finish(&mut log, &layout, &NEW_CODE).unwrap();
    let is_data = |(at, _): &(usize, Vec<u8>)| (1 << 20..15 << 20).contains(at);
    let (first, last) = (log.writes.iter().position(is_data).unwrap(), log.writes.iter().rposition(is_data).unwrap());
    let mut disk = old.to_vec();
    let mut verdicts = vec![verdict(&disk)];
    for (number, (at, bytes)) in log.writes.iter().enumerate() {
        if disk[*at..].starts_with(bytes) {
            continue;
        }
        put(&mut disk, *at, bytes);
        // Firmware looks at tables and at the system partition's small file system.
        if is_data(&log.writes[number]) && !(1 << 20..(1 << 20) + 64 * SECTOR).contains(at) {
            continue;
        }
        let now = verdict(&disk);
        assert!(number < first || !(now.0 == 'o' || now.1.contains('o')), "write {number}: the old system starts and is damaged");
        assert!(number >= last || !(now.0 == 'n' || now.1.contains('n')), "write {number}: the new system starts and is not whole");
        if verdicts.last() != Some(&now) {
            verdicts.push(now);
        }
    }
    assert_eq!(disk, log.bytes);
    verdicts
}

fn expect(verdicts: &[(char, String)], expected: &[&str]) {
    let text: Vec<String> = verdicts.iter().map(|(bios, uefi)| format!("{bios}/{uefi}")).collect();
    assert_eq!(text, expected);
}

#[test]
fn whenever_it_is_cut_off_it_starts_the_old_or_the_new_or_says_so() {
    let end = ["u/u", "u/nu", "u/n", "n/n"];
    let after = |start: &[&'static str]| [start, &end].concat();
    expect(&cut(&old_gpt(), false), &after(&["o/o", "u/o"]));
    expect(&cut(&installed(), false), &after(&["o/o", "u/o"]));
    expect(&cut(&old_mbr(), false), &after(&["o/o"]));
    expect(&cut(&old_boot_loader(old_gpt()), false), &after(&["o/o", "u/o", "u/-"]));
    expect(&cut(&old_boot_loader(old_mbr()), false), &after(&["o/o", "u/-"]));
    expect(&cut(&unfinished(), false), &end);
    expect(&cut(&vec![0; DISK_BYTES], true), &["-/-", "u/u", "u/n", "n/n"]);
}

#[test]
fn old_content_cannot_be_found_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("disk");
    std::fs::write(&path, vec![0xaa; DISK_BYTES]).unwrap();
    let layout = layout();
    let mut disk = open(&path).unwrap();
    begin(&mut disk, &layout, false).unwrap();
    finish(&mut disk, &layout, &NEW_CODE).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    assert_eq!(bytes.len(), DISK_BYTES);
    let tables = layout.tables(&NEW_CODE);
    assert!(bytes.starts_with(&tables.start) && bytes.ends_with(&tables.end));
    assert!(bytes[tables.start.len()..1 << 20].iter().all(|byte| *byte == 0));
    for partition in &layout.partitions {
        let (start, end) = (partition.offset_bytes as usize, (partition.offset_bytes + partition.size_bytes) as usize);
        assert!(bytes[start..start + (1 << 20)].iter().all(|byte| *byte == 0));
        assert!(bytes[end - (1 << 20)..end].iter().all(|byte| *byte == 0));
    }
}
