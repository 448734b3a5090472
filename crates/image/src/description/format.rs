//! The forms an image is written in.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A form an image is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// The live medium, for discs and sticks.
    Iso,
    /// What starts the live system over the network.
    Pxe,
    /// A disk, byte by byte: bare metal, `dd`, Amazon's import.
    Raw,
    /// QEMU, KVM, OpenStack, Proxmox.
    Qcow2,
    /// VMware's streamOptimized disk.
    Vmdk,
    /// A dynamic VHD: Hyper-V, VirtualBox.
    Vhd,
    /// A whole virtual machine for ESXi, vCenter, Workstation and VirtualBox.
    Ova,
    /// A fixed VHD of whole mebibytes, as Azure uploads.
    Azure,
    /// The archive Google Compute Engine imports.
    Gce,
    /// The root file system, for whoever makes something else of it.
    Tar,
    /// A container image: an OCI layout in an archive.
    Oci,
    /// A container image: what `docker load` takes.
    Docker,
}

/// Every form, with its name and what its files' names end with.
const FORMATS: [(Format, &str, &str); 12] = [
    (Format::Iso, "iso", "iso"),
    (Format::Pxe, "pxe", "pxe.tar"),
    (Format::Raw, "raw", "raw"),
    (Format::Qcow2, "qcow2", "qcow2"),
    (Format::Vmdk, "vmdk", "vmdk"),
    (Format::Vhd, "vhd", "vhd"),
    (Format::Ova, "ova", "ova"),
    (Format::Azure, "azure", "azure.vhd"),
    (Format::Gce, "gce", "gce.tar.gz"),
    (Format::Tar, "tar", "rootfs.tar.gz"),
    (Format::Oci, "oci", "oci.tar"),
    (Format::Docker, "docker", "docker.tar"),
];

/// A word that names no form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` is no format; there are {}", FORMATS.map(|(_, name, _)| name).join(", "))]
pub struct UnknownFormat {
    name: String,
}

impl Format {
    /// All forms.
    pub fn all() -> impl Iterator<Item = Self> {
        FORMATS.into_iter().map(|(format, _, _)| format)
    }

    /// The name of the file that holds an image in this form.
    pub fn file_name(self, image: &str) -> String {
        format!("kaon-{image}.{}", self.words().2)
    }

    /// Whether it holds a whole disk, boot loader and all.
    pub fn is_disk(self) -> bool {
        !matches!(self, Self::Iso | Self::Pxe | Self::Tar | Self::Oci | Self::Docker)
    }

    /// Whether it starts the live system.
    pub fn is_live(self) -> bool {
        matches!(self, Self::Iso | Self::Pxe)
    }

    /// Whether it starts a machine, with a kernel of its own.
    pub fn needs_kernel(self) -> bool {
        self.is_disk() || self.is_live()
    }

    /// Whether those who use its file are likely to write to it.
    pub fn is_writable(self) -> bool {
        matches!(self, Self::Raw | Self::Qcow2 | Self::Vhd | Self::Azure)
    }

    fn words(self) -> (Self, &'static str, &'static str) {
        FORMATS.into_iter().find(|(format, _, _)| *format == self).unwrap_or(FORMATS[0])
    }
}

/// One form, or all there can be: a word of the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FormatChoice {
    /// Every form an image can have.
    All,
    /// This one.
    One(Format),
}

impl FormatChoice {
    /// The forms chosen, of an image with or without a kernel.
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
        f.write_str(self.words().1)
    }
}

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        // Amazon imports plain disks; there is no form of its own.
        let plain = if name == "ami" { "raw" } else { name };
        let found = FORMATS.into_iter().find(|(_, known, _)| *known == plain);
        found.map(|(format, _, _)| format).ok_or_else(|| UnknownFormat { name: name.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back() {
        for format in Format::all() {
            assert_eq!(format.to_string().parse(), Ok(format));
        }
        assert_eq!("ami".parse(), Ok(Format::Raw));
        assert!("zip".parse::<Format>().unwrap_err().to_string().starts_with("`zip` is no format; there are iso, pxe, raw,"));
        assert_eq!(Format::Azure.file_name("minimal"), "kaon-minimal.azure.vhd");
        assert_eq!("all".parse::<FormatChoice>().map(|choice| choice.formats(false)), Ok(vec![Format::Tar, Format::Oci, Format::Docker]));
    }
}
