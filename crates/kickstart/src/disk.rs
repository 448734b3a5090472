//! Disks and what is made of them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Btrfs;

/// A disk to install on.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Disk {
    /// A device: `/dev/sda`, `/dev/disk/by-path/…`.
    #[serde(default)]
    pub device: Option<String>,
    /// A file that is created and used as the disk, to make images.
    #[serde(default)]
    pub filename: Option<String>,
    /// That file's size, in MiB.
    #[serde(default)]
    pub size: Option<u64>,
}

/// How a disk records its partitions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PartitionType {
    /// The GUID partition table, for BIOS and UEFI alike.
    #[default]
    Gpt,
}

/// Which firmware can start the installed system.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum BootMode {
    /// Only BIOS.
    Bios,
    /// Only UEFI.
    Efi,
    /// Both.
    #[default]
    Dualboot,
}

impl BootMode {
    /// Whether a BIOS can start it.
    pub fn bios(self) -> bool {
        self != Self::Efi
    }

    /// Whether UEFI can start it.
    pub fn efi(self) -> bool {
        self != Self::Bios
    }
}

/// What a partition contains.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum FileSystem {
    /// ext4; required for the root, which the boot loader reads.
    #[default]
    Ext4,
    /// XFS; its programs are installed with it.
    Xfs,
    /// Btrfs; its programs are installed with it.
    Btrfs,
    /// FAT32.
    Vfat,
    /// Swap space.
    Swap,
}

impl FileSystem {
    /// Its name in the kickstart file and to mount(8).
    pub fn name(self) -> &'static str {
        match self {
            Self::Ext4 => "ext4",
            Self::Xfs => "xfs",
            Self::Btrfs => "btrfs",
            Self::Vfat => "vfat",
            Self::Swap => "swap",
        }
    }

    /// The program that makes it.
    pub fn program(self) -> &'static str {
        match self {
            Self::Ext4 => "mkfs.ext4",
            Self::Xfs => "mkfs.xfs",
            Self::Btrfs => "mkfs.btrfs",
            Self::Vfat => "mkfs.vfat",
            Self::Swap => "mkswap",
        }
    }

    /// The package whose programs a system needs that keeps it in order, where not every system has them.
    pub fn package(self) -> Option<&'static str> {
        match self {
            Self::Xfs => Some("xfsprogs"),
            Self::Btrfs => Some("btrfs-progs"),
            Self::Ext4 | Self::Vfat | Self::Swap => None,
        }
    }
}

/// A partition. Those that a boot loader needs are added automatically.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Partition {
    /// Where it is mounted; required except for swap.
    #[serde(default)]
    pub mountpoint: Option<String>,
    /// Its size in MiB; 0 takes the remaining space, which one partition of a disk may do. Either this or `sizepercent`.
    #[serde(default)]
    pub size: Option<u64>,
    /// Its share of the disk, in percent.
    #[serde(default)]
    pub sizepercent: Option<u8>,
    /// The file system.
    #[serde(default)]
    pub filesystem: FileSystem,
    /// The disk it is on, by its name in `disks`.
    #[serde(default)]
    pub disk_id: Option<String>,
    /// Additional arguments for the program that creates the file system.
    #[serde(default)]
    pub mkfs_options: Option<String>,
    /// Mount options: `nodev,noexec`.
    #[serde(default)]
    pub fs_options: Option<String>,
    /// Name and subvolumes of a Btrfs file system.
    #[serde(default)]
    pub btrfs: Option<Btrfs>,
}
