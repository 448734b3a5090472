//! Names and paths on which several parts of Kaon must agree: the builder, the installer and what runs on an installed system.
//!
//! It depends on nothing, so that any program may use it.

/// The public key of packages in images with the package manager.
pub const PUBLIC_KEY: &str = "/etc/pki/rpm-gpg/RPM-GPG-KEY-kaon";

/// The image that is built, and the package that is installed, by default.
pub const MINIMAL: &str = "minimal";

/// The package that every system on a disk needs: it maintains the boot menu.
pub const DISK_PACKAGE: &str = "kaon-disk";

/// The package of the boot loader's images.
pub const BOOT_LOADER: &str = "grub";

/// Packages that every system on a disk has, whatever else is requested.
pub const ON_EVERY_DISK: [&str; 2] = [DISK_PACKAGE, BOOT_LOADER];

/// The package of the installer.
pub const INSTALLER: &str = "kaon-installer";

/// The kernel's capabilities (`linux/capability.h`) in order of number, without `cap_`.
pub const CAPABILITIES: [&str; 41] = [
    "chown",
    "dac_override",
    "dac_read_search",
    "fowner",
    "fsetid",
    "kill",
    "setgid",
    "setuid",
    "setpcap",
    "linux_immutable",
    "net_bind_service",
    "net_broadcast",
    "net_admin",
    "net_raw",
    "ipc_lock",
    "ipc_owner",
    "sys_module",
    "sys_rawio",
    "sys_chroot",
    "sys_ptrace",
    "sys_pacct",
    "sys_admin",
    "sys_boot",
    "sys_nice",
    "sys_resource",
    "sys_time",
    "sys_tty_config",
    "mknod",
    "lease",
    "audit_write",
    "audit_control",
    "setfcap",
    "mac_override",
    "mac_admin",
    "syslog",
    "wake_alarm",
    "block_suspend",
    "audit_read",
    "perfmon",
    "bpf",
    "checkpoint_restore",
];
