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

/// The path of the root's archive in the sandbox.
const ARCHIVE: &str = "/in/rootfs.tar";

/// Makes the EFI system partition.
pub(super) fn esp(tools: &ImageTools<'_>, program: &Path, identity: &Digest, to: &Path) -> Result<(), DiskError> {
    let folder = tools.build().join("esp/EFI/BOOT");
    fs::create_dir_all(&folder).map_err(|source| StoreError::io("make", &folder, source))?;
    fs::copy(program, folder.join("BOOTX64.EFI")).map_err(|source| StoreError::io("copy", program, source))?;
    let hop = folder.join("grub.cfg");
    fs::write(&hop, disk_layout::hop(ROOT_NUMBER)).map_err(|source| StoreError::io("write", &hop, source))?;
    // mtools takes the times of directories it creates from SOURCE_DATE_EPOCH, and those of copied files from the files.
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

/// Makes the root file system from an archive. Everything is initialised at once, so that the first boot writes only its own data.
pub(super) fn root(tools: &ImageTools<'_>, archive: &Path, uuid: Guid, size_bytes: u64, to: &Path) -> Result<(), DiskError> {
    let words = ext4_words(&uuid.to_string(), "kaon", ",lazy_itable_init=0,lazy_journal_init=0,nodiscard").join(" ");
    let script = format!("exec mke2fs {words} -i 16384 -J size={JOURNAL_MIB} -d {ARCHIVE} root.img {}k", size_bytes / 1024);
    let input = Input { host: archive.to_owned(), at: ARCHIVE.into() };
    tools.run(vec![input], vec![bash("root file system", &script)])?;
    Ok(tools.take("root.img", to)?)
}

/// Large enough for the disks that images grow to.
const JOURNAL_MIB: u64 = 64;

/// Free space for the first boot before the root has grown.
const SPARE_BYTES: u64 = 128 * MIB;

/// The size of the root file system as shipped, in bytes: content, file system tables, and some free space.
pub(super) fn root_bytes(manifest: &Manifest) -> u64 {
    const BLOCK: u64 = 4096;
    let blocks: u64 = manifest
        .iter()
        .map(|(_, entry)| match &entry.kind {
            Kind::Directory => 1,
            Kind::File { size, .. } => size.div_ceil(BLOCK),
            // Short targets are stored in the inode.
            Kind::Symlink { target } if target.len() >= 60 => 1,
            Kind::Symlink { .. } | Kind::Hardlink { .. } => 0,
        })
        .sum();
    let content = blocks * BLOCK;
    // One inode of 256 bytes per 16 KiB, bitmaps, descriptors and their copies: less than a sixteenth plus a constant.
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
