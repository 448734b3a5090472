//! Boots the minimal image in the emulator, by every way onto a machine, and runs containers in it.
//!
//! `cargo xtask test` runs these after building the image, those in [`all_boots`] only with `--all-boots`; alone:
//! `cargo test -p xtask --test boot -- --ignored`. What was measured is written next to the image as `boot-<way>.json`.

#![allow(missing_docs, clippy::print_stderr)]

mod appliance;
mod check;
mod cidata;
mod container;
mod directory;
mod fat;
mod formats;
mod guest;
mod job;
mod kernels;
mod kubernetes;
mod login;
mod medium;
mod nodes;
mod server;
mod swarm;
mod unattended;
mod update;
mod user_data;
mod volumes;

use check::{boot, check_closed, check_containers, check_further, check_machine, check_system};
use guest::Start;

/// The file system a live medium's root is.
const LIVE: &str = "overlay";

/// The file system the root of a disk is.
const DISK: &str = "ext4";

#[test]
#[ignore = "needs the built image"]
fn starts_by_bios_from_a_disc() {
    let guest = boot("bios-disc", "minimal", &[]);
    check_system(&guest, LIVE);
    check_containers(&guest);
    check_closed(&guest);
}

#[test]
#[ignore = "needs the built image"]
fn starts_by_uefi_from_a_stick() {
    check_machine("uefi-stick", "minimal", LIVE, &["--uefi", "--stick"]);
}

#[test]
#[ignore = "needs the built image"]
fn starts_directly_with_what_the_command_line_gives() {
    let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOWFof2SPD1CznzQipKZyVcz4f4AkUjyX7QN+syKUChY test@host";
    let hash = "$6$boottest$abcdefghijklmnopqrstuvwxyz0123456789";
    let append = format!("\"kaon.ssh-key={key}\" kaon.password-hash={hash} kaon.hostname=boottest-1");
    let guest = boot("direct", "minimal", &["--direct", "--append", &append]);
    check_system(&guest, LIVE);
    assert_eq!(guest.one("hostname"), "boottest-1");
    assert_eq!(guest.one("authorized-keys"), key);
    assert_eq!(guest.one("root-password"), hash);
}

#[test]
#[ignore = "needs the built image"]
fn starts_by_uefi_from_nvme() {
    let guest = check_machine("uefi-nvme", "out/kaon-minimal.raw", DISK, &["--uefi", "--bus", "nvme"]);
    check_closed(&guest);
}

#[test]
#[ignore = "needs the built image"]
fn starts_by_bios_from_the_network() {
    check_machine("bios-network", "out/kaon-minimal.pxe.tar", LIVE, &[]);
}

/// Both ways a virtual machine of VMware starts, on its own devices: vmxnet3, and pvscsi or NVMe. The UEFI of the emulator has no driver
/// for pvscsi, VMware's has. One of them gets the properties that somebody filled in.
#[test]
#[ignore = "needs the built image"]
fn copies_of_an_ova_are_machines_of_their_own() {
    let by_uefi = check_machine("uefi-ova", "out/kaon-minimal.ova", DISK, &["--uefi", "--bus", "nvme"]);
    let folder = tempfile::tempdir().unwrap();
    let (script, disks) = (appliance::script(), [appliance::disc(folder.path())]);
    let by_bios = check_further(&Start { disks: &disks, ..Start::of("bios-ova", "out/kaon-minimal.ova", &script) }, DISK);
    appliance::check(&by_bios);
    for key in ["machine-id", "host-key", "random-seed"] {
        let copies = [by_uefi.one(key), by_bios.one(key)];
        assert!(copies.iter().all(|value| value.len() >= 32), "{key}: {copies:?}");
        assert_ne!(copies[0], copies[1], "{key}");
    }
    for guest in [&by_uefi, &by_bios] {
        let size_bytes: u64 = guest.one("root-bytes").parse().expect("a size");
        assert!(size_bytes > 15 << 30, "the root has not grown to the disk of 16 GiB: {size_bytes}");
    }
}

#[test]
#[ignore = "needs the built image"]
fn user_data_is_done() {
    user_data::check();
}

/// The documents of Proxmox VE, until somebody is let in by their key.
#[test]
#[ignore = "needs the built image"]
fn a_cidata_disk_lets_in_over_ssh() {
    cidata::check();
}

#[test]
#[ignore = "needs the built image"]
fn two_machines_become_a_swarm() {
    swarm::check(2);
}

/// The rest of what can be had of firmware and media.
mod all_boots {
    use super::*;

    /// By the firmware's own drivers, without iPXE. Its TFTP waits for each of 74,000 blocks, which takes minutes.
    #[test]
    #[ignore = "needs the built image"]
    fn starts_by_uefi_from_the_network() {
        check_machine("uefi-network", "out/kaon-minimal.pxe.tar", LIVE, &["--uefi"]);
    }

    #[test]
    #[ignore = "needs the built image"]
    fn three_machines_become_a_swarm() {
        swarm::check(3);
    }

    #[test]
    #[ignore = "needs the built image"]
    fn starts_by_uefi_from_a_disc() {
        check_machine("uefi-disc", "minimal", LIVE, &["--uefi"]);
    }

    #[test]
    #[ignore = "needs the built image"]
    fn starts_by_bios_from_a_stick() {
        check_machine("bios-stick", "minimal", LIVE, &["--stick"]);
    }

    #[test]
    #[ignore = "needs the built image"]
    fn starts_by_bios_from_nvme() {
        check_machine("bios-nvme", "out/kaon-minimal.raw", DISK, &["--bus", "nvme", "--card", "e1000e"]);
    }

    #[test]
    #[ignore = "needs the built image"]
    fn starts_by_uefi_from_virtio() {
        check_machine("uefi-qcow2", "out/kaon-minimal.qcow2", DISK, &["--uefi"]);
    }

    #[test]
    #[ignore = "needs the built image"]
    fn starts_by_bios_from_virtio() {
        check_machine("bios-qcow2", "out/kaon-minimal.qcow2", DISK, &[]);
    }

    /// From the ISO onto an empty disk, and from that by either firmware.
    #[test]
    #[ignore = "needs the built image"]
    fn installed_from_the_iso_by_a_kickstart_file() {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let disk = medium::install(folder.path());
        let disk = disk.to_str().expect("a path in UTF-8");
        let by_bios = check_machine("installed-bios", disk, DISK, &[]);
        let by_uefi = check_machine("installed-uefi", disk, DISK, &["--uefi"]);
        for guest in [&by_bios, &by_uefi] {
            assert_eq!(guest.one("hostname"), "installed-1");
            assert_eq!(guest.one("authorized-keys"), medium::INSTALLED_KEY);
            assert!(guest.one("root-password").starts_with('!'));
            let mut mounts = guest.all("mount").to_vec();
            // They are mounted all at once, and told in the order in which that was done.
            mounts.sort_unstable();
            assert_eq!(mounts, ["/home btrfs", "/srv xfs", "/var/data btrfs"]);
        }
    }

    #[test]
    #[ignore = "needs the built image"]
    fn installed_by_a_kickstart_file_from_a_server() {
        unattended::from_a_server();
    }

    #[test]
    #[ignore = "needs the built image"]
    fn installed_by_a_kickstart_file_from_another_disk() {
        unattended::from_another_disk();
    }

    /// A kickstart file for Photon OS, with `/boot` as a partition, up to a system that somebody may log in to, by either firmware.
    #[test]
    #[ignore = "needs the built image"]
    fn installed_by_a_kickstart_file_that_was_given_to_the_machine() {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let disk = unattended::found_in_the_machine(folder.path());
        let disk = disk.to_str().expect("a path in UTF-8");
        let script = unattended::look();
        for (way, options) in [("photon-bios", &[][..]), ("photon-uefi", &["--uefi"][..])] {
            let guest = check_further(&Start { options, ..Start::of(way, disk, &script) }, DISK);
            assert_eq!(guest.one("hostname"), "photon-1");
            assert_eq!(guest.one("login"), "photon-1", "{}", guest.one("said"));
            assert!(guest.one("root-password").starts_with("$6$"));
            assert_eq!(guest.all("first-start"), ["first", "second"]);
            assert_eq!(guest.one("boot-type"), "ext4");
        }
    }

    /// The machine's end is the container's, whatever that is.
    #[test]
    #[ignore = "needs the built packages"]
    fn a_machine_that_is_one_container() {
        job::check(&["say", "the job is done"], 0, "the job is done");
        job::check(&["exit", "3"], 3, "container ended with exit code 3");
    }

    #[test]
    #[ignore = "needs the built image"]
    fn machines_on_a_private_network_reach_each_other() {
        nodes::by_name();
    }

    #[test]
    #[ignore = "needs the built image"]
    fn machines_reach_each_other_through_wireguard() {
        nodes::by_tunnel();
    }

    /// Users, groups and passwords of LDAP and Kerberos servers.
    #[test]
    #[ignore = "needs the built image"]
    fn people_of_a_directory_log_in() {
        directory::check();
    }

    /// Further disks, at other places and larger at the next start.
    #[test]
    #[ignore = "needs the built image"]
    fn data_stays_on_disks_of_its_own() {
        volumes::check();
    }

    /// A second runtime, network plugins, compose and buildx.
    #[test]
    #[ignore = "needs the built image"]
    fn runs_containers_by_other_programs() {
        formats::check();
    }

    /// `esx` is the kernel of all other tests. The first run compiles each of these, which takes as long as a first build.
    #[test]
    #[ignore = "needs the built image"]
    fn kernel_generic_runs_containers() {
        kernels::generic();
    }

    #[test]
    #[ignore = "needs the built image"]
    fn kernel_rt_runs_containers() {
        kernels::rt();
    }

    #[test]
    #[ignore = "needs the built image"]
    fn kernel_secure_runs_containers() {
        kernels::secure();
    }

    /// A pod by way of the CRI, and what upstream's packages require.
    #[test]
    #[ignore = "needs the built packages"]
    fn a_kubernetes_node_runs_a_pod() {
        kubernetes::check();
    }

    /// From the machine that built it, over HTTP, all signatures checked.
    #[test]
    #[ignore = "needs the built image"]
    fn takes_packages_from_the_machine_that_built_it() {
        update::check();
    }
}
