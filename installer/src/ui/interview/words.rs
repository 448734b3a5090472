//! What the questions say.

use super::Interview;
use super::ask::Ask;

/// Title, text, help.
pub(super) type Words = (&'static str, String, &'static str);

fn plain(title: &'static str, text: &str, help: &'static str) -> Words {
    (title, text.to_owned(), help)
}

impl Interview {
    pub(super) fn words(&self) -> Words {
        match self.at {
            Ask::Licence => plain(
                "Licence",
                "Kaon's own parts are under the Apache License 2.0. Every package has its own licence,\nwhich `tdnf info` shows.",
                "Nothing is written to any disk before the last question, where you type the disk's name to confirm.",
            ),
            Ask::Disk => plain(
                "Disk",
                if self.about.facts.disks.is_empty() { "This machine has no disks." } else { "Everything on the disk will be lost." },
                "Disks that are in use, read-only, or have sectors of other than 512 bytes cannot be chosen; the reason is shown next to them.",
            ),
            Ask::Layout => plain(
                "Partitions",
                "Automatic: what the firmware needs, and a root that fills the disk.",
                "By hand you enter one partition after the other. Those that BIOS and UEFI need are added automatically, before yours.",
            ),
            Ask::Partitions => (
                "Partitions by hand",
                format!("On {}: MOUNTPOINT SIZE [FILESYSTEM]; one must be mounted at `/`.", self.disk()),
                "The size is in MiB (`1024`), a share of the disk (`20%`) or `rest`, which one partition may take. File systems: ext4, xfs, \
                 btrfs, vfat, and swap space (`swap 1024`). The root must be ext4, which the boot loader reads. An empty line ends the list.",
            ),
            Ask::Packages => plain(
                "Packages",
                "More can be installed later with tdnf.",
                "`minimal` boots, joins the network and runs containers. `developer` adds tools to look into a machine and work on it. With \
                 `others` you pick from all packages on the medium. What packages need is always installed with them.",
            ),
            Ask::OtherPackages => plain(
                "Packages",
                "Which packages? Names, separated by blanks.",
                "All packages of the signed repository on the medium. A search looks in names and summaries; a few words narrow it down.",
            ),
            Ask::Kernel => plain(
                "Kernel",
                "",
                "The one for virtual machines starts fastest; that for clouds and servers supports more hardware. The last two do less work in all.",
            ),
            Ask::HostName => plain(
                "Host name",
                "The machine's name.",
                "Letters, digits and hyphens, in parts of at most 63 characters; a domain may follow.",
            ),
            Ask::Certificates => plain(
                "Certificates",
                "Certificate authorities to trust in addition to the usual ones; an empty line ends the list.",
                "Each is PEM text, pasted, or the absolute path of a file with one or more on this live system: mount a stick with them from \
                 another console. The whole system trusts them, and containers' registries do, too.",
            ),
            Ask::End => plain("At the end", "", "If possible, the disc is ejected before the machine restarts or powers off."),
            Ask::Confirm => ("Summary", self.summary(), "Go back to change something. Nothing has been written yet."),
            at if at.is_about_network() => self.words_about_network(),
            _ => self.words_about_accounts(),
        }
    }

    /// The disk that was chosen, in few words.
    fn disk(&self) -> String {
        let device = self.state.kickstart.disk.as_deref().unwrap_or_default();
        self.about.facts.disk(device).map_or_else(String::new, |disk| disk.describe())
    }

    fn words_about_network(&self) -> Words {
        match self.at {
            Ask::Card => plain(
                "Network card",
                "Which card?",
                "Cards are listed by their names in this system; the installed system uses the same names.",
            ),
            Ask::Vlan => plain(
                "VLAN",
                "Its number, 1 to 4094.",
                "The addresses go to that VLAN on the card, an interface called `vlan` and the number.",
            ),
            Ask::Addresses => {
                plain("Addresses", "With prefix lengths, separated by blanks: 192.0.2.7/24", "IPv4 and IPv6, as many as you like.")
            }
            Ask::Gateway => plain("Gateway", "The router's address (optional).", "Packets for other networks are sent to it."),
            Ask::Routes => plain(
                "Routes",
                "NETWORK GATEWAY [METRIC], in addition to the default gateway; an empty line ends the list.",
                "A network such as `10.0.0.0/8` or `2001:db8::/32`, or `default`, and the router that leads there. Of two routes the one with \
                 the lower metric is taken.",
            ),
            Ask::Dns => {
                plain("Name servers", "Addresses, separated by blanks (optional).", "The servers that resolve names such as example.com.")
            }
            Ask::Domains => plain(
                "Search domains",
                "Domains, separated by blanks (optional).",
                "They are tried for names without a domain: with `example.com` here, `www` means www.example.com.",
            ),
            _ => plain(
                "Network",
                "",
                "DHCP asks the network for an address. Fixed addresses need a network card, the addresses, and perhaps a gateway, further \
                 routes and name servers. On a VLAN the card's packets carry its number.",
            ),
        }
    }

    fn words_about_accounts(&self) -> Words {
        match self.at {
            Ask::RootPassword => plain(
                "Root's password",
                "Without one, root's password is locked. Root can never log in over SSH with a password.",
                "A locked root can still be reached with sudo, or with an SSH key.",
            ),
            Ask::RootKey => plain(
                "Root's SSH key",
                "A line as in ~/.ssh/id_ed25519.pub, or a file with it (optional).",
                "Its owner logs in as root over SSH. A file is given by its absolute path on this live system.",
            ),
            Ask::User => plain("User", "A login name (optional).", "The user may do everything with sudo, and use Docker."),
            Ask::UserPassword => plain(
                "The user's password",
                "Without one, only an SSH key lets the user log in.",
                "Without one, sudo does not ask for a password.",
            ),
            Ask::UserKeys => plain(
                "The user's SSH keys",
                "Lines as in ~/.ssh/id_ed25519.pub, or files with them; an empty line ends the list.",
                "Their owners log in as this user over SSH. A file is given by its absolute path on this live system.",
            ),
            _ => plain("Again", "The same password again.", "This detects typing errors."),
        }
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
