//! Names and paths on which several parts of Kaon must agree: the builder, the installer and what runs on an installed system.
//!
//! It depends on nothing, so that any program may use it.

/// Where an image with the package manager has the key its packages are signed with.
pub const PUBLIC_KEY: &str = "/etc/pki/rpm-gpg/RPM-GPG-KEY-kaon";

/// The image that is built, and the package that is installed, where none is named.
pub const MINIMAL: &str = "minimal";

/// The package that lets a system start from a disk of its own: the boot menu's maintainer.
pub const DISK_PACKAGE: &str = "kaon-disk";

/// The package of the boot loader's images.
pub const BOOT_LOADER: &str = "grub";

/// What every system on a disk has, whatever else was asked for.
pub const ON_EVERY_DISK: [&str; 2] = [DISK_PACKAGE, BOOT_LOADER];

/// The package of the installer.
pub const INSTALLER: &str = "kaon-installer";
