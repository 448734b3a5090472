//! One program for UEFI that is a kernel, its initrd and its command line: a unified kernel image (UAPI.5), which firmware starts as it is.
//!
//! It is the stub of systemd-boot with the parts as additional sections. The stub finds them in memory, so it does not matter where
//! firmware loaded the program from.

use super::IsoError;

/// A section: its name, and its content.
pub(super) type Section<'a> = (&'a str, &'a [u8]);

/// Sizes of the headers (PE format, "COFF File Header" and "Section Table").
const FILE_HEADER_BYTES: usize = 24;
const SECTION_HEADER_BYTES: usize = 40;

/// The magic number of the optional header of 64-bit programs.
const PE32_PLUS: u16 = 0x20b;

/// Flags: initialised, read-only data.
const READ_ONLY_DATA: u32 = 0x4000_0040;

/// The longest name of a section.
const NAME_BYTES: usize = 8;

/// Appends sections to a program.
///
/// # Errors
/// [`IsoError::Stub`] when it is not a PE program, or has no room for more sections.
pub(super) fn assemble(stub: &[u8], sections: &[Section<'_>]) -> Result<Vec<u8>, IsoError> {
    let mut program = Program::parse(stub)?;
    for (name, data) in sections {
        program.append(name, data)?;
    }
    Ok(program.finish())
}

/// A program being written.
struct Program {
    bytes: Vec<u8>,
    /// The offsets of its headers.
    file_header: usize,
    optional_header: usize,
    /// The offset of the next section header, and the end of the space for headers.
    next_header: usize,
    headers_end: usize,
    sections: u16,
    /// The alignment of sections in memory and in the file.
    section_alignment: u32,
    file_alignment: u32,
    /// The address of the next section.
    next_address: u32,
    initialized_bytes: u32,
}

impl Program {
    fn parse(stub: &[u8]) -> Result<Self, IsoError> {
        let file_header = long(stub, 0x3c)? as usize;
        if stub.get(file_header..).is_none_or(|rest| !rest.starts_with(b"PE\0\0")) {
            return Err(broken("it has no PE header"));
        }
        let optional_header = file_header + FILE_HEADER_BYTES;
        if short(stub, optional_header)? != PE32_PLUS {
            return Err(broken("it is not for 64 bits"));
        }
        let sections = short(stub, file_header + 6)?;
        let table = optional_header + usize::from(short(stub, file_header + 20)?);
        let (section_alignment, file_alignment) = (long(stub, optional_header + 32)?, long(stub, optional_header + 36)?);
        if section_alignment == 0 || file_alignment == 0 {
            return Err(broken("its sections are aligned to nothing"));
        }
        let mut next_address = 0;
        for number in 0..usize::from(sections) {
            let header = table + number * SECTION_HEADER_BYTES;
            let end = long(stub, header + 12)?.checked_add(long(stub, header + 8)?).ok_or_else(too_large)?;
            next_address = next_address.max(end);
        }
        Ok(Self {
            bytes: stub.to_vec(),
            file_header,
            optional_header,
            next_header: table + usize::from(sections) * SECTION_HEADER_BYTES,
            headers_end: long(stub, optional_header + 60)? as usize,
            sections,
            section_alignment,
            file_alignment,
            next_address: aligned(next_address, section_alignment)?,
            initialized_bytes: long(stub, optional_header + 8)?,
        })
    }

    fn append(&mut self, name: &str, data: &[u8]) -> Result<(), IsoError> {
        let header_end = self.next_header + SECTION_HEADER_BYTES;
        if header_end > self.headers_end || header_end > self.bytes.len() || name.len() > NAME_BYTES {
            return Err(broken(&format!("it has no room for the section `{name}`")));
        }
        let size_bytes = u32::try_from(data.len()).map_err(|_| too_large())?;
        let place = aligned(u32::try_from(self.bytes.len()).map_err(|_| too_large())?, self.file_alignment)?;
        let laid_bytes = aligned(size_bytes, self.file_alignment)?;
        let end = place.checked_add(laid_bytes).ok_or_else(too_large)?;
        let mut header = [0; SECTION_HEADER_BYTES];
        header[..name.len()].copy_from_slice(name.as_bytes());
        // Size and address in memory, size and offset in the file; no relocations and no line numbers.
        for (at, value) in [(8, size_bytes), (12, self.next_address), (16, laid_bytes), (20, place), (36, READ_ONLY_DATA)] {
            header[at..at + 4].copy_from_slice(&value.to_le_bytes());
        }
        self.bytes[self.next_header..header_end].copy_from_slice(&header);
        self.bytes.resize(place as usize, 0);
        self.bytes.extend_from_slice(data);
        self.bytes.resize(end as usize, 0);
        self.next_address = aligned(self.next_address.checked_add(size_bytes).ok_or_else(too_large)?, self.section_alignment)?;
        self.initialized_bytes = self.initialized_bytes.wrapping_add(laid_bytes);
        self.next_header = header_end;
        self.sections += 1;
        Ok(())
    }

    /// Updates the sizes in the headers. The checksum stays 0: firmware ignores it, and signing sets it.
    fn finish(mut self) -> Vec<u8> {
        let at = self.file_header + 6;
        self.bytes[at..at + 2].copy_from_slice(&self.sections.to_le_bytes());
        for (at, value) in [(8, self.initialized_bytes), (56, self.next_address), (64, 0)] {
            let at = self.optional_header + at;
            self.bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
        }
        self.bytes
    }
}

fn short(bytes: &[u8], at: usize) -> Result<u16, IsoError> {
    let found = bytes.get(at..).and_then(<[u8]>::first_chunk::<2>);
    found.map(|bytes| u16::from_le_bytes(*bytes)).ok_or_else(|| broken("it ends too early"))
}

fn long(bytes: &[u8], at: usize) -> Result<u32, IsoError> {
    let found = bytes.get(at..).and_then(<[u8]>::first_chunk::<4>);
    found.map(|bytes| u32::from_le_bytes(*bytes)).ok_or_else(|| broken("it ends too early"))
}

fn aligned(value: u32, alignment: u32) -> Result<u32, IsoError> {
    value.checked_next_multiple_of(alignment).ok_or_else(too_large)
}

fn broken(reason: &str) -> IsoError {
    IsoError::Stub { reason: reason.to_owned() }
}

fn too_large() -> IsoError {
    broken("the program would be larger than 4 GiB")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A program with one section and room for one more.
    fn stub() -> Vec<u8> {
        let mut bytes = vec![0; 0x400];
        bytes[..2].copy_from_slice(b"MZ");
        bytes[0x3c] = 0x80;
        bytes[0x80..0x84].copy_from_slice(b"PE\0\0");
        let mut put = |at: usize, value: u32, size: usize| bytes[at..at + size].copy_from_slice(&value.to_le_bytes()[..size]);
        let optional = 0x80 + FILE_HEADER_BYTES;
        for (at, value) in [(0x84, 0x8664), (0x86, 1), (0x80 + 20, 240), (optional, u32::from(PE32_PLUS)), (optional + 68, 10)] {
            put(at, value, 2);
        }
        let section = optional + 240;
        for (at, value) in [
            (optional + 32, 0x1000),
            (optional + 36, 0x200),
            (optional + 56, 0x2000),
            (optional + 60, (section + 2 * SECTION_HEADER_BYTES) as u32),
            (optional + 108, 16),
            (section + 8, 0x10),
            (section + 12, 0x1000),
            (section + 16, 0x200),
            (section + 20, 0x200),
        ] {
            put(at, value, 4);
        }
        bytes[section..section + 5].copy_from_slice(b".text");
        bytes
    }

    #[test]
    fn appended_sections_are_found() {
        let made = assemble(&stub(), &[(".linux", &[7; 0x300])]).unwrap();
        let again = Program::parse(&made).unwrap();
        assert_eq!((again.sections, again.next_address, again.initialized_bytes), (2, 0x3000, 0x400));
        let header = &made[again.next_header - SECTION_HEADER_BYTES..again.next_header];
        assert!(header.starts_with(b".linux\0\0"), "{header:?}");
        assert_eq!([8, 12, 16, 20].map(|at| long(header, at).unwrap()), [0x300, 0x2000, 0x400, 0x400]);
        assert_eq!((&made[0x400..0x700], made.len()), (&[7; 0x300][..], 0x800));
    }

    #[test]
    fn files_that_are_not_programs_are_refused() {
        let reason = |stub: &[u8], sections: &[Section<'_>]| assemble(stub, sections).unwrap_err().to_string();
        assert!(reason(b"MZ", &[]).contains("ends too early"));
        assert!(reason(&[0; 0x400], &[]).contains("no PE header"));
        assert!(reason(&stub(), &[(".a", b""), (".b", b"")]).contains("no room for the section `.b`"));
        assert!(reason(&stub(), &[(".far-too-long", b"")]).contains("no room"));
        let cut = stub();
        assert!(reason(&cut[..0x180], &[]).contains("ends too early"));
    }
}
