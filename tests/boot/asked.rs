//! The menu's entry that installs, and the installer's questions: a person at the serial line, key by key.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::guest::{TIMEOUT_S, root};
use super::medium::INSTALLED_KEY;
use super::terminal::{CLEAR, Conversation};

/// Starts the image's medium beside an empty disk, answers, and gives that disk once the machine has switched itself off.
pub fn install(folder: &Path) -> PathBuf {
    let disk = folder.join("asked.raw");
    fs::File::create(&disk).and_then(|file| file.set_len(4 << 30)).unwrap();
    let drive = format!("file={},if=none,id=target,format=raw", disk.display());
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.args(["qemu", "--", "-drive", &drive, "-device", "virtio-blk-pci,drive=target"]).current_dir(root());
    let mut machine = Ends(command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap());
    let (output, input) = (machine.0.stdout.take().expect("it is piped"), machine.0.stdin.take().expect("it is piped"));
    let mut talk = Conversation::new(output, input, Duration::from_secs(TIMEOUT_S));
    // The menu's key for its entry.
    talk.answer("Kaon: start", "i");
    for (shown, keys) in [
        ("> Licence", "\r"),
        ("/dev/vda (4 GiB", "\r"),
        ("by hand", "\r"),
        ("minimal and developer", "\r"),
        ("for clouds and servers", "\r"),
        ("DHCP on a VLAN", "\r"),
        ("The machine's name", &format!("{CLEAR}asked-1\r")),
        ("Root's password", "\r"),
        ("Root's SSH key", &format!("{INSTALLED_KEY}\r")),
        ("A login name", "\r"),
        ("PEM text", "\r"),
        ("switch the machine off", "2\r"),
        ("Type /dev/vda", "/dev/vda\r"),
        ("The system is installed.", "\r"),
    ] {
        talk.answer(shown, keys);
    }
    talk.end();
    let status = machine.0.wait().unwrap();
    assert!(status.success(), "the emulator: {status}");
    disk
}

/// A child that does not outlive the test.
struct Ends(Child);

impl Drop for Ends {
    fn drop(&mut self) {
        // It may have ended already, which is as well.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
