//! What must be every system's own: its identity, its host keys, its store of chance. Copies of a disk carry those of the original until here.

use std::fs;
use std::io::Read as _;

use sha2::{Digest as _, Sha256};

use crate::apply::{ApplyError, NO_ARGUMENTS, Target};

/// Which system this disk was last started as.
const RECORD: &str = "/var/lib/kaon/instance";

/// Bytes systemd-random-seed(8) keeps.
const SEED_BYTES: usize = 512;

/// Which system this is: the platform's word for it, and the machine's own number, which every hypervisor makes anew for a copy.
pub(super) fn instance(platform: &str) -> String {
    let machine =
        ["product_uuid", "product_serial"].map(|name| fs::read_to_string(format!("/sys/class/dmi/id/{name}")).unwrap_or_default());
    let digest = Sha256::new().chain_update(platform).chain_update([0]).chain_update(machine.join("\n")).finalize();
    hex::encode(digest)
}

/// Whether this disk was started as this system before.
pub(super) fn is_known(target: &Target, instance: &str) -> Result<bool, ApplyError> {
    Ok(target.read(RECORD)?.trim() == instance)
}

/// Keeps in mind that it was.
pub(super) fn remember(target: &Target, instance: &str) -> Result<(), ApplyError> {
    target.write(RECORD, 0o644, format!("{instance}\n").as_bytes())
}

/// Makes everything anew that a copy would share with the original. A disk that was never started shares nothing: systemd made its machine-id.
pub(super) fn renew(target: &Target) -> Result<(), ApplyError> {
    let started_before = !target.read(RECORD)?.is_empty();
    if started_before {
        remove(target, "/etc/machine-id")?;
        remove(target, "/var/lib/dbus/machine-id")?;
        if target.has("systemd-machine-id-setup") {
            target.run("systemd-machine-id-setup", NO_ARGUMENTS, None)?;
        }
    }
    for name in host_keys(target)? {
        remove(target, &format!("/etc/ssh/{name}"))?;
    }
    let random = std::path::Path::new("/dev/urandom");
    let mut seed = vec![0; SEED_BYTES];
    fs::File::open(random).and_then(|mut file| file.read_exact(&mut seed)).map_err(ApplyError::io("read", random))?;
    target.write("/var/lib/systemd/random-seed", 0o600, &seed)?;
    // Whoever does not start sshd has no need of keys; where it is started, its own unit makes those that are missing.
    if started_before && target.has("ssh-keygen") {
        target.run("ssh-keygen", &["-A"], None)?;
    }
    Ok(())
}

fn host_keys(target: &Target) -> Result<Vec<String>, ApplyError> {
    let folder = target.folder("/etc/ssh")?;
    let entries = fs::read_dir(&folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.retain(|name| name.starts_with("ssh_host_") && (name.ends_with("_key") || name.ends_with("_key.pub")));
    names.sort();
    Ok(names)
}

fn remove(target: &Target, path: &str) -> Result<(), ApplyError> {
    let place = target.place(path)?;
    match fs::remove_file(&place) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(ApplyError::io("remove", &place)(error)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_gets_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let target = Target::prepare(folder.path()).unwrap();
        target.write("/etc/machine-id", 0o444, b"made by systemd\n").unwrap();
        target.write("/etc/ssh/ssh_host_ed25519_key", 0o600, b"k").unwrap();
        target.write("/etc/ssh/sshd_config", 0o600, b"c").unwrap();
        assert!(!is_known(&target, "one").unwrap());
        renew(&target).unwrap();
        remember(&target, "one").unwrap();
        assert!(is_known(&target, "one").unwrap() && !is_known(&target, "two").unwrap());
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
