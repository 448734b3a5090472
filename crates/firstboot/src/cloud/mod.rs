//! cloud-config: the keys of cloud-init that are acted on, and a few of Kaon's own. `docs/src/firstboot.md` lists them.

mod check;
mod disk;
mod file;
mod host_key;
pub(crate) mod keys;
mod merge;
pub(crate) mod meta;
mod mount_kind;
mod permissions;
mod service;
mod settle;
mod sudo;
mod user;
mod value;

use serde::Deserialize;

use super::container::Kaon;
use kickstart::Secret;
use kickstart::document::{Dialect, Unknown};

pub(crate) use disk::device;
pub use disk::{DiskSetup, FsSetup, Mount, Swap};
pub use file::WriteFile;
pub(crate) use host_key::{Part, named as host_key_named};
pub(super) use merge::Merge;
pub use meta::MetaData;
pub use permissions::Permissions;
pub use service::{Keyboard, Locale, Mode, Ntp, Package, PhoneHome, PowerState, ResolvConf, YumRepo};
pub(crate) use settle::{Places, disk_name, entry_name, place_name};
pub use sudo::SudoRules;
pub use user::{Chpasswd, CloudUser, GroupNames, Groups, PasswordKind, PasswordOf};
pub use value::{AccountName, Command, Hostname, Line, ProxyAddress, SshKey, TimeZone, Uid, WebAddress, Word, Words};

macro_rules! cloud_config {
    ($($(#[$about:meta])* $name:ident: $type:ty,)*) => {
        /// What is to be done with a system.
        #[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
        #[serde(default)]
        pub struct CloudConfig {
            $($(#[$about])* pub $name: $type,)*
        }

        impl CloudConfig {
            /// Takes from another document what this one does not say.
            pub(super) fn fill(&mut self, other: Self) {
                $(if self.$name == <$type>::default() { self.$name = other.$name; })*
            }

            /// Takes what a later document says in place of what this one does; the names of keys that both set.
            pub(super) fn replace(&mut self, other: Self) -> Vec<&'static str> {
                let mut replaced = Vec::new();
                $(if other.$name != <$type>::default() {
                    if self.$name != <$type>::default() && self.$name != other.$name { replaced.push(stringify!($name)); }
                    self.$name = other.$name;
                })*
                replaced
            }

            /// The keys that are acted on.
            #[cfg(test)]
            pub(super) const KEYS: &'static [&'static str] = &[$(stringify!($name)),*];
        }
    };
}

cloud_config! {
    /// The machine's name.
    hostname: Option<Hostname>,
    /// The machine's name with its domain; goes before `hostname`.
    fqdn: Option<Hostname>,
    /// Whether `fqdn` goes before `hostname`; true by default.
    prefer_fqdn_over_hostname: Option<bool>,
    /// Whether the machine keeps the name it has.
    preserve_hostname: bool,
    /// Groups to make, and their members.
    groups: Groups,
    /// Users besides root.
    users: Vec<CloudUser>,
    /// The user that `default` stands for; root if it is not set.
    user: Option<CloudUser>,
    /// The password of the user that `default` stands for.
    password: Option<Secret>,
    /// Keys that may log in as the user that `default` stands for.
    ssh_authorized_keys: Vec<SshKey>,
    /// Passwords.
    chpasswd: Chpasswd,
    /// Whether passwords are taken over SSH.
    #[serde(deserialize_with = "value::unless_unchanged")]
    ssh_pwauth: Option<bool>,
    /// Whether root cannot log in over SSH.
    disable_root: Option<bool>,
    /// Keys of the SSH server, by `ed25519_private` and the like.
    ssh_keys: std::collections::BTreeMap<String, Secret>,
    /// Files.
    write_files: Vec<WriteFile>,
    /// Commands, run once before anything else is done.
    bootcmd: Vec<Command>,
    /// Commands, run once when the network is up: each a line for the shell, or a list of words.
    runcmd: Vec<Command>,
    /// Certificates of authorities that are trusted too.
    ca_certs: CaCerts,
    /// The same by its older name.
    #[serde(rename = "ca-certs")]
    older_ca_certs: CaCerts,
    /// The time zone: `Europe/Berlin`.
    timezone: Option<TimeZone>,
    /// The language of programs.
    locale: Option<Locale>,
    /// The console's keyboard.
    keyboard: Option<Keyboard>,
    /// Who is asked for the time.
    ntp: Option<Ntp>,
    /// Who is asked for names.
    resolv_conf: Option<ResolvConf>,
    /// Repositories of packages.
    yum_repos: std::collections::BTreeMap<String, YumRepo>,
    /// Packages to install when the network is up.
    packages: Vec<Package>,
    /// Whether the lists of packages are fetched again.
    package_update: bool,
    /// Whether all packages are updated.
    package_upgrade: bool,
    /// Partitions of empty disks.
    disk_setup: std::collections::BTreeMap<String, DiskSetup>,
    /// File systems on empty partitions.
    fs_setup: Vec<FsSetup>,
    /// What is mounted at every start.
    mounts: Vec<Mount>,
    /// The fields that entries of `mounts` leave out.
    mount_default_fields: Option<Mount>,
    /// A file to swap to.
    swap: Option<Swap>,
    /// An address that is told that the machine is up.
    phone_home: Option<PhoneHome>,
    /// What is written on the console at the end.
    final_message: Option<String>,
    /// Whether the machine is restarted or switched off at the end.
    power_state: Option<PowerState>,
    /// Proxies.
    proxy: Proxy,
    /// What no other reader of such files knows.
    kaon: Kaon,
}

/// Certificates of authorities.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct CaCerts {
    /// Each as PEM text.
    pub trusted: Vec<String>,
}

/// Proxies, for everything that systemd starts and for logins.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Proxy {
    /// For http.
    pub http: Option<ProxyAddress>,
    /// For https.
    pub https: Option<ProxyAddress>,
    /// Hosts that are asked directly, with commas.
    pub no_proxy: Option<ProxyAddress>,
}

/// How cloud-config is read.
pub(crate) const DIALECT: Dialect = Dialect {
    unsupported: keys::unsupported,
    needless: keys::needless,
    elsewhere: keys::elsewhere,
    vital: |of, key| match (of, key) {
        ("WriteFile", "append" | "owner") => None,
        ("WriteFile" | "Source", _) => Some("the file"),
        ("CloudUser", "name") => Some("the user"),
        ("PasswordOf", _) => Some("the password"),
        ("Image", _) => Some("the image"),
        ("Container", _) => Some("the container"),
        ("Swarm", _) => Some("`swarm`"),
        ("DiskSetup" | "FsSetup" | "Swap", _) => Some("the entry"),
        ("PowerState", _) => Some("`power_state`"),
        ("YumRepo", _) => Some("the repository"),
        _ => None,
    },
    unknown: |_| Unknown::Alone,
    short: |of| match of {
        "CloudUser" => Some("name"),
        "Locale" => Some("name"),
        "Package" => Some("name"),
        _ => None,
    },
    hyphens: true,
};

impl CloudConfig {
    /// Adds what another source says; what is there goes before.
    pub(super) fn add(&mut self, other: Self) {
        self.hostname = self.hostname.take().or(other.hostname);
        for mut user in other.users {
            match self.users.iter_mut().find(|own| own.name == user.name) {
                Some(own) => {
                    own.ssh_authorized_keys.append(&mut user.ssh_authorized_keys);
                    own.fill(user);
                }
                None => self.users.push(user),
            }
        }
        self.ssh_authorized_keys.extend(other.ssh_authorized_keys);
        self.chpasswd.users.extend(other.chpasswd.users);
        self.ca_certs.trusted.extend(other.ca_certs.trusted);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kickstart::document::{Language, Parsed};
    use serde_json::{Value, json};

    /// What a document asks for, and what is said of it.
    fn read(document: &Value) -> (CloudConfig, usize) {
        let parsed = Parsed::new("x", &document.to_string(), Language::Json).unwrap();
        let (document, problems) = parsed.known::<CloudConfig>(DIALECT, CloudConfig::complaints);
        (document.unwrap().value, problems.map_or(0, |problems| problems.problems.len()))
    }

    fn document() -> Value {
        let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGPB3ZUf/t9vf9lorU76ObjtWE8WL0bnFRFO4YT43pIB me";
        json!({
            "hostname": "a", "fqdn": "a.example", "preserve_hostname": true, "groups": ["g", {"h": ["a"]}],
            "users": [{"name": "one", "ssh_authorized_keys": [key]}, {"name": "two"}, "three"], "user": {"name": "u"}, "password": "p",
            "ssh_authorized_keys": [key, "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQCWFgwWbxaqYSCk8cda6ycdbbh2++Aim91yqgmivUi6Q8ifPHSBD0ohdcOuNQkUwLK+aG2yAlo7UjJyVGLFPX+ehQObZ0Aa9MzSD/zuetna6WcLbtvLgZNuJLrX5t92zIBTzWjhndIkUTXCNsT2+9ac1wRczJGWae42XvxJhoKPZw== you"], "chpasswd": {"expire": false, "list": ["a:b"]}, "ssh_pwauth": true,
            "ssh_keys": {"ed25519_private": host_key::tests::ED25519}, "write_files": [{"path": "/a", "content": "x"}, {"path": "/b", "permissions": "0600"}],
            "bootcmd": ["a", ["b", "c"]], "runcmd": ["a", ["b", 1]], "ca_certs": {"trusted": ["-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----"]}, "timezone": "UTC",
            "ntp": {"servers": ["a"]}, "yum_repos": {"r": {"baseurl": "https://a"}}, "packages": ["a", ["b", "1"]], "package_upgrade": true,
            "disk_setup": {"/dev/sdb": {"layout": [50, 50]}}, "fs_setup": [{"device": "sdb1", "filesystem": "ext4"}],
            "mounts": [["sdb1", "/a"], ["sdb2", "/b"]], "swap": {"size": "1G"}, "phone_home": {"url": "https://a"}, "final_message": "x",
            "power_state": {"mode": "reboot"}, "proxy": {"http": "http://a"},
            "kaon": {"images": [{"path": "/a"}], "containers": [{"name": "web", "image": "a"}, {"name": "db", "image": "b"}]},
        })
    }

    #[test]
    fn a_wrong_value_is_as_if_it_were_not_there_and_nothing_else_is_lost() {
        let whole = document();
        assert_eq!(read(&whole).1, 0);
        let wrong = json!([{"no": {"such": "thing"}}]);
        for key in whole.as_object().unwrap().keys() {
            let (mut with, mut without) = (whole.clone(), whole.clone());
            with[key] = wrong.clone();
            without.as_object_mut().unwrap().remove(key);
            let ((with, told), (without, _)) = (read(&with), read(&without));
            assert!(told > 0, "{key}");
            // What is wrong is the item of the list, whose other items are none.
            assert_eq!(with, without, "{key}");
        }
    }

    #[test]
    fn a_wrong_item_is_as_if_it_were_not_there() {
        for key in ["users", "ssh_authorized_keys", "write_files", "bootcmd", "runcmd", "packages", "mounts", "fs_setup"] {
            let whole = document();
            for at in 0..whole[key].as_array().unwrap().len() {
                for wrong in [json!({"no": 1}), json!([[[]]])] {
                    let (mut with, mut without) = (whole.clone(), whole.clone());
                    with[key][at] = wrong;
                    without[key].as_array_mut().unwrap().remove(at);
                    let ((with, told), (without, _)) = (read(&with), read(&without));
                    assert!(told > 0 && with == without, "{key}[{at}]: {with:?}");
                }
            }
        }
    }

    #[test]
    fn users_of_a_platform_get_the_keys_of_both() {
        let part = |text: &str| read(&serde_json::from_str(text).unwrap()).0;
        let mut own = part(
            r#"{"users": [{"name": "dev", "ssh_authorized_keys": ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGPB3ZUf/t9vf9lorU76ObjtWE8WL0bnFRFO4YT43pIB one"]}]}"#,
        );
        own.add(part(r#"{"users": [{"name": "dev", "sudo": "ALL=(ALL) ALL", "ssh_authorized_keys": ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGPB3ZUf/t9vf9lorU76ObjtWE8WL0bnFRFO4YT43pIB two"]}, "ops"]}"#));
        assert!(own.settle(&Places::default()).is_empty() && own.users.len() == 2);
        assert_eq!((own.users[0].ssh_authorized_keys.len(), own.users[0].sudo.0.len()), (2, 1));
    }

    #[test]
    fn later_parts_replace_or_append() {
        let part = |text: &str| read(&serde_json::from_str(text).unwrap()).0;
        let first = || part(r#"{"hostname": "a", "runcmd": ["a"], "packages": ["x"]}"#);
        let second = || part(r#"{"hostname": "b", "runcmd": ["b"]}"#);
        let mut merged = first();
        assert_eq!(merged.merge(second(), Merge::default()), ["hostname", "runcmd"]);
        assert_eq!(merged, part(r#"{"hostname": "b", "runcmd": ["b"], "packages": ["x"]}"#));
        let mut merged = first();
        let how = |words: &str| Merge::of_text(words).0;
        assert_eq!(merged.merge(second(), how("list(append)+dict(recurse_array)+str()")), ["hostname"]);
        assert_eq!(merged, part(r#"{"hostname": "b", "runcmd": ["a", "b"], "packages": ["x"]}"#));
        let mut merged = first();
        assert_eq!(merged.merge(second(), how("list(prepend)+dict(no_replace, recurse_list)")), [""; 0]);
        assert_eq!(merged, part(r#"{"hostname": "a", "runcmd": ["b", "a"], "packages": ["x"]}"#));
        let mut merged = first();
        assert_eq!(merged.merge(second(), how("dict(no_replace)")), [""; 0]);
        assert_eq!(merged, part(r#"{"hostname": "a", "runcmd": ["a"], "packages": ["x"]}"#));
    }
}
