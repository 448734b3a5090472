//! The medium's installer answered by a person at the serial line, key by key, and the system that comes of it.
//!
//! `cargo xtask test --all-boots` runs it after building the image; alone: `cargo test -p xtask --test asked -- --ignored`.

#![allow(missing_docs)]

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use testing::terminal::{Conversation, DOWN, F1};

/// How long a guest may take over anything under emulation on a busy machine.
const PATIENCE: Duration = Duration::from_secs(3600);

/// Who may log in as root on the installed system.
const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKmz76Ref5iuQpDQORqpNbJ5bnibcu8120VujPLcXolp test@host";

/// An emulated machine, which ends with the test.
struct Machine(Child);

impl Machine {
    fn start(words: &[&str]) -> (Self, Conversation) {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the project");
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        command.args(["qemu", "--timeout", &(2 * PATIENCE.as_secs()).to_string()]).args(words).current_dir(root);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (output, input) = (child.stdout.take().expect("it is piped"), child.stdin.take().expect("it is piped"));
        (Self(child), Conversation::new(output, input, PATIENCE))
    }

    /// Waits until it ends, and returns all that its serial line said.
    fn end(mut self, person: Conversation) -> String {
        let said = person.end();
        let status = self.0.wait().unwrap();
        assert!(status.success(), "the machine did not end by itself: {status}");
        said
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // It may have ended already, which is as well.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn install(disk: &Path) {
    File::create(disk).and_then(|file| file.set_len(4 << 30)).unwrap();
    let drive = format!("file={},if=none,id=target,format=raw", disk.display());
    let (machine, mut person) = Machine::start(&["minimal", "--", "-drive", &drive, "-device", "virtio-blk-pci,drive=target"]);
    // The menu's key for its entry that installs.
    person.answer("Kaon: start", "i");
    person.answer("I accept", F1);
    person.answer("Press any key to continue", " ");
    person.answer("> Licence", "\r");
    person.answer("/dev/vda", "\r");
    person.answer("by hand", &format!("{DOWN}\r"));
    person.answer("Mount point", "swap\r256\r\r");
    person.answer("1. swap 256 MiB swap", "/\rrest\r\r");
    person.answer("2. / the rest ext4", "\r");
    person.answer("minimal and developer", "\r");
    person.answer("for virtual machines", "\r");
    person.answer("DHCP, on all cards", "\r");
    person.answer("The machine's name", "asked-1\r");
    person.answer("Root's password", "\r");
    person.answer("Root's SSH key", &format!("{KEY}\r"));
    person.answer("A login name", "person\r");
    person.answer("The user's password", "sesame\r");
    person.answer("The same password again", "sesame\r");
    person.answer("The user's SSH keys", "\r");
    person.answer("authorities to trust", "\r");
    person.answer("start the installed system", "\r");
    person.answer("Type /dev/vda", "/dev/vda\r");
    person.answer("The system is installed.", "\r");
    assert!(!machine.end(person).contains("sesame"), "a secret was shown");
}

/// Starts what was installed, logs in, and looks around.
fn look(disk: &Path, options: &[&str]) {
    let words = [&[disk.to_str().expect("a path in UTF-8")], options].concat();
    let (machine, mut person) = Machine::start(&words);
    person.answer("asked-1 login:", "person\r");
    person.answer("Password:", "sesame\r");
    person.answer("person@asked-1", "echo state=$(systemctl is-system-running --wait)\r");
    person.answer("state=running", "echo root=$(findmnt -n -o FSTYPE /) swap=$(grep -c partition /proc/swaps)\r");
    person.answer("root=ext4 swap=1", "sudo -p 'for %u:' cat /root/.ssh/authorized_keys; echo done=$?\r");
    // Not what the line that was typed says, and not the login's own question, both of which may still be shown.
    person.answer("for person:", "sesame\r");
    person.wait_for(KEY);
    // What is typed before sudo has ended is thrown away with the terminal's settings.
    person.answer("done=0", "sudo systemctl poweroff\r");
    machine.end(person);
}

mod all_boots {
    use super::*;

    #[test]
    #[ignore = "needs the built image"]
    fn answers_at_a_serial_line_lead_to_a_system_that_starts() {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let disk = folder.path().join("asked.raw");
        install(&disk);
        look(&disk, &[]);
        look(&disk, &["--uefi"]);
    }
}
