//! The words for the programs that make file systems.

use disk_layout::{ext4_words, fat32_words};

use kickstart::FileSystem;

/// All but the user's own words and the device. `extended` are further extended options of ext4, each with a comma before it.
pub(super) fn words(filesystem: FileSystem, size_bytes: u64, label: &str, uuid: &str, extended: &str) -> Vec<String> {
    let label = |longest: usize| label.chars().filter(|letter| *letter != '/').take(longest).collect::<String>();
    let text = match filesystem {
        FileSystem::Ext4 => return ext4_words(uuid, &label(16), extended),
        FileSystem::Vfat => return fat32_words(size_bytes, uuid.get(..8).unwrap_or_default(), &label(11).to_uppercase()),
        FileSystem::Xfs => format!("-q -f -m uuid={uuid} -L {}", label(12)),
        FileSystem::Btrfs => format!("-q -f -U {uuid} -L {}", label(32)),
        FileSystem::Swap => format!("-q -U {uuid} -L {}", label(15)),
    };
    text.split(' ').map(str::to_owned).collect()
}
