//! All keys of cloud-init that documents use, and what becomes of each. `docs/src/firstboot.md` is made from this table.

use Fate::{Different, Done, Needless, Refused};

/// What becomes of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// What cloud-init does.
    Done,
    /// Something else, or not all of it.
    Different,
    /// Nothing, for it is so anyway.
    Needless,
    /// Nothing, and that is reported.
    Refused,
}

/// Where a key is, the key, its fate, and what is done or why not.
type Row = (&'static str, &'static str, Fate, &'static str);

const TOP: &str = "CloudConfig";
const USER: &str = "CloudUser";
const FILE: &str = "WriteFile";

/// The table.
#[rustfmt::skip]
const ROWS: &[Row] = &[
    (TOP, "hostname", Done, "the host name"),
    (TOP, "fqdn", Done, "the host name; takes precedence over `hostname`"),
    (TOP, "prefer_fqdn_over_hostname", Done, "with `false`, `hostname` takes precedence"),
    (TOP, "preserve_hostname", Done, "with `true`, the host name is not changed"),
    (TOP, "manage_etc_hosts", Needless, "the system's own name always resolves, without /etc/hosts"),
    (TOP, "create_hostname_file", Needless, "/etc/hostname is always written"),
    (TOP, "groups", Done, "groups to make, and their members"),
    (TOP, "users", Done, "a list of names and tables, a table of tables by name, or names with commas; the keys are below. An existing user gets the password and keys"),
    (TOP, "user", Done, "the user that `default` in `users` stands for: a name or a table. It may run everything with sudo. Without it, `default` is root"),
    (TOP, "password", Done, "the password of the user that `default` stands for, or its hash. `R` and `RANDOM` are refused: passwords are never shown"),
    (TOP, "ssh_authorized_keys", Different, "keys of the user that `default` stands for: root, unless `user` names another one. One by which sshd lets nobody in (cut off, damaged, of the type `ssh-dss`) is reported and left out"),
    (TOP, "chpasswd", Different, "`users` with `name`, `password`, `type` (`hash`, `text`); `list` of `name:password`; `expire`. `RANDOM` is refused: passwords are never shown"),
    (TOP, "ssh_pwauth", Done, "whether sshd takes passwords; `unchanged` says nothing"),
    (TOP, "disable_root", Different, "with `true`, root cannot log in over SSH, if another user can; with `false` and `ssh_pwauth: true`, with a password, too. Otherwise root needs a key"),
    (TOP, "disable_root_opts", Refused, "root's keys have the options that are written before them"),
    (TOP, "ssh_keys", Done, "the server's keys: `TYPE_private`, `TYPE_public`, `TYPE_certificate` of the types `ed25519`, `ecdsa`, `rsa`. One with a passphrase, of another type or cut off is reported and left out"),
    (TOP, "ssh_deletekeys", Needless, "each copy always gets keys of its own"),
    (TOP, "ssh_genkeytypes", Needless, "sshd makes the kinds it needs"),
    (TOP, "ssh_import_id", Refused, "keys from other people's servers could be anybody's: write them into `ssh_authorized_keys`"),
    (TOP, "allow_public_ssh_keys", Needless, "keys of the platform are always used"),
    (TOP, "no_ssh_fingerprints", Needless, "fingerprints are not shown"),
    (TOP, "ssh_fp_console_blacklist", Needless, "fingerprints are not shown"),
    (TOP, "ssh_key_console_blacklist", Needless, "keys are not shown"),
    (TOP, "ssh_publish_hostkeys", Refused, "no cloud is told the host keys: `ssh-keyscan` asks for them"),
    (TOP, "ssh", Needless, "keys are not shown; authorities and certificates belong below `kaon`, and are reported here"),
    (TOP, "write_files", Done, "files; the keys are below. Missing directories are made"),
    (TOP, "bootcmd", Different, "commands that run before anything else is done, at the first start only: for every start, write a unit"),
    (TOP, "runcmd", Done, "lines for the shell or lists of words, run once when the network and the container engine are up and images are loaded. One that only writes /etc/cloud/cloud-init.disabled is left out"),
    (TOP, "ca_certs", Different, "`trusted`: certificates in PEM to trust in addition to the usual ones; the container engine trusts them too. `remove_defaults` is refused"),
    (TOP, "ca-certs", Different, "as `ca_certs`"),
    (TOP, "timezone", Done, "a name such as `Europe/Berlin`"),
    (TOP, "locale", Different, "written to /etc/locale.conf if the system has it; as installed, it has `C.UTF-8`"),
    (TOP, "locale_configfile", Refused, "the file is /etc/locale.conf"),
    (TOP, "keyboard", Different, "`layout`, `model`, `variant`, `options`: written to /etc/vconsole.conf. As installed, the system has the kernel's keymap only"),
    (TOP, "ntp", Different, "`enabled`, `servers`, `pools`: for systemd-timesyncd, whatever `ntp_client` names; another one is reported"),
    (TOP, "resolv_conf", Different, "`nameservers`, `searchdomains`, `domain`: for systemd-resolved"),
    (TOP, "manage_resolv_conf", Needless, "`resolv_conf` is always used"),
    (TOP, "yum_repos", Done, "repositories for tdnf, each a file in /etc/yum.repos.d"),
    (TOP, "yum_repo_dir", Refused, "the directory is /etc/yum.repos.d"),
    (TOP, "packages", Done, "names, or pairs of name and version: installed with tdnf when the network is up"),
    (TOP, "package_update", Done, "`tdnf makecache` before packages are installed"),
    (TOP, "package_upgrade", Done, "`tdnf -y update` before packages are installed"),
    (TOP, "package_reboot_if_required", Refused, "set `power_state` to restart the machine"),
    (TOP, "disk_setup", Different, "partitions of a disk that is empty: `layout`; the table is always GPT. What is there is never written over, with `overwrite: true` neither: that is reported"),
    (TOP, "fs_setup", Different, "file systems on partitions that have none: `device`, `partition`, `filesystem`, `label`, `extra_opts`. `overwrite: true` as there"),
    (TOP, "mounts", Done, "entries of /etc/fstab, each a list; directories are made. By default they do not stop a start: `nofail`. One of a device that no system has, such as `ephemeral0.1`, or of the root, of a file system that is misspelt, or on a directory that an earlier entry has is reported and left out. `nfs` and `cifs` without the option `addr=` are reported: there are no `nfs-utils` and `cifs-utils`"),
    (TOP, "mount_default_fields", Done, "the fields that entries of `mounts` leave out"),
    (TOP, "swap", Done, "`filename`, `size`, `maxsize`: a file to swap to; sizes from `1M` to `16T`, also `2.5G`"),
    (TOP, "growpart", Needless, "the root always grows to the size of the disk"),
    (TOP, "resize_rootfs", Needless, "the root always grows to the size of the disk"),
    (TOP, "phone_home", Done, "`url`, `post`, `tries`: sent at the end. `$INSTANCE_ID` and `${INSTANCE_ID}` in `url` are replaced"),
    (TOP, "final_message", Done, "written to the console and the journal at the end"),
    (TOP, "power_state", Done, "`mode`, `delay`, `message`, `condition`: at the end. `timeout` is not needed: this is the end"),
    (TOP, "proxy", Done, "Kaon's own: `http`, `https`, `no_proxy`, for all services and logins"),
    (TOP, "kaon", Done, "Kaon's own: [images and containers](#images-and-containers), [`ssh`](#certificates-for-ssh), [`swarm`](#swarms)"),
    (TOP, "merge_how", Different, "`append` and `prepend` of `list`, `no_replace` of `dict`; otherwise a later value replaces an earlier one. Text, or a list of tables with `name` and `settings`"),
    (TOP, "merge_type", Different, "as `merge_how`"),
    (TOP, "cleanup-guestinfo", Needless, "no secret is left in the log; clear the variables at the host"),
    (TOP, "network", Refused, "the network is configured in a separate document, network-config, or in meta-data"),
    (TOP, "output", Needless, "everything is in the journal"),
    (TOP, "datasource", Needless, "the platform is found by itself"),
    (TOP, "datasource_list", Needless, "the platform is found by itself"),
    (TOP, "vendor_data", Needless, "vendor data is always used, and user data takes precedence"),
    (TOP, "cloud_init_modules", Needless, "there are no modules: all keys are read"),
    (TOP, "cloud_config_modules", Needless, "there are no modules: all keys are read"),
    (TOP, "cloud_final_modules", Needless, "there are no modules: all keys are read"),
    (TOP, "ssh_quiet_keygen", Needless, "keys are not shown"),
    (TOP, "system_info", Refused, "it describes distributions of cloud-init's: write `user` for the default user"),
    (TOP, "device_aliases", Refused, "write the devices themselves"),
    (TOP, "updates", Refused, "a network is set at the first start, and when its document changes"),
    (TOP, "random_seed", Refused, "the kernel has its own sources of chance"),
    (TOP, "rsyslog", Refused, "logs are in the journal: forward them with a unit or a container"),
    (TOP, "snap", Refused, "there are no snaps: install packages, or run containers"),
    (TOP, "apt", Refused, "packages are RPM: use `yum_repos`"),
    (TOP, "apt_pipelining", Refused, "packages are RPM: use `yum_repos`"),
    (TOP, "apt_update", Refused, "use `package_update`"),
    (TOP, "apt_upgrade", Refused, "use `package_upgrade`"),
    (TOP, "apt_sources", Refused, "packages are RPM: use `yum_repos`"),
    (TOP, "zypper", Refused, "use `yum_repos`"),
    (TOP, "apk_repos", Refused, "use `yum_repos`"),
    (TOP, "ansible", Refused, "run it in `runcmd`, or from your own machine"),
    (TOP, "chef", Refused, "run it in `runcmd`"),
    (TOP, "puppet", Refused, "run it in `runcmd`"),
    (TOP, "salt_minion", Refused, "run it in `runcmd`"),
    (TOP, "mcollective", Refused, "run it in `runcmd`"),
    (TOP, "landscape", Refused, "it manages Ubuntu"),
    (TOP, "ubuntu_pro", Refused, "it is Ubuntu's"),
    (TOP, "ubuntu_advantage", Refused, "it is Ubuntu's"),
    (TOP, "rh_subscription", Refused, "it is Red Hat's"),
    (TOP, "lxd", Refused, "run containers with `kaon` or `runcmd`"),
    (TOP, "wireguard", Refused, "write a tunnel of the mode `wireguard` into network-config"),
    (TOP, "drivers", Refused, "the kernel's modules are packages"),
    (TOP, "coreos", Refused, "this is a document of CoreOS: write units with `write_files`, and start them in `runcmd`"),
    (TOP, "autoinstall", Refused, "this is a document of Ubuntu's installer: write a kickstart file, or what is below its `user-data` as cloud-config"),
    (TOP, "ignition", Refused, "this is a document of Ignition, which is not supported: write cloud-config"),
    (USER, "name", Done, "the login name: letters, digits, `-`, `_` and dots within, as for useradd. Of two entries with one name the first one's keys count, as with cloud-init, and that is reported"),
    (USER, "gecos", Done, "the full name"),
    (USER, "uid", Done, "the number; 0 and one that somebody has are reported, and the next free one is given"),
    (USER, "groups", Done, "further groups; those that are missing are made. `sudo` may do what `wheel` may"),
    (USER, "primary_group", Done, "the first group; made if it is missing"),
    (USER, "no_user_group", Done, "no group of the user's name: the first group is `users`"),
    (USER, "create_groups", Done, "with `false`, missing groups are not made, and reported"),
    (USER, "homedir", Done, "the home directory; /home/NAME by default"),
    (USER, "home", Refused, "write `homedir`"),
    (USER, "no_create_home", Done, "the home directory is not made"),
    (USER, "system", Done, "a number below 1000, and no home directory"),
    (USER, "shell", Different, "the login shell; /usr/bin/bash by default"),
    (USER, "sudo", Done, "rules of sudo without the user's name: `HOSTS=(USERS:GROUPS) TAGS: COMMANDS`. One that is not certainly right is reported and not written: it would close sudo for all. Aliases, digests and options such as `CWD=` belong into a file of their own"),
    (USER, "passwd", Done, "the password's hash; locked unless `lock_passwd` is `false`"),
    (USER, "hashed_passwd", Done, "as `passwd`"),
    (USER, "plain_text_passwd", Done, "the password; locked unless `lock_passwd` is `false`. `R` and `RANDOM` are refused"),
    (USER, "lock_passwd", Done, "`true` by default: no password fits"),
    (USER, "ssh_authorized_keys", Done, "keys, with or without options before them. One by which sshd lets nobody in is reported and left out"),
    (USER, "expiredate", Done, "the day from which the account is closed"),
    (USER, "inactive", Done, "days after the end of a password in which it still fits"),
    (USER, "no_log_init", Needless, "there is no log of failed logins"),
    (USER, "ssh_import_id", Refused, "keys from other people's servers could be anybody's: write them into `ssh_authorized_keys`"),
    (USER, "ssh_redirect_user", Refused, "leave the user out"),
    (USER, "selinux_user", Refused, "the system has no SELinux"),
    (USER, "doas", Refused, "there is no doas: use `sudo`"),
    (USER, "snapuser", Refused, "there are no snaps"),
    (FILE, "path", Done, "where"),
    (FILE, "content", Done, "text, or bytes with `!!binary`; at most 64 MiB when decoded"),
    (FILE, "encoding", Done, "`b64`, `gzip`, `gz+b64` and their longer names"),
    (FILE, "source", Done, "`uri`, `headers`: fetched when the network is up; `content` is used if that fails"),
    (FILE, "permissions", Done, "`'0644'`; a number without quotes and a zero before it is decimal, as cloud-init reads it: 420. What may have been meant otherwise is reported: 400 is 0620; 644, too large for permissions, is read as `'0644'`"),
    (FILE, "owner", Done, "`user:group`; if it makes no sense, the file is root's"),
    (FILE, "append", Done, "the content is added to the end"),
    (FILE, "defer", Needless, "files are always written after users are created"),
    ("CaCerts", "remove_defaults", Refused, "the usual certificates stay: the package manager and the container engine need them"),
    ("CaCerts", "remove-defaults", Refused, "the usual certificates stay: the package manager and the container engine need them"),
    ("Ntp", "config", Refused, "the client is systemd-timesyncd: write `servers` and `pools`, or its file with `write_files`"),
    ("Ntp", "peers", Refused, "systemd-timesyncd serves nobody: write `servers`"),
    ("Ntp", "allow", Refused, "systemd-timesyncd serves nobody"),
    ("Ntp", "peers", Refused, "systemd-timesyncd has no peers: use `servers`"),
    ("Ntp", "allow", Refused, "systemd-timesyncd serves nobody"),
    ("Ntp", "config", Refused, "write a file below /etc/systemd/timesyncd.conf.d with `write_files`"),
    ("ResolvConf", "options", Refused, "write a file below /etc/systemd/resolved.conf.d with `write_files`"),
    ("ResolvConf", "sortlist", Refused, "systemd-resolved has no such list"),
    ("FsSetup", "replace_fs", Refused, "a file system that is there is never replaced"),
    ("FsSetup", "cmd", Refused, "make the file system in `bootcmd`"),
];

/// Why a key is refused, if it is.
pub(crate) fn unsupported(of: &str, key: &str) -> Option<&'static str> {
    find(of, key).filter(|row| row.2 == Refused).map(|row| row.3)
}

/// Whether a key asks for nothing that is not so anyway.
pub(crate) fn needless(of: &str, key: &str) -> bool {
    // They are read before the rest.
    matches!(key, "merge_how" | "merge_type") || find(of, key).is_some_and(|row| row.2 == Needless)
}

/// Keys of `kaon.ssh`, which look as if they belonged below cloud-init's own `ssh`.
const OF_CERTIFICATES: [&str; 4] = ["trusted_user_ca", "principals", "revoked_keys", "host_certificates"];

/// Where a key belongs that is known in another place only; `inner` are the keys in it.
pub(crate) fn elsewhere(of: &str, key: &str, inner: &[&str]) -> Option<&'static str> {
    let plain = key.replace('-', "_");
    let is_of_certificates = |key: &&str| OF_CERTIFICATES.contains(&key.replace('-', "_").as_str());
    match (of, plain.as_str()) {
        (TOP, "swarm") => Some("kaon.swarm"),
        (TOP, "containers") => Some("kaon.containers"),
        (TOP, "images") => Some("kaon.images"),
        // cloud-init's key of this name is about what is shown on the console.
        (TOP, "ssh") if inner.iter().any(is_of_certificates) => Some("kaon.ssh"),
        (TOP | "Kaon", key) if is_of_certificates(&key) => Some("kaon.ssh"),
        ("Kaon", "init" | "join" | "token" | "advertise_addr" | "listen_addr" | "data_path_addr" | "availability") => Some("kaon.swarm"),
        _ => None,
    }
}

fn find(of: &str, key: &str) -> Option<&'static Row> {
    ROWS.iter().find(|(name, known, ..)| *name == of && (*known == key || *known == key.replace('-', "_")))
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;
    use std::fs;
    use std::path::Path;

    use super::super::CloudConfig;
    use super::*;

    fn tables() -> String {
        let mut text = String::new();
        for (of, title) in [(TOP, "The file"), (USER, "Each of `users`"), (FILE, "Each of `write_files`")] {
            let _ = write!(text, "{title}:\n\n| key | | what is done, or why not |\n|---|---|---|\n");
            for (.., key, fate, about) in ROWS.iter().filter(|row| row.0 == of) {
                let word = match fate {
                    Done => "done",
                    Different => "done differently",
                    Needless => "needless",
                    Refused => "refused",
                };
                let _ = writeln!(text, "| `{key}` | {word} | {about} |");
            }
            text.push('\n');
        }
        text
    }

    #[test]
    fn the_guide_has_the_tables() {
        let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/src/firstboot.md");
        let text = fs::read_to_string(&page).unwrap();
        const BEGIN: &str = "<!-- The tables are generated from crates/firstboot/src/cloud/keys.rs. -->\n\n";
        const END: &str = "<!-- End of the tables. -->";
        let (before, rest) = text.split_once(BEGIN).expect("the page has lost its mark");
        let (tables_there, after) = rest.split_once(END).expect("the page has lost its second mark");
        if std::env::var_os("KAON_UPDATE_CASES").is_some() {
            fs::write(&page, format!("{before}{BEGIN}{}{END}{after}", tables())).unwrap();
        } else {
            assert_eq!(tables_there, tables(), "run the test with KAON_UPDATE_CASES=1");
        }
    }

    #[test]
    fn every_key_that_is_acted_on_is_in_the_table_and_no_other() {
        let acted: Vec<&str> = CloudConfig::KEYS.iter().map(|key| if *key == "older_ca_certs" { "ca-certs" } else { key }).collect();
        for key in &acted {
            assert!(ROWS.iter().any(|row| row.0 == TOP && row.1 == *key && matches!(row.2, Done | Different)), "{key}");
        }
        for (_, key, fate, _) in ROWS.iter().filter(|row| row.0 == TOP && !row.1.starts_with("merge_")) {
            assert_eq!(acted.contains(key), matches!(fate, Done | Different), "{key}");
        }
    }
}
