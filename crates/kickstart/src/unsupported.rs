//! Keys of the reference that are understood, but that the installer refuses to act on, and what to do instead.

use crate::document::Dialect;

/// Struct, key, reason.
const KEYS: &[(&str, &str, &str)] = &[
    ("Kickstart", "ostree", "systems are composed of packages"),
    ("Kickstart", "ansible", "run playbooks from `postinstall`, or from your own machine afterwards"),
    (
        "Kickstart",
        "repos",
        "packages come from the signed repository on the medium; set up others in `additional_files` below /etc/yum.repos.d",
    ),
    ("Kickstart", "insecure_repo", "signatures of packages and repositories are always checked"),
    ("Kickstart", "additional_rpms_path", "only packages of the signed repository are installed"),
    ("Kickstart", "photon_docker_image", "the installer does not load container images; first boot can"),
    ("Kickstart", "dps", "remove it: partitions always have discoverable types"),
    ("Kickstart", "manifest_file", "remove it: /var/log/kaon-installer.json of the installed system records what was done"),
    (
        "Kickstart",
        "no_unmount",
        "remove it: after a failure the target stays mounted at /run/kaon/target until the installer is started again",
    ),
    ("Kickstart", "no_clean", "remove it: after a failure nothing is cleaned up before the installer is started again"),
    ("Kickstart", "user_grub_cfg_file", "use `kernel_arguments`"),
    ("Kickstart", "setup_grub_script", "use `kernel_arguments`"),
    ("Kickstart", "prepkgsinstall", "packages are installed in one transaction; use `postinstall`"),
    ("Kickstart", "prepkgsinstallscripts", "packages are installed in one transaction; use `postinstallscripts`"),
    ("Kickstart", "linux_flavor_x86_64", "there is one architecture; use `linux_flavor`"),
    ("Kickstart", "linux_flavor_aarch64", "there is one architecture, x86_64"),
    ("Kickstart", "install_linux_esx", "use `linux_flavor`"),
    ("Kickstart", "type", "use `packages`"),
    ("Partition", "lvm", "logical volumes are not supported"),
    ("Partition", "ab", "shadow partitions are not supported"),
    ("Partition", "all_disk", "file systems are created on partitions"),
    ("Partition", "btrfs", "subvolumes are not supported"),
    ("Partition", "disk", "use `disk_id`"),
    ("Network", "type", "this is version 1 of the network description; write version 2, with `ethernets`"),
    ("Network", "wifis", "there are no programs for wireless networks"),
    ("Network", "modems", "there are no programs for modems"),
    ("Network", "nm-devices", "there is no NetworkManager; systemd-networkd configures the network"),
    ("Network", "openvswitch", "Open vSwitch is not part of the system"),
    ("Network", "config", "this is version 1 of the network description; write `version: 1` before it"),
    ("Network", "routes", "routes belong to an interface: write them below it"),
];

/// Why a key is refused, if it is one the reference knows.
pub(super) fn reason(of: &str, key: &str) -> Option<&'static str> {
    KEYS.iter().find(|(name, known, _)| *name == of && *known == key).map(|(.., reason)| *reason)
}

/// All of them by struct, for the reference.
pub(super) fn all() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    KEYS.iter().copied()
}

/// How descriptions of networks are read that programs write for all kinds of systems.
pub fn network() -> Dialect {
    Dialect {
        unsupported: |of, key| {
            const ALL: [(&str, &str); 5] = [
                ("auth", "there are no programs for authentication at switches"),
                ("openvswitch", "Open vSwitch is not part of the system"),
                ("access-points", "there are no programs for wireless networks"),
                ("embedded-switch-mode", "set it with devlink in a unit"),
                ("infiniband-mode", "set it in a file for systemd-networkd, with `write_files`"),
            ];
            reason(of, key).or_else(|| ALL.iter().find(|(known, _)| *known == key).map(|(_, reason)| *reason))
        },
        needless: |_, key| matches!(key, "optional-addresses" | "delay-virtual-functions-rebind" | "networkmanager"),
        vital: |of, key| match of {
            "Ethernet" => key == "match",
            "Vlan" => matches!(key, "id" | "link"),
            "Tunnel" => !matches!(key, "addresses" | "routes" | "nameservers" | "mtu"),
            "Vrf" => key == "table",
            "Match" | "Route" | "Rule" | "Peer" | "TunnelKeys" | "PeerKeys" => true,
            _ => false,
        },
        short: |of| match of {
            "TunnelKeys" => Some("private"),
            _ => None,
        },
        hyphens: false,
    }
}
