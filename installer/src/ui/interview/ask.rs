//! The questions there are, and their words.

use super::super::{Choice, Kind};
use super::{DEVELOPER, Interview, NOT_THERE};
use crate::plan::size;

/// The questions there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ask {
    Licence,
    Disk,
    Layout,
    Partition,
    Packages,
    OtherPackages,
    Kernel,
    Network,
    Card,
    Address,
    Gateway,
    Dns,
    Vlan,
    HostName,
    RootPassword,
    RootPasswordAgain,
    RootKey,
    User,
    UserPassword,
    UserPasswordAgain,
    UserKey,
    Confirm,
}

impl Interview {
    pub(super) fn words(&self) -> (&'static str, String, &'static str) {
        let plain = |title, text: &str, help| (title, text.to_owned(), help);
        match self.at {
            Ask::Licence => plain(
                "Licence",
                "Kaon's own parts are under the Apache License 2.0. Every package has a licence of its own,\nwhich `tdnf info` shows.",
                "Nothing is written to any disk before the last question.",
            ),
            Ask::Disk => {
                plain("Disk", "Everything on the disk will be lost.", "Disks that are in use, read-only or unknown cannot be chosen.")
            }
            Ask::Layout => plain(
                "Partitions",
                "Automatic: what the firmware needs, and a root that fills the disk.",
                "By hand you give one partition after the other. Those for BIOS and UEFI are made by themselves.",
            ),
            Ask::Partition => (
                "Partition",
                self.partitions_so_far(),
                "MOUNTPOINT SIZE [FILESYSTEM]. The size is in MiB (`1024`), a share of the disk (`20%`) or `rest`. File systems: ext4, xfs,\n\
                 btrfs, vfat. `swap 1024` is swap space. An empty line ends the list.",
            ),
            Ask::Packages => {
                plain("Packages", "More can be installed later with tdnf.", "`minimal` boots, joins the network and runs containers.")
            }
            Ask::OtherPackages => plain("Packages", "Which packages, apart by blanks?", "Names as tdnf knows them: `minimal vim`."),
            Ask::Kernel => plain("Kernel", "", "That for virtual machines starts faster; the other knows more hardware."),
            Ask::Network => plain("Network", "", "DHCP asks the network for an address, on all cards."),
            Ask::Card => plain("Network card", "Which card gets the address?", "Cards by their names in this system."),
            Ask::Vlan => {
                plain("VLAN", "Its number, 1 to 4094; empty for none.", "With a number, the addresses go to that VLAN on the card.")
            }
            Ask::Address => plain(
                "Addresses",
                "With the length of the network's prefix, apart by blanks: 192.0.2.7/24",
                "IPv4 and IPv6, as many as you like.",
            ),
            Ask::Gateway => plain("Gateway", "The router's address; empty for none.", "Where packets for other networks go."),
            Ask::Dns => plain("Name servers", "Addresses apart by blanks; empty for none.", "Who is asked for names such as example.com."),
            Ask::HostName => plain("Host name", "The machine's name.", "Letters, digits and hyphens; a domain may follow."),
            Ask::RootPassword => plain(
                "Root's password",
                "Empty locks root's password. Over SSH root never logs in by password.",
                "A locked root can still be reached with sudo, or with an SSH key.",
            ),
            Ask::RootPasswordAgain | Ask::UserPasswordAgain => plain("Again", "The same password again.", "So that a slip is noticed."),
            Ask::RootKey => {
                plain("Root's SSH key", "A line as in ~/.ssh/id_ed25519.pub; empty for none.", "Its owner logs in as root over SSH.")
            }
            Ask::User => plain("User", "A login name; empty for none.", "The user may do everything with sudo, and use Docker."),
            Ask::UserPassword => {
                plain("The user's password", "Empty: only an SSH key lets the user in.", "Without one, sudo asks for none.")
            }
            Ask::UserKey => {
                plain("The user's SSH key", "A line as in ~/.ssh/id_ed25519.pub; empty for none.", "Its owner logs in over SSH.")
            }
            Ask::Confirm => ("Summary", self.summary(), "Go back to change something. Nothing has been written yet."),
        }
    }

    pub(super) fn kind(&self) -> Kind {
        let choose = |labels: &[&str], default| Kind::Choose { choices: labels.iter().map(|label| Choice::new(*label)).collect(), default };
        let text = |default: &str| Kind::Text { default: default.to_owned() };
        match self.at {
            Ask::Licence => choose(&["I accept"], 0),
            Ask::Disk => {
                let choices = self.facts.disks.iter().map(|disk| Choice { label: disk.describe(), refusal: disk.refusal() });
                let default = self.facts.disks.iter().position(|disk| disk.refusal().is_none()).unwrap_or(0);
                Kind::Choose { choices: choices.collect(), default }
            }
            Ask::Layout => choose(&["automatic", "by hand"], 0),
            Ask::Packages => {
                let mut choices: Vec<Choice> = ["minimal", "minimal and developer", "others"].map(Choice::new).into();
                choices[1].refusal = (!self.offers.contains(DEVELOPER)).then(|| NOT_THERE.to_owned());
                Kind::Choose { choices, default: 0 }
            }
            Ask::Kernel => choose(&["for virtual machines on ESXi and KVM", "for clouds and servers"], 0),
            Ask::Network => choose(&["DHCP", "fixed addresses", "fixed addresses on a VLAN"], 0),
            Ask::Card => Kind::Choose { choices: self.cards.iter().map(Choice::new).collect(), default: 0 },
            Ask::HostName => text("kaon"),
            Ask::OtherPackages => text("minimal"),
            Ask::RootPassword | Ask::RootPasswordAgain | Ask::UserPassword | Ask::UserPasswordAgain => Kind::Secret,
            Ask::Confirm => Kind::Confirm { word: self.state.kickstart.disk.clone().unwrap_or_default() },
            _ => text(""),
        }
    }

    fn partitions_so_far(&self) -> String {
        let mut text = String::from("MOUNTPOINT SIZE [FILESYSTEM]; an empty line ends the list.");
        for partition in &self.state.kickstart.partitions {
            let size = match (partition.size, partition.sizepercent) {
                (Some(0), _) => "the rest".to_owned(),
                (Some(mib), _) => size(mib << 20),
                (_, percent) => format!("{} %", percent.unwrap_or_default()),
            };
            let at = partition.mountpoint.as_deref().unwrap_or("swap");
            text.push_str(&format!("\n  {at} {size} {}", partition.filesystem.name()));
        }
        text
    }

    fn summary(&self) -> String {
        match self.plan() {
            Ok(plan) => {
                let mut text = String::new();
                for disk in &plan.destroys {
                    text.push_str(&format!("Everything on {} will be lost", disk.description));
                    text.push_str(if disk.holds.is_empty() { "; it is empty.\n" } else { ":\n" });
                    disk.holds.iter().for_each(|line| text.push_str(&format!("    {line}\n")));
                }
                plan.steps.iter().for_each(|step| text.push_str(&format!("  - {}\n", step.title())));
                let word = self.state.kickstart.disk.as_deref().unwrap_or_default();
                text + &format!("Type {word} to begin.")
            }
            Err(reason) => format!("This cannot be installed:\n{reason}\nGo back to change it."),
        }
    }
}
