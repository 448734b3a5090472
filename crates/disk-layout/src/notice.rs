//! Reports an unfinished installation: boot code for a BIOS, and a program for UEFI in its own file system.

use crate::{BOOT_CODE_BYTES, SECTOR_BYTES};

/// The message.
const TEXT: &str = "Kaon: the installation on this disk was not finished. Install again.\r\n";

/// The second line with UEFI, whose program waits for a key and then returns to the firmware.
const KEY: &str = "Any key starts the machine from elsewhere.\r\n";

const SECTOR: usize = SECTOR_BYTES as usize;

/// Sectors of the file system.
pub(crate) const NOTICE_SECTORS: u64 = 62;

/// The message on a disk whose system does not start with BIOS.
const NO_SYSTEM: &str = "Kaon: this disk holds nothing that a BIOS starts.\r\n";

/// The boot code of an unfinished disk: it shows the message and halts.
pub fn notice_code() -> [u8; BOOT_CODE_BYTES] {
    code(TEXT)
}

/// The boot code of a disk without a boot loader for BIOS.
pub fn no_system_code() -> [u8; BOOT_CODE_BYTES] {
    code(NO_SYSTEM)
}

fn code(text: &str) -> [u8; BOOT_CODE_BYTES] {
    // cli; xor ax,ax; mov ds,ax; sti; cld; mov si,0x7c1c; next: lodsb; test al,al; jz end; mov ah,0x0e; mov bx,7; int 0x10; jmp next;
    // end: hlt; jmp end
    const CODE: [u8; 28] = [
        0xfa, 0x31, 0xc0, 0x8e, 0xd8, 0xfb, 0xfc, 0xbe, 0x1c, 0x7c, 0xac, 0x84, 0xc0, 0x74, 0x09, 0xb4, 0x0e, 0xbb, 0x07, 0x00, 0xcd, 0x10,
        0xeb, 0xf2, 0xf4, 0xeb, 0xfd, 0x90,
    ];
    let mut code = [0; BOOT_CODE_BYTES];
    code[..CODE.len()].copy_from_slice(&CODE);
    code[CODE.len()..CODE.len() + text.len()].copy_from_slice(text.as_bytes());
    code
}

/// The UEFI program: it shows the message, waits for a key, and returns. One position-independent section.
pub fn notice_program() -> Vec<u8> {
    // push rbx; sub rsp,0x30; mov rbx,rdx
    // BootServices->SetWatchdogTimer(0, 0, 0, NULL): mov rax,[rbx+96]; xor ecx,ecx; xor edx,edx; xor r8d,r8d; xor r9d,r9d; call [rax+256]
    // ConOut->OutputString(ConOut, text): mov rcx,[rbx+64]; lea rdx,[rip+text]; call [rcx+8]
    // ConIn, unless there is none: mov rax,[rbx+48]; test rax,rax; jz end
    // BootServices->WaitForEvent(1, &ConIn->WaitForKey, &index): lea rdx,[rax+16]; mov ecx,1; lea r8,[rsp+0x28]; mov rax,[rbx+96];
    // call [rax+96]
    // end: EFI_NOT_READY: movabs rax,0x8000000000000006; add rsp,0x30; pop rbx; ret; text:
    const CODE: [u8; 88] = [
        0x53, 0x48, 0x83, 0xec, 0x30, 0x48, 0x89, 0xd3, 0x48, 0x8b, 0x43, 0x60, 0x31, 0xc9, 0x31, 0xd2, 0x45, 0x31, 0xc0, 0x45, 0x31, 0xc9,
        0xff, 0x90, 0x00, 0x01, 0x00, 0x00, 0x48, 0x8b, 0x4b, 0x40, 0x48, 0x8d, 0x15, 0x31, 0x00, 0x00, 0x00, 0xff, 0x51, 0x08, 0x48, 0x8b,
        0x43, 0x30, 0x48, 0x85, 0xc0, 0x74, 0x15, 0x48, 0x8d, 0x50, 0x10, 0xb9, 0x01, 0x00, 0x00, 0x00, 0x4c, 0x8d, 0x44, 0x24, 0x28, 0x48,
        0x8b, 0x43, 0x60, 0xff, 0x50, 0x60, 0x48, 0xb8, 0x06, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x80, 0x48, 0x83, 0xc4, 0x30, 0x5b, 0xc3,
    ];
    let mut section = CODE.to_vec();
    section.extend([TEXT, KEY, "\0"].concat().encode_utf16().flat_map(u16::to_le_bytes));
    let used = section.len();
    section.resize(used.next_multiple_of(SECTOR), 0);
    let mut program = header(used, section.len());
    program.resize(SECTOR, 0);
    program.extend(section);
    program
}

/// The headers of a PE32+ image ("PE Format", Microsoft) that is an EFI application with one section after the first 512 bytes.
fn header(used: usize, stored: usize) -> Vec<u8> {
    const PAGE: u32 = 0x1000;
    let (used, stored) = (used as u32, stored as u32);
    let mut bytes = vec![0; 0x40];
    bytes[..2].copy_from_slice(b"MZ");
    bytes[0x3c] = 0x40;
    let shorts = |list: &[u16]| list.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<_>>();
    let longs = |list: &[u32]| list.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<_>>();
    bytes.extend(b"PE\0\0");
    // x86-64, one section; no symbols; an optional header of 240 bytes; executable, large-address aware, relocatable.
    bytes.extend(shorts(&[0x8664, 1]));
    bytes.extend(longs(&[0, 0, 0]));
    bytes.extend(shorts(&[240, 0x22, 0x20b, 0]));
    // Sizes of code and data, the entry, where the code begins; the base, 64 bits.
    bytes.extend(longs(&[stored, 0, 0, PAGE, PAGE, 0, 0]));
    // Alignment in memory and in the file; versions; sizes of image and headers.
    bytes.extend(longs(&[PAGE, SECTOR as u32, 0, 0, 0, 0, 2 * PAGE, SECTOR as u32, 0]));
    // An EFI application whose data need not be executable; no stack, no heap; 16 empty directories.
    bytes.extend(shorts(&[10, 0x100]));
    bytes.extend(longs(&[0; 9]));
    bytes.extend(longs(&[16]));
    bytes.extend([0; 128]);
    bytes.extend(b".text\0\0\0");
    bytes.extend(longs(&[used, PAGE, stored, SECTOR as u32, 0, 0, 0, 0x6000_0020]));
    bytes
}

/// A FAT12 file system for sector `at` with the program at the path where firmware looks for it (UEFI 2.10, 3.5.1.1).
pub(crate) fn notice_file_system(at: u64) -> Vec<u8> {
    // The clusters of the two directories, and the first one of the file.
    const EFI: u16 = 2;
    const BOOT: u16 = 3;
    const FILE: u16 = 4;
    let program = notice_program();
    let mut bytes = boot_sector(at as u32);
    let last = usize::from(FILE) + program.len().div_ceil(SECTOR) - 1;
    let mut chain = vec![0xff8, 0xfff, 0xfff, 0xfff];
    chain.extend((usize::from(FILE)..=last).map(|cluster| if cluster == last { 0xfff } else { cluster as u16 + 1 }));
    let table = table(&chain);
    for part in [table.clone(), table, entry(b"EFI        ", EFI, None)] {
        bytes.extend(sector(part));
    }
    let folder = |own: u16, parent: u16, inner: Vec<u8>| {
        sector([entry(b".          ", own, None), entry(b"..         ", parent, None), inner].concat())
    };
    bytes.extend(folder(EFI, 0, entry(b"BOOT       ", BOOT, None)));
    bytes.extend(folder(BOOT, EFI, entry(b"BOOTX64 EFI", FILE, Some(program.len() as u32))));
    bytes.extend(program);
    bytes.resize(NOTICE_SECTORS as usize * SECTOR, 0);
    bytes
}

fn sector(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.resize(SECTOR, 0);
    bytes
}

/// One reserved sector, two tables and a root directory of a sector each, clusters of one sector (ECMA-107).
fn boot_sector(at: u32) -> Vec<u8> {
    let mut bytes = b"\xeb\x3c\x90KAON    ".to_vec();
    let sectors = NOTICE_SECTORS as u8;
    bytes.extend([0, 2, 1, 1, 0, 2, 16, 0, sectors, 0, 0xf8, 1, 0, 32, 0, 2, 0]);
    bytes.extend(at.to_le_bytes());
    bytes.extend([0, 0, 0, 0, 0x80, 0, 0x29]);
    bytes.extend(b"KAONNO NAME    FAT12   ");
    bytes.resize(SECTOR - 2, 0);
    bytes.extend([0x55, 0xaa]);
    bytes
}

/// An allocation table of 12 bits for each cluster.
fn table(chain: &[u16]) -> Vec<u8> {
    let pairs = chain.chunks(2).map(|pair| (pair[0], pair.get(1).copied().unwrap_or_default()));
    pairs.flat_map(|(low, high)| [low as u8, (low >> 8) as u8 | (high << 4) as u8, (high >> 4) as u8]).collect()
}

/// An entry of a directory: of a file with its size, or of a directory. FAT's time begins with 1980.
fn entry(name: &[u8; 11], cluster: u16, size: Option<u32>) -> Vec<u8> {
    const FIRST_DAY: u16 = 0x21;
    let mut bytes = name.to_vec();
    bytes.push(if size.is_some() { 0x20 } else { 0x10 });
    bytes.resize(24, 0);
    bytes.extend(FIRST_DAY.to_le_bytes());
    bytes.extend(cluster.to_le_bytes());
    bytes.extend(size.unwrap_or_default().to_le_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_for_a_bios_finds_its_text() {
        let code = notice_code();
        // The operand of `mov si`: the text directly follows the code, which a BIOS loads at 0x7c00.
        let text = usize::from(u16::from_le_bytes([code[8], code[9]])) - 0x7c00;
        assert!(code[text..].starts_with(TEXT.as_bytes()) && code[text + TEXT.len()] == 0);
        // Both short jumps end at instructions: `hlt`, `lodsb`.
        assert_eq!((code[15 + 9], code[24 - 14]), (0xf4, 0xac));
    }

    #[test]
    fn the_program_for_uefi_finds_its_text() {
        let program = notice_program();
        let number = |at: usize| u32::from_le_bytes(program[at..at + 4].try_into().unwrap()) as usize;
        let optional = number(0x3c) + 24;
        let (entry, section) = (number(optional + 16), optional + 240);
        assert_eq!(&program[section..section + 8], b".text\0\0\0");
        assert_eq!((number(section + 12), number(section + 16) + number(section + 20)), (entry, program.len()));
        let code = &program[number(section + 20)..];
        // `lea rdx`: its operand is relative to the next instruction.
        let text = 0x27 + u32::from_le_bytes(code[0x23..0x27].try_into().unwrap()) as usize;
        let text: Vec<u16> = code[text..number(section + 8)].chunks(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
        assert_eq!(String::from_utf16(&text).unwrap(), format!("{TEXT}{KEY}\0"));
        // `jz end`.
        assert_eq!(code[0x33 + 0x15..][..2], [0x48, 0xb8]);
    }

    #[test]
    fn the_file_system_is_as_long_as_it_says() {
        let bytes = notice_file_system(98);
        assert_eq!(bytes.len(), usize::from(bytes[19]) * SECTOR);
        assert_eq!((bytes.len() as u64, bytes[28]), (NOTICE_SECTORS * SECTOR_BYTES, 98));
        assert_eq!(table(&[0xabc, 0x123, 0xfff]), [0xbc, 0x3a, 0x12, 0xff, 0x0f, 0x00]);
    }
}
