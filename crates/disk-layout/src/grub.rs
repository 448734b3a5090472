//! GRUB for BIOSes: the first sector and the core, with their positions patched in.
//!
//! `grub-install` writes the same numbers, but reads them from mounted devices; here the layout provides them. The offsets are from GRUB
//! 2.12's `include/grub/i386/pc/boot.h`, `include/grub/offsets.h` and `boot/i386/pc/boot.S`.

use crate::{BOOT_CODE_BYTES, SECTOR_BYTES};

/// A `cdboot.img` of the `grub` package: this many bytes for discs, then the core.
const DISC_BYTES: usize = 2048;

/// In `boot_hybrid.img`: the core's first sector, 64 bits.
const HYBRID_CORE_SECTOR: usize = 0x1b0;

/// In the core's first sector: where the rest is (sector, 64 bits), its length in sectors and its segment (16 bits each).
const BLOCKLIST: usize = 512 - 12;

/// Where the rest is loaded, as a real-mode segment: directly after the first sector at 0x8000.
const REST_SEGMENT: u16 = 0x820;

/// In the core: the partition with GRUB's files, from 0; 0xff if unknown.
const PARTITION: usize = 512 + 0x1a;

/// An image of GRUB with an unknown layout.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`/usr/lib/grub/kaon/{name}` was not written by GRUB 2.12")]
pub struct UnknownGrub {
    /// The file.
    pub name: &'static str,
}

/// The configuration on the EFI system partition that leads GRUB to the menu on the partition `root` (from 1) of the same disk. A search by
/// identity would find the wrong disk if two copies of an image are attached.
pub fn hop(root: usize) -> String {
    format!(
        "regexp --set=1:disk '^\\(([^,)]+)' \"$cmdpath\"\n\
         set root=\"$disk,gpt{root}\"\n\
         set prefix=\"($root)/boot/grub\"\n\
         configfile \"$prefix/grub.cfg\"\n"
    )
}

/// The boot code of a disk that starts with BIOS, without positions.
#[derive(Clone, Debug)]
pub struct BiosBoot {
    first_sector: Vec<u8>,
    core: Vec<u8>,
}

impl BiosBoot {
    /// Splits GRUB's images: the one for the first sector of a stick, and the one for discs.
    ///
    /// # Errors
    /// When one does not have the layout of GRUB 2.12.
    pub fn new(hybrid: &[u8], cdboot: &[u8]) -> Result<Self, UnknownGrub> {
        let unknown = |name| UnknownGrub { name };
        let core = cdboot.get(DISC_BYTES..).unwrap_or_default();
        let is_core = core.get(BLOCKLIST + 10..BLOCKLIST + 12) == Some(&REST_SEGMENT.to_le_bytes())
            && core.get(PARTITION - 2..=PARTITION) == Some(&[0xff; 3])
            && core.len() < 0x7_0000;
        match hybrid.len() == 512 && hybrid.get(HYBRID_CORE_SECTOR..HYBRID_CORE_SECTOR + 8) == Some(&1_u64.to_le_bytes()) {
            false => Err(unknown("hybrid.img")),
            true if !is_core => Err(unknown("cdboot.img")),
            true => Ok(Self { first_sector: hybrid.to_vec(), core: core.to_vec() }),
        }
    }

    /// The boot code of the first sector, and the core to write at `core_offset_bytes`, for GRUB's files on partition `root` (from 1).
    pub fn at(&self, core_offset_bytes: u64, root: usize) -> ([u8; BOOT_CODE_BYTES], Vec<u8>) {
        let sector = core_offset_bytes / SECTOR_BYTES;
        let mut first = [0; BOOT_CODE_BYTES];
        first.copy_from_slice(&self.first_sector[..BOOT_CODE_BYTES]);
        first[HYBRID_CORE_SECTOR..HYBRID_CORE_SECTOR + 8].copy_from_slice(&sector.to_le_bytes());
        let mut core = self.core.clone();
        let rest_sectors = (core.len() as u64).div_ceil(SECTOR_BYTES) - 1;
        core[BLOCKLIST..BLOCKLIST + 8].copy_from_slice(&(sector + 1).to_le_bytes());
        core[BLOCKLIST + 8..BLOCKLIST + 10].copy_from_slice(&(rest_sectors as u16).to_le_bytes());
        core[PARTITION] = (root - 1) as u8;
        (first, core)
    }
}

const _: () = assert!(HYBRID_CORE_SECTOR + 8 <= BOOT_CODE_BYTES);

#[cfg(test)]
mod tests {
    use super::*;

    /// Images with the numbers that GRUB 2.12 writes.
    fn images() -> (Vec<u8>, Vec<u8>) {
        let mut hybrid = vec![0; 512];
        hybrid[HYBRID_CORE_SECTOR] = 1;
        let mut cdboot = vec![0; DISC_BYTES + 5000];
        cdboot[DISC_BYTES + BLOCKLIST + 10..DISC_BYTES + BLOCKLIST + 12].copy_from_slice(&[0x20, 0x08]);
        cdboot[DISC_BYTES + PARTITION - 2..=DISC_BYTES + PARTITION].fill(0xff);
        (hybrid, cdboot)
    }

    #[test]
    fn the_numbers_are_where_grub_reads_them() {
        let (hybrid, cdboot) = images();
        let (first, core) = BiosBoot::new(&hybrid, &cdboot).unwrap().at(1 << 20, 3);
        assert_eq!(first[432..440], 2048_u64.to_le_bytes());
        assert_eq!(core[500..510], [0x01, 0x08, 0, 0, 0, 0, 0, 0, 9, 0]);
        assert_eq!(core[512 + 24..512 + 28], [0xff, 0xff, 2, 0]);
    }

    #[test]
    fn another_grub_is_refused() {
        let (hybrid, mut cdboot) = images();
        assert!(BiosBoot::new(&[0; 512], &cdboot).is_err_and(|error| error.name == "hybrid.img"));
        assert!(BiosBoot::new(&hybrid, &[]).is_err_and(|error| error.name == "cdboot.img"));
        cdboot[DISC_BYTES + PARTITION] = 0;
        assert!(BiosBoot::new(&hybrid, &cdboot).is_err_and(|error| error.name == "cdboot.img"));
    }
}
