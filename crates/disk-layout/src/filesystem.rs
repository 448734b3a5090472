//! File systems that a disk starts from: their sizes, and the arguments of the programs that make them.

use crate::MIB;

/// The partition for GRUB's BIOS core, in bytes; the core takes about 200 KiB.
pub const BIOS_BYTES: u64 = MIB;

/// The minimum size of an EFI system partition, in bytes: FAT32 has no fewer than 65,525 clusters, which are 512 bytes each here.
pub const ESP_BYTES: u64 = 64 * MIB;

/// The arguments of `mke2fs -t ext4` for a file system that GRUB 2.12 can read: it refuses two features that are on by default. `extended` are
/// further extended options, each with a comma before it.
pub fn ext4_words(uuid: &str, label: &str, extended: &str) -> Vec<String> {
    let text = format!(
        "-q -F -t ext4 -b 4096 -I 256 -m 1 -O ^metadata_csum_seed,^orphan_file -E hash_seed={uuid},root_owner=0:0{extended} -U {uuid} -L {label}"
    );
    text.split(' ').map(str::to_owned).collect()
}

/// The arguments of `mkfs.vfat` for a FAT32 file system of this size; `id` is its volume ID. Small ones have clusters of one sector.
pub fn fat32_words(size_bytes: u64, id: &str, label: &str) -> Vec<String> {
    let clusters = if size_bytes <= 256 * MIB { " -s 1" } else { "" };
    let text = format!("-F 32 -S 512{clusters} -i {id} -n {label}");
    text.split(' ').map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_separate() {
        let words = ext4_words("7", "kaon", ",nodiscard");
        let at = words.iter().position(|word| word == "-E").unwrap();
        assert_eq!(words[at + 1], "hash_seed=7,root_owner=0:0,nodiscard");
        assert!(fat32_words(ESP_BYTES, "12345678", "ESP").join(" ").contains("-s 1 -i 12345678"));
        assert!(!fat32_words(512 * MIB, "12345678", "ESP").contains(&"-s".to_owned()));
    }
}
