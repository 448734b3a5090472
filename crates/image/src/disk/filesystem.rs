//! The file systems of a disk, made by the SDK's tools.

use std::fs;
use std::path::Path;

use disk_layout::{ESP_BYTES, Guid, MIB, ext4_words, fat32_words};
use rpm_engine::manifest::{Kind, Manifest};

use super::{DiskError, ROOT_NUMBER};
use crate::tools::{ImageTools, bash};
use base::digest::Digest;
use runtime::sandbox::Input;
use runtime::store::StoreError;

/// Where the root's archive appears.
const ARCHIVE: &str = "/in/rootfs.tar";

/// Makes the EFI system partition.
pub(super) fn esp(tools: &ImageTools<'_>, program: &Path, identity: &Digest, to: &Path) -> Result<(), DiskError> {
    let folder = tools.build().join("esp/EFI/BOOT");
    fs::create_dir_all(&folder).map_err(|source| StoreError::io("make", &folder, source))?;
    fs::copy(program, folder.join("BOOTX64.EFI")).map_err(|source| StoreError::io("copy", program, source))?;
    let hop = folder.join("grub.cfg");
    fs::write(&hop, disk_layout::hop(ROOT_NUMBER)).map_err(|source| StoreError::io("write", &hop, source))?;
    // mtools takes the times of what it makes from SOURCE_DATE_EPOCH, of what it copies from the files.
    let script = format!(
        "find esp -exec touch -h -d \"@$SOURCE_DATE_EPOCH\" {{}} +\n\
         mkfs.vfat --invariant {} -C esp.img {}\n\
         mmd -i esp.img ::/EFI ::/EFI/BOOT\n\
         mcopy -m -i esp.img esp/EFI/BOOT/BOOTX64.EFI esp/EFI/BOOT/grub.cfg ::/EFI/BOOT/\n",
        fat32_words(ESP_BYTES, &identity.hex()[..8], "KAON-EFI").join(" "),
        ESP_BYTES / 1024,
    );
    tools.run(Vec::new(), vec![bash("boot partition", &script)])?;
    Ok(tools.take("esp.img", to)?)
}

/// Makes the root file system of an archive, without lazily initialised parts, so that nothing is left for the first boot to write but what
/// it adds.
pub(super) fn root(tools: &ImageTools<'_>, archive: &Path, uuid: Guid, size_bytes: u64, to: &Path) -> Result<(), DiskError> {
    let words = ext4_words(&uuid.to_string(), "kaon", ",lazy_itable_init=0,lazy_journal_init=0,nodiscard").join(" ");
    let script = format!("exec mke2fs {words} -i 16384 -J size={JOURNAL_MIB} -d {ARCHIVE} root.img {}k", size_bytes / 1024);
    let input = Input { host: archive.to_owned(), at: ARCHIVE.into() };
    tools.run(vec![input], vec![bash("root file system", &script)])?;
    Ok(tools.take("root.img", to)?)
}

/// Large enough for the disks that images grow to.
const JOURNAL_MIB: u64 = 64;

/// Room for the first boot to work in before the root has grown.
const SPARE_BYTES: u64 = 128 * MIB;

/// The size of the root file system as shipped, in bytes: what is in it, its own tables, and some room.
pub(super) fn root_bytes(manifest: &Manifest) -> u64 {
    const BLOCK: u64 = 4096;
    let blocks: u64 = manifest
        .iter()
        .map(|(_, entry)| match &entry.kind {
            Kind::Directory => 1,
            Kind::File { size, .. } => size.div_ceil(BLOCK),
            // Short targets are kept in the inode.
            Kind::Symlink { target } if target.len() >= 60 => 1,
            Kind::Symlink { .. } | Kind::Hardlink { .. } => 0,
        })
        .sum();
    let content = blocks * BLOCK;
    // One inode of 256 bytes for each 16 KiB, bitmaps, descriptors and their copies: less than a sixteenth and some.
    let wanted = content + content / 16 + JOURNAL_MIB * MIB + SPARE_BYTES + 16 * MIB;
    wanted.next_multiple_of(64 * MIB)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rpm_engine::manifest::Entry;

    #[test]
    fn small_files_take_whole_blocks() {
        let mut manifest = Manifest::new();
        assert_eq!(root_bytes(&manifest) % MIB, 0);
        for number in 0..100_000 {
            manifest.insert(format!("/{number}"), Entry::root(Kind::File { size: 1, sha256: String::new() }, 0o644, 0));
        }
        assert!(root_bytes(&manifest) >= 100_000 * 4096 + SPARE_BYTES + JOURNAL_MIB * MIB);
    }
}
