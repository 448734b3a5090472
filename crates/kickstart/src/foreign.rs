//! Files of other programs that are taken for one of this project's, and what to write in their place.

use crate::document::{Place, Problem, Problems};

/// How a file of another program begins.
#[derive(Clone, Copy, Debug)]
enum Beginning {
    /// The first line is one of these.
    Line(&'static [&'static str]),
    /// The first line begins with one of these.
    Start(&'static [&'static str]),
    /// The first word of the first line is one of these, and the line is no key with a value.
    Word(&'static [&'static str]),
    /// It is JSON with this word in it.
    Json(&'static str),
}

use Beginning::{Json, Line, Start, Word};

/// What a file is, and what to do instead.
type Known = (Beginning, &'static str, &'static str);

const WRITE_NETWORK: &str = "write version 2 of the network description: `network:`, and below it `version: 2` and `ethernets:`";

const NETWORKS: [Known; 4] = [
    (
        Line(&["[Match]", "[Network]", "[NetDev]", "[Link]", "[Address]", "[Route]", "[DHCPv4]", "[VLAN]"]),
        "this is a file of systemd-networkd, not a network description",
        "write version 2 of the network description, or put the file into /etc/systemd/network with `write_files`",
    ),
    (
        Line(&["[connection]", "[ipv4]", "[ipv6]", "[ethernet]"]),
        "this is a file of NetworkManager, not a network description",
        WRITE_NETWORK,
    ),
    (Word(&["auto", "iface", "allow-hotplug"]), "this is Debian's /etc/network/interfaces, not a network description", WRITE_NETWORK),
    (
        Start(&["DEVICE=", "TYPE=", "BOOTPROTO=", "NAME=", "ONBOOT=", "HWADDR="]),
        "this is an ifcfg file of Red Hat's, not a network description",
        WRITE_NETWORK,
    ),
];

const WRITE_KICKSTART: &str =
    "write JSON, YAML or TOML with the keys of docs/src/kickstart.md: `hostname`, `disk`, `packages`, `password`, …";

const KICKSTARTS: [Known; 6] = [
    (
        Start(&["#cloud-config"]),
        "this is cloud-config, which a system reads when it first starts, not a kickstart file",
        "give it to the installed system as `user-data`, or write a kickstart file with the keys of docs/src/kickstart.md",
    ),
    (Json("\"ignition\""), "this is a document of Ignition, which is not supported, not a kickstart file", WRITE_KICKSTART),
    (
        Word(&ANACONDA),
        "this is a kickstart file of Anaconda (Fedora, Red Hat), which has another form than this installer's",
        WRITE_KICKSTART,
    ),
    (Word(&["d-i"]), "this is a preseed file of Debian's installer, not a kickstart file", WRITE_KICKSTART),
    (Start(&["<?xml", "<profile", "<!DOCTYPE"]), "this is XML, as AutoYaST has it, not a kickstart file", WRITE_KICKSTART),
    (Start(&["autoinstall:"]), "this is a file of Ubuntu's installer, not a kickstart file", WRITE_KICKSTART),
];

/// Commands and sections with which a file of Anaconda may begin.
const ANACONDA: [&str; 62] = [
    "%addon",
    "%anaconda",
    "%include",
    "%ksappend",
    "%onerror",
    "%packages",
    "%post",
    "%pre",
    "%pre-install",
    "auth",
    "authconfig",
    "authselect",
    "autopart",
    "bootloader",
    "btrfs",
    "cdrom",
    "clearpart",
    "cmdline",
    "driverdisk",
    "eula",
    "fcoe",
    "firewall",
    "firstboot",
    "graphical",
    "group",
    "halt",
    "harddrive",
    "ignoredisk",
    "install",
    "iscsi",
    "keyboard",
    "lang",
    "liveimg",
    "logging",
    "logvol",
    "mediacheck",
    "module",
    "mount",
    "network",
    "nfs",
    "ostreesetup",
    "part",
    "partition",
    "poweroff",
    "raid",
    "reboot",
    "repo",
    "reqpart",
    "rootpw",
    "selinux",
    "services",
    "shutdown",
    "skipx",
    "sshkey",
    "sshpw",
    "text",
    "timezone",
    "url",
    "user",
    "volgroup",
    "xconfig",
    "zerombr",
];

/// What a text is that is no network description but a file of another program.
pub fn network(name: &str, text: &str) -> Option<Problems> {
    recognised(&NETWORKS, name, text)
}

/// What a text is that is no kickstart file of this installer but a file of another program.
pub(crate) fn kickstart(name: &str, text: &str) -> Option<Problems> {
    recognised(&KICKSTARTS, name, text)
}

fn recognised(known: &[Known], name: &str, text: &str) -> Option<Problems> {
    let lines = || text.trim_start_matches('\u{feff}').lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    // Some say what they are in a comment.
    let candidates = lines().next().into_iter().chain(lines().find(|(_, line)| !line.starts_with(['#', ';'])));
    let is = |beginning: Beginning, line: &str| match beginning {
        Line(all) => all.contains(&line.trim_end()),
        Start(words) => words.iter().any(|word| line.starts_with(word)),
        Word(words) => is_command(line, words),
        Json(word) => line.starts_with('{') && text.contains(word),
    };
    let (number, (_, what, hint)) =
        candidates.into_iter().find_map(|(number, line)| Some((number, known.iter().find(|(beginning, ..)| is(*beginning, line))?)))?;
    let problem = Problem { hint: Some((*hint).to_owned()), ..Problem::at(Place { line: number + 1, column: 1 }, *what) };
    Some(Problems { name: name.to_owned(), problems: vec![problem] })
}

/// Whether a line is a command with words behind it.
fn is_command(line: &str, words: &[&str]) -> bool {
    let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    words.contains(&word) && !rest.trim_start().starts_with(['=', ':'])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Kickstart;

    #[test]
    fn files_of_other_programs_are_named() {
        let table = [
            ("[Match]\nName=eth0\n", "x:1:1: this is a file of systemd-networkd, "),
            ("\n# A card\n[NetDev]\n", "x:3:1: this is a file of systemd-networkd, "),
            ("[connection]\nid=a\n", "x:1:1: this is a file of NetworkManager, "),
            ("auto lo\niface lo inet loopback\n", "x:1:1: this is Debian's "),
            ("DEVICE=eth0\n", "x:1:1: this is an ifcfg file "),
        ];
        for (text, expected) in table {
            let told = network("x", text).unwrap().to_string();
            assert!(told.starts_with(expected), "{told}");
        }
        for text in ["", "# nothing\n", "auto: {}\n", "[Match, Name]\n", "network: {version: 2}\n", "{\"version\": 2}"] {
            assert_eq!(network("x", text), None, "{text}");
        }
    }

    #[test]
    fn what_is_no_kickstart_file_of_this_installer_is_one_error() {
        let table = [
            (
                "ks.cfg",
                "#version=RHEL9\nlang en_US\nrootpw --plaintext sesame\n%packages\n@core\n%end\n",
                "ks.cfg:2:1: this is a kickstart file of Anaconda ",
            ),
            ("ks.cfg", "%packages\nvim\n%end\n", "ks.cfg:1:1: this is a kickstart file of Anaconda "),
            ("ks.yaml", "#cloud-config\nhostname: a\n", "ks.yaml:1:1: this is cloud-config, "),
            ("ks.json", "{\"ignition\": {\"version\": \"3.4.0\"}}", "ks.json:1:1: this is a document of Ignition, "),
            ("ks", "d-i debian-installer/locale string en_US\n", "ks:1:1: this is a preseed file "),
            ("ks.xml", "<?xml version=\"1.0\"?>\n", "ks.xml:1:1: this is XML, "),
            ("ks.yaml", "autoinstall:\n  version: 1\n", "ks.yaml:1:1: this is a file of Ubuntu's installer, "),
        ];
        for (name, text, expected) in table {
            let Problems { problems, .. } = &Kickstart::parse(name, text).unwrap_err();
            let told = Kickstart::parse(name, text).unwrap_err().to_string();
            assert!(problems.len() == 1 && told.starts_with(expected) && !told.contains("sesame"), "{told}");
        }
        for text in ["network : {version: 2}\n", "{}", "# cloud-config was here\nhostname: a\n"] {
            assert_eq!(kickstart("ks.yaml", text), None, "{text}");
        }
        assert_eq!(kickstart("ks.toml", "network = {}\n"), None);
    }
}
