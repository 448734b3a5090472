//! The formats that an image can be written in.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Describes a format: which writer makes it, and whether users write to its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Description {
    /// Its name on the command line.
    name: &'static str,
    /// The ending of its files' names.
    ending: &'static str,
    family: Family,
    access: Access,
}

/// What a format contains, and so which writer makes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// The live system.
    Medium,
    /// A whole disk, boot loader and all.
    Disk(DiskKind),
    /// A whole virtual machine around a disk.
    Machine,
    /// The root file system.
    Tree,
    /// A container image.
    Container(ContainerKind),
}

/// The file format of a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiskKind {
    /// Byte by byte.
    Raw,
    /// QEMU's format.
    Qcow2,
    /// VMware's streamOptimized format.
    Vmdk,
    /// A dynamic VHD.
    DynamicVhd,
    /// A fixed VHD of whole mebibytes.
    FixedVhd,
    /// The archive that Google Compute Engine imports.
    GceArchive,
}

/// The file format of a container image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContainerKind {
    /// An OCI layout in an archive.
    OciLayout,
    /// What `docker load` takes.
    DockerArchive,
}

/// Whether the users of a file are likely to write to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Access {
    Read,
    Write,
}

/// Makes the enum, the list of all formats and their descriptions from one table, so that none of them can lack a format.
macro_rules! formats {
    ($($(#[$doc:meta])* $format:ident = $name:literal, $ending:literal, $family:expr, $access:expr;)*) => {
        /// A format that an image can be written in.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum Format {
            $($(#[$doc])* $format,)*
        }

        /// Every format, in the order of their declaration.
        const FORMATS: &[Format] = &[$(Format::$format,)*];

        impl Format {
            fn description(self) -> Description {
                match self {
                    $(Self::$format => Description { name: $name, ending: $ending, family: $family, access: $access },)*
                }
            }
        }
    };
}

formats! {
    /// The live medium, for discs and sticks.
    Iso = "iso", "iso", Family::Medium, Access::Read;
    /// The files that start the live system over the network.
    Pxe = "pxe", "pxe.tar", Family::Medium, Access::Read;
    /// A disk, byte by byte: bare metal, `dd`, Amazon's import.
    Raw = "raw", "raw", Family::Disk(DiskKind::Raw), Access::Write;
    /// QEMU, KVM, OpenStack, Proxmox.
    Qcow2 = "qcow2", "qcow2", Family::Disk(DiskKind::Qcow2), Access::Write;
    /// VMware's streamOptimized disk.
    Vmdk = "vmdk", "vmdk", Family::Disk(DiskKind::Vmdk), Access::Read;
    /// A dynamic VHD: Hyper-V, VirtualBox.
    Vhd = "vhd", "vhd", Family::Disk(DiskKind::DynamicVhd), Access::Write;
    /// A whole virtual machine for ESXi, vCenter, Workstation and VirtualBox.
    Ova = "ova", "ova", Family::Machine, Access::Read;
    /// A fixed VHD of whole mebibytes, as Azure expects.
    Azure = "azure", "azure.vhd", Family::Disk(DiskKind::FixedVhd), Access::Write;
    /// The archive that Google Compute Engine imports.
    Gce = "gce", "gce.tar.gz", Family::Disk(DiskKind::GceArchive), Access::Read;
    /// The root file system, to make something else from it.
    Tar = "tar", "rootfs.tar.gz", Family::Tree, Access::Read;
    /// A container image: an OCI layout in an archive.
    Oci = "oci", "oci.tar", Family::Container(ContainerKind::OciLayout), Access::Read;
    /// A container image: an archive for `docker load`.
    Docker = "docker", "docker.tar", Family::Container(ContainerKind::DockerArchive), Access::Read;
}

/// An unknown format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown format `{name}`; known: {}", FORMATS.iter().map(|format| format.description().name).collect::<Vec<_>>().join(", "))]
pub struct UnknownFormat {
    name: String,
}

impl Format {
    /// All formats.
    pub fn all() -> impl Iterator<Item = Self> {
        FORMATS.iter().copied()
    }

    /// The name of the file that contains an image in this format.
    pub fn file_name(self, image: &str) -> String {
        format!("kaon-{image}.{}", self.description().ending)
    }

    /// Its content.
    pub fn family(self) -> Family {
        self.description().family
    }

    /// Whether it starts the live system.
    pub fn is_live(self) -> bool {
        self.family() == Family::Medium
    }

    /// Whether it starts a machine, which needs a kernel.
    pub fn needs_kernel(self) -> bool {
        match self.family() {
            Family::Medium | Family::Disk(_) | Family::Machine => true,
            Family::Tree | Family::Container(_) => false,
        }
    }

    /// Whether those who use its file are likely to write to it.
    pub fn is_writable(self) -> bool {
        self.description().access == Access::Write
    }
}

/// One format or all: an argument of the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FormatChoice {
    /// Every format that the image supports.
    All,
    /// This one.
    One(Format),
}

impl FormatChoice {
    /// The chosen formats, for an image with or without a kernel.
    pub fn formats(self, has_kernel: bool) -> Vec<Format> {
        match self {
            Self::All => Format::all().filter(|format| has_kernel || !format.needs_kernel()).collect(),
            Self::One(format) => vec![format],
        }
    }
}

impl FromStr for FormatChoice {
    type Err = UnknownFormat;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        if name == "all" { Ok(Self::All) } else { name.parse().map(Self::One) }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.description().name)
    }
}

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        // Amazon imports plain disks; `ami` is not a separate format.
        let plain = if name == "ami" { "raw" } else { name };
        Self::all().find(|format| format.description().name == plain).ok_or_else(|| UnknownFormat { name: name.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_parsed_to_their_formats() {
        for format in Format::all() {
            assert_eq!(format.to_string().parse(), Ok(format));
        }
        let names: std::collections::BTreeSet<String> = Format::all().map(|format| format.file_name("x")).collect();
        assert_eq!(names.len(), FORMATS.len(), "each format has file names of its own");
        assert_eq!("ami".parse(), Ok(Format::Raw));
        assert!("zip".parse::<Format>().unwrap_err().to_string().starts_with("unknown format `zip`; known: iso, pxe, raw,"));
        assert_eq!(Format::Azure.file_name("minimal"), "kaon-minimal.azure.vhd");
        assert_eq!("all".parse::<FormatChoice>().map(|choice| choice.formats(false)), Ok(vec![Format::Tar, Format::Oci, Format::Docker]));
    }
}
