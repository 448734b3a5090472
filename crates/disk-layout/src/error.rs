//! Why a disk cannot be laid out as requested.

use crate::MIB;

/// Why a disk cannot be laid out as requested.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LayoutError {
    /// It is too small.
    #[error("the disk is too small: the partitions need {} MiB, the disk has {} MiB", needed_bytes.div_ceil(MIB), disk_bytes / MIB)]
    TooSmall {
        /// The minimum for partitions and tables, in bytes.
        needed_bytes: u64,
        /// The disk's size, in bytes.
        disk_bytes: u64,
    },
    /// More than one partition takes the rest of the disk.
    #[error("partitions {first} and {second} both take the rest of the disk; only one may")]
    TwoRests {
        /// The first one's number, from 1.
        first: usize,
        /// The second one's number.
        second: usize,
    },
    /// The percentages add up to more than 100.
    #[error("the partitions' percentages add up to {percent}, which is more than 100")]
    OverHundred {
        /// Their sum.
        percent: u64,
    },
    /// A partition of no size.
    #[error("partition {number} has no size")]
    Empty {
        /// Its number, from 1.
        number: usize,
    },
    /// A table contains 128 entries (UEFI 2.10, 5.3.1), one of which is used during an installation.
    #[error("{count} partitions are more than the 127 that fit into a partition table")]
    TooMany {
        /// How many were requested.
        count: usize,
    },
    /// A name is too long.
    #[error("the partition name `{label}` is longer than the 36 UTF-16 units of a partition table entry")]
    LongLabel {
        /// The name.
        label: String,
    },
}
