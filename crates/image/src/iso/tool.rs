//! How the SDK's tools make the parts of a live medium.

use std::path::Path;

use crate::tools::{ImageToolError, ImageTools, bash};
use runtime::sandbox::{BUILD_DIR, Input, Step};

/// The path of the root's archive in the sandbox.
const ARCHIVE: &str = "/in/rootfs.tar";

/// A FAT file system that contains `efi`, with a little spare space. FAT12 is sufficient for up to 32 MiB, and firmware can read it. mtools
/// takes the times of directories it creates from SOURCE_DATE_EPOCH, and those of copied files from the files.
const EFI_IMAGE: &str = r#"find efi -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
kib=$(( ($(du --apparent-size -sk efi | cut -f1) + 256 + 127) / 128 * 128 ))
mkfs.vfat --invariant -F 12 -S 512 -s 4 -n KAON-EFI -C efi.img "$kib"
mmd -i efi.img ::/EFI ::/EFI/BOOT
mcopy -m -i efi.img efi/EFI/BOOT/BOOTX64.EFI efi/EFI/BOOT/grub.cfg ::/EFI/BOOT/
"#;

/// The steps of a live medium.
pub struct Tools<'a>(pub ImageTools<'a>);

impl Tools<'_> {
    /// Turns an archive into a SquashFS image, without the files `left_out`.
    ///
    /// SquashFS because its writer takes a whole archive with owners and extended attributes from its standard input.
    pub fn root_image(&self, archive: &Path, left_out: &[String], image: &Path) -> Result<(), ImageToolError> {
        let excluded: String = left_out.iter().map(|path| format!(" {path}")).collect();
        let script = format!(
            "exec sqfstar -quiet -no-progress -reproducible -comp zstd -Xcompression-level 9 -b 256K \
             {BUILD_DIR}/root.img{excluded} <{ARCHIVE}"
        );
        let input = Input { host: archive.to_owned(), at: ARCHIVE.into() };
        self.0.run(vec![input], vec![bash("root image", &script)])?;
        self.0.take("root.img", image)
    }

    /// Writes the medium from `build/medium`, `build/efi` and `build/hybrid.img`.
    pub fn medium(&self, label: &str, date: &str, out: &Path) -> Result<(), ImageToolError> {
        let arguments = [
            "-as mkisofs -quiet -o medium.iso -r -iso-level 3",
            &format!("-V {label} --modification-date={date} --set_all_file_dates {date}"),
            // BIOS: El Torito on a disc, the code in the first sector on a stick.
            "-b boot/grub/cdboot.img -c boot/boot.cat -no-emul-boot -boot-load-size 4 -boot-info-table --grub2-boot-info",
            "--grub2-mbr hybrid.img --mbr-force-bootable -partition_offset 16",
            // UEFI: both from the appended partition.
            "-appended_part_as_gpt -append_partition 2 0xef efi.img",
            "-eltorito-alt-boot -e --interval:appended_partition_2:all:: -no-emul-boot",
            "medium",
        ];
        let argv = std::iter::once("xorriso").chain(arguments.iter().flat_map(|line| line.split(' '))).map(str::to_owned).collect();
        let medium = Step { phase: "medium".into(), argv, cwd: BUILD_DIR.into() };
        self.0.run(Vec::new(), vec![bash("boot image", EFI_IMAGE), medium])?;
        self.0.take("medium.iso", out)
    }
}
