//! The first start of a system, or of a copy of one: whatever must be its own is made again, and what the platform says of it is done.
//!
//! Early, before the network and SSH: identity, host name, network, users, keys, certificates, proxy, files, units of containers. On a
//! cloud's machine that nobody else said anything of, the same when the network is up, before SSH and the container engine. Late, when both
//! are up: images, packages, users' commands.

mod act;
mod cloud;
mod container;
mod disks;
mod identity;
mod late;
mod load;
mod metadata;
mod ovf;
mod source;

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;

use clap::Parser;

pub use cloud::{CloudConfig, MetaData};
pub use container::{Container, Image, Kaon, Restart};
pub use metadata::{Addresses, Cloud, CloudMetadata, MetadataError, Patience};
pub use ovf::{Environment, OvfError};
pub use source::{Bundle, gather};

use self::identity::Instance;
use kickstart::Network;
use kickstart::document::{self, Language, Problem};
use system::{SystemError, Target};

/// Configure this system at its first start.
#[derive(Debug, Parser)]
#[command(name = "kaon-firstboot", version)]
struct Arguments {
    /// Stage to run: `early` before the network, `network` and `late` after it; `check` reads a cloud-config file and reports its errors.
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Run the stage before network and SSH are up.
    Early,
    /// On a cloud: run the stage that asks the cloud's metadata service when the network is up.
    Network,
    /// Run the remaining steps when network and container engine are up.
    Late,
    /// Check a cloud-config file and report errors and unknown keys.
    Check {
        /// The file.
        file: std::path::PathBuf,
    },
}

/// Why a stage of the first start failed.
#[derive(Debug, thiserror::Error)]
pub enum FirstbootError {
    /// The system cannot be changed.
    #[error(transparent)]
    System(#[from] SystemError),
    /// The cloud does not say what this system is to be.
    #[error("cannot query the cloud's metadata service; it is tried again at the next start")]
    Cloud(#[source] MetadataError),
}

/// What is known of a system from outside, and what of it was not understood.
#[derive(Debug, Default)]
pub struct Wishes {
    /// Which system this is, in the platform's words.
    pub instance: String,
    /// What is to be done.
    pub cloud: CloudConfig,
    /// The network.
    pub network: Option<Network>,
    /// A script instead of a cloud-config file.
    pub script: Option<String>,
    /// What was not understood.
    pub complaints: Vec<String>,
}

/// Combines all documents of a platform.
pub fn understand(bundle: &Bundle) -> Wishes {
    let mut wishes = Wishes { complaints: bundle.complaints.clone(), ..Wishes::default() };
    let mut meta = MetaData::default();
    if let Some(text) = &bundle.meta_data {
        meta = read(&format!("{}: meta-data", bundle.origin), text, &mut wishes.complaints).unwrap_or_default();
    }
    let of_cloud = bundle.cloud.as_ref().and_then(|cloud| cloud.user_data.as_ref());
    if let Some(text) = bundle.user_data.as_ref().or(of_cloud) {
        let name = format!("{}: user-data", bundle.origin);
        match text.trim_start() {
            _ if text.len() as u64 > source::LONGEST_BYTES => {
                wishes.complaints.push(format!("{name}: it is larger than {} bytes", source::LONGEST_BYTES));
            }
            script if script.starts_with("#!") => wishes.script = Some(text.clone()),
            cloud if cloud.starts_with("#cloud-config") || cloud.starts_with('{') => {
                wishes.cloud = read(&name, text, &mut wishes.complaints).unwrap_or_default();
            }
            "" => {}
            _ => wishes.complaints.push(format!("{name}: it begins neither with `#cloud-config` nor with `#!`, and is ignored")),
        }
    }
    if let Some(text) = &bundle.network_config {
        wishes.network = network(&format!("{}: network-config", bundle.origin), text, &mut wishes.complaints);
    }
    if let Some(environment) = &bundle.ovf {
        let (cloud, network) = environment.wishes(&mut wishes.complaints);
        wishes.cloud.add(cloud);
        wishes.network = wishes.network.take().or(network);
    }
    wishes.network = wishes.network.take().or_else(|| meta.network.take().map(cloud::NetworkConfig::into_network));
    wishes.cloud.hostname = wishes.cloud.hostname.take().or(meta.local_hostname).or(meta.hostname);
    wishes.cloud.ssh_authorized_keys.extend(meta.public_keys.0);
    wishes.instance = meta.instance_id.unwrap_or_default();
    if let Some(metadata) = &bundle.cloud {
        wishes.instance.clone_from(&metadata.instance);
        wishes.complaints.extend(metadata.complaints.iter().map(|line| format!("{}: {line}", bundle.origin)));
        let (hostname, users, ssh_authorized_keys) = (metadata.hostname.clone(), metadata.users.clone(), metadata.root_keys.clone());
        wishes.cloud.add(CloudConfig { hostname, users, ssh_authorized_keys, ..CloudConfig::default() });
    }
    if let Some(network) = &wishes.network {
        let wrong = kickstart::networkd::complaints(network);
        wishes.complaints.extend(wrong.iter().map(|(path, message)| format!("{}: network: {path}: {message}", bundle.origin)));
        if !wrong.is_empty() {
            wishes.network = None;
        }
    }
    wishes
}

/// Reads a document and collects unknown keys separately; nothing if it cannot be read.
fn read<T: serde::de::DeserializeOwned>(name: &str, text: &str, complaints: &mut Vec<String>) -> Option<T> {
    match document::read_known(name, text, Language::of("", text), cloud::unsupported) {
        Ok((document, unknown)) => {
            let line = |problem: Problem| format!("{}", document.problems(vec![problem]));
            complaints.extend(unknown.into_iter().map(line));
            Some(document.value)
        }
        Err(problems) => {
            complaints.push(problems.to_string());
            None
        }
    }
}

fn network(name: &str, text: &str, complaints: &mut Vec<String>) -> Option<Network> {
    let wrapped = text.lines().any(|line| line.starts_with("network:") || line.trim_start().starts_with("\"network\""));
    if wrapped {
        return read::<cloud::Wrapped>(name, text, complaints).map(|wrapped| wrapped.network);
    }
    read(name, text, complaints)
}

/// Runs the program.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => error.exit(),
    };
    let target = Target::existing(Path::new("/"));
    let result = match &arguments.verb {
        Verb::Early => early(&target).map_err(FirstbootError::from),
        Verb::Network => network_stage(&target),
        Verb::Late => late::run(&target).map_err(FirstbootError::from),
        Verb::Check { file } => return check(file),
    };
    match result {
        Ok(complaints) => {
            complaints.iter().for_each(|complaint| report(complaint));
            ExitCode::SUCCESS
        }
        Err(error) => {
            report(&format!("error: {}", text::with_causes(&error)));
            ExitCode::FAILURE
        }
    }
}

/// What is written here ends in the journal.
fn report(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// There as long as the cloud is to be asked what it says of this system.
const UNASKED: &str = "/var/lib/kaon/unasked";

/// The unit that asks.
const ASKING: &str = "kaon-firstboot-network.service";

fn early(target: &Target) -> Result<Vec<String>, SystemError> {
    let recorded = Instance::recorded(target)?;
    let mut instance = Instance { machine: identity::machine(), platform: String::new() };
    let cloud = Cloud::of(Path::new(metadata::FIRMWARE));
    // Only a start as another system is worth waiting for slow disks, and clouds speak otherwise.
    let bundle = gather(cloud.is_none() && instance.is_new(recorded.as_ref()));
    let mut wishes = understand(&bundle);
    instance.platform.clone_from(&wishes.instance);
    let mut complaints = Vec::new();
    if instance.is_new(recorded.as_ref()) {
        identity::renew(target)?;
        let is_unasked = cloud.is_some() && bundle.is_empty();
        if is_unasked {
            target.write(UNASKED, 0o644, b"")?
        } else {
            target.remove(UNASKED)?
        }
        complaints = act::early(&mut wishes, target)?;
        instance.record(target)?;
    }
    // What an earlier start was asked and could not do is tried again.
    if cloud.is_some() && target.place(UNASKED)?.exists() {
        complaints.extend(late::start(ASKING, target));
    }
    if late::is_left(target)? {
        complaints.extend(late::start(late::UNIT, target));
    }
    Ok(complaints)
}

/// Asks the cloud, and does what it says.
fn network_stage(target: &Target) -> Result<Vec<String>, FirstbootError> {
    let Some(cloud) = Cloud::of(Path::new(metadata::FIRMWARE)) else { return Ok(Vec::new()) };
    let (addresses, patience) = (Addresses::default(), Patience::default());
    let metadata = cloud.ask(&addresses, patience).map_err(FirstbootError::Cloud)?;
    let mut complaints = obey(cloud, metadata, target)?;
    if late::is_left(target)? {
        complaints.extend(late::start(late::UNIT, target));
    }
    complaints.extend(cloud.report(&addresses, patience).err().map(|error| text::with_causes(&FirstbootError::Cloud(error))));
    Ok(complaints)
}

/// Does what a cloud says of this system, and keeps in mind that it was asked.
fn obey(cloud: Cloud, metadata: CloudMetadata, target: &Target) -> Result<Vec<String>, SystemError> {
    let mut wishes = understand(&Bundle::of_cloud(cloud, metadata));
    let complaints = act::early(&mut wishes, target)?;
    let recorded = Instance::recorded(target)?.unwrap_or_default();
    Instance { platform: wishes.instance, ..recorded }.record(target)?;
    target.remove(UNASKED)?;
    Ok(complaints)
}

fn check(file: &Path) -> ExitCode {
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) => {
            report(&format!("error: cannot read `{}`: {error}", file.display()));
            return ExitCode::FAILURE;
        }
    };
    let mut complaints = Vec::new();
    let cloud: Option<CloudConfig> = read(&file.display().to_string(), &text, &mut complaints);
    let name = file.display();
    complaints.extend(cloud.iter().flat_map(|cloud| cloud.kaon.complaints()).map(|line| format!("{name}: {line}")));
    complaints.iter().for_each(|complaint| report(complaint));
    if cloud.is_some() && complaints.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(3) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "ssh-ed25519 AAAAC3 me";

    #[test]
    fn documents_become_one() {
        let bundle = Bundle {
            origin: "NoCloud".into(),
            user_data: Some(format!(
                "#cloud-config\nusers:\n  - name: dev\n    groups: docker, wheel\n    ssh_authorized_keys: [{KEY}]\nflux: 1\nchpasswd: {{expire: false}}\n"
            )),
            meta_data: Some("instance-id: i-1\nlocal-hostname: node\n".into()),
            network_config: Some(
                "network:\n  version: 2\n  ethernets:\n    e:\n      match: {name: e*}\n      dhcp4: true\n      wakeonlan: true\n".into(),
            ),
            ..Bundle::default()
        };
        let wishes = understand(&bundle);
        assert_eq!((wishes.instance.as_str(), wishes.cloud.hostname.as_deref()), ("i-1", Some("node")));
        assert_eq!(wishes.cloud.users[0].groups.0, ["docker", "wheel"]);
        assert!(wishes.network.is_some_and(|network| network.ethernets["e"].dhcp4));
        assert_eq!(wishes.complaints.len(), 2, "{:?}", wishes.complaints);
        assert!(wishes.complaints.iter().any(|line| line.contains("flux: unknown key")));
    }

    #[test]
    fn what_a_cloud_says_is_done_and_the_cloud_asked_no_more() {
        let folder = tempfile::tempdir().unwrap();
        let target = Target::prepare(folder.path()).unwrap();
        target.write("/etc/passwd", 0o644, b"root:x:0:0:root:/root:/bin/sh\n").unwrap();
        target.write("/etc/group", 0o644, b"root:x:0:\n").unwrap();
        target.write("/etc/shadow", 0o600, b"root:!*:1::::::\n").unwrap();
        target.write("/etc/gshadow", 0o600, b"root:!*::\n").unwrap();
        target.write(UNASKED, 0o644, b"").unwrap();
        Instance { machine: "m".into(), platform: String::new() }.record(&target).unwrap();
        let dev = cloud::CloudUser { ssh_authorized_keys: vec![KEY.into()], ..cloud::CloudUser::named("dev") };
        let metadata = CloudMetadata {
            instance: "i-1".into(),
            hostname: Some("given".into()),
            root_keys: vec![KEY.into()],
            users: vec![dev],
            user_data: Some("#cloud-config\nhostname: chosen\nflux: 1\n".into()),
            complaints: vec!["one".into()],
        };
        let complaints = obey(Cloud::Ec2, metadata, &target).unwrap();
        assert_eq!(complaints.len(), 2, "{complaints:?}");
        assert_eq!(target.read("/etc/hostname").unwrap(), "chosen\n");
        assert_eq!(target.read("/root/.ssh/authorized_keys").unwrap(), format!("{KEY}\n"));
        assert_eq!(target.read("/home/dev/.ssh/authorized_keys").unwrap(), format!("{KEY}\n"));
        assert!(!target.place(UNASKED).unwrap().exists());
        let recorded = Instance { machine: "m".into(), platform: "i-1".into() };
        assert_eq!(Instance::recorded(&target).unwrap(), Some(recorded));
    }

    #[test]
    fn nonsense_is_told_and_does_nothing() {
        for text in ["MIME-Version: 1.0\n", "#cloud-config\nusers: 5\n", "#cloud-config\na: [\n"] {
            let wishes = understand(&Bundle { user_data: Some(text.into()), ..Bundle::default() });
            assert_eq!(wishes.complaints.len(), 1, "{text}");
            assert_eq!(wishes.cloud, CloudConfig::default());
        }
        let bundle = Bundle { network_config: Some("version: 2\nethernets: {a/b: {dhcp4: true}}\n".into()), ..Bundle::default() };
        assert!(understand(&bundle).network.is_none());
    }
}
