//! What is to be installed: one model behind the screens and the kickstart file.
//!
//! The keys are those of Photon OS' installer, and a few more. A key that is not known, or that nothing here acts on, is an error
//! that names it; what is done otherwise than written is said in a note. `docs/src/kickstart.md` is made from these types.

mod account;
mod btrfs;
mod certificate;
mod check;
mod crypt;
mod disk;
pub mod document;
pub mod foreign;
pub mod medium;
mod network;
mod network_v1;
pub mod networkd;
pub mod photon;
mod reference;
mod secret;
mod ssh;
mod unsupported;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use account::{Password, PublicKey, User, is_account_name, is_hostname, sudoers_file, sudoers_name};
pub use btrfs::{Btrfs, Placed, Subvolume};
pub use certificate::{BEGIN_CERTIFICATE, END_CERTIFICATE, are_certificates};
pub use crypt::is_hash;
pub use disk::{BootMode, Disk, FileSystem, Partition, PartitionType};
pub use network::{Address, Cidr, DhcpIdentifier, Ethernet, Match, Nameservers, Network, Overrides, Route, Rule, Version, Vlan};
pub use network_v1::{NetworkData, NetworkV1};
pub use reference::{reference, schema};
pub use secret::Secret;
pub use ssh::{
    Account, HostCertificate, KeyError, KeyLine, Principal, SSH_FILE_MODE, Ssh, SshFile, check_authorized_key, check_key, is_ssh_key,
};
pub use unsupported::network as network_dialect;

use document::{Dialect, Document, Language, Problem, Problems};
use photon::{Told, Variables};

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
    /// Certificates in place of single keys.
    pub ssh: Ssh,
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
    /// Variables of all scripts. A value that is `$NAME` as a whole is replaced by the variable, or by what `preinstall` exports.
    pub environment: BTreeMap<String, String>,
    /// What runs when the installed system first starts.
    pub firstboot: Firstboot,
    /// Container images that Docker has once the system has started for the first time.
    pub docker: Docker,
    /// Archives to unpack: pairs of a tar archive, compressed or not, searched for in `search_path`, and a directory of the installed system.
    pub archives: Vec<BTreeMap<String, String>>,
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
            ssh: Ssh::default(),
            network: None,
            ca_certificates: Vec::new(),
            services: BTreeMap::new(),
            preinstall: Vec::new(),
            preinstallscripts: Vec::new(),
            postinstall: Vec::new(),
            postinstallscripts: Vec::new(),
            environment: BTreeMap::new(),
            firstboot: Firstboot::default(),
            docker: Docker::default(),
            archives: Vec::new(),
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
    /// Photon's kernel for servers: `linux-generic` or, where the medium has none, `linux-esx`.
    Linux,
    /// Photon's kernel for AWS: as `linux`.
    LinuxAws,
    /// The kernel with bounded latency or, where the medium has none, as `linux`.
    LinuxRt,
    /// The hardened kernel or, where the medium has none, as `linux`.
    LinuxSecure,
}

impl LinuxFlavor {
    /// Those that stand for one kernel each, in the order they are offered.
    pub const KERNELS: [Self; 4] = [Self::LinuxEsx, Self::LinuxGeneric, Self::LinuxRt, Self::LinuxSecure];

    /// What the package manager is asked for, the first of these that the medium has.
    pub fn packages(self) -> &'static [&'static str] {
        match self {
            Self::LinuxEsx => &["linux-esx"],
            Self::LinuxGeneric => &["linux-generic"],
            Self::Linux | Self::LinuxAws => &["linux-generic", "linux-esx"],
            Self::LinuxRt => &["linux-rt", "linux-generic", "linux-esx"],
            Self::LinuxSecure => &["linux-secure", "linux-generic", "linux-esx"],
        }
    }

    /// What the package manager is asked for where the medium has all kernels.
    pub fn package(self) -> &'static str {
        self.packages()[0]
    }

    /// As in a kickstart file.
    pub fn name(self) -> &'static str {
        match self {
            Self::LinuxEsx => "linux-esx",
            Self::LinuxGeneric => "linux-generic",
            Self::Linux => "linux",
            Self::LinuxAws => "linux-aws",
            Self::LinuxRt => "linux-rt",
            Self::LinuxSecure => "linux-secure",
        }
    }
}

/// What runs when the installed system first starts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Firstboot {
    /// Scripts that run once, in this order, when the network is up. Searched for in `search_path`.
    pub scripts: Vec<String>,
}

/// What Docker has when the system has started for the first time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Docker {
    /// The images.
    pub images: Vec<DockerImage>,
}

/// A container image.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct DockerImage {
    /// Where it comes from.
    pub method: DockerMethod,
    /// Its name, to pull it.
    #[serde(default)]
    pub name: Option<String>,
    /// The archive (`docker save`), to load it. Searched for in `search_path`.
    #[serde(default)]
    pub filename: Option<String>,
    /// Further names that it gets.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Whether it loses its own name.
    #[serde(default)]
    pub drop_tag: bool,
}

/// Where a container image comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DockerMethod {
    /// A registry, which the installed system asks.
    Pull,
    /// An archive, which is copied into the installed system.
    Load,
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

/// A kickstart file that was read.
#[derive(Clone, Debug)]
pub struct Parsed {
    /// What it says, and where.
    pub document: Document<Kickstart>,
    /// What is done otherwise than written.
    pub notes: Vec<Problem>,
    /// The variables whose values only the scripts of `preinstall` know.
    pub pending: Vec<String>,
    /// Whether one of them is the disk that the system starts from.
    pub awaits_disk: bool,
}

impl Kickstart {
    /// Reads a kickstart file. `name` is for messages and, by its ending, for the language.
    ///
    /// # Errors
    /// All that is wrong with it, each with its place.
    pub fn parse(name: &str, text: &str) -> Result<Parsed, Problems> {
        Self::parse_with(name, text, &Variables::Unknown)
    }

    /// As [`Kickstart::parse`], with the variables that the scripts of `preinstall` have exported.
    ///
    /// # Errors
    /// As there.
    pub fn parse_with(name: &str, text: &str, variables: &Variables) -> Result<Parsed, Problems> {
        let (parsed, problems) = Self::read(name, text, variables)?;
        match (parsed, problems.is_empty()) {
            (Some(parsed), true) => Ok(parsed),
            (Some(parsed), false) => Err(parsed.document.problems(problems)),
            (None, _) => Err(Problems { name: name.to_owned(), problems }),
        }
    }

    /// What of a file can be read, and all that is wrong with it, by place if nothing can be read.
    fn read(name: &str, text: &str, variables: &Variables) -> Result<(Option<Parsed>, Vec<Problem>), Problems> {
        if let Some(problems) = foreign::kickstart(name, text) {
            return Err(problems);
        }
        let (language, mut told) = (Language::of(name, text), Told::default());
        let text = if language == Language::Yaml { photon::with_defaults(text, &mut told) } else { text.to_owned() };
        let mut parsed = document::Parsed::new(name, &text, language)?;
        photon::translate(parsed.root(), variables, &mut told);
        let (document, problems) = parsed.known::<Self>(unsupported::kickstart(), |_| Vec::new());
        let mut problems = problems.map(|problems| problems.problems).unwrap_or_default();
        problems.retain(|problem| !told.explains(problem));
        problems.append(&mut told.problems);
        let Some(document) = document else {
            problems.sort_by_key(|problem| problem.place);
            return Ok((None, problems));
        };
        let found: Vec<Problem> = check::check(&document.value)
            .into_iter()
            .filter(|(path, ..)| !is_consequence(&document.original(path), &problems))
            .filter(|(_, message, _)| !(told.awaits_disk && message == check::NO_DEFAULT))
            .map(|(path, message, hint)| document.problem(&path, message, hint))
            .collect();
        problems.extend(found);
        let doubts = document.value.network.iter().flat_map(networkd::doubts);
        told.notes.extend(doubts.map(|doubt| document.problem(&format!("network.{}", doubt.path), doubt.message, None)));
        told.notes.sort_by_key(|note| note.place);
        let Told { notes, pending, awaits_disk, .. } = told;
        Ok((Some(Parsed { document, notes, pending, awaits_disk }), problems))
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
        let mut parsed = document::Parsed::new(name, text, Language::of(name, text))?;
        photon::list(parsed.root());
        match parsed.known::<Self>(Dialect::plain(|_, _| None), |_| Vec::new()) {
            (Some(document), None) => Ok(document.value),
            (_, problems) => Err(problems.unwrap_or_else(|| Problems { name: name.to_owned(), problems: Vec::new() })),
        }
    }
}

/// Whether what is wrong at a path may be so because something in it, or it itself, was not read.
fn is_consequence(path: &str, problems: &[Problem]) -> bool {
    let known = problems.iter().filter(|problem| !problem.path.is_empty());
    known.into_iter().any(|problem| document::is_within(&problem.path, path) || document::is_within(path, &problem.path))
}
