//! Image descriptions: the content of `images/<name>.toml`, checked and typed.

mod files;
mod format;
mod machine;
mod medium;
mod parse;

use std::sync::Arc;

use serde::Serialize;

use base::diagnostic::SourceText;
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
    /// The file, for problems that appear only with the specs.
    pub source: Arc<SourceText>,
    /// One line.
    pub summary: String,
    /// Packages it contains, with everything they need.
    pub packages: Vec<PackageName>,
    /// The flavour of its kernel; containers use the kernel of their host.
    pub kernel: Option<String>,
    /// Units enabled beyond what packages enable.
    pub enable: Vec<String>,
    /// Units disabled.
    pub disable: Vec<String>,
    /// How root may log in.
    pub access: Access,
    /// Files added to those of packages, sorted by path.
    pub files: Vec<File>,
    /// Its size limits.
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

/// Size limits of an image; `None` means no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Budget {
    /// Size of the ISO, in MiB.
    pub iso_mib: Option<u64>,
    /// Size of all files, in MiB.
    pub rootfs_mib: Option<u64>,
    /// Number of packages.
    pub packages: Option<u64>,
}

/// How a container of the image starts, and what it contains.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Container {
    /// The tag: `kaon:<tag>`. The image's name by default.
    pub tag: Option<String>,
    /// The default program and its arguments.
    pub command: Vec<String>,
    /// Packages that each begin a layer, which contains the package and those of its requirements that no lower layer has. The last layer
    /// contains the rest.
    pub layers: Vec<PackageName>,
    /// Packages whose files the container contains, if not all. The others, and the record of installed packages, are used only to make it.
    pub only: Vec<PackageName>,
}
