//! The first start of a system, or of a copy of one: whatever must be its own is made again, and what the platform says of it is done.
//!
//! Early, before the network and SSH: identity, host name, network, users, keys, certificates, proxy, files, units of containers. On a
//! cloud's machine that nobody else said anything of, the same when the network is up, before SSH and the container engine. Late, when both
//! are up: images, packages, users' commands.

mod act;
mod check;
mod cloud;
mod config_drive;
mod container;
mod disks;
mod engine;
#[cfg(test)]
mod golden;
mod identity;
mod include;
mod late;
mod load;
mod metadata;
mod ovf;
mod source;
mod swarm;
mod understand;
mod user_data;

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;

use clap::Parser;
use nix::sys::stat::{Mode, umask};

pub use cloud::{CloudConfig, MetaData};
pub use container::{Container, Image, Kaon, Restart};
pub use metadata::{Addresses, Cloud, CloudMetadata, MetadataError, Patience};
pub use ovf::{Environment, OvfError};
pub use source::{Bundle, gather};
pub use swarm::{Availability, Swarm, SwarmError};
pub use understand::{Wishes, understand};

use self::identity::Instance;
use system::{SystemError, Target};

/// Configure this system at its first start.
#[derive(Debug, Parser)]
#[command(name = "kaon-firstboot", version)]
struct Arguments {
    /// Stage to run: `early` before the network, `network` and `late` after it. `check` reports what is wrong with documents, `again` has
    /// them done once more.
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Run the stage before network and SSH are up.
    Early,
    /// Run the stage that asks the cloud's metadata service, and fetches included documents, when the network is up.
    Network,
    /// Run the remaining steps when network and container engine are up.
    Late,
    /// Make or join the swarm that user data names. A unit runs this until it succeeds.
    Swarm,
    /// Report everything in documents that a first start would report, and exit with 3 if there is anything.
    ///
    /// The kind of each file follows from its name: `meta-data`, `network-config`, `vendor-data`, `ovfEnv`; any other file is user data.
    Check {
        /// The files.
        #[arg(required = true)]
        files: Vec<std::path::PathBuf>,
    },
    /// Have the platform's documents done once more at the next start. The identity stays.
    Again,
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
    /// This machine is not in its swarm yet.
    #[error(transparent)]
    Swarm(#[from] SwarmError),
}

/// Runs the program.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    // Who starts it decides nothing about the modes of what it makes.
    umask(Mode::from_bits_truncate(0o022));
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => error.exit(),
    };
    let target = Target::existing(Path::new("/"));
    let result = match &arguments.verb {
        Verb::Early => early(&target).map_err(FirstbootError::from),
        Verb::Network => network_stage(&target),
        Verb::Late => late::run(&target).map_err(FirstbootError::from),
        Verb::Swarm => swarm::run(&target).map_err(FirstbootError::from),
        Verb::Check { files } => return check::run(files),
        Verb::Again => again(&target).map_err(FirstbootError::from),
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
    let mut instance = Instance { machine: identity::machine(), ..Instance::default() };
    let cloud = Cloud::of(Path::new(metadata::FIRMWARE));
    // Slow disks are worth waiting for at a start as another system, and where documents came from a disk before; clouds speak otherwise.
    let is_of_disk = recorded
        .as_ref()
        .is_some_and(|recorded| [source::NO_CLOUD, config_drive::CONFIG_DRIVE, source::OVF_DISC].contains(&recorded.origin.as_str()));
    let bundle = gather(cloud.is_none() && (is_of_disk || instance.is_new(recorded.as_ref())));
    let mut complaints = configure(&bundle, &mut instance, recorded.as_ref(), cloud.is_some(), target)?;
    // What an earlier start was asked and could not do is tried again.
    if cloud.is_some() && target.place(UNASKED)?.exists() || include::is_left(target)? {
        complaints.extend(late::start(ASKING, target));
    }
    if late::is_left(target)? {
        complaints.extend(late::start(late::UNIT, target));
    }
    Ok(complaints)
}

/// Does what is new: everything at the first start, later the documents that changed.
fn configure(
    bundle: &Bundle,
    instance: &mut Instance,
    recorded: Option<&Instance>,
    is_cloud: bool,
    target: &Target,
) -> Result<Vec<String>, SystemError> {
    let digests = bundle.digests();
    instance.platform = understand(bundle).instance;
    let is_new = instance.is_new(recorded);
    let done = recorded.filter(|_| !is_new).map(|recorded| recorded.done(&digests)).unwrap_or_default();
    if is_new {
        identity::renew(target)?;
        if is_cloud && bundle.is_empty() { target.write(UNASKED, 0o644, b"")? } else { target.remove(UNASKED)? }
    }
    let mut documents = digests.clone();
    let mut complaints = bundle.complaints.clone();
    if is_new || digests.keys().any(|name| !done.contains(name)) {
        let mut wishes = understand::understand_news(bundle, &done);
        // What could not be read was not done, and is reported at every start until it can be.
        documents.retain(|name, _| !wishes.unread.contains(name));
        complaints = act::early(&mut wishes, target)?;
    }
    if !is_new && instance.platform.is_empty() {
        // A platform that says nothing now said what it had to say before.
        instance.platform = recorded.map(|recorded| recorded.platform.clone()).unwrap_or_default();
    }
    // A document that was taken away stays done: should it come back as it was, it is not done twice.
    let before = recorded.filter(|_| !is_new).and_then(|recorded| recorded.documents.clone()).unwrap_or_default();
    instance.documents = Some(before.into_iter().chain(documents).collect());
    let origin = recorded.filter(|_| bundle.origin.is_empty() && !is_new).map(|recorded| recorded.origin.clone());
    instance.origin = origin.unwrap_or_else(|| bundle.origin.clone());
    if recorded != Some(instance) {
        instance.record(target)?;
    }
    Ok(complaints)
}

/// Forgets which documents were done.
fn again(target: &Target) -> Result<Vec<String>, SystemError> {
    let Some(recorded) = Instance::recorded(target)? else {
        return Ok(vec!["nothing was done yet: the next start is the first one".to_owned()]);
    };
    Instance { documents: Some(std::collections::BTreeMap::new()), ..recorded }.record(target)?;
    if Cloud::of(Path::new(metadata::FIRMWARE)).is_some() {
        target.write(UNASKED, 0o644, b"")?;
    }
    Ok(vec!["the documents are done again at the next start: run `systemctl reboot`".to_owned()])
}

/// Asks the cloud, fetches what user data includes, and does what they say.
fn network_stage(target: &Target) -> Result<Vec<String>, FirstbootError> {
    let mut complaints = Vec::new();
    let cloud = Cloud::of(Path::new(metadata::FIRMWARE)).filter(|_| target.place(UNASKED).is_ok_and(|place| place.exists()));
    if let Some(cloud) = cloud {
        let (addresses, patience) = (Addresses::default(), Patience::default());
        let metadata = cloud.ask(&addresses, patience).map_err(FirstbootError::Cloud)?;
        complaints = obey(cloud, metadata, target)?;
        complaints.extend(cloud.report(&addresses, patience).err().map(|error| text::with_causes(&FirstbootError::Cloud(error))));
    }
    if include::is_left(target)? {
        let facts = understand::facts(&gather(false));
        complaints.extend(include::run(&facts, target)?);
    }
    if late::is_left(target)? {
        complaints.extend(late::start(late::UNIT, target));
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEuPD92oV88/iYH7O8hL26+vSX4HnZlnCAbAkGPHjEDC me";

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
        assert_eq!((wishes.instance.as_str(), wishes.cloud.hostname.clone()), ("i-1", Some(cloud::Hostname("node".into()))));
        assert_eq!(wishes.cloud.users[0].groups.names, ["docker", "wheel"]);
        assert!(wishes.network.is_some_and(|network| network.ethernets["e"].dhcp4));
        assert_eq!(wishes.complaints.len(), 1, "{:?}", wishes.complaints);
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
        Instance { machine: "m".into(), ..Instance::default() }.record(&target).unwrap();
        let dev = cloud::CloudUser { ssh_authorized_keys: vec![cloud::SshKey(KEY.into())], ..cloud::CloudUser::named("dev") };
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
        let recorded = Instance { machine: "m".into(), platform: "i-1".into(), ..Instance::default() };
        assert_eq!(Instance::recorded(&target).unwrap(), Some(recorded));
    }

    #[test]
    fn nonsense_is_told_and_does_nothing() {
        for text in ["?", "#cloud-config\nusers: {a: 5}\n", "#cloud-config\na: [\n"] {
            let wishes = understand(&Bundle { user_data: Some(text.into()), ..Bundle::default() });
            assert_eq!(wishes.complaints.len(), 1, "{text}: {:?}", wishes.complaints);
            assert_eq!(wishes.cloud, CloudConfig::default());
        }
        let bundle = Bundle { network_config: Some("version: 2\nethernets: {a/b: {dhcp4: true}}\n".into()), ..Bundle::default() };
        let wishes = understand(&bundle);
        assert!(wishes.network.is_some_and(|network| network.ethernets.is_empty()) && wishes.complaints.len() == 1);
    }

    fn scratch() -> (tempfile::TempDir, Target) {
        let folder = tempfile::tempdir().unwrap();
        let target = Target::prepare(folder.path()).unwrap();
        target.write("/etc/passwd", 0o644, b"root:x:0:0:root:/root:/bin/sh\n").unwrap();
        target.write("/etc/group", 0o644, b"root:x:0:\n").unwrap();
        target.write("/etc/shadow", 0o600, b"root:!*:1::::::\n").unwrap();
        target.write("/etc/gshadow", 0o600, b"root:!*::\n").unwrap();
        (folder, target)
    }

    /// Starts a system with this user data and network; gives what it says.
    fn start(user_data: &str, network: &str, target: &Target) -> Vec<String> {
        let bundle = Bundle { user_data: Some(user_data.into()), network_config: Some(network.into()), ..Bundle::default() };
        let recorded = Instance::recorded(target).unwrap();
        let mut instance = Instance { machine: "m".into(), ..Instance::default() };
        configure(&bundle, &mut instance, recorded.as_ref(), false, target).unwrap()
    }

    #[test]
    fn a_changed_document_is_done_at_the_next_start_and_no_other() {
        let (_folder, target) = scratch();
        let network = "ethernets: {a: {dhcp4: true}}";
        let said = start("#cloud-config\nhostname: [\n", network, &target);
        assert_eq!(said.len(), 1, "{said:?}");
        // Nothing could be read: it is reported again, and done when it is mended.
        assert_eq!(start("#cloud-config\nhostname: [\n", network, &target), said);
        let mended = "#cloud-config\nhostname: one\nwrite_files: [{path: /a, content: x}]\n";
        assert!(start(mended, network, &target).is_empty());
        assert_eq!(target.read("/etc/hostname").unwrap(), "one\n");
        for path in ["/a", "/etc/systemd/network/10-a.network"] {
            target.write(path, 0o644, b"mine").unwrap();
        }
        assert!(start(mended, network, &target).is_empty());
        assert_eq!(target.read("/a").unwrap(), "mine");
        assert!(start(&mended.replace("one", "two"), network, &target).is_empty());
        assert_eq!((target.read("/a").unwrap(), target.read("/etc/hostname").unwrap()), ("x".into(), "two\n".into()));
        assert_eq!(target.read("/etc/systemd/network/10-a.network").unwrap(), "mine");
        assert_eq!(again(&target).unwrap().len(), 1);
        start(&mended.replace("one", "two"), network, &target);
        assert!(target.read("/etc/systemd/network/10-a.network").unwrap().contains("DHCP=ipv4"));
    }

    #[test]
    fn a_record_of_an_earlier_version_does_nothing_again() {
        let (_folder, target) = scratch();
        Instance { machine: "m".into(), ..Instance::default() }.record(&target).unwrap();
        assert!(start("#cloud-config\nwrite_files: [{path: /a, content: x}]\n", "", &target).is_empty());
        assert_eq!(target.read("/a").unwrap(), "");
    }
}
