//! A medium that installs by itself.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use super::guest::{file, run, xtask};

/// Who may log in on the installed system.
pub const INSTALLED_KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILvYRBjldBpnP1yeJ5MY1VzZFCW9JIsqnJW25V1idOEh test@host";

/// Builds such a medium, starts it next to an empty disk, and returns that disk once the machine has switched itself off.
pub fn install(folder: &Path) -> PathBuf {
    let text = format!(
        r#"{{
            "hostname": "installed-1", "packages": ["minimal"], "public_key": {{"key": "{INSTALLED_KEY}"}}, "eject_cdrom": false, "finish": "poweroff",
            "partitions": [
                {{"mountpoint": "/", "size": 0}}, {{"size": 64, "filesystem": "swap"}},
                {{"mountpoint": "/srv", "size": 512, "filesystem": "xfs"}}, {{
                    "mountpoint": "/var/data", "size": 512, "filesystem": "btrfs",
                    "btrfs": {{"label": "data", "subvols": [{{"name": "people", "mountpoint": "/home"}}]}}
                }}
            ]
        }}"#
    );
    let kickstart = file(folder, "boottest.json", text.as_bytes());
    let (iso, disk) = (folder.join("boottest.iso"), folder.join("installed.raw"));
    xtask(&["build-iso".as_ref(), "--kickstart".as_ref(), kickstart.as_os_str(), "--output".as_ref(), iso.as_os_str()]);
    fs::File::create(&disk).and_then(|file| file.set_len(4 << 30)).unwrap();
    let drive = format!("file={},if=none,id=target,format=raw", disk.display());
    let words =
        [iso.as_os_str(), "--".as_ref(), "-drive".as_ref(), drive.as_ref(), "-device".as_ref(), "virtio-blk-pci,drive=target".as_ref()];
    let console = run::<&OsStr>(&words, "the installer's word that it is done, and the machine's end");
    assert!(console.contains("Installed. What took longest:"), "the installer did not say that it was done");
    disk
}
