//! The timestamp in everything the builder makes.

/// The time that builds see, and the upper limit of every file's time: 2026-01-01T00:00:00Z, in seconds since the epoch.
pub const SOURCE_DATE_EPOCH: u32 = 1_767_225_600;
