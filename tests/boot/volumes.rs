//! Data on disks of its own: made at the first start, found again at other places, grown with its disk; one disk is full, and one missing.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};

use super::guest::{Guest, Start, file};

const USER_DATA: &str = "#cloud-config
fs_setup:
  - {device: /dev/disk/by-id/virtio-first, filesystem: ext4, label: docker}
  - {device: /dev/disk/by-id/virtio-second, filesystem: ext4, label: full}
mounts:
  - [LABEL=docker, /var/lib/docker, ext4, 'defaults,nofail,x-systemd.growfs,x-systemd.before=docker.service']
  - [LABEL=full, /srv/full, ext4]
  - [LABEL=gone, /srv/gone, ext4, 'defaults,nofail,x-systemd.device-timeout=5']
";

/// What both starts report.
const LOOK: &str = "fact docker \"$(findmnt -n -o LABEL /var/lib/docker)\"
fact docker-bytes \"$(findmnt -b -n -o SIZE /var/lib/docker)\"
fact full \"$(findmnt -n -o LABEL /srv/full)\"
fact gone \"$(findmnt -n -o LABEL /srv/gone)\"
fact said \"$(journalctl -b -o cat --no-pager -u kaon-firstboot | tr '\\n' '|')\"
volume() { docker volume inspect -f '{{.Mountpoint}}' db; }
";

const FIRST: &str = "docker volume create db >/dev/null
echo kept >\"$(volume)/file\"
dd if=/dev/zero of=/srv/full/file bs=1M 2>/dev/null
sync
";

const SECOND: &str = "fact kept \"$(cat \"$(volume)/file\")\"
fact left \"$(df --output=avail /srv/full | tail -n 1 | tr -d ' ')\"
";

/// Starts a machine with these disks as `first` and `second`.
fn start(way: &str, folder: &Path, disks: [&Path; 2], script: &str) -> Guest {
    let credential = format!("kaon.user-data={}", file(folder, "user-data", USER_DATA.as_bytes()).display());
    let drive = |name: &str, disk: &Path| format!("file={},if=none,id={name},format=raw", disk.display());
    let [first, second] = [drive("first", disks[0]), drive("second", disks[1])];
    let script = format!("{LOOK}{script}");
    let device = |name: &str| format!("virtio-blk-pci,drive={name},serial={name}");
    let start = Start {
        options: &["--credential", &credential],
        arguments: &["-drive", &first, "-device", &device("first"), "-drive", &second, "-device", &device("second")],
        ..Start::of(way, "out/kaon-minimal.raw", &script)
    };
    let guest = start.run();
    let said = guest.one("said");
    assert_eq!(guest.one("state"), "running", "{}: {said}", guest.text("failed-unit"));
    assert_eq!([guest.one("docker"), guest.one("full"), guest.one("gone")], ["docker", "full", ""], "{said}");
    guest
}

fn empty(folder: &Path, name: &str, size_mib: u64) -> PathBuf {
    let path = folder.join(name);
    File::create(&path).and_then(|file| file.set_len(size_mib << 20)).unwrap();
    path
}

/// Starts twice; between the two, the disks change places, and one grows.
pub fn check() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let (one, two) = (empty(folder.path(), "one.raw", 512), empty(folder.path(), "two.raw", 64));
    let bytes = |guest: &Guest| guest.one("docker-bytes").parse::<u64>().unwrap();
    let before = bytes(&start("volumes", folder.path(), [&one, &two], FIRST));
    OpenOptions::new().write(true).open(&one).and_then(|file| file.set_len(1 << 30)).unwrap();
    let again = start("volumes-again", folder.path(), [&two, &one], SECOND);
    assert_eq!((again.one("kept"), again.one("left")), ("kept", "0"));
    assert!(bytes(&again) > before + (400 << 20), "{before}, {}", bytes(&again));
}
