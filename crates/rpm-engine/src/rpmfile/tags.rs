//! Values of a main header, as bytes and numbers: the `rpm` crate gives only texts in UTF-8, and knows fewer checksums than RPM.

/// Bytes of an entry of the index: tag, type, offset, count.
const ENTRY: usize = 16;

/// A main header whose shape was checked.
#[derive(Clone, Copy)]
pub(crate) struct Tags<'a> {
    index: &'a [u8],
    data: &'a [u8],
}

fn word(bytes: &[u8], at: usize) -> Option<usize> {
    let bytes = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_be_bytes(bytes.try_into().ok()?) as usize)
}

impl<'a> Tags<'a> {
    /// Those of a header that begins with its magic number.
    pub(super) fn of(header: &'a [u8]) -> Option<Self> {
        let (entries, length) = (word(header, 8)?, word(header, 12)?);
        let (index, rest) = header.get(16..)?.split_at_checked(entries.checked_mul(ENTRY)?)?;
        Some(Self { index, data: rest.get(..length)? })
    }

    /// Type, values and count of a tag.
    fn entry(&self, tag: u32) -> Option<(usize, &'a [u8], usize)> {
        let entry = self.index.chunks_exact(ENTRY).find(|entry| word(entry, 0) == Some(tag as usize))?;
        Some((word(entry, 4)?, self.data.get(word(entry, 8)?..)?, word(entry, 12)?))
    }

    /// The strings of a tag; none where it is missing or of another type.
    pub(crate) fn strings(&self, tag: u32) -> Vec<&'a [u8]> {
        match self.entry(tag) {
            Some((6 | 8 | 9, values, count)) => values.split(|byte| *byte == 0).take(count).collect(),
            Some(_) | None => Vec::new(),
        }
    }

    /// The numbers of a tag, whatever their size; none where it is missing or of another type.
    pub(crate) fn numbers(&self, tag: u32) -> Vec<u64> {
        let Some((kind, values, count)) = self.entry(tag) else { return Vec::new() };
        let size = match kind {
            1 | 2 => 1,
            3 => 2,
            4 => 4,
            5 => 8,
            _ => return Vec::new(),
        };
        let number = |bytes: &[u8]| bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
        values.chunks_exact(size).take(count).map(number).collect()
    }
}
