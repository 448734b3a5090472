//! The program itself on a terminal, driven key by key: what it would do is what it would do for a kickstart file that says the same.

#![allow(missing_docs)]

mod support;

use std::fs::{self, File};
use std::io::Write as _;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::pty::{Winsize, openpty};
use nix::sys::signal::{Signal, kill};
use nix::sys::stat::{Mode, umask};
use nix::sys::termios::{LocalFlags, tcgetattr};
use nix::unistd::Pid;
use rpm::FileOptions;
use rpm_engine::repo::{Offer, digest_of};
use rpm_engine::rpmfile::{RpmFile, details};
use support::{medium, without_chance};
use testing::packages::repository::write_metadata;
use testing::terminal::{CLEAR, Conversation, DOWN, ESC, F1, F10, RIGHT};

const FACTS: &str = r#"{"firmware": "efi", "memory_bytes": 1073741824, "cards": ["eth0", "eth1"],
    "programs": ["mkfs.ext4", "mkfs.vfat", "mkfs.xfs", "mkfs.btrfs", "mkswap"],
    "disks": [{"device": "/dev/sda", "size_bytes": 8589934592, "in_use": "sda1 is mounted at /run/kaon/medium"},
              {"device": "/dev/vda", "size_bytes": 17179869184, "model": "Disk", "holds": ["vda1 of 1 GiB"]}]}"#;

const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAII6Gs94sPIRyT5GAnYi/I/xQcpqlh5S2nLGfTt2zsMAv me@host";

/// The kickstart file that says what all the answers below say.
fn kickstart() -> String {
    serde_json::json!({
        "disk": "/dev/vda", "hostname": "node-1", "packages": ["minimal", "vim"], "linux_flavor": "linux-generic", "finish": "poweroff",
        "partitions": [
            {"mountpoint": "/", "size": 0}, {"size": 512, "filesystem": "swap"},
            {"mountpoint": "/var", "sizepercent": 20, "filesystem": "xfs"}, {"mountpoint": "/srv", "size": 1024, "filesystem": "btrfs"}
        ],
        "network": {
            "version": 2, "ethernets": {"eth1": {"match": {"name": "eth1"}}},
            "vlans": {"vlan7": {
                "id": 7, "link": "eth1", "addresses": ["192.0.2.7/24", "2001:db8::7/64"], "gateway": "192.0.2.1",
                "routes": [{"to": "10.0.0.0/8", "via": "192.0.2.2"}, {"to": "172.16.0.0/12", "via": "192.0.2.3", "metric": 50}],
                "nameservers": {"addresses": ["192.0.2.53"], "search": ["example.com"]}
            }}
        },
        "password": {"text": "sesame1", "crypted": false},
        "public_key": {"key": KEY},
        "users": [{"name": "dev", "groups": ["docker"], "sudo": true, "ssh_keys": [KEY], "password": {"text": "sesame2", "crypted": false}}],
        "ca_certificates": ["-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"]
    })
    .to_string()
}

/// A VGA console's.
const SIZE: Winsize = Winsize { ws_row: 25, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };

/// The machine, the medium, and files.
fn world() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let packages = ["minimal", "developer", "vim", "linux", "linux-generic", "kaon-disk", "grub", "xfsprogs", "btrfs-progs"];
    medium(&folder.path().join("repo"), &packages);
    for (name, text) in [
        ("facts.json", FACTS),
        ("key.asc", testing::packages::KEY),
        ("ks.json", &kickstart()),
        ("id.pub", KEY),
        ("ca.pem", "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"),
    ] {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn installer(world: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kaon-installer"));
    command.args(["--plan", "--facts"]).arg(world.join("facts.json"));
    command.arg("--repository").arg(world.join("repo")).arg("--key").arg(world.join("key.asc"));
    command.env_remove("NO_COLOR");
    command
}

/// A program on a terminal that says, or does not say, how large it is.
fn on_terminal(mut program: Command, kind: &str, size: Option<Winsize>) -> (Child, Conversation, OwnedFd) {
    let pair = openpty(size.as_ref(), None).unwrap();
    let end = || Stdio::from(pair.slave.try_clone().unwrap());
    let child = program.env("TERM", kind).stdin(end()).stdout(end()).stderr(end()).spawn().unwrap();
    let master = File::from(pair.master);
    let conversation = Conversation::new(master.try_clone().unwrap(), master, Duration::from_secs(60));
    (child, conversation, pair.slave)
}

fn plan_of_the_file(world: &Path) -> String {
    let output = installer(world).arg(world.join("ks.json")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    without_chance(&String::from_utf8(output.stdout).unwrap())
}

#[test]
fn answers_on_the_whole_screen_amount_to_the_kickstart_file() {
    let world = world();
    // A serial line: it says nothing of its size.
    let (mut child, mut talk, slave) = on_terminal(installer(world.path()), "vt220", None);
    let id = world.path().join("id.pub").display().to_string();
    talk.answer("I accept", F1);
    talk.answer("Press any key to continue", " ");
    talk.answer("> Licence", "\r");
    talk.answer("/dev/sda (8 GiB) (not possible)", "1\r");
    talk.answer("This cannot be chosen", DOWN);
    talk.press("\r");
    talk.answer("by hand", &format!("{DOWN}\r"));
    talk.answer("Mount point", "/\rrest\r\r");
    talk.answer("1. / the rest ext4", "swap\r512\r\r");
    talk.answer("2. swap 512 MiB swap", &format!("/var\r20%\r{RIGHT}\r"));
    talk.answer("3. /var 20 % xfs", &format!("/srv\r1024\r{RIGHT}{RIGHT}\r"));
    talk.answer("4. /srv 1 GiB btrfs", "\r");
    talk.answer("minimal and developer", "3\r");
    talk.answer("1 picked", "vim ");
    talk.answer("2 picked", "\r");
    talk.answer("for clouds and servers", "1\r");
    talk.answer("DHCP on a VLAN", ESC);
    talk.answer("for clouds and servers", "2\r");
    talk.answer("DHCP on a VLAN", "4\r");
    talk.answer("Which card?", "2\r");
    talk.answer("1 to 4094", "7\r");
    talk.answer("192.0.2.7/24", "192.0.2.7/24 2001:db8::7/64\r");
    talk.answer("The router's address", "192.0.2.1\r");
    talk.answer("Metric", "10.0.0.0/8\r192.0.2.2\r\r");
    talk.answer("1. 10.0.0.0/8", "172.16.0.0/12\r192.0.2.3\r50\r");
    talk.answer("2. 172.16.0.0/12", "\r");
    talk.answer("Name servers", "192.0.2.53\r");
    talk.answer("Search domains", "example.com\r");
    talk.answer("The machine's name", "no_name\r");
    talk.answer("letters, digits and hyphens", &format!("{CLEAR}node-1\r"));
    talk.answer("Root's password", "sesame1\r");
    talk.answer("The same password again", "sesame1\r");
    talk.answer("Root's SSH key", &format!("{id}\r"));
    talk.answer("A login name", "dev\r");
    talk.answer("The user's password", "sesame2\r");
    talk.answer("The same password again", "sesame2\r");
    talk.answer("The user's SSH keys", &format!("{id}\r"));
    talk.answer("1. ssh-ed25519", "\r");
    talk.answer("PEM text", "-----BEGIN CERTIFICATE-----\rMAA=\r-----END CERTIFICATE-----\r");
    talk.answer("1. certificate", "\r");
    talk.answer("power off the machine", "2\r");
    talk.answer("Type /dev/vda", ESC);
    talk.answer("stay in the live system", "\r");
    talk.answer("vda1 of 1 GiB", "/dev/vda\r");
    drop(slave);
    assert!(child.wait().unwrap().success());
    let said = talk.end();
    assert!(!said.contains("sesame"), "a secret was shown");
    let (_, plan) = said.rsplit_once("\x1b[2J\x1b[H").unwrap();
    assert_eq!(without_chance(&plan.replace('\r', "")), plan_of_the_file(world.path()));
}

#[test]
fn answers_line_by_line_amount_to_the_kickstart_file() {
    let world = world();
    let pem = world.path().join("ca.pem").display().to_string();
    let lines = [
        "",
        "2",
        "2",
        "/ rest",
        "swap 512",
        "/var 20% xfs",
        "/home 5",
        "-4",
        "/srv 1024 btrfs",
        "",
        "3",
        "/vi",
        "minimal vim",
        "2",
        "4",
        "2",
        "7",
        "192.0.2.7/24 2001:db8::7/64",
        "192.0.2.1",
        "10.0.0.0/8 192.0.2.2",
        "172.16.0.0/12 192.0.2.3 50",
        "",
        "192.0.2.53",
        "example.com",
        "node-1",
        "sesame1",
        "sesame1",
        KEY,
        "dev",
        "sesame2",
        "sesame2",
        KEY,
        "",
        &pem,
        "",
        "2",
        "/dev/vda",
    ];
    let mut child = installer(world.path()).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all((lines.join("\n") + "\n").as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && !said.contains("sesame"), "{said}");
    let (_, plan) = said.rsplit_once("Type /dev/vda to begin.\n> ").unwrap();
    assert_eq!(without_chance(plan), plan_of_the_file(world.path()));
}

#[test]
fn the_terminal_is_restored_however_it_ends() {
    let world = world();
    for (way, code, signal) in [("cancel", Some(1), None), ("signal", None, Some(15))] {
        let (mut child, mut talk, slave) = on_terminal(installer(world.path()), "linux", Some(SIZE));
        let echoes = || tcgetattr(&slave).unwrap().local_flags.contains(LocalFlags::ECHO | LocalFlags::ICANON);
        talk.wait_for("I accept");
        assert!(!echoes(), "{way}");
        if signal.is_some() {
            kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), Signal::SIGTERM).unwrap();
        } else {
            talk.press(F10);
            talk.answer("Nothing has been written yet.", "y");
        }
        let status = child.wait().unwrap();
        assert_eq!((status.code(), status.signal()), (code, signal), "{way}");
        assert!(echoes(), "{way}");
        drop(slave);
        let said = talk.end();
        assert!(said.contains("\x1b[?25h") && (signal.is_some() || said.contains("cancelled; nothing was written")), "{way}: {said}");
    }
}

#[test]
fn no_screen_is_forced_on_what_is_none() {
    let world = world();
    let output = installer(world.path()).arg("--full-screen").stdin(Stdio::null()).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(1) && told.contains("not a terminal") && told.contains("--line"), "{told}");
}

/// A repository of packages that can be installed, the smallest ones with accounts.
fn repository(folder: &Path) {
    let packages = folder.join("Packages");
    fs::create_dir_all(&packages).unwrap();
    let accounts = [
        ("/etc/passwd", "root:x:0:0:root:/root:/usr/bin/bash\n"),
        ("/etc/group", "root:x:0:\n"),
        ("/etc/shadow", "root:!:20000::::::\n"),
        ("/etc/gshadow", "root:*::\n"),
    ];
    let offer = |name: &str| {
        let path = testing::packages::write(&packages, name, |builder| {
            for (path, content) in accounts.iter().filter(|_| name == "minimal") {
                let mode = if path.ends_with("shadow") { 0o000 } else { 0o644 };
                builder.with_file_contents(*content, FileOptions::new(*path).permissions(mode)).unwrap();
            }
        });
        let file = RpmFile::open(&path).unwrap();
        let location = format!("Packages/{name}.rpm");
        Offer { details: details(&file.metadata().unwrap()), checksum: digest_of(&path).unwrap(), package: file.package, location }
    };
    write_metadata(folder, &["minimal", "linux-esx", "kaon-disk", "grub"].map(offer), "", 1);
}

#[test]
fn progress_on_the_whole_screen() {
    let world = tempfile::tempdir().unwrap();
    let path = |name: &str| world.path().join(name);
    repository(&path("repo"));
    fs::write(path("key.asc"), testing::packages::KEY).unwrap();
    fs::write(path("other.asc"), testing::packages::OTHER_KEY).unwrap();
    fs::write(path("ks.json"), r#"{"hostname": "node-1", "ui": true}"#).unwrap();
    for (key, target, code, told) in [
        ("key.asc", "target", 0, "Installed. What took longest:"),
        ("other.asc", "nothing", 1, "error: the packages on the medium cannot be used"),
    ] {
        let mut program = Command::new(env!("CARGO_BIN_EXE_kaon-installer"));
        program
            .arg(path("ks.json"))
            .arg("--target-dir")
            .arg(path(target))
            .arg("--repository")
            .arg(path("repo"))
            .arg("--key")
            .arg(path(key));
        // SAFETY: one system call.
        unsafe {
            program.pre_exec(|| {
                umask(Mode::from_bits_truncate(0o077));
                Ok(())
            });
        }
        let (mut child, talk, slave) = on_terminal(program, "linux", Some(SIZE));
        let status = child.wait().unwrap();
        let restored = tcgetattr(&slave).unwrap().local_flags.contains(LocalFlags::ECHO | LocalFlags::ICANON);
        drop(slave);
        let said = talk.end();
        let (shown, after) = said.rsplit_once("\x1b[2J\x1b[H").expect("a screen");
        assert!(status.code() == Some(code) && restored && after.contains(told), "{status}: {said}");
        assert!(shown.contains("Kaon installer") && shown.contains("packages are checked"), "{said}");
    }
    assert_eq!(fs::read_to_string(path("target/etc/hostname")).unwrap(), "node-1\n");
    for (installed, mode) in [("", 0o755), ("etc", 0o755), ("etc/hostname", 0o644), ("etc/shadow", 0o000), ("etc/gshadow", 0o000)] {
        let metadata = fs::metadata(path("target").join(installed)).unwrap();
        assert_eq!(metadata.permissions().mode() & 0o7777, mode, "`/{installed}`, whatever the umask is");
    }
}
