//! Why a disk cannot be laid out as wished.

use crate::MIB;

/// Why a disk cannot be laid out as wished.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LayoutError {
    /// It is too small.
    #[error("the disk is too small: the partitions need {} MiB, the disk has {} MiB", needed_bytes.div_ceil(MIB), disk_bytes / MIB)]
    TooSmall {
        /// What the partitions and the tables take at least, in bytes.
        needed_bytes: u64,
        /// What there is, in bytes.
        disk_bytes: u64,
    },
    /// More than one partition takes what is left.
    #[error("partitions {first} and {second} both take the rest of the disk; only one may")]
    TwoRests {
        /// The first one's number, from 1.
        first: usize,
        /// The second one's number.
        second: usize,
    },
    /// Percentages beyond the whole.
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
    /// A table contains 128 entries (UEFI 2.10, 5.3.1), one of which an installation takes meanwhile.
    #[error("{count} partitions are more than the 127 that fit into a partition table")]
    TooMany {
        /// How many were wished for.
        count: usize,
    },
    /// A name that does not fit.
    #[error("the partition name `{label}` is longer than the 36 UTF-16 units of a partition table entry")]
    LongLabel {
        /// The name.
        label: String,
    },
}
