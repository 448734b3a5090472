//! The scripts and menus of a medium: pure text.

use crate::image::Image;
use crate::initramfs::RootIdentity;

/// Squashes the root. Level 15 is where zstd's gain in size ends to be worth its time.
pub(super) const SQUASH: &str = "sqfstar -quiet -no-progress -comp zstd -Xcompression-level 15 -b 256K tree/live/root.img < in/rootfs.tar";

/// Modules in both of GRUB's images: reading the medium, the menu, starting Linux.
const MODULES: &str =
    "configfile echo halt iso9660 linux minicmd normal part_gpt part_msdos reboot search search_fs_file serial sleep terminal test";

/// The file that tells this medium from others, by the digest of its root.
pub(super) fn mark(identity: &RootIdentity) -> String {
    format!("boot/id-{}", identity.sha256.short())
}

/// What GRUB for UEFI does first: its own partition is not the medium's.
pub(super) fn embedded(mark: &str) -> String {
    format!("search --no-floppy --set=root --file /{mark}\nset prefix=($root)/boot/grub\nconfigfile ($root)/boot/grub/grub.cfg\n")
}

/// The boot menu.
pub(super) fn menu(image: &Image) -> String {
    let extra: String = image.iso.arguments.iter().map(|argument| format!(" {argument}")).collect();
    let base = format!("linux /boot/vmlinuz kaon.medium={} console=tty0 console=ttyS0,115200", image.iso.label);
    format!(
        r#"# A UEFI shows its console on the serial line by itself; a BIOS does not.
if [ "$grub_platform" = pc ]; then
    if serial --unit=0 --speed=115200; then
        terminal_input console serial
        terminal_output console serial
    fi
fi
set timeout=1
set default=0
menuentry "Kaon" {{
    {base} quiet{extra}
    initrd /boot/initramfs
}}
menuentry "Kaon, copied to memory" {{
    {base} quiet kaon.ram{extra}
    initrd /boot/initramfs
}}
menuentry "Kaon, telling all it does" {{
    {base} kaon.debug{extra}
    initrd /boot/initramfs
}}
"#
    )
}

/// Makes GRUB's images, the FAT file system for UEFI and the ISO.
///
/// Every time and number that a tool would take from the clock or make up is given: the FAT volume's by `--invariant`, its files'
/// by touching them, the ISO's by `--modification-date`, from which xorriso derives the partition table's identifiers as well.
pub(super) fn master(image: &Image) -> String {
    format!(
        r#"grub-mkimage -O i386-pc-eltorito -p /boot/grub -o tree/boot/grub/eltorito.img biosdisk {MODULES}
grub-mkimage -O x86_64-efi -p /boot/grub -c embedded.cfg -o BOOTX64.EFI fat {MODULES}
find . -exec touch -h -d "@$SOURCE_DATE_EPOCH" {{}} +
mkfs.vfat -C efi.img 2880 -F 12 -n KAON_EFI -i 4B414F4E --invariant
export MTOOLS_SKIP_CHECK=1
mmd -i efi.img ::/EFI ::/EFI/BOOT
mcopy -m -i efi.img BOOTX64.EFI ::/EFI/BOOT/BOOTX64.EFI
touch -d "@$SOURCE_DATE_EPOCH" efi.img
xorriso -as mkisofs -quiet -o image.iso -V {label} -r --modification-date=2026010100000000 \
    -set_all_file_dates "2026010100000000" \
    --grub2-mbr /usr/lib/grub/i386-pc/boot_hybrid.img -partition_offset 16 --protective-msdos-label \
    -append_partition 2 0xef efi.img -appended_part_as_gpt -iso_mbr_part_type a2a0d0ebe5b9334487c068b6b72699c7 \
    -c boot/boot.cat -b boot/grub/eltorito.img -no-emul-boot -boot-load-size 4 -boot-info-table --grub2-boot-info \
    -eltorito-alt-boot -e --interval:appended_partition_2:all:: -no-emul-boot tree
"#,
        label = image.iso.label
    )
}
