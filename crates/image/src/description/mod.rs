//! Image descriptions: what `images/<name>.toml` says, checked and typed.

mod files;
mod format;
mod machine;
mod medium;
mod parse;

use serde::Serialize;

use base::name::PackageName;

pub use files::{File, Reader};
pub use format::{ContainerKind, DiskKind, Family, Format, FormatChoice, UnknownFormat};
pub use machine::{Disk, Firmware, Ova};
pub use medium::{Iso, MediumFile};
pub use parse::parse;

/// A checked image description.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// The file's name without `.toml`.
    pub name: PackageName,
    /// One line.
    pub summary: String,
    /// Packages it contains, with everything they need.
    pub packages: Vec<PackageName>,
    /// The flavour of its kernel; containers run on the one of their host.
    pub kernel: Option<String>,
    /// Units enabled beyond what packages enable.
    pub enable: Vec<String>,
    /// Units disabled.
    pub disable: Vec<String>,
    /// What root may be reached by.
    pub access: Access,
    /// Files laid over those of packages, in the order of their paths.
    pub files: Vec<File>,
    /// Bounds it must keep.
    pub budget: Budget,
    /// The live medium; an image without a kernel has none.
    pub iso: Option<Iso>,
    /// The container made of it.
    pub container: Container,
    /// Its disk.
    pub disk: Disk,
    /// The machine of its OVA.
    pub ova: Ova,
}

/// How root may log in; by default not at all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Access {
    /// A crypt(5) hash for the console.
    pub password_hash: Option<String>,
    /// Public keys for SSH, as in authorized_keys.
    pub ssh_keys: Vec<String>,
}

/// Bounds of an image; what is `None` is not bounded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Budget {
    /// Size of the ISO, in MiB.
    pub iso_mib: Option<u64>,
    /// Size of all files, in MiB.
    pub rootfs_mib: Option<u64>,
    /// Number of packages.
    pub packages: Option<u64>,
}

/// How a container of the image starts, and what it is made of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Container {
    /// The tag: `kaon:<tag>`. The image's name where none is given.
    pub tag: Option<String>,
    /// The program and its arguments, unless others are given.
    pub command: Vec<String>,
    /// Packages that each begin a layer, which contains what they need and no layer below has. The last layer contains the rest.
    pub layers: Vec<PackageName>,
    /// Packages whose files the container contains, if not all: the others, and the record of what is installed, only help to make it.
    pub only: Vec<PackageName>,
}
