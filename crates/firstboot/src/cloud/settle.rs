//! What of cloud-config only makes sense together: the user that `default` stands for, and whom keys and passwords at the top are for.

use super::sudo::SudoRules;
use super::user::{CloudUser, NO_RANDOM, PasswordOf};
use super::value::{SshKey, Word};
use super::{CloudConfig, FsSetup, Line, Permissions};

/// The user that keys and passwords are for where no other is named.
const ROOT: &str = "root";

/// What `phone_home` can tell.
const POSTED: [&str; 7] = ["all", "pub_key_rsa", "pub_key_ecdsa", "pub_key_ed25519", "instance_id", "hostname", "fqdn"];

/// The file systems for which there are packages with their programs.
const FILE_SYSTEMS: [&str; 8] = ["btrfs", "ext2", "ext3", "ext4", "fat", "swap", "vfat", "xfs"];

impl CloudConfig {
    /// Gives each user what is theirs; what cannot be given is reported.
    pub(crate) fn settle(&mut self) -> Vec<String> {
        let mut complaints = Vec::new();
        split_keys(&mut self.ssh_authorized_keys);
        let default = self.user.iter_mut();
        self.users.iter_mut().chain(default).for_each(|user| split_keys(&mut user.ssh_authorized_keys));
        self.users.retain(|user| !matches!(user.name.0.as_str(), "default" | "none"));
        self.settle_users(&mut complaints);
        let default = self.user.take().map_or_else(|| ROOT.to_owned(), |user| self.add_default(user));
        if default != ROOT {
            let keys = std::mem::take(&mut self.ssh_authorized_keys);
            if self.disable_root == Some(false) {
                self.ssh_authorized_keys.clone_from(&keys);
            }
            if let Some(user) = self.users.iter_mut().find(|user| user.name.0 == default) {
                user.ssh_authorized_keys.extend(keys);
            }
        }
        if let Some(password) = self.password.take() {
            match PasswordOf::guessed(&default, password.reveal()) {
                Ok(password) => self.chpasswd.users.push(password),
                Err(reason) => complaints.push(format!("password: {reason}: {default} gets no password")),
            }
        }
        self.settle_list(&mut complaints);
        let older = std::mem::take(&mut self.older_ca_certs);
        self.ca_certs.trusted.extend(older.trusted);
        let mut seen = std::collections::BTreeSet::new();
        self.ssh_authorized_keys.retain(|key| seen.insert(key.0.clone()));
        for user in &mut self.users {
            let mut seen = std::collections::BTreeSet::new();
            user.ssh_authorized_keys.retain(|key| seen.insert(key.0.clone()));
            let is_meant = self.chpasswd.users.iter().any(|password| password.name == user.name.0);
            if user.password().is_some() && user.lock_passwd.is_none() && !is_meant {
                complaints.push(format!(
                    "users: {}: the password is locked, as cloud-init does where nothing else is said: write `lock_passwd: false` to let it in",
                    user.name.0
                ));
            }
        }
        self.settle_disks(&mut complaints);
        self.settle_services(&mut complaints);
        for file in &self.write_files {
            complaints.extend(file.permissions.and_then(Permissions::doubt).map(|doubt| format!("write_files: {}: {doubt}", file.path)));
        }
        self.settle_texts(&mut complaints);
        complaints
    }

    /// Makes one of entries with the same name, of which the first one's keys count, as with cloud-init.
    fn settle_users(&mut self, complaints: &mut Vec<String>) {
        let mut users: Vec<CloudUser> = Vec::new();
        for user in std::mem::take(&mut self.users) {
            let Some(first) = users.iter_mut().find(|first| first.name == user.name) else {
                users.push(user);
                continue;
            };
            let name = user.name.0.clone();
            let passed: Vec<String> = first.fill(user).into_iter().map(|key| format!("`{key}`")).collect();
            let lost = if passed.is_empty() { String::new() } else { format!(": {} of the later one do not count", passed.join(", ")) };
            complaints.push(format!("users: {name}: listed twice, and made one user{lost}"));
        }
        for user in users.iter_mut().chain(&mut self.user) {
            let refused = std::mem::take(&mut user.groups.refused);
            complaints.extend(refused.into_iter().map(|reason| format!("users: {}: groups: {reason}", user.name.0)));
        }
        self.users = users;
    }

    /// Reports what disks are asked for that no start does.
    fn settle_disks(&mut self, complaints: &mut Vec<String>) {
        let defaults = self.mount_default_fields.clone();
        self.mounts.retain(|mount| {
            let nowhere = mount.nowhere(defaults.as_ref());
            complaints.extend(nowhere.map(|name| {
                format!("mounts: `{name}` is not a device here: write one below /dev, `LABEL=…` or `UUID=…`; the entry is left out")
            }));
            nowhere.is_none()
        });
        const KEPT: &str = "`overwrite: true` loses no data here: it is done only if nothing is there";
        complaints
            .extend(self.disk_setup.iter().filter(|(_, setup)| setup.overwrite).map(|(disk, _)| format!("disk_setup: {disk}: {KEPT}")));
        for FsSetup { device: Line(device), filesystem: Line(kind), overwrite, .. } in &self.fs_setup {
            if *overwrite {
                complaints.push(format!("fs_setup: {device}: {KEPT}"));
            }
            if !FILE_SYSTEMS.contains(&kind.as_str()) {
                complaints.push(format!("fs_setup: {device}: `{kind}` is none of the file systems {}", FILE_SYSTEMS.join(", ")));
            }
        }
    }

    /// Reports what services are asked for that are others here.
    fn settle_services(&self, complaints: &mut Vec<String>) {
        if let Some(client) = self.ntp.as_ref().and_then(|ntp| ntp.ntp_client.as_ref()).filter(|client| !client.is_ours()) {
            complaints.push(format!("ntp: ntp_client: systemd-timesyncd is used in place of `{}`", client.0.0));
        }
    }

    /// Leaves out texts that are not what they are for; a host key that is none would keep sshd from starting.
    fn settle_texts(&mut self, complaints: &mut Vec<String>) {
        let mut index = 0;
        self.ca_certs.trusted.retain(|text| {
            index += 1;
            let is_certificate = text.contains("-----BEGIN CERTIFICATE-----") && text.contains("-----END CERTIFICATE-----");
            if !is_certificate {
                complaints.push(format!("ca_certs: certificate {index} is not a certificate in PEM"));
            }
            is_certificate
        });
        self.ssh_keys.retain(|name, key| {
            let is_key = !matches!(name.as_str(), "rsa_private" | "dsa_private" | "ecdsa_private" | "ed25519_private")
                || key.reveal().contains("PRIVATE KEY-----");
            if !is_key {
                complaints.push(format!("ssh_keys: {name}: not a private key: the server makes its own"));
            }
            is_key
        });
        let asked = self.phone_home.iter().flat_map(|phone| &phone.post);
        for word in asked.filter(|word| !POSTED.contains(&word.as_str())) {
            complaints.push(format!("phone_home: post: `{word}` is none of {}", POSTED.join(", ")));
        }
    }

    /// Makes the user that `default` stands for one of the users, and gives its name.
    fn add_default(&mut self, mut user: CloudUser) -> String {
        let name = user.name.0.clone();
        if let Some(own) = self.users.iter_mut().find(|own| own.name == user.name) {
            own.ssh_authorized_keys.append(&mut user.ssh_authorized_keys);
        } else if name != ROOT {
            if user.sudo == SudoRules::default() {
                user.sudo = SudoRules::everything();
            }
            self.users.insert(0, user);
        } else {
            self.ssh_authorized_keys.append(&mut user.ssh_authorized_keys);
        }
        name
    }

    /// Reads `name:password` lines.
    fn settle_list(&mut self, complaints: &mut Vec<String>) {
        let texts = std::mem::take(&mut self.chpasswd.list);
        let lines = texts.iter().flat_map(|text| text.reveal().lines()).map(str::trim).filter(|line| !line.is_empty());
        for (index, line) in lines.enumerate() {
            let result = match line.split_once(':') {
                Some((name, "R" | "RANDOM")) => Err(format!("{name}: {NO_RANDOM}")),
                Some((name, text)) => PasswordOf::guessed(name.trim(), text).map_err(|reason| format!("{name}: {reason}")),
                None => Err("write `name:password`".to_owned()),
            };
            match result {
                Ok(password) => self.chpasswd.users.push(password),
                Err(reason) => complaints.push(format!("chpasswd: list: entry {}: {reason}", index + 1)),
            }
        }
    }

    /// Adds keys that a platform knows, for whom keys are for; what is not one is reported by its number.
    pub(crate) fn add_keys(&mut self, keys: Vec<String>) -> Vec<String> {
        let mut complaints = Vec::new();
        for (index, text) in keys.into_iter().filter(|key| !key.trim().is_empty()).enumerate() {
            match SshKey::try_from(Word(text)) {
                Ok(key) => self.ssh_authorized_keys.push(key),
                Err(reason) => complaints.push(format!("public-keys: key {}: {reason}", index + 1)),
            }
        }
        complaints
    }
}

/// Makes a key of each line.
fn split_keys(keys: &mut Vec<SshKey>) {
    *keys = keys.iter().flat_map(|key| key.0.lines()).map(|line| SshKey(line.to_owned())).collect();
}
