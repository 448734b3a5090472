//! The questions there are, and what answers to them look like.

use super::super::{Choice, Field, Item, Kind, Section};
use super::{DEVELOPER, Interview, KERNELS, partition, trust};
use kickstart::Secret;

/// The questions there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Ask {
    Licence,
    Disk,
    Layout,
    Partitions,
    Packages,
    OtherPackages,
    Kernel,
    Network,
    Card,
    Vlan,
    Addresses,
    Gateway,
    Routes,
    Dns,
    Domains,
    HostName,
    RootPassword,
    RootPasswordAgain,
    RootKey,
    User,
    UserPassword,
    UserPasswordAgain,
    UserKeys,
    Certificates,
    End,
    Confirm,
}

impl Ask {
    pub fn section(self) -> Section {
        match self {
            Self::Licence => Section::Licence,
            Self::Disk => Section::Disk,
            Self::Layout | Self::Partitions => Section::Partitions,
            Self::Packages | Self::OtherPackages => Section::Packages,
            Self::Kernel => Section::Kernel,
            Self::Network | Self::Card | Self::Vlan | Self::Addresses | Self::Gateway | Self::Routes | Self::Dns | Self::Domains => {
                Section::Network
            }
            Self::HostName => Section::HostName,
            Self::RootPassword | Self::RootPasswordAgain | Self::RootKey => Section::Accounts,
            Self::User | Self::UserPassword | Self::UserPasswordAgain | Self::UserKeys => Section::Accounts,
            Self::Certificates => Section::Certificates,
            Self::End => Section::End,
            Self::Confirm => Section::Summary,
        }
    }

    pub fn is_about_network(self) -> bool {
        self.section() == Section::Network
    }

    /// Where the password this one asks for is asked for again.
    pub fn again(self) -> Option<Self> {
        match self {
            Self::RootPassword => Some(Self::RootPasswordAgain),
            Self::UserPassword => Some(Self::UserPasswordAgain),
            _ => None,
        }
    }
}

impl Interview {
    pub(super) fn kind(&self) -> Kind {
        let choose = |labels: &[&str]| Kind::Choose { choices: labels.iter().map(|label| Choice::new(*label)).collect(), default: 0 };
        let text = |default: &str| Kind::Text { default: default.to_owned() };
        let list = |entries: Vec<String>, fields: Vec<Field>| Kind::List { entries, fields };
        let kickstart = &self.state.kickstart;
        match self.at {
            Ask::Licence => choose(&["I accept"]),
            Ask::Disk => {
                let choices = self.about.facts.disks.iter().map(|disk| Choice { label: disk.describe(), refusal: disk.refusal() });
                let default = self.about.facts.disks.iter().position(|disk| disk.refusal().is_none()).unwrap_or(0);
                Kind::Choose { choices: choices.collect(), default }
            }
            Ask::Layout => choose(&["automatic", "by hand"]),
            Ask::Partitions => {
                list(kickstart.partitions.iter().map(partition::describe).collect(), partition::fields(&self.about.facts.programs))
            }
            Ask::Packages => {
                let mut choices: Vec<Choice> = ["minimal", "minimal and developer", "others"].map(Choice::new).into();
                choices[1].refusal = self.missing(DEVELOPER);
                Kind::Choose { choices, default: 0 }
            }
            Ask::OtherPackages => {
                let item = |(name, summary): (&String, &String)| Item { name: name.clone(), summary: summary.clone() };
                Kind::Pick { items: self.about.offers.packages.iter().map(item).collect(), default: vec!["minimal".into()] }
            }
            Ask::Kernel => {
                let labels =
                    ["for virtual machines on ESXi and KVM", "for clouds and servers", "with bounded latency (real time)", "hardened"];
                let choice = |(label, kernel): (&str, kickstart::LinuxFlavor)| Choice {
                    label: label.to_owned(),
                    refusal: self.missing(kernel.package()),
                };
                Kind::Choose { choices: labels.into_iter().zip(KERNELS).map(choice).collect(), default: 0 }
            }
            Ask::Network => choose(&["DHCP, on all cards", "fixed addresses", "DHCP on a VLAN", "fixed addresses on a VLAN"]),
            Ask::Card => Kind::Choose { choices: self.about.facts.cards.iter().map(Choice::new).collect(), default: 0 },
            Ask::Routes => list(
                self.routes(),
                vec![Field::new("To", "10.0.0.0/8"), Field::new("Gateway", "192.0.2.254"), Field::new("Metric", "100, or nothing")],
            ),
            Ask::HostName => text("kaon"),
            Ask::RootPassword | Ask::RootPasswordAgain | Ask::UserPassword | Ask::UserPasswordAgain => {
                Kind::Secret { default: Secret::new("") }
            }
            Ask::UserKeys => {
                let keys = kickstart.users.iter().flat_map(|user| &user.ssh_keys).map(|key| trust::describe_key(key));
                list(keys.collect(), vec![Field::new("Key", "a key, or a file")])
            }
            Ask::Certificates => {
                let entries = kickstart.ca_certificates.iter().map(|text| trust::describe_certificate(text));
                list(entries.collect(), vec![Field::new("Certificate", "PEM text, or a file")])
            }
            Ask::End => choose(&["start the installed system", "power off the machine", "stay in the live system"]),
            Ask::Confirm => Kind::Confirm { word: kickstart.disk.clone().unwrap_or_default() },
            _ => text(""),
        }
    }
}
