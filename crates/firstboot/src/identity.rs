//! What must be every system's own: its identity, its host keys, its store of chance. Copies of a disk carry those of the original until here.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read as _;

use sha2::{Digest as _, Sha256};

use system::{NO_ARGUMENTS, SystemError, Target};

/// Which system this disk was last started as.
const RECORD: &str = "/var/lib/kaon/instance";

/// Bytes systemd-random-seed(8) keeps.
const SEED_BYTES: usize = 512;

/// Which system a disk was started as.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Instance {
    /// Made of the machine's own numbers, which every hypervisor makes again for a copy.
    pub machine: String,
    /// The platform's word for it; empty where it gives none.
    pub platform: String,
    /// Digests of the documents that were done, by their names; nothing where it was not recorded.
    pub documents: Option<BTreeMap<String, String>>,
    /// Which platform the documents were of.
    pub origin: String,
}

/// What stands before the documents in the record.
const DOCUMENTS: &str = "documents";

impl Instance {
    /// The system described by the record, if this disk was started before.
    pub fn recorded(target: &Target) -> Result<Option<Self>, SystemError> {
        let text = target.read(RECORD)?;
        let mut lines = text.lines();
        let Some(machine) = lines.next().map(str::to_owned) else { return Ok(None) };
        let platform = lines.next().unwrap_or_default().to_owned();
        let origin = lines.next().and_then(|line| line.strip_prefix(DOCUMENTS)).map(|origin| origin.trim().to_owned());
        let documents = origin.is_some().then(|| {
            let pairs = lines.filter_map(|line| line.split_once(' '));
            pairs.map(|(name, digest)| (name.to_owned(), digest.to_owned())).collect()
        });
        Ok(Some(Self { machine, platform, documents, origin: origin.unwrap_or_default() }))
    }

    /// Keeps in mind that the disk was started as this one.
    pub fn record(&self, target: &Target) -> Result<(), SystemError> {
        let mut text = format!("{}\n{}\n", self.machine, self.platform.replace('\n', " "));
        if let Some(documents) = &self.documents {
            text.push_str(&format!("{DOCUMENTS} {}\n", self.origin));
            documents.iter().for_each(|(name, digest)| text.push_str(&format!("{name} {digest}\n")));
        }
        // Whoever knows all of a document but a password in it could find that by its digest.
        target.write(RECORD, 0o600, text.as_bytes())
    }

    /// Which of these documents were done as they are now. A record of an earlier version says nothing of documents: they were all done.
    pub fn done(&self, now: &BTreeMap<String, String>) -> BTreeSet<String> {
        let is_done = |name: &String, digest: &String| self.documents.as_ref().is_none_or(|done| done.get(name) == Some(digest));
        now.iter().filter(|(name, digest)| is_done(name, digest)).map(|(name, _)| name.clone()).collect()
    }

    /// Whether a disk with this record is started as another system now: on another machine, or where the platform says so.
    pub fn is_new(&self, recorded: Option<&Self>) -> bool {
        recorded.is_none_or(|before| before.machine != self.machine || (!self.platform.is_empty() && before.platform != self.platform))
    }
}

/// This machine in [`Instance::machine`]'s terms.
pub(super) fn machine() -> String {
    let numbers =
        ["product_uuid", "product_serial"].map(|name| fs::read_to_string(format!("/sys/class/dmi/id/{name}")).unwrap_or_default());
    hex::encode(Sha256::digest(numbers.join("\n")))
}

/// Makes everything again that a copy would share with the original. A disk that was never started shares nothing: systemd made its machine-id.
pub(super) fn renew(target: &Target) -> Result<(), SystemError> {
    let started_before = !target.read(RECORD)?.is_empty();
    if started_before {
        target.remove("/etc/machine-id")?;
        target.remove("/var/lib/dbus/machine-id")?;
        if target.has("systemd-machine-id-setup") {
            target.run("systemd-machine-id-setup", NO_ARGUMENTS, None)?;
        }
    }
    // sshd's own units make those that are missing.
    for name in host_keys(target)? {
        target.remove(&format!("/etc/ssh/{name}"))?;
    }
    let random = std::path::Path::new("/dev/urandom");
    let mut seed = vec![0; SEED_BYTES];
    fs::File::open(random).and_then(|mut file| file.read_exact(&mut seed)).map_err(SystemError::io("read", random))?;
    target.write("/var/lib/systemd/random-seed", 0o600, &seed)?;
    Ok(())
}

fn host_keys(target: &Target) -> Result<Vec<String>, SystemError> {
    let folder = target.folder("/etc/ssh")?;
    let entries = fs::read_dir(&folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.retain(|name| name.starts_with("ssh_host_") && (name.ends_with("_key") || name.ends_with("_key.pub")));
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_machine_or_another_word_of_the_platform_is_another_system() {
        let instance =
            |machine: &str, platform: &str| Instance { machine: machine.into(), platform: platform.into(), ..Instance::default() };
        let table = [
            (None, true),
            (Some(instance("m", "i-1")), false),
            (Some(instance("n", "i-1")), true),
            (Some(instance("m", "i-2")), true),
            (Some(instance("m", "")), true),
        ];
        for (recorded, expected) in table {
            assert_eq!(instance("m", "i-1").is_new(recorded.as_ref()), expected, "{recorded:?}");
        }
        // A platform that says nothing now said what it had to say before.
        assert!(!instance("m", "").is_new(Some(&instance("m", "i-1"))));
    }

    #[test]
    fn documents_are_done_again_where_they_changed() {
        let documents = |pairs: &[(&str, &str)]| pairs.iter().map(|(name, digest)| ((*name).to_owned(), (*digest).to_owned())).collect();
        let now: BTreeMap<String, String> = documents(&[("user-data", "1"), ("network-config", "2")]);
        let table = [
            (None, &["network-config", "user-data"][..]),
            (Some(documents(&[])), &[]),
            (Some(documents(&[("user-data", "0"), ("network-config", "2")])), &["network-config"]),
            (Some(documents(&[("user-data", "1"), ("ovf", "3")])), &["user-data"]),
        ];
        for (documents, expected) in table {
            let instance = Instance { documents, ..Instance::default() };
            assert_eq!(instance.done(&now).into_iter().collect::<Vec<_>>(), expected, "{instance:?}");
        }
    }

    #[test]
    fn a_copy_gets_its_own() {
        let documents = BTreeMap::from([("user-data".to_owned(), "1".to_owned()), ("ovf".to_owned(), "2".to_owned())]);
        let one = Instance { machine: "m".into(), platform: "i-1".into(), documents: Some(documents), origin: "NoCloud".into() };
        let folder = tempfile::tempdir().unwrap();
        let target = Target::prepare(folder.path()).unwrap();
        target.write("/etc/machine-id", 0o444, b"made by systemd\n").unwrap();
        target.write("/etc/ssh/ssh_host_ed25519_key", 0o600, b"k").unwrap();
        target.write("/etc/ssh/sshd_config", 0o600, b"c").unwrap();
        assert_eq!(Instance::recorded(&target).unwrap(), None);
        renew(&target).unwrap();
        one.record(&target).unwrap();
        assert_eq!(Instance::recorded(&target).unwrap().as_ref(), Some(&one));
        assert_eq!(target.read("/etc/machine-id").unwrap(), "made by systemd\n");
        assert_eq!(
            (target.read("/etc/ssh/ssh_host_ed25519_key").unwrap(), target.read("/etc/ssh/sshd_config").unwrap()),
            ("".into(), "c".into())
        );
        let seed = || fs::read(target.place("/var/lib/systemd/random-seed").unwrap()).unwrap();
        let first = seed();
        renew(&target).unwrap();
        assert_eq!(target.read("/etc/machine-id").unwrap(), "");
        assert!(first != seed() && first.len() == SEED_BYTES);
    }
}
