//! A Debian system with Docker on a disk, made from the SDK's `peer` layer without privileges.
//!
//! The layer's packages are unpacked; the tools that their maintainer scripts would call are called here.

use std::fs;
use std::path::Path;

use super::{Bench, BenchError, guest};
use emulator::{Boot, Bus, Disk, DiskLayout};
use image::tools::{ImageTools, bash};

/// Completes the installation, and makes an initramfs like Debian's installer.
const CONFIGURE: &str = r#"
rm -rf /var/run /var/lock
ln -s /run /var/run
ln -s /run/lock /var/lock
systemd-sysusers
printf 'docker:x:900:\n' >>/etc/group
ldconfig
systemctl preset-all
systemd-hwdb update
journalctl --update-catalog
echo peer >/etc/hostname
echo 0123456789abcdef0123456789abcdef >/etc/machine-id
echo '/dev/vda / ext4 defaults 0 1' >/etc/fstab
printf '[Match]\nType=ether\nKind=!*\n[Network]\nDHCP=yes\n' >/etc/systemd/network/80-wired.network
release=$(cd /usr/lib/modules && echo *)
depmod "$release"
mkinitramfs -o /build/initramfs "$release"
touch -r /usr /etc/.updated /var/.updated
"#;

/// Copies the sandbox's root to the build directory. Everything in a sandbox belongs to root except the mount points of the kernel's file
/// systems: if the builder is an ordinary user, their owner has no number in the sandbox, so ownership cannot be copied.
pub const COPY_ROOT: &str = "mkdir /build/root\ncp -ax --no-preserve=ownership /. /build/root";

/// Large enough for an engine that runs a container.
const FILE_SYSTEM: &str = "mke2fs -q -F -t ext4 -E lazy_itable_init=0,lazy_journal_init=0,root_owner=0:0 -d root disk.img 2G\nrm -r root";

/// The arguments of Debian's boot menu, except for the consoles.
const ARGUMENTS: &str = "root=/dev/vda ro quiet console=ttyS0";

/// Makes the system in `folder`, and returns how to start it.
pub fn make(bench: &mut Bench<'_>, folder: &Path) -> Result<Boot, BenchError> {
    let layer = guest::trees(bench, "peer")?;
    let writers = guest::trees(bench, "test")?;
    let log = bench.builder.store.log("bench-peer.log");
    let builder = &bench.builder;
    let (cancel, reporter, unit) = (&builder.cancel, builder.reporter, "peer");
    let configured = ImageTools { layers: &layer, folder: folder.join("peer"), log: &log, cancel, reporter, unit };
    configured.run(Vec::new(), vec![bash("configure", CONFIGURE), bash("copy", COPY_ROOT)]).map_err(BenchError::around)?;
    let (initramfs, disk) = (folder.join("initramfs"), folder.join("disk.img"));
    configured.take("initramfs", &initramfs).map_err(BenchError::around)?;
    let written = ImageTools { layers: &writers, folder: folder.join("disk"), log: &log, cancel, reporter, unit };
    fs::create_dir_all(written.build()).map_err(BenchError::io("make", &written.build()))?;
    configured.take("root", &written.build().join("root")).map_err(BenchError::around)?;
    written.run(Vec::new(), vec![bash("file system", FILE_SYSTEM)]).map_err(BenchError::around)?;
    written.take("disk.img", &disk).map_err(BenchError::around)?;
    Ok(Boot::Direct {
        kernel: super::kernel::peer_kernel(&layer)?,
        initramfs: Some(initramfs),
        arguments: ARGUMENTS.into(),
        root: Disk::scratch(disk, DiskLayout::Raw, Bus::Virtio),
    })
}
