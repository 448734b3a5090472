//! The keys of Photon OS' installer, and what becomes of each here. The table in `docs/src/kickstart.md` is made of it.

/// What becomes of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Treatment {
    /// What it says is done.
    Done,
    /// It is done in another way, or not with all values.
    Differently,
    /// It is taken, and a note says why there is nothing to do.
    Noted,
    /// It is an error that says what to do instead.
    Refused,
}

impl Treatment {
    /// For people.
    pub fn words(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Differently => "done differently",
            Self::Noted => "taken with a note",
            Self::Refused => "refused",
        }
    }
}

/// A key.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// The name of the struct it is in.
    pub of: &'static str,
    /// The key.
    pub name: &'static str,
    /// What becomes of it.
    pub treatment: Treatment,
    /// How, why, and what to write instead.
    pub words: &'static str,
}

pub(super) const MSDOS: &str = "a GUID partition table is written, which BIOSes start from, too";
pub(super) const FIPS: &str = "this system's OpenSSL has no provider that was validated for FIPS 140";
const SIGNED: &str =
    "packages come from the signed repository on the medium alone; `additional_files` can put others into /etc/yum.repos.d";
const CHECKED: &str = "signatures of packages and repositories are always checked";
const NO_KEPT: &str = "nothing to do: after a failure the target stays mounted at /run/kaon/target until the installer is started again";
const ONE_STEP: &str = "all packages are installed in one transaction; use `postinstall`, or `additional_files` for files";
const ARGUMENTS: &str = "the boot loader's files are the package's; use `kernel_arguments`";

const fn done(of: &'static str, name: &'static str) -> Key {
    Key { of, name, treatment: Treatment::Done, words: "" }
}

const fn otherwise(of: &'static str, name: &'static str, words: &'static str) -> Key {
    Key { of, name, treatment: Treatment::Differently, words }
}

const fn noted(name: &'static str, words: &'static str) -> Key {
    Key { of: "Kickstart", name, treatment: Treatment::Noted, words }
}

const fn refused(of: &'static str, name: &'static str, words: &'static str) -> Key {
    Key { of, name, treatment: Treatment::Refused, words }
}

const FILE: &str = "Kickstart";
const PART: &str = "Partition";
const NET: &str = "Network";

const KEYS: [Key; 88] = [
    done(FILE, "additional_files"),
    done(FILE, "additional_packages"),
    refused(
        FILE,
        "additional_rpms_path",
        "only packages of the signed repository are installed; `cargo xtask build-iso --kickstart` puts what `packages` names onto the medium",
    ),
    refused(FILE, "ansible", "run playbooks from `postinstall`, or from your own machine afterwards"),
    otherwise(FILE, "arch", "x86_64 alone"),
    done(FILE, "archives"),
    done(FILE, "autopartition"),
    done(FILE, "bootmode"),
    refused(FILE, "build_mounts", "nothing of the installing system is shown to scripts; use `additional_files`"),
    done(FILE, "disk"),
    done(FILE, "disks"),
    otherwise(FILE, "docker", "images are loaded or pulled when the system first starts, once Docker runs"),
    noted("dps", "nothing to do: partitions always have discoverable types"),
    done(FILE, "eject_cdrom"),
    done(FILE, "environment"),
    otherwise(FILE, "firstboot", "`scripts` run once when the system first starts and the network is up; all else is done on every system"),
    refused(FILE, "grub", ARGUMENTS),
    done(FILE, "hostname"),
    noted("insecure_installation", CHECKED),
    noted("insecure_repo", CHECKED),
    done(FILE, "install_linux_esx"),
    otherwise(
        FILE,
        "linux_flavor",
        "`linux` and `linux-aws`, and kernels that the medium does not have, are `linux-generic` or, where it does not have that, `linux-esx`",
    ),
    done(FILE, "linux_flavor_x86_64"),
    noted("linux_flavor_aarch64", "there is one architecture, x86_64"),
    otherwise(
        FILE,
        "live",
        "every installed system gets an identity of its own at its first start; `false` keeps the installing machine running",
    ),
    done(FILE, "log_level"),
    noted("manifest_file", "nothing to do: /var/log/kaon-installer.json of the installed system records what was done"),
    done(FILE, "network"),
    noted("no_clean", NO_KEPT),
    noted("no_unmount", NO_KEPT),
    refused(FILE, "ostree", "systems are composed of packages; use `packages`"),
    otherwise(
        FILE,
        "packagelist_file",
        "the lists that Photon's media contain, such as `packages_minimal.json`, stand for `minimal` unless there is such a file",
    ),
    otherwise(FILE, "packagelist_files", "as `packagelist_file`"),
    otherwise(FILE, "packages", "names that are needless here, such as `initramfs`, are left out with a note"),
    done(FILE, "packages_x86_64"),
    noted("packages_aarch64", "there is one architecture, x86_64"),
    otherwise(
        FILE,
        "partition_type",
        "`msdos`: a GUID partition table is written, whose first sector has an active entry, so that BIOSes start from it, too; with a table \
         of four entries, the root could not grow, and an interrupted installation would leave a disk that says nothing",
    ),
    done(FILE, "partitions"),
    done(FILE, "password"),
    noted("photon_docker_image", "nothing is loaded for it; `docker` loads images"),
    noted("photon_release_version", "the medium's release is installed"),
    refused(FILE, "plugins", "the installer runs no programs of others but scripts: use `preinstall` and `postinstall`"),
    done(FILE, "postinstall"),
    done(FILE, "postinstallscripts"),
    otherwise(FILE, "preinstall", "what it exports replaces `$NAME` in the file; the file is checked once more before anything is written"),
    done(FILE, "preinstallscripts"),
    refused(FILE, "prepkgsinstall", ONE_STEP),
    refused(FILE, "prepkgsinstallscripts", ONE_STEP),
    done(FILE, "public_key"),
    noted("repos", SIGNED),
    done(FILE, "search_path"),
    otherwise(FILE, "security", "`selinux` may be `disabled`, `fips` false"),
    done(FILE, "services"),
    refused(FILE, "setup_grub_script", ARGUMENTS),
    done(FILE, "shadow_password"),
    noted("tdnf_cachedir", "nothing is downloaded"),
    otherwise(FILE, "type", "`minimal`, `micro`, `developer` and `full`, as `packages`"),
    done(FILE, "ui"),
    refused(FILE, "user_grub_cfg_file", ARGUMENTS),
    refused(PART, "ab", "there is one system on a disk; updates are undone with `tdnf history`, or keep a second disk"),
    otherwise(PART, "all_disk", "one partition fills the disk"),
    otherwise(PART, "btrfs", "not for the root, which is ext4: the boot loader reads the kernels from it"),
    otherwise(PART, "disk", "as `disk_id`, also by the path of a device"),
    done(PART, "disk_id"),
    done(PART, "filesystem"),
    done(PART, "fs_options"),
    refused(
        PART,
        "lvm",
        "there are no logical volumes: without an initramfs nothing would find them at boot; leave the key out for a partition of this size",
    ),
    done(PART, "mkfs_options"),
    done(PART, "mountpoint"),
    done(PART, "size"),
    done(PART, "sizepercent"),
    done(NET, "ethernets"),
    otherwise(NET, "hostname", "the machine's name; in version 1, beside the file's `hostname`, what DHCP servers are told"),
    otherwise(NET, "nameservers", "for every card, bond, bridge and VLAN without own ones"),
    otherwise(NET, "type", "`dhcp`, `static` and `vlan` of version 1 become a description of version 2"),
    done(NET, "gateway"),
    done(NET, "ip_addr"),
    done(NET, "nameserver"),
    done(NET, "netmask"),
    done(NET, "vlan_id"),
    done(NET, "version"),
    done(NET, "vlans"),
    done(NET, "bonds"),
    otherwise(NET, "renderer", "`networkd` alone: it configures the network"),
    otherwise("Security", "selinux", "`disabled` alone: the system has no policy"),
    refused("Security", "fips", FIPS),
    done("Docker", "images"),
    done("PublicKey", "key"),
];

/// All of them by struct.
pub fn all() -> impl Iterator<Item = Key> {
    KEYS.into_iter()
}

/// Why a key is refused, if it is one of Photon's.
pub(crate) fn reason(of: &str, key: &str) -> Option<&'static str> {
    KEYS.iter().find(|known| known.of == of && known.name == key && known.treatment == Treatment::Refused).map(|known| known.words)
}

/// Keys that are taken with a note: struct, key, words.
pub(super) fn noted_keys() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    KEYS.iter().filter(|key| key.treatment == Treatment::Noted).map(|key| (key.of, key.name, key.words))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Kickstart;
    use crate::reference::own_schema;

    /// What Photon's installer accepts in a file: `known_keys` of photon-os-installer's `installer.py`, those of one architecture, and
    /// those of its documentation and samples besides.
    const REFERENCE: [&str; 59] = [
        "additional_files",
        "additional_packages",
        "additional_rpms_path",
        "ansible",
        "arch",
        "archives",
        "autopartition",
        "bootmode",
        "build_mounts",
        "disk",
        "disks",
        "docker",
        "dps",
        "eject_cdrom",
        "environment",
        "firstboot",
        "grub",
        "hostname",
        "insecure_installation",
        "insecure_repo",
        "install_linux_esx",
        "linux_flavor",
        "linux_flavor_aarch64",
        "linux_flavor_x86_64",
        "live",
        "log_level",
        "manifest_file",
        "network",
        "no_clean",
        "no_unmount",
        "ostree",
        "packagelist_file",
        "packagelist_files",
        "packages",
        "packages_aarch64",
        "packages_x86_64",
        "partition_type",
        "partitions",
        "password",
        "photon_docker_image",
        "photon_release_version",
        "plugins",
        "postinstall",
        "postinstallscripts",
        "preinstall",
        "preinstallscripts",
        "prepkgsinstall",
        "prepkgsinstallscripts",
        "public_key",
        "repos",
        "search_path",
        "security",
        "services",
        "setup_grub_script",
        "shadow_password",
        "tdnf_cachedir",
        "type",
        "ui",
        "user_grub_cfg_file",
    ];

    /// Keys that become others before the file is read.
    const TRANSLATED: [&str; 13] = [
        "all_disk",
        "autopartition",
        "disk",
        "gateway",
        "install_linux_esx",
        "ip_addr",
        "linux_flavor_x86_64",
        "nameserver",
        "nameservers",
        "netmask",
        "packages_x86_64",
        "type",
        "vlan_id",
    ];

    #[test]
    fn every_key_of_photon_s_is_in_the_table_once() {
        let of_the_file: Vec<&str> = all().filter(|key| key.of == FILE).map(|key| key.name).collect();
        let set = |names: &[&'static str]| names.iter().copied().collect::<std::collections::BTreeSet<_>>();
        assert_eq!(set(&of_the_file), set(&REFERENCE));
        assert_eq!(of_the_file.len(), REFERENCE.len(), "one is there twice");
        assert!(all().all(|key| key.treatment == Treatment::Done || !key.words.is_empty()));
    }

    #[test]
    fn each_is_treated_as_the_table_says() {
        let schema = own_schema();
        for key in all() {
            let text = match key.of {
                FILE => format!("{{\"{}\": [7]}}", key.name),
                PART => format!("{{\"partitions\": [{{\"mountpoint\": \"/\", \"size\": 0, \"{}\": [7]}}]}}", key.name),
                NET => format!("{{\"network\": {{\"version\": 2, \"{}\": [7]}}}}", key.name),
                // It is refused only where it is asked for.
                "Security" if key.name == "fips" => "{\"security\": {\"fips\": true}}".to_owned(),
                _ => format!("{{\"{}\": {{\"{}\": [7]}}}}", key.of.to_lowercase(), key.name),
            };
            let parsed = Kickstart::parse("x.json", &text);
            match key.treatment {
                Treatment::Refused => {
                    let told = parsed.unwrap_err().to_string();
                    assert!(told.contains(key.words), "{}: {told}", key.name);
                }
                Treatment::Noted => {
                    let notes = parsed.unwrap().notes;
                    assert!(notes.iter().any(|note| note.path == key.name && note.message == key.words), "{}: {notes:?}", key.name);
                }
                Treatment::Done | Treatment::Differently => {
                    let place = if key.of == FILE { "/properties".to_owned() } else { format!("/$defs/{}/properties", key.of) };
                    let is_known = schema.pointer(&place).is_some_and(|known| known.get(key.name).is_some());
                    assert!(is_known || TRANSLATED.contains(&key.name), "{}", key.name);
                }
            }
        }
    }
}
