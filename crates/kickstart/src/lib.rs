//! What is to be installed: one model behind the screens and the kickstart file.
//!
//! The keys are those of Photon OS' installer, and a few more. A key that is not known, or that nothing here acts on, is an error
//! that names it. `docs/src/kickstart.md` is made from these types.

mod account;
mod check;
mod crypt;
mod disk;
pub mod document;
pub mod medium;
mod network;
mod network_v1;
pub mod networkd;
mod reference;
mod secret;
mod unsupported;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use account::{Password, PublicKey, User, is_account_name, is_authorized_key, is_hostname, is_ssh_key};
pub use crypt::is_hash;
pub use disk::{BootMode, Disk, FileSystem, Partition, PartitionType};
pub use network::{Address, Cidr, DhcpIdentifier, Ethernet, Match, Nameservers, Network, Overrides, Route, Rule, Version, Vlan};
pub use network_v1::NetworkV1;
pub use reference::{reference, schema};
pub use secret::Secret;
pub use unsupported::network as network_dialect;

use document::{Document, Language, Problems};

/// What to install, and how.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Kickstart {
    /// The machine's name.
    pub hostname: Option<String>,
    /// The disk to install on, whose content is lost: `/dev/sda`, `/dev/disk/by-path/…`.
    pub disk: Option<String>,
    /// The disks to install on, by names that `partitions` refers to; `default` must be among them.
    pub disks: BTreeMap<String, Disk>,
    /// How partitions are recorded.
    pub partition_type: PartitionType,
    /// The partitions, in order; without any, the root fills the disk.
    pub partitions: Vec<Partition>,
    /// Which firmware can start the installed system.
    pub bootmode: BootMode,
    /// The packages to install, with everything they need. `["minimal"]` if no list of packages is set.
    pub packages: Vec<String>,
    /// Additional packages.
    pub additional_packages: Vec<String>,
    /// A file with a list of packages: JSON such as `{"packages": ["minimal"]}`. Searched for in `search_path`.
    pub packagelist_file: Option<String>,
    /// Several such files.
    pub packagelist_files: Vec<String>,
    /// The kernel.
    pub linux_flavor: LinuxFlavor,
    /// Additional kernel arguments.
    pub kernel_arguments: Vec<String>,
    /// Root's password. Without one root is locked.
    pub password: Option<Password>,
    /// Root's password as a hash: short for `password` with `crypted`.
    pub shadow_password: Option<Secret>,
    /// A key that may log in as root over SSH.
    pub public_key: Option<PublicKey>,
    /// Users in addition to root.
    pub users: Vec<User>,
    /// The network; DHCP on all cards by default.
    pub network: Option<Network>,
    /// Certificates of authorities to trust in addition to the usual ones, each in PEM.
    pub ca_certificates: Vec<String>,
    /// Units by name, with or without `.service`, and their state.
    pub services: BTreeMap<String, ServiceState>,
    /// Lines of a script that runs on the live system before anything is written.
    pub preinstall: Vec<String>,
    /// Scripts that run on the live system before anything is written. Searched for in `search_path`.
    pub preinstallscripts: Vec<String>,
    /// Lines of a script that runs in the installed system at the end.
    pub postinstall: Vec<String>,
    /// Scripts that run in the installed system at the end. Searched for in `search_path`.
    pub postinstallscripts: Vec<String>,
    /// Files and directories to copy: pairs of a source, searched for in `search_path`, and a path in the installed system.
    pub additional_files: Vec<BTreeMap<String, String>>,
    /// Directories to search for files. The kickstart file's own directory is always the last.
    pub search_path: Vec<String>,
    /// Whether the disc is ejected at the end.
    pub eject_cdrom: bool,
    /// Whether progress is shown graphically instead of line by line: in full-screen mode on a terminal, otherwise as a bar.
    pub ui: bool,
    /// Whether the disk stays in the machine that runs the installer. If not, that machine is not restarted and its disc is not ejected.
    pub live: bool,
    /// The amount of output.
    pub log_level: LogLevel,
    /// The installed system's architecture.
    pub arch: Arch,
    /// Mandatory access control.
    pub security: Security,
    /// What happens at the end.
    pub finish: Finish,
}

impl Default for Kickstart {
    fn default() -> Self {
        Self {
            hostname: None,
            disk: None,
            disks: BTreeMap::new(),
            partition_type: PartitionType::default(),
            partitions: Vec::new(),
            bootmode: BootMode::default(),
            packages: Vec::new(),
            additional_packages: Vec::new(),
            packagelist_file: None,
            packagelist_files: Vec::new(),
            linux_flavor: LinuxFlavor::default(),
            kernel_arguments: Vec::new(),
            password: None,
            shadow_password: None,
            public_key: None,
            users: Vec::new(),
            network: None,
            ca_certificates: Vec::new(),
            services: BTreeMap::new(),
            preinstall: Vec::new(),
            preinstallscripts: Vec::new(),
            postinstall: Vec::new(),
            postinstallscripts: Vec::new(),
            additional_files: Vec::new(),
            search_path: Vec::new(),
            eject_cdrom: true,
            ui: false,
            live: true,
            log_level: LogLevel::default(),
            arch: Arch::default(),
            security: Security::default(),
            finish: Finish::default(),
        }
    }
}

/// A kernel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LinuxFlavor {
    /// The kernel for virtual machines on ESXi and KVM.
    #[default]
    LinuxEsx,
    /// The kernel for clouds and servers without a hypervisor.
    LinuxGeneric,
    /// The same, by the name of the reference installer.
    Linux,
}

impl LinuxFlavor {
    /// What the package manager is asked for.
    pub fn package(self) -> &'static str {
        match self {
            Self::LinuxEsx => "linux-esx",
            Self::LinuxGeneric | Self::Linux => "linux-generic",
        }
    }
}

/// What becomes of a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ServiceState {
    /// Started at boot.
    Enabled,
    /// Not started at boot.
    Disabled,
    /// Cannot be started.
    Masked,
}

/// The amount of output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// Failures.
    Error,
    /// Also warnings.
    Warning,
    /// Also each step.
    #[default]
    Info,
    /// Also the output of programs.
    Debug,
}

/// An architecture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum Arch {
    /// 64-bit PCs.
    #[default]
    #[serde(rename = "x86_64")]
    X86_64,
}

/// Mandatory access control.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Security {
    /// SELinux, for which the system has no policy.
    pub selinux: Selinux,
}

/// The state of SELinux.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Selinux {
    /// Off.
    #[default]
    Disabled,
}

/// What happens at the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Finish {
    /// Restart the machine.
    #[default]
    Reboot,
    /// Power off the machine.
    Poweroff,
    /// Keep the live system running.
    Stay,
}

/// A list of packages in a file of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackageList {
    /// The packages.
    pub packages: Vec<String>,
}

impl Kickstart {
    /// Reads a kickstart file. `name` is for messages and, by its ending, for the language.
    ///
    /// # Errors
    /// All that is wrong with it, each with its place.
    pub fn parse(name: &str, text: &str) -> Result<Document<Self>, Problems> {
        let document: Document<Self> = document::read(name, text, Language::of(name, text), unsupported::reason)?;
        let problems: Vec<_> =
            check::check(&document.value).into_iter().map(|(path, message, hint)| document.problem(&path, message, hint)).collect();
        if problems.is_empty() { Ok(document) } else { Err(document.problems(problems)) }
    }

    /// What is wrong with a model that was not read from a file, by path, and what to do about it.
    pub fn complaints(&self) -> Vec<(String, String)> {
        let told = |message: String, hint: Option<String>| hint.map_or(message.clone(), |hint| format!("{message}; {hint}"));
        check::check(self).into_iter().map(|(path, message, hint)| (path, told(message, hint))).collect()
    }

    /// The name the machine gets: `hostname`, or the network's.
    pub fn hostname(&self) -> Option<&str> {
        self.hostname.as_deref().or_else(|| self.network.as_ref().and_then(|network| network.hostname.as_deref()))
    }
}

impl PackageList {
    /// Reads a list of packages.
    ///
    /// # Errors
    /// All that is wrong with it, each with its place.
    pub fn parse(name: &str, text: &str) -> Result<Self, Problems> {
        Ok(document::read(name, text, Language::of(name, text), |_, _| None)?.value)
    }
}
