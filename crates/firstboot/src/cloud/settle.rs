//! What of cloud-config only makes sense together: the user that `default` stands for, and whom keys and passwords at the top are for.

use super::user::{CloudUser, NO_RANDOM, PasswordOf};
use super::value::{SshKey, Word};
use super::{CloudConfig, FsSetup, Line, Words};

/// The user that keys and passwords are for where no other is named.
const ROOT: &str = "root";

/// What cloud-init's own default users may do.
const EVERYTHING: &str = "ALL=(ALL) NOPASSWD:ALL";

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
        self.settle_texts(&mut complaints);
        complaints
    }

    /// Reports what disks are asked for that no start does.
    fn settle_disks(&self, complaints: &mut Vec<String>) {
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
            if user.sudo == Words::default() {
                user.sudo = Words(vec![EVERYTHING.to_owned()], true);
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
