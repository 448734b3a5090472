//! What of cloud-config only makes sense together: the user that `default` stands for, and whom keys and passwords at the top are for.

use std::collections::BTreeSet;

use super::CloudConfig;
use super::disk::Mount;
use super::sudo::SudoRules;
use super::user::{CloudUser, PasswordOf};
use super::value::{SshKey, Word};

/// The user that keys and passwords are for where no other is named.
const ROOT: &str = "root";

/// Where users and settings are described, in the order of the documents: what it is, and the place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Places(pub Vec<(String, String)>);

impl Places {
    /// The last place of something, or else what it is.
    pub fn of<'a>(&'a self, what: &'a str) -> &'a str {
        self.find(what).unwrap_or(what)
    }

    /// The last place of something.
    pub fn find(&self, what: &str) -> Option<&str> {
        self.0.iter().rev().find(|(known, _)| known == what).map(|(_, place)| place.as_str())
    }
}

impl CloudConfig {
    /// Gives each user what is theirs; what cannot be given is reported.
    pub(crate) fn settle(&mut self, places: &Places) -> Vec<String> {
        let mut complaints = Vec::new();
        split_keys(&mut self.ssh_authorized_keys);
        self.settle_twice(places, &mut complaints);
        let default = self.user.iter_mut();
        self.users.iter_mut().chain(default).for_each(|user| split_keys(&mut user.ssh_authorized_keys));
        self.users.retain(|user| !matches!(user.name.0.as_str(), "default" | "none"));
        self.settle_users(places, &mut complaints);
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
        // What cannot be a password was reported where it was read.
        let own = self.password.take().and_then(|password| PasswordOf::guessed(&default, password.reveal()).ok());
        let texts = std::mem::take(&mut self.chpasswd.list);
        let lines = texts.iter().flat_map(|text| text.reveal().lines()).map(str::trim);
        self.chpasswd.users.extend(own.into_iter().chain(lines.filter_map(|line| PasswordOf::of_line(line).ok())));
        let older = std::mem::take(&mut self.older_ca_certs);
        self.ca_certs.trusted.extend(older.trusted);
        let mut seen = BTreeSet::new();
        self.ssh_authorized_keys.retain(|key| seen.insert(key.0.clone()));
        for user in &mut self.users {
            let mut seen = BTreeSet::new();
            user.ssh_authorized_keys.retain(|key| seen.insert(key.0.clone()));
            let is_meant = self.chpasswd.users.iter().any(|password| password.name == user.name.0);
            if user.password().is_some() && user.lock_passwd.is_none() && !is_meant {
                complaints.push(format!(
                    "{}: the password of {} is locked, as cloud-init does where nothing else is said: write `lock_passwd: false` to let it in",
                    places.of(&place_name(&user.name.0)),
                    user.name.0
                ));
            }
        }
        if self.disable_root == Some(true) && !self.has_others() {
            self.disable_root = None;
            if !self.ssh_authorized_keys.is_empty() {
                complaints.push(format!("{}: nobody else could log in, so root still can", places.of("disable_root")));
            }
        }
        complaints
    }

    /// Whether anybody but root can log in.
    fn has_others(&self) -> bool {
        let can = |user: &CloudUser| !user.ssh_authorized_keys.is_empty() || user.lock_passwd == Some(false);
        self.users.iter().any(|user| user.name.0 != ROOT && can(user))
    }

    /// Makes one of entries with the same name, of which the first one's keys count, as with cloud-init.
    fn settle_users(&mut self, places: &Places, complaints: &mut Vec<String>) {
        let mut users: Vec<CloudUser> = Vec::new();
        for user in std::mem::take(&mut self.users) {
            let Some(first) = users.iter_mut().find(|first| first.name == user.name) else {
                users.push(user);
                continue;
            };
            let name = user.name.0.clone();
            let passed: Vec<String> = first.fill(user).into_iter().map(|key| format!("`{key}`")).collect();
            let lost = if passed.is_empty() { String::new() } else { format!(": {} of the later one do not count", passed.join(", ")) };
            complaints.push(format!("{}: {name} is listed twice, and made one user{lost}", places.of(&place_name(&name))));
        }
        users.iter_mut().chain(&mut self.user).for_each(|user| user.groups.refused.clear());
        self.users = users;
    }

    /// Leaves out mounts on a directory and containers with a name that an earlier entry has.
    fn settle_twice(&mut self, places: &Places, complaints: &mut Vec<String>) {
        let defaults = self.mount_default_fields.as_ref();
        let folder = |mount: &Mount| {
            let folder = mount.field(1, defaults)?.trim_end_matches('/').to_owned();
            (folder.starts_with('/') && mount.field(2, defaults).as_deref() != Some("swap")).then_some(folder)
        };
        for (mount, folder) in take_later(&mut self.mounts, folder) {
            let place = places.find(&entry_name(&mount)).unwrap_or("mounts");
            complaints.push(format!("{place}: an earlier entry is mounted on `{folder}`, which would be hidden: this one is left out"));
        }
        for (container, name) in take_later(&mut self.kaon.containers, |container| Some(container.0.name.clone())) {
            let place = places.find(&entry_name(&container)).unwrap_or("kaon.containers");
            complaints.push(format!("{place}: an earlier container is called `{name}`, too: this one is left out"));
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

    /// Adds keys that a platform knows, for whom keys are for; what is not one is reported by its number.
    pub(crate) fn add_keys(&mut self, keys: Vec<String>) -> Vec<String> {
        let mut complaints = Vec::new();
        for (index, text) in keys.into_iter().filter(|key| !key.trim().is_empty()).enumerate() {
            match SshKey::try_from(Word(text)) {
                Ok(key) => {
                    complaints.extend(key.refused().iter().map(|reason| format!("public-keys: key {}: {reason}", index + 1)));
                    self.ssh_authorized_keys.push(key);
                }
                Err(reason) => complaints.push(format!("public-keys: key {}: {reason}", index + 1)),
            }
        }
        complaints
    }
}

/// Takes out what has the same key as something before it.
fn take_later<T>(list: &mut Vec<T>, key: impl Fn(&T) -> Option<String>) -> Vec<(T, String)> {
    let mut seen = BTreeSet::new();
    let mut later = Vec::new();
    for item in std::mem::take(list) {
        match key(&item) {
            Some(key) if !seen.insert(key.clone()) => later.push((item, key)),
            Some(_) | None => list.push(item),
        }
    }
    later
}

/// What [`Places`] calls a user.
pub(crate) fn place_name(user: &str) -> String {
    format!("users: {user}")
}

/// What [`Places`] calls an entry of `fs_setup`, `mounts` or `kaon.containers`: of documents that are merged, the numbers change.
pub(crate) fn entry_name(entry: &impl std::fmt::Debug) -> String {
    format!("{entry:?}")
}

/// What [`Places`] calls a disk of `disk_setup`.
pub(crate) fn disk_name(disk: &str) -> String {
    format!("disk_setup: {disk}")
}

/// Makes a key of each line that is one. What is none was reported where it was read.
fn split_keys(keys: &mut Vec<SshKey>) {
    *keys = keys.iter().flat_map(SshKey::each).collect();
}
