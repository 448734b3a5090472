//! What an installation does, one thing after the other.

use std::fmt;

use disk_layout::Layout;
use serde::{Serialize, Serializer};

use super::size;
use kickstart::{FileSystem, Finish, Secret, ServiceState};
use system::account::{RootAccount, UserAccount};

/// One thing that is done. Nothing in it is secret but what [`Secret`] hides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "step", rename_all = "kebab-case")]
pub enum Step {
    /// Runs a script on the live system.
    RunHere {
        /// What it is called in the kickstart file.
        name: String,
        /// What runs.
        script: Script,
    },
    /// Makes a file that stands for a disk.
    DiskFile {
        /// The file.
        path: String,
        /// Its size, in bytes.
        size_bytes: u64,
    },
    /// Writes a partition table, which loses what was on the disk, and the notice, shown when it is started, that the installation is not finished.
    PartitionTable {
        /// The disk.
        disk: String,
        /// The partitions.
        #[serde(serialize_with = "partitions")]
        layout: Layout,
    },
    /// Makes a file system or swap space.
    MakeFileSystem {
        /// The partition.
        partition: Place,
        /// What is made.
        filesystem: FileSystem,
        /// Its name.
        label: String,
        /// Its identity.
        uuid: String,
        /// Further words for the program.
        options: Vec<String>,
    },
    /// Makes subvolumes in a Btrfs file system.
    MakeSubvolumes {
        /// The partition.
        partition: Place,
        /// Their paths in the file system, each after the one it is in.
        paths: Vec<String>,
    },
    /// Mounts a file system below the target.
    Mount {
        /// The partition.
        partition: Place,
        /// Where, seen from the installed system.
        at: String,
        /// What it is.
        filesystem: FileSystem,
        /// Options.
        options: Vec<String>,
    },
    /// Installs packages from the medium's repository, all signatures checked.
    InstallPackages {
        /// What is asked for.
        packages: Vec<String>,
    },
    /// Writes a file of the installed system.
    WriteFile {
        /// Where.
        path: String,
        /// Permission bits.
        mode: u32,
        /// Its content.
        content: String,
    },
    /// Copies a file or directory into the installed system.
    Copy {
        /// What, as it is looked for in the search path.
        source: String,
        /// Where to.
        to: String,
    },
    /// Unpacks an archive into the installed system.
    Unpack {
        /// What, as it is looked for in the search path.
        source: String,
        /// The directory.
        to: String,
    },
    /// Makes a symbolic link in the installed system.
    Link {
        /// The link.
        path: String,
        /// Where it leads.
        to: String,
    },
    /// Does what the packages' files call for: users, caches, module indexes, and units as the presets say.
    Configure,
    /// Switches a unit off for good.
    Mask {
        /// The unit.
        unit: String,
    },
    /// Sets root's password and keys.
    Root(RootAccount),
    /// Makes a user.
    User(UserAccount),
    /// Runs a script in the installed system.
    RunInTarget {
        /// What it is called in the kickstart file.
        name: String,
        /// What runs.
        script: Script,
        /// Whether the machine that runs it is another than the system's own, so that the script sees neither its network nor its name.
        apart: bool,
    },
    /// Puts all that is in file systems onto the disks, and unmounts them.
    Close,
    /// Makes the system start: from here on it is whole.
    BootLoader {
        /// The disk.
        disk: String,
        /// The number of the partition with the menu: the root's, or that of `/boot`.
        root: usize,
        /// Where a BIOS' boot loader goes.
        bios: Option<Place>,
        /// Where UEFI's boot loader goes.
        efi: Option<Place>,
    },
    /// Ejects the disc.
    Eject,
    /// Ends.
    Finish {
        /// How.
        how: Finish,
    },
}

/// A partition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Place {
    /// The disk.
    pub disk: String,
    /// Its number, from 1.
    pub number: usize,
    /// Where it begins, in bytes from the disk's start.
    pub offset_bytes: u64,
    /// Its size, in bytes.
    pub size_bytes: u64,
}

impl Place {
    /// The kernel's name of it: disks whose name ends in a digit put a `p` before the number.
    pub fn device(&self) -> String {
        let digit = self.disk.ends_with(|letter: char| letter.is_ascii_digit());
        format!("{}{}{}", self.disk, if digit { "p" } else { "" }, self.number)
    }
}

/// A script.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Script {
    /// Its text. Scripts may contain secrets, so plans do not show them.
    Text(Secret),
    /// A file of the search path.
    File(String),
}

fn partitions<S: Serializer>(layout: &Layout, serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Line<'a> {
        number: usize,
        label: &'a str,
        r#type: String,
        uuid: String,
        offset_bytes: u64,
        size_bytes: u64,
    }
    let lines = layout.partitions.iter().map(|partition| Line {
        number: partition.number,
        label: &partition.label,
        r#type: partition.purpose.type_guid().to_string(),
        uuid: partition.guid.to_string(),
        offset_bytes: partition.offset_bytes,
        size_bytes: partition.size_bytes,
    });
    serializer.collect_seq(lines)
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RunHere { name, script } => write!(f, "run {name}{script} on the live system"),
            Self::DiskFile { path, size_bytes } => write!(f, "make the disk {path} of {}", size(*size_bytes)),
            Self::PartitionTable { disk, layout } => {
                write!(f, "partition {disk}:")?;
                for partition in &layout.partitions {
                    write!(f, " [{} {} {}]", partition.number, partition.label, size(partition.size_bytes))?;
                }
                Ok(())
            }
            Self::MakeFileSystem { partition, filesystem, options, .. } => {
                write!(
                    f,
                    "make {} on {}",
                    if *filesystem == FileSystem::Swap { "swap space" } else { filesystem.name() },
                    partition.device()
                )?;
                if options.is_empty() { Ok(()) } else { write!(f, " with {}", options.join(" ")) }
            }
            Self::MakeSubvolumes { partition, paths } => {
                write!(f, "make the subvolumes {} on {}", paths.join(", "), partition.device())
            }
            Self::Mount { partition, at, options, .. } => {
                write!(f, "mount {} at {at}", partition.device())?;
                if options.is_empty() { Ok(()) } else { write!(f, " ({})", options.join(",")) }
            }
            Self::InstallPackages { packages } => write!(f, "install {} and what they need", packages.join(", ")),
            Self::WriteFile { path, mode, content } => {
                write!(f, "write {path} ({mode:04o})")?;
                content.lines().try_for_each(|line| write!(f, "\n      | {line}"))
            }
            Self::Copy { source, to } => write!(f, "copy {source} to {to}"),
            Self::Configure => f.write_str("make users, caches and module indexes, and switch units as the presets say"),
            Self::Mask { unit } => write!(f, "mask {unit}"),
            Self::Root(account) => {
                f.write_str(if account.password.is_some() { "set root's password" } else { "lock root's password" })?;
                if account.ssh_keys.is_empty() { Ok(()) } else { write!(f, "; let {} in over SSH", keys(account.ssh_keys.len())) }
            }
            Self::User(user) => {
                write!(f, "make the user {}", user.name)?;
                if !user.groups.is_empty() {
                    write!(f, ", in {}", user.groups.join(", "))?;
                }
                f.write_str(if user.password.is_some() { ", with a password" } else { ", without a password" })?;
                if user.ssh_keys.is_empty() { Ok(()) } else { write!(f, ", with {}", keys(user.ssh_keys.len())) }
            }
            Self::RunInTarget { name, script, apart } => {
                write!(f, "run {name}{script} in the installed system{}", if *apart { ", without a network" } else { "" })
            }
            Self::Unpack { source, to } => write!(f, "unpack {source} to {to}"),
            Self::Link { path, to } => write!(f, "link {path} to {to}"),
            Self::BootLoader { disk, bios, efi, .. } => {
                let firmware = match (bios, efi) {
                    (Some(_), Some(_)) => "BIOS and UEFI",
                    (Some(_), None) => "BIOS",
                    (None, Some(_) | None) => "UEFI",
                };
                write!(f, "make {disk} bootable with {firmware}")
            }
            Self::Close => f.write_str("write everything to the disks, and unmount them"),
            Self::Eject => f.write_str("eject the disc"),
            Self::Finish { how: Finish::Reboot } => f.write_str("restart the machine"),
            Self::Finish { how: Finish::Poweroff } => f.write_str("power off the machine"),
            Self::Finish { how: Finish::Stay } => f.write_str("keep the live system running"),
        }
    }
}

fn keys(count: usize) -> String {
    if count == 1 { "1 key".to_owned() } else { format!("{count} keys") }
}

impl fmt::Display for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(_) => Ok(()),
            Self::File(path) => write!(f, " ({path})"),
        }
    }
}

/// The word for presets.
pub(super) fn preset_word(state: ServiceState) -> Option<&'static str> {
    match state {
        ServiceState::Enabled => Some("enable"),
        ServiceState::Disabled => Some("disable"),
        ServiceState::Masked => None,
    }
}

impl Step {
    /// What it does, in one line.
    pub fn title(&self) -> String {
        let text = self.to_string();
        text.lines().next().unwrap_or_default().to_owned()
    }
}
