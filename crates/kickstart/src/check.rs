//! What types alone cannot say.

use std::collections::BTreeSet;

use super::{DockerMethod, FileSystem, Kickstart, Partition, Placed, account, crypt};
use crate::ssh::{KeyError, check_authorized_key};

/// A path, what is wrong there, and what to do about it.
type Complaint = (String, String, Option<String>);

/// The disk that `partitions` mean when they name none.
const DEFAULT_DISK: &str = "default";

/// Everything that is wrong.
pub(super) fn check(kickstart: &Kickstart) -> Vec<Complaint> {
    let mut list = Complaints(Vec::new());
    names(kickstart, &mut list);
    disks(kickstart, &mut list);
    partitions(kickstart, &mut list);
    accounts(kickstart, &mut list);
    network(kickstart, &mut list);
    files(kickstart, &mut list);
    list.0.extend(kickstart.ssh.complaints("ssh").into_iter().map(|complaint| (complaint.path, complaint.message, None)));
    list.0
}

struct Complaints(Vec<Complaint>);

impl Complaints {
    fn add(&mut self, path: impl Into<String>, message: impl Into<String>) {
        self.0.push((path.into(), message.into(), None));
    }

    fn hint(&mut self, path: impl Into<String>, message: impl Into<String>, hint: &str) {
        self.0.push((path.into(), message.into(), Some(hint.to_owned())));
    }
}

fn names(kickstart: &Kickstart, list: &mut Complaints) {
    let of_network = kickstart.network.as_ref().and_then(|network| network.hostname.as_ref());
    for (path, name) in [("hostname", kickstart.hostname.as_ref()), ("network.hostname", of_network)] {
        if let Some(name) = name.filter(|name| !account::is_hostname(name)) {
            list.hint(
                path,
                format!("`{name}` is not a valid host name"),
                "use letters, digits and hyphens, in parts of at most 63 characters",
            );
        }
    }
    if let (Some(own), Some(other)) = (&kickstart.hostname, of_network)
        && own != other
    {
        list.add("network.hostname", format!("it is `{other}`, but `hostname` is `{own}`"));
    }
    for (key, packages) in [("packages", &kickstart.packages), ("additional_packages", &kickstart.additional_packages)] {
        for (index, package) in packages.iter().enumerate() {
            if rpm_engine::dependency::Capability::parse(package).is_none() {
                list.add(format!("{key}[{index}]"), format!("`{package}` is not a package name"));
            }
        }
    }
    for (index, word) in kickstart.kernel_arguments.iter().enumerate() {
        if word.is_empty() || word.contains(|letter: char| letter.is_whitespace() || letter.is_control() || letter == '\'' || letter == '"')
        {
            list.add(format!("kernel_arguments[{index}]"), "an argument must be one word without quotes");
        }
    }
    for unit in kickstart.services.keys() {
        if unit.is_empty() || !unit.bytes().all(|byte| byte.is_ascii_alphanumeric() || b":-_.\\@".contains(&byte)) {
            list.add(format!("services.{unit}"), "not a valid unit name");
        }
    }
}

/// What is wrong where disks are given, but not the first one.
pub(crate) const NO_DEFAULT: &str = "the disk that the system starts from is not given";

fn disks(kickstart: &Kickstart, list: &mut Complaints) {
    match &kickstart.disk {
        Some(_) if !kickstart.disks.is_empty() => list.add("disk", "`disk` and `disks` are both set"),
        Some(disk) if disk.contains('$') => {
            let hint = "`preinstall` must export the variable, and the whole value be `$NAME`; or name the disk by /dev/disk/by-path, or omit it \
                        if there is only one";
            list.hint("disk", "no script sets this variable", hint);
        }
        Some(disk) if !disk.starts_with('/') => list.add("disk", format!("`{disk}` is not the path of a device")),
        _ => {}
    }
    if !kickstart.disks.is_empty() && !kickstart.disks.contains_key(DEFAULT_DISK) {
        let nameless = kickstart.partitions.iter().position(|partition| partition.disk_id.is_none());
        let path = nameless.map_or_else(|| "disks".to_owned(), |index| format!("partitions[{index}]"));
        list.hint(path, NO_DEFAULT, "set `disk`, or `disks.default`, to the disk that the system starts from");
    }
    for (name, disk) in &kickstart.disks {
        let path = format!("disks.{name}");
        match (&disk.device, &disk.filename, disk.size) {
            (Some(device), None, None) if !device.starts_with('/') => {
                list.add(format!("{path}.device"), format!("`{device}` is not the path of a device"));
            }
            (Some(_), None, None) | (None, Some(_), Some(1..)) => {}
            (None, Some(_), _) => list.add(path, "a disk that is a file needs a `size` in MiB"),
            _ => list.add(path, "set either `device`, or `filename` and `size`"),
        }
    }
}

/// Directories that cannot be on a partition of their own, and why.
const NOT_APART: [(&str, &str); 7] = [
    ("/usr", "the boot loader reads the kernels in it from the root"),
    ("/etc", "the system reads it before it mounts anything"),
    ("/dev", "the kernel's own file system is mounted there"),
    ("/proc", "the kernel's own file system is mounted there"),
    ("/sys", "the kernel's own file system is mounted there"),
    ("/run", "a tmpfs is mounted there"),
    ("/tmp", "a tmpfs is mounted there"),
];

/// Where the boot loader's menu is.
const BOOT_MOUNT: &str = "/boot";

/// Where the EFI system partition is mounted.
const ESP_MOUNT: &str = "/boot/efi";

fn partitions(kickstart: &Kickstart, list: &mut Complaints) {
    let mut mounted = BTreeSet::new();
    let mut rests = BTreeSet::new();
    for (index, partition) in kickstart.partitions.iter().enumerate() {
        let path = format!("partitions[{index}]");
        let disk = partition.disk_id.as_deref().unwrap_or(DEFAULT_DISK);
        if disk != DEFAULT_DISK && !kickstart.disks.contains_key(disk) {
            list.add(format!("{path}.disk_id"), format!("no disk in `disks` is called `{disk}`"));
        }
        match (partition.size, partition.sizepercent) {
            (Some(0), None) if !rests.insert(disk) => {
                list.add(format!("{path}.size"), "another partition of this disk takes the remaining space; only one may");
            }
            (Some(_), None) | (None, Some(1..=100)) => {}
            (None, Some(_)) => list.add(format!("{path}.sizepercent"), "use 1 to 100"),
            (Some(_), Some(_)) => list.add(path.clone(), "`size` and `sizepercent` are both set"),
            (None, None) => list.hint(path.clone(), "it has no size", "set `size` in MiB, or 0 for the remaining space, or `sizepercent`"),
        }
        for (key, options) in [("mkfs_options", &partition.mkfs_options), ("fs_options", &partition.fs_options)] {
            let options = options.as_deref().unwrap_or_default();
            if options.contains(char::is_control) || (key == "fs_options" && options.contains(char::is_whitespace)) {
                list.add(format!("{path}.{key}"), "it contains a blank or a control character");
            }
        }
        mountpoint(partition, &path, &mut mounted, list);
        subvolumes(partition, &path, &mut mounted, list);
    }
    let on_other_disk = |at: &str| {
        kickstart
            .partitions
            .iter()
            .position(|part| part.mountpoint.as_deref() == Some(at) && part.disk_id.as_deref().unwrap_or(DEFAULT_DISK) != DEFAULT_DISK)
    };
    if let Some(index) = on_other_disk("/").filter(|_| mounted.contains(BOOT_MOUNT)) {
        list.add(format!("partitions[{index}].disk_id"), "the root must be on the disk called `default`, where /boot is");
    }
    if !kickstart.partitions.is_empty() && !mounted.contains("/") {
        list.add("partitions", "none of them is mounted at `/`");
    }
}

fn mountpoint<'a>(partition: &'a Partition, path: &str, mounted: &mut BTreeSet<&'a str>, list: &mut Complaints) {
    let key = format!("{path}.mountpoint");
    let Some(at) = partition.mountpoint.as_deref() else {
        if partition.filesystem != FileSystem::Swap {
            list.add(path, "`mountpoint` is missing");
        }
        return;
    };
    if partition.filesystem == FileSystem::Swap {
        if !matches!(at, "swap" | "none" | "") {
            list.add(key, "swap has no mount point");
        }
        return;
    }
    mounted_at(at, &key, mounted, list);
    if at == "/" && partition.filesystem != FileSystem::Ext4 {
        let hint = "use ext4 for `/`; partitions for data may be xfs or btrfs";
        list.hint(format!("{path}.filesystem"), "the root must be ext4: the boot loader reads the kernels from it", hint);
    }
    if at == BOOT_MOUNT {
        if partition.filesystem != FileSystem::Ext4 {
            list.add(format!("{path}.filesystem"), "/boot must be ext4, which the boot loader reads");
        }
        if partition.disk_id.as_deref().unwrap_or(DEFAULT_DISK) != DEFAULT_DISK {
            list.add(format!("{path}.disk_id"), "/boot must be on the disk called `default`, from which the system starts");
        }
    }
    if at == ESP_MOUNT && partition.filesystem != FileSystem::Vfat {
        list.add(format!("{path}.filesystem"), "the EFI system partition must be vfat, which firmware reads");
    }
}

/// A place where something may be mounted.
fn mounted_at<'a>(at: &'a str, key: &str, mounted: &mut BTreeSet<&'a str>, list: &mut Complaints) {
    if at != "/" && !is_normal(at) {
        list.add(key, format!("`{at}` is not an absolute path in its shortest form"));
    } else if let Some((folder, reason)) = NOT_APART.iter().find(|(folder, _)| *folder == at) {
        list.add(key, format!("`{folder}` cannot be a partition: {reason}"));
    }
    if !mounted.insert(at) {
        list.add(key, format!("`{at}` is set twice"));
    }
}

fn subvolumes<'a>(partition: &'a Partition, path: &str, mounted: &mut BTreeSet<&'a str>, list: &mut Complaints) {
    let Some(btrfs) = &partition.btrfs else { return };
    if partition.filesystem != FileSystem::Btrfs {
        list.hint(format!("{path}.btrfs"), "the file system is another one", "set `filesystem` to `btrfs`, or leave the key out");
        return;
    }
    if btrfs
        .label
        .as_ref()
        .is_some_and(|label| label.is_empty() || label.len() > 255 || label.contains(|c: char| c.is_control() || c == '/'))
    {
        list.add(format!("{path}.btrfs.label"), "a name has 1 to 255 bytes, without `/` and control characters");
    }
    let mut paths = BTreeSet::new();
    for Placed { key, path: place, subvolume } in btrfs.all() {
        let key = format!("{path}.{key}");
        let name = subvolume.name.as_str();
        // It becomes a part of a mount option.
        let is_plain = name.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'/' | b',' | b'\\' | b'#'));
        if name.is_empty() || !is_plain || name.starts_with('-') || matches!(name, "." | "..") {
            list.add(format!("{key}.name"), format!("`{name}` is not a name of a subvolume"));
        } else if !paths.insert(place) {
            list.add(format!("{key}.name"), format!("`{name}` is set twice"));
        }
        match subvolume.mountpoint.as_deref() {
            Some(at @ ("/" | BOOT_MOUNT | ESP_MOUNT)) => {
                list.add(format!("{key}.mountpoint"), format!("`{at}` cannot be a subvolume: the boot loader and firmware read no Btrfs"));
            }
            Some(at) => mounted_at(at, &format!("{key}.mountpoint"), mounted, list),
            None => {}
        }
    }
}

/// Whether a path is absolute and in its shortest form, without what would break a line of fstab(5).
fn is_normal(path: &str) -> bool {
    let parts: Vec<&str> = path.split('/').collect();
    let plain = path.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'\\' | b'#'));
    plain && parts.len() > 1 && parts[0].is_empty() && parts[1..].iter().all(|part| !matches!(*part, "" | "." | ".."))
}

fn accounts(kickstart: &Kickstart, list: &mut Complaints) {
    const NO_HASH: (&str, &str) = ("not a hash in the format of crypt(5)", "`openssl passwd -6` writes one");
    let of_users = kickstart.users.iter().enumerate().map(|(index, user)| (format!("users[{index}].password"), &user.password));
    for (path, given) in std::iter::once((String::from("password"), &kickstart.password)).chain(of_users) {
        let Some(given) = given else { continue };
        let text = given.text.reveal();
        if given.crypted && !crypt::is_hash(text) {
            list.hint(format!("{path}.text"), NO_HASH.0, NO_HASH.1);
        } else if !given.crypted && (text.is_empty() || text.contains(['\n', '\0'])) {
            list.add(format!("{path}.text"), "it is empty, or longer than a line");
        }
        if given.age.is_some_and(|age| age < -1) {
            list.add(format!("{path}.age"), "write a number of days, 0 or -1");
        }
    }
    if kickstart.shadow_password.as_ref().is_some_and(|hash| !crypt::is_hash(hash.reveal())) {
        list.hint("shadow_password", NO_HASH.0, NO_HASH.1);
    }
    if kickstart.password.is_some() && kickstart.shadow_password.is_some() {
        list.add("shadow_password", "`password` and `shadow_password` are both set");
    }
    if let Some(error) = kickstart.public_key.as_ref().and_then(|key| wrong_key(&key.key)) {
        list.hint("public_key.key", error.to_string(), error.hint());
    }
    if kickstart.public_key.as_ref().and_then(|key| key.reason.as_ref()).is_some_and(|reason| reason.contains(char::is_control)) {
        list.add("public_key.reason", "it contains a control character");
    }
    let mut seen = BTreeSet::new();
    for (index, user) in kickstart.users.iter().enumerate() {
        let path = format!("users[{index}]");
        if user.name == "root" {
            list.hint(format!("{path}.name"), "root always exists", "use `password` and `public_key`");
        } else if !account::is_account_name(&user.name) {
            list.add(format!("{path}.name"), format!("`{}` is not a valid login name", user.name));
        } else if !seen.insert(&user.name) {
            list.add(format!("{path}.name"), format!("`{}` is set twice", user.name));
        }
        if user.gecos.contains(|letter: char| letter == ':' || letter.is_control()) {
            list.add(format!("{path}.gecos"), "it contains a colon or a control character");
        }
        if user.uid.is_some_and(|uid| !(1000..=60_000).contains(&uid)) {
            list.add(format!("{path}.uid"), "use 1000 to 60000");
        }
        if !is_normal(&user.shell) || user.shell.contains(':') {
            list.add(format!("{path}.shell"), format!("`{}` is not an absolute path", user.shell));
        }
        for (at, group) in user.groups.iter().enumerate().filter(|(_, group)| !account::is_account_name(group)) {
            list.add(format!("{path}.groups[{at}]"), format!("`{group}` is not a valid group name"));
        }
        for (at, key) in user.ssh_keys.iter().enumerate() {
            if let Err(error) = check_authorized_key(key) {
                list.hint(format!("{path}.ssh_keys[{at}]"), error.to_string(), error.hint());
            }
        }
    }
}

/// What is wrong with the keys of a text. Photon's installer writes it as it is, so that several lines are several keys.
fn wrong_key(text: &str) -> Option<KeyError> {
    let mut lines = text.lines().filter(|line| !line.trim().is_empty()).peekable();
    if lines.peek().is_none() { Some(KeyError::NotAKey) } else { lines.find_map(|line| check_authorized_key(line).err()) }
}

fn network(kickstart: &Kickstart, list: &mut Complaints) {
    let Some(network) = &kickstart.network else { return };
    for told in crate::networkd::faults(network) {
        list.add(format!("network.{}", told.path), told.message);
    }
    for name in network.tunnels.keys() {
        let ending = format!("/10-{name}.netdev");
        if crate::networkd::files(network).iter().any(|file| file.is_secret && file.path.ends_with(&ending)) {
            let hint = "write the path of a file that contains the key and that systemd-networkd may read";
            list.hint(format!("network.tunnels.{name}"), "its key would be readable by everybody", hint);
        }
    }
}

fn files(kickstart: &Kickstart, list: &mut Complaints) {
    for (index, pairs) in kickstart.additional_files.iter().enumerate() {
        for (source, target) in pairs {
            if source.is_empty() || !is_normal(target) {
                list.add(format!("additional_files[{index}].{source}"), format!("`{target}` is not an absolute path in its shortest form"));
            }
        }
    }
    for (index, certificate) in kickstart.ca_certificates.iter().enumerate() {
        if !crate::are_certificates(certificate) || certificate.contains("PRIVATE KEY") {
            list.add(format!("ca_certificates[{index}]"), "not a certificate in PEM");
        }
    }
    for (index, pairs) in kickstart.archives.iter().enumerate() {
        for (source, target) in pairs.iter().filter(|(source, target)| source.is_empty() || (*target != "/" && !is_normal(target))) {
            list.add(format!("archives[{index}].{source}"), format!("`{target}` is not an absolute path in its shortest form"));
        }
    }
    for name in kickstart.environment.keys().filter(|name| !is_variable(name)) {
        list.hint(format!("environment.{name}"), "not a name of a variable", "use letters, digits and `_`");
    }
    for (index, image) in kickstart.docker.images.iter().enumerate() {
        let path = format!("docker.images[{index}]");
        let needed = match image.method {
            DockerMethod::Pull => image.name.is_none().then_some(("name", "pull")),
            DockerMethod::Load => image.filename.is_none().then_some(("filename", "load")),
        };
        if let Some((key, method)) = needed {
            list.add(path.clone(), format!("`method` is `{method}`, which needs `{key}`"));
        }
        for name in image.name.iter().chain(&image.tags).filter(|name| !is_image_name(name)) {
            list.add(path.clone(), format!("`{name}` is not a name of an image"));
        }
    }
}

fn is_variable(name: &str) -> bool {
    !name.starts_with(|first: char| first.is_ascii_digit())
        && !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Whether this may be `HOST/NAME:TAG@DIGEST`: it becomes a word of a script.
fn is_image_name(name: &str) -> bool {
    !name.is_empty() && !name.starts_with('-') && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-/:@".contains(&byte))
}
