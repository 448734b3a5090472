//! What partitions are for.

use super::Guid;

/// What a partition is for; its type GUID follows from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The boot loader of BIOS machines, without a file system (GRUB manual, "BIOS installation").
    BiosBoot,
    /// The EFI system partition (UEFI 2.10, 13.3.1).
    Esp,
    /// The root file system (Discoverable Partitions Specification, x86-64).
    Root,
    /// Swap space.
    Swap,
    /// Any other Linux data.
    Data,
}

impl Purpose {
    /// The type GUID in the table.
    pub const fn type_guid(self) -> Guid {
        Guid::new(match self {
            Self::BiosBoot => 0x2168_6148_6449_6e6f_744e_6565_6445_4649,
            Self::Esp => 0xc12a_7328_f81f_11d2_ba4b_00a0_c93e_c93b,
            Self::Root => 0x4f68_bce3_e8cd_4db1_96e7_fbca_f984_b709,
            Self::Swap => 0x0657_fd6d_a4ab_43c4_84e5_0933_c84b_4f4f,
            Self::Data => 0x0fc6_3daf_8483_4772_8e79_3d69_d847_7de4,
        })
    }

    /// The attribute bits in the table. Root partitions have bit 59, "grow the file system to the partition" (Discoverable Partitions
    /// Specification).
    pub const fn attributes(self) -> u64 {
        match self {
            Self::Root => 1 << 59,
            _ => 0,
        }
    }
}
