//! Disk layouts: partitions with their positions and identities, the GPT that records them, and the boot loader.
//!
//! Pure: nothing here reads a disk, a clock or a random number. The image writers and the installer share it, so images and installed
//! machines have the same layout.

mod crc;
mod error;
mod filesystem;
mod gpt;
mod grub;
mod guid;
mod notice;
mod plan;
mod purpose;

pub use error::LayoutError;
pub use filesystem::{BIOS_BYTES, ESP_BYTES, ext4_words, fat32_words};
pub use gpt::{BOOT_CODE_BYTES, NOTICE_OFFSET_BYTES, Tables, UNFINISHED_END_BYTES, UNFINISHED_ENTRIES, Unfinished};
pub use grub::{BiosBoot, UnknownGrub, hop};
pub use guid::{Guid, InvalidGuid};
pub use notice::{no_system_code, notice_code, notice_program};
pub use plan::{ALIGNMENT_BYTES, Layout, Partition, SECTOR_BYTES, Size, Wish, plan, size_for};
pub use purpose::Purpose;

/// One mebibyte, in bytes.
pub const MIB: u64 = 1 << 20;
