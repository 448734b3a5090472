//! Places requested partitions on a disk.

use crate::{Guid, LayoutError, MIB, Purpose};

/// Sectors of all disks planned here, in bytes.
pub const SECTOR_BYTES: u64 = 512;

/// Partitions begin at multiples of this, as all tools of the last decade do.
pub const ALIGNMENT_BYTES: u64 = MIB;

/// Reserved at the end: the backup table, its header, and padding for alignment.
const TAIL_BYTES: u64 = MIB;

/// Entries of a table, without the one that is used during an installation.
const ENTRIES: usize = 127;

/// The requested size of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// This many bytes, rounded up to the alignment.
    Bytes(u64),
    /// This percentage of the space for partitions, rounded down.
    Percent(u8),
    /// The remaining space, and at least this many bytes.
    Rest {
        /// The minimum, in bytes.
        at_least_bytes: u64,
    },
}

/// A requested partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// What it is for.
    pub purpose: Purpose,
    /// Its requested size.
    pub size: Size,
    /// Its name in the table.
    pub label: String,
    /// Its identity.
    pub guid: Guid,
}

/// A placed partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partition {
    /// Its number, from 1.
    pub number: usize,
    /// What it is for.
    pub purpose: Purpose,
    /// Its offset, in bytes from the disk's start.
    pub offset_bytes: u64,
    /// Its size, in bytes.
    pub size_bytes: u64,
    /// Its name in the table.
    pub label: String,
    /// Its identity, Linux's `PARTUUID`.
    pub guid: Guid,
}

/// The layout of a disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The disk's size, in bytes.
    pub disk_bytes: u64,
    /// The disk's identity.
    pub guid: Guid,
    /// Its partitions, by position.
    pub partitions: Vec<Partition>,
}

impl Layout {
    /// The first partition of this purpose.
    pub fn find(&self, purpose: Purpose) -> Option<&Partition> {
        self.partitions.iter().find(|partition| partition.purpose == purpose)
    }
}

/// The smallest disk that has room for partitions of these sizes, in bytes.
pub fn size_for(sizes: impl IntoIterator<Item = u64>) -> u64 {
    sizes.into_iter().fold(ALIGNMENT_BYTES + TAIL_BYTES, |sum, size| sum.saturating_add(aligned(size)))
}

/// Lays out a disk of `disk_bytes`: the requested partitions in order, each aligned.
///
/// # Errors
/// When the requests contradict each other or do not fit.
pub fn plan(disk_bytes: u64, guid: Guid, wishes: &[Wish]) -> Result<Layout, LayoutError> {
    check(wishes)?;
    let disk_bytes = disk_bytes / SECTOR_BYTES * SECTOR_BYTES;
    let room = (disk_bytes / ALIGNMENT_BYTES * ALIGNMENT_BYTES).saturating_sub(ALIGNMENT_BYTES + TAIL_BYTES);
    let share = |percent: u8| room / 100 * u64::from(percent) / ALIGNMENT_BYTES * ALIGNMENT_BYTES;
    let least: Vec<u64> = wishes
        .iter()
        .map(|wish| match wish.size {
            Size::Bytes(bytes) => aligned(bytes),
            Size::Percent(percent) => share(percent).max(ALIGNMENT_BYTES),
            Size::Rest { at_least_bytes } => aligned(at_least_bytes).max(ALIGNMENT_BYTES),
        })
        .collect();
    let needed = least.iter().fold(0_u64, |sum, size| sum.saturating_add(*size));
    let left = room.checked_sub(needed).ok_or(LayoutError::TooSmall { needed_bytes: size_for(least.iter().copied()), disk_bytes })?;
    let mut offset_bytes = ALIGNMENT_BYTES;
    let mut partitions = Vec::with_capacity(wishes.len());
    for (index, (wish, least)) in wishes.iter().zip(least).enumerate() {
        let size_bytes = if matches!(wish.size, Size::Rest { .. }) { least + left } else { least };
        let (purpose, label, guid) = (wish.purpose, wish.label.clone(), wish.guid);
        partitions.push(Partition { number: index + 1, purpose, offset_bytes, size_bytes, label, guid });
        offset_bytes += size_bytes;
    }
    Ok(Layout { disk_bytes, guid, partitions })
}

/// Checks what no disk could fulfil.
fn check(wishes: &[Wish]) -> Result<(), LayoutError> {
    if wishes.len() > ENTRIES {
        return Err(LayoutError::TooMany { count: wishes.len() });
    }
    if let Some(empty) = wishes.iter().position(|wish| matches!(wish.size, Size::Bytes(0) | Size::Percent(0))) {
        return Err(LayoutError::Empty { number: empty + 1 });
    }
    let mut rests = wishes.iter().enumerate().filter(|(_, wish)| matches!(wish.size, Size::Rest { .. })).map(|(index, _)| index + 1);
    if let (Some(first), Some(second)) = (rests.next(), rests.next()) {
        return Err(LayoutError::TwoRests { first, second });
    }
    let percent: u64 = wishes.iter().map(|wish| if let Size::Percent(percent) = wish.size { u64::from(percent) } else { 0 }).sum();
    if percent > 100 {
        return Err(LayoutError::OverHundred { percent });
    }
    match wishes.iter().find(|wish| wish.label.encode_utf16().count() > 36) {
        Some(wish) => Err(LayoutError::LongLabel { label: wish.label.clone() }),
        None => Ok(()),
    }
}

fn aligned(bytes: u64) -> u64 {
    bytes.checked_next_multiple_of(ALIGNMENT_BYTES).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn wish(size: Size) -> Wish {
        Wish { purpose: Purpose::Data, size, label: "x".into(), guid: Guid::new(1) }
    }

    #[test]
    fn contradictions_are_named() {
        use LayoutError::*;
        use Size::*;
        let cases: [(&[Size], LayoutError); 5] = [
            (&[Rest { at_least_bytes: 0 }, Bytes(1), Rest { at_least_bytes: 0 }], TwoRests { first: 1, second: 3 }),
            (&[Percent(60), Percent(50)], OverHundred { percent: 110 }),
            (&[Bytes(1), Bytes(0)], Empty { number: 2 }),
            (&[Bytes(99 * MIB)], TooSmall { needed_bytes: 101 * MIB, disk_bytes: 100 * MIB }),
            (&[Bytes(u64::MAX), Bytes(9)], TooSmall { needed_bytes: u64::MAX, disk_bytes: 100 * MIB }),
        ];
        for (sizes, expected) in cases {
            let wishes: Vec<Wish> = sizes.iter().copied().map(wish).collect();
            assert_eq!(plan(100 * MIB, Guid::new(0), &wishes), Err(expected));
        }
        assert!(plan(100 * MIB, Guid::new(0), &[wish(Bytes(98 * MIB))]).is_ok());
    }

    proptest! {
        #[test]
        fn partitions_are_aligned_within_the_disk_and_do_not_overlap(disk in 0_u64..1 << 44, sizes in proptest::collection::vec((0_u8..3, 1_u64..1 << 40), 0..9)) {
            let mut rest = false;
            let wishes: Vec<Wish> = sizes.iter().map(|(kind, size)| wish(match kind {
                0 if !std::mem::replace(&mut rest, true) => Size::Rest { at_least_bytes: *size },
                1 => Size::Percent((size % 10 + 1) as u8),
                _ => Size::Bytes(*size),
            })).collect();
            if let Ok(layout) = plan(disk, Guid::new(0), &wishes) {
                let mut end = ALIGNMENT_BYTES;
                for (partition, wish) in layout.partitions.iter().zip(&wishes) {
                    prop_assert_eq!(partition.offset_bytes % ALIGNMENT_BYTES, 0);
                    prop_assert!(partition.offset_bytes >= end && partition.size_bytes > 0);
                    if let Size::Bytes(bytes) = wish.size { prop_assert!(partition.size_bytes >= bytes); }
                    end = partition.offset_bytes + partition.size_bytes;
                }
                prop_assert!(end + TAIL_BYTES <= layout.disk_bytes.max(2 * MIB));
                if rest { prop_assert!(layout.disk_bytes - end < 2 * ALIGNMENT_BYTES); }
            }
        }
    }
}
