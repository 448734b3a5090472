//! What is wrong with cloud-config beyond what its types say, as far as one document tells.

use kickstart::document::Complaint;

use super::disk::is_nowhere;
use super::host_key::{self, Part};
use super::mount_kind::Oddity;
use super::user::{NO_RANDOM, PasswordOf, is_random};
use super::{CloudConfig, FsSetup, Line, Permissions};
use crate::swarm::Swarm;

/// What `phone_home` can tell.
const POSTED: [&str; 7] = ["all", "pub_key_rsa", "pub_key_ecdsa", "pub_key_ed25519", "instance_id", "hostname", "fqdn"];

/// The file systems for which there are packages with their programs.
const FILE_SYSTEMS: [&str; 8] = ["btrfs", "ext2", "ext3", "ext4", "fat", "swap", "vfat", "xfs"];

const KEPT: &str = "it loses no data here: it is done only if nothing is there";

const NOWHERE: &str = "not a device here: write one below /dev, `LABEL=…` or `UUID=…`; the entry is left out";

impl CloudConfig {
    /// What is wrong, by the paths of the document.
    pub(crate) fn complaints(&self) -> Vec<Complaint> {
        let mut list = Vec::new();
        self.check_passwords(&mut list);
        self.check_people(&mut list);
        self.check_keys(&mut list);
        self.check_disks(&mut list);
        self.check_mounts(&mut list);
        self.check_texts(&mut list);
        self.check_services(&mut list);
        list.extend(self.kaon.ssh.complaints("kaon.ssh"));
        list.extend(self.kaon.swarm.iter().flat_map(Swarm::complaints));
        list
    }

    fn check_passwords(&self, list: &mut Vec<Complaint>) {
        if let Some(reason) = self.password.as_ref().and_then(|password| PasswordOf::guessed("", password.reveal()).err()) {
            list.push(Complaint::value("password", reason));
        }
        for (index, text) in self.chpasswd.list.iter().enumerate() {
            let lines: Vec<&str> = text.reveal().lines().collect();
            for (number, line) in lines.iter().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
                let Err(reason) = PasswordOf::of_line(line.trim()) else { continue };
                let place = if lines.len() > 1 { format!("line {}: ", number + 1) } else { String::new() };
                // The other lines count.
                list.push(Complaint::note(format!("chpasswd.list[{index}]"), format!("{place}{reason}")));
            }
        }
    }

    fn check_people(&self, list: &mut Vec<Complaint>) {
        let users = self.users.iter().enumerate().map(|(index, user)| (format!("users[{index}]"), user));
        for (path, user) in users.chain(self.user.iter().map(|user| ("user".to_owned(), user))) {
            if user.plain_text_passwd.as_ref().is_some_and(|password| is_random(password.reveal())) {
                list.push(Complaint::value(format!("{path}.plain_text_passwd"), NO_RANDOM));
            }
            let refused = user.groups.refused.iter();
            list.extend(refused.map(|reason| Complaint::note(format!("{path}.groups"), reason)));
        }
    }

    fn check_keys(&self, list: &mut Vec<Complaint>) {
        let of_users = self.users.iter().enumerate().map(|(index, user)| (format!("users[{index}]."), &user.ssh_authorized_keys));
        let of_default = self.user.iter().map(|user| ("user.".to_owned(), &user.ssh_authorized_keys));
        for (path, keys) in of_users.chain(of_default).chain([(String::new(), &self.ssh_authorized_keys)]) {
            for (index, key) in keys.iter().enumerate() {
                let refused = key.refused().into_iter();
                list.extend(refused.map(|reason| Complaint::note(format!("{path}ssh_authorized_keys[{index}]"), reason)));
            }
        }
        let certified: Vec<&str> = self.kaon.ssh.certified_keys().collect();
        for (name, key) in &self.ssh_keys {
            let wrong = host_key::named(name).and_then(|(kind, part)| match part {
                Part::Certificate if certified.contains(&kind) => {
                    Err("`kaon.ssh.host_certificates` has a certificate for this key, too: write one of them".to_owned())
                }
                Part::Private | Part::Public | Part::Certificate => host_key::check(kind, part, key.reveal()),
            });
            list.extend(wrong.err().map(|reason| Complaint::value(format!("ssh_keys.{name}"), reason)));
        }
    }

    /// What disks are asked for that no start does.
    fn check_disks(&self, list: &mut Vec<Complaint>) {
        for (disk, setup) in &self.disk_setup {
            let path = format!("disk_setup.{disk}");
            if is_nowhere(disk) {
                list.push(Complaint::value(path, format!("`{disk}` is {NOWHERE}")));
            } else if setup.overwrite {
                list.push(Complaint::note(format!("{path}.overwrite"), KEPT));
            }
        }
        for (index, setup) in self.fs_setup.iter().enumerate() {
            let FsSetup { device: Line(device), filesystem: Line(kind), partition, overwrite, .. } = setup;
            let path = format!("fs_setup[{index}]");
            let mut whole = |key: &str, message: String| list.push(Complaint::whole(format!("{path}.{key}"), message, &path, "the entry"));
            if is_nowhere(device) {
                list.push(Complaint::value(&path, format!("`{device}` is {NOWHERE}")));
                continue;
            }
            if !FILE_SYSTEMS.contains(&kind.as_str()) {
                let plain = kind.to_ascii_lowercase();
                let meant = if FILE_SYSTEMS.contains(&plain.as_str()) { format!(": write `{plain}`") } else { String::new() };
                whole("filesystem", format!("`{kind}` is none of the file systems {}{meant}", FILE_SYSTEMS.join(", ")));
            }
            if let Some(wrong) = setup.label_too_long() {
                whole("label", wrong);
            }
            let is_partition = |text: &str| matches!(text, "auto" | "any" | "none") || text.parse::<u8>().is_ok();
            if partition.as_ref().is_some_and(|word| !is_partition(&word.0)) {
                whole("partition", "write a number, `auto`, `any` or `none`".to_owned());
            }
            if *overwrite {
                list.push(Complaint::note(format!("{path}.overwrite"), KEPT));
            }
        }
    }

    fn check_mounts(&self, list: &mut Vec<Complaint>) {
        let defaults = self.mount_default_fields.as_ref();
        for (index, mount) in self.mounts.iter().enumerate() {
            let path = format!("mounts[{index}]");
            if let Some(name) = mount.nowhere(defaults) {
                list.push(Complaint::value(path, format!("`{name}` is {NOWHERE}")));
            } else if mount.field(0, defaults).is_none() {
                list.push(Complaint::value(path, "an entry has no device: it is left out"));
            } else if mount.field(1, defaults).is_some_and(|folder| folder.bytes().all(|byte| byte == b'/')) {
                list.push(Complaint::value(path, "the root is mounted already: the entry is left out"));
            } else if mount.field(1, defaults).is_some() {
                list.extend(mount.oddity(defaults).map(|oddity| match oddity {
                    Oddity::Misspelt(reason) => Complaint::whole(format!("{path}[2]"), reason, &path, "the entry"),
                    Oddity::Doubtful(reason) => Complaint::note(path, reason),
                }));
            }
        }
    }

    /// Texts that are not what they are for; a host key that is none would keep sshd from starting.
    fn check_texts(&self, list: &mut Vec<Complaint>) {
        for (key, certificates) in [("ca_certs", &self.ca_certs), ("ca-certs", &self.older_ca_certs)] {
            for (index, _) in certificates.trusted.iter().enumerate().filter(|(_, text)| !kickstart::are_certificates(text)) {
                list.push(Complaint::value(format!("{key}.trusted[{index}]"), "not a certificate in PEM"));
            }
        }
        for (index, file) in self.write_files.iter().enumerate() {
            let doubt = file.permissions.and_then(Permissions::doubt);
            list.extend(doubt.map(|doubt| Complaint::note(format!("write_files[{index}].permissions"), doubt)));
        }
    }

    /// What services are asked for that are others here.
    fn check_services(&self, list: &mut Vec<Complaint>) {
        if let Some(client) = self.ntp.as_ref().and_then(|ntp| ntp.ntp_client.as_ref()).filter(|client| !client.is_ours()) {
            list.push(Complaint::note("ntp.ntp_client", format!("systemd-timesyncd is used in place of `{}`", client.0.0)));
        }
        let asked = self.phone_home.iter().flat_map(|phone| phone.post.iter().enumerate());
        for (index, word) in asked.filter(|(_, word)| !POSTED.contains(&word.as_str())) {
            list.push(Complaint::value(format!("phone_home.post[{index}]"), format!("`{word}` is none of {}", POSTED.join(", "))));
        }
        let is_plain = |name: &str| {
            !name.is_empty() && !name.starts_with('.') && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte))
        };
        for name in self.yum_repos.keys().filter(|name| !is_plain(name)) {
            let message = "the name may have letters, digits, `-`, `_`, `.` and `:`";
            list.push(Complaint::value(format!("yum_repos.{name}"), message));
        }
    }
}
