//! What the kernel's command line asks of a live system's installer, and where its kickstart file comes from.

mod search;

use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use self::search::{FW_CFG, fw_cfg, keep, search};
use crate::plan::Facts;
use kickstart::Kickstart;
use system::guestinfo;
use system::program::{self, ProgramError};

/// Where the live system's medium is seen.
const MEDIUM: &str = "/run/kaon/medium";

/// Where a kickstart file from elsewhere is kept, or the disk with it is mounted: in memory, for it may contain secrets.
const FETCHED: &str = "/run/kaon/kickstart";

/// How long a disk may take to appear, and how often it is looked for.
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(500);

/// How a disk can be named besides its path, as mount(8) takes it.
const TAGS: [&str; 4] = ["LABEL=", "UUID=", "PARTLABEL=", "PARTUUID="];

/// What is wanted of the installer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// `kaon.install`: questions.
    Questions,
    /// `ks=…`: no questions.
    Kickstart(Source),
    /// Neither: what a kickstart file says that is given to the machine, if there is one.
    Search,
    /// `ks=none`, or a shell that was asked for: nothing.
    Nothing,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fetched {
    /// Questions are asked.
    Questions,
    /// The kickstart file that was named.
    Named(PathBuf),
    /// A kickstart file that was found, and where, in a few words.
    Found {
        /// The file.
        path: PathBuf,
        /// Where it was.
        origin: String,
    },
    /// There is nothing to do.
    Nothing,
}

impl Fetched {
    /// The kickstart file, if there is one.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Named(path) | Self::Found { path, .. } => Some(path),
            Self::Questions | Self::Nothing => None,
        }
    }
}

/// Where a kickstart file is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// `PATH` or `cdrom:PATH`: on the medium.
    Medium(String),
    /// `DEVICE:PATH`, `LABEL=NAME:PATH` or `UUID=ID:PATH`: on another disk.
    Device {
        /// As mount(8) takes it.
        device: String,
        /// The path on it.
        path: String,
    },
    /// An address of http or https.
    Url(String),
    /// `guestinfo`: in the variable `guestinfo.kickstart.data`, or where `guestinfo.kickstart.url` says.
    GuestInfo,
    /// `fw_cfg`: what QEMU was given as `opt/org.kaon/kickstart`.
    FwCfg,
}

/// Why there is no kickstart file.
#[derive(Debug, thiserror::Error)]
pub enum LiveError {
    /// The argument makes no sense.
    #[error(
        "the kernel argument `ks={text}` is not a kickstart file: give a path on the medium, `DEVICE:PATH`, `LABEL=NAME:PATH`, `UUID=ID:PATH`, an http or https address, `guestinfo`, `fw_cfg`, or `none`"
    )]
    Argument {
        /// What stands behind `ks=`.
        text: String,
    },
    /// The command line or a directory cannot be used.
    #[error("cannot use `{path}`")]
    Io {
        /// The path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The disk cannot be mounted.
    #[error("cannot mount `{device}`")]
    Mount {
        /// The disk.
        device: String,
        /// Why.
        source: ProgramError,
    },
    /// The address gives nothing.
    #[error("cannot fetch `{url}`")]
    Fetch {
        /// The address.
        url: String,
        /// Why.
        source: ProgramError,
    },
    /// The virtual machine's variables hold none.
    #[error("{reason}")]
    GuestInfo {
        /// Why.
        reason: String,
    },
}

/// What the machine has once the disks that a kickstart file names are there; where it names none, once there is one. Slow ones are waited
/// for: nobody sits there to try again.
pub fn facts(kickstart: &Kickstart) -> Facts {
    let start = Instant::now();
    let disks = kickstart.disks.values();
    let (in_files, named): (Vec<_>, Vec<_>) = disks.map(|disk| disk.device.as_deref()).partition(Option::is_none);
    let named: Vec<&str> = kickstart.disk.as_deref().into_iter().chain(named.into_iter().flatten()).collect();
    // Other names of disks are udev's. What matters is looked at below, so it may fail.
    let _ = program::run("udevadm", &["settle", "--timeout=60"], None);
    loop {
        let facts = crate::machine::facts();
        let is_there = match named[..] {
            [] => !in_files.is_empty() || facts.usable().next().is_some(),
            _ => named.iter().all(|name| facts.disk(name).is_some()),
        };
        if is_there || start.elapsed() > PATIENCE {
            return facts;
        }
        std::thread::sleep(PAUSE);
    }
}

/// What this system's command line asks for.
///
/// # Errors
/// When it cannot be read or makes no sense.
pub fn wanted() -> Result<Wanted, LiveError> {
    let path = Path::new("/proc/cmdline");
    let text = fs::read_to_string(path).map_err(|source| LiveError::Io { path: path.to_owned(), source })?;
    parse(&text)
}

fn parse(command_line: &str) -> Result<Wanted, LiveError> {
    let words: Vec<&str> = command_line.split_whitespace().map(|word| word.trim_matches('"')).collect();
    // As with the kernel's own arguments, the last one counts.
    match words.iter().filter_map(|word| word.strip_prefix("ks=")).next_back() {
        Some("none") => Ok(Wanted::Nothing),
        Some(text) => source(text.trim_matches('"')).map(Wanted::Kickstart).ok_or_else(|| LiveError::Argument { text: text.to_owned() }),
        None if words.contains(&"kaon.install") => Ok(Wanted::Questions),
        // Whoever asked for a shell looks after a disk, perhaps.
        None if words.contains(&"kaon.autologin") => Ok(Wanted::Nothing),
        None => Ok(Wanted::Search),
    }
}

fn source(text: &str) -> Option<Source> {
    let path = |path: &str| Some(path.to_owned()).filter(|path| path.starts_with('/') && !path.split('/').any(|part| part == ".."));
    if text == "guestinfo" {
        return Some(Source::GuestInfo);
    }
    if text == "fw_cfg" {
        return Some(Source::FwCfg);
    }
    if text.starts_with("http://") || text.starts_with("https://") {
        return Some(Source::Url(text.to_owned()));
    }
    // Names in /dev/disk/by-path hold colons; paths of kickstart files seldom do.
    match text.rsplit_once(':') {
        None => path(text).map(Source::Medium),
        Some(("cdrom", rest)) => path(rest).map(Source::Medium),
        Some((device, rest)) if device.starts_with("/dev/") || TAGS.iter().any(|tag| device.starts_with(tag)) => {
            Some(Source::Device { device: device.to_owned(), path: path(rest)? })
        }
        Some(_) => None,
    }
}

impl Wanted {
    /// The kickstart file, where this system can read it.
    ///
    /// # Errors
    /// When it is not to be had.
    pub fn fetch(&self) -> Result<Fetched, LiveError> {
        match self {
            Self::Questions => Ok(Fetched::Questions),
            Self::Kickstart(source) => source.fetch().map(Fetched::Named),
            Self::Search => search(),
            Self::Nothing => Ok(Fetched::Nothing),
        }
    }
}

impl Source {
    fn fetch(&self) -> Result<PathBuf, LiveError> {
        match self {
            Self::Medium(path) => Ok(Path::new(MEDIUM).join(path.trim_start_matches('/'))),
            Self::Device { device, path } => {
                let folder = folder()?;
                mount(device).map_err(|source| LiveError::Mount { device: device.clone(), source })?;
                Ok(folder.join(path.trim_start_matches('/')))
            }
            Self::Url(url) => download(url),
            Self::GuestInfo => guest_info()?.ok_or_else(|| LiveError::GuestInfo { reason: NO_VARIABLE.to_owned() }),
            Self::FwCfg => fw_cfg()?.ok_or_else(|| LiveError::GuestInfo { reason: format!("there is no `{FW_CFG}`") }),
        }
    }
}

const NO_VARIABLE: &str = "neither guestinfo.kickstart.data nor guestinfo.kickstart.url is set";

/// Mounts the disk with the kickstart file. Slow disks appear later than this program.
fn mount(device: &str) -> Result<(), ProgramError> {
    let words = ["-o", "ro,nodev,nosuid,noexec", device, FETCHED];
    let start = Instant::now();
    loop {
        match program::run("mount", &words, None) {
            Err(_) if !is_there(device) && start.elapsed() < PATIENCE => std::thread::sleep(PAUSE),
            other => return other.map(drop),
        }
    }
}

/// Whether a disk is there, by its path or by what udev calls it.
fn is_there(device: &str) -> bool {
    let by = |kind: &str, name: &str| Path::new("/dev/disk").join(kind).join(name).exists();
    match device.split_once('=') {
        None => Path::new(device).exists(),
        Some((tag, name)) => by(&format!("by-{}", tag.to_lowercase()), name),
    }
}

fn folder() -> Result<&'static Path, LiveError> {
    let folder = Path::new(FETCHED);
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map(|()| folder).map_err(|source| LiveError::Io { path: folder.to_owned(), source })
}

fn download(url: &str) -> Result<PathBuf, LiveError> {
    // The ending tells the language.
    let name = url.split(['?', '#']).next().and_then(|path| path.rsplit('/').next()).filter(|name| !name.is_empty()).unwrap_or("ks");
    let path = folder()?.join(name);
    let to = path.display().to_string();
    const PATIENCE: [&str; 10] = [
        "--fail",
        "--silent",
        "--show-error",
        "--location",
        "--retry=15",
        "--retry-all-errors",
        "--retry-delay=2",
        "--connect-timeout=10",
        "--max-time=300",
        "--max-filesize=1048576",
    ];
    let words: Vec<&str> = PATIENCE.iter().flat_map(|word| word.split('=')).chain(["--output", &to, "--", url]).collect();
    program::run("curl", &words, None).map_err(|source| LiveError::Fetch { url: url.to_owned(), source })?;
    Ok(path)
}

/// What the virtual machine's variables say, if they do.
fn guest_info() -> Result<Option<PathBuf>, LiveError> {
    if !guestinfo::is_there() {
        let reason = "`ks=guestinfo` was given, but this is not a VMware virtual machine, or open-vm-tools is missing".to_owned();
        return Err(LiveError::GuestInfo { reason });
    }
    if let Some(url) = guestinfo::variable("kickstart.url") {
        return download(&url).map(Some);
    }
    let text = guestinfo::document("kickstart.data").map_err(|reason| LiveError::GuestInfo { reason })?;
    let Some(text) = text else { return Ok(None) };
    // The reference installer takes Base64 without being told.
    let is_plain = text.contains(['{', ':', '=']) && text.contains([' ', '\n', '"']);
    let text = if is_plain { text } else { guestinfo::decode(&text, "base64").unwrap_or(text) };
    keep(text.as_bytes()).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_kickstart_files_are() {
        let device = |device: &str, path: &str| Some(Source::Device { device: device.into(), path: path.into() });
        let table = [
            ("/isolinux/ks.json", Some(Source::Medium("/isolinux/ks.json".into()))),
            ("cdrom:/ks.json", Some(Source::Medium("/ks.json".into()))),
            ("/dev/sdb1:/a/ks.yaml", device("/dev/sdb1", "/a/ks.yaml")),
            ("/dev/disk/by-path/pci-0000:00:1f.2:/ks", device("/dev/disk/by-path/pci-0000:00:1f.2", "/ks")),
            ("LABEL=KS:/ks.toml", device("LABEL=KS", "/ks.toml")),
            ("UUID=1234-ABCD:/ks.toml", device("UUID=1234-ABCD", "/ks.toml")),
            ("https://example.org:8443/ks?x=1", Some(Source::Url("https://example.org:8443/ks?x=1".into()))),
            ("guestinfo", Some(Source::GuestInfo)),
            ("fw_cfg", Some(Source::FwCfg)),
            ("ftp://example.org/ks", None),
            ("ks.json", None),
            ("cdrom:/../etc/shadow", None),
            ("", None),
        ];
        for (text, expected) in table {
            assert_eq!(source(text), expected, "{text}");
        }
    }

    #[test]
    fn the_command_line() {
        assert_eq!(parse("quiet kaon.install console=ttyS0\n").unwrap(), Wanted::Questions);
        assert_eq!(parse("ks=/a \"ks=/b\" x\n").unwrap(), Wanted::Kickstart(Source::Medium("/b".into())));
        assert_eq!(parse("quiet console=ttyS0\n").unwrap(), Wanted::Search);
        assert_eq!(parse("quiet kaon.autologin").unwrap(), Wanted::Nothing);
        assert_eq!(parse("kaon.install ks=none").unwrap(), Wanted::Nothing);
        assert!(parse("ks=nowhere").unwrap_err().to_string().contains("ks=nowhere"));
    }
}
