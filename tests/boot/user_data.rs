//! cloud-config: an image is loaded, a container of it is a unit that is started again, commands find it; an empty disk is divided and mounted,
//! there is room to swap, and at the end somebody is told and the machine's restart is planned.

use std::fs::File;

use super::check::check_further;
use super::guest::{Start, file};
use super::server::Server;

fn user_data(port: u16) -> String {
    format!(
        "#cloud-config
hostname: given-1
kaon:
  images: [{{path: /dev/disk/by-id/virtio-disk0}}]
  containers: [{{name: web, image: kaon-test, command: [serve, 8080], ports: ['8082:8080']}}]
runcmd: ['docker run --rm kaon-test say hello >/root/late']
disk_setup: {{/dev/disk/by-id/virtio-empty: {{table_type: gpt, layout: [25, 75], overwrite: false}}}}
fs_setup:
  - {{device: /dev/disk/by-id/virtio-empty, partition: 1, filesystem: swap, label: rest}}
  - {{device: /dev/disk/by-id/virtio-empty, partition: 2, filesystem: ext4, label: data}}
mounts:
  - [LABEL=data, /srv/data]
  - [LABEL=rest, none, swap, sw, '0', '0']
swap: {{filename: /swap.img, size: 64M}}
phone_home: {{url: 'http://10.0.2.2:{port}/here', post: [hostname, instance_id, pub_key_ed25519], tries: 3}}
final_message: it took $UPTIME seconds
power_state: {{mode: reboot, delay: 60, message: soon, condition: test -s /root/late}}
"
    )
}

const SCRIPT: &str = "fact disk \"$(findmnt -n -o FSTYPE,LABEL /srv/data | tr -s ' ')\"
while read -r name _ ; do fact swap \"$name\"; done < <(tail -n +2 /proc/swaps)
fact planned \"$(tr '\\n' ' ' </run/systemd/shutdown/scheduled)\"
fact end-log \"$(journalctl -b -o cat --no-pager -u kaon-firstboot -u kaon-firstboot-late | tr '\\n' '|')\"
shutdown -c
";

/// Boots a disk with all of it as user data.
pub fn check() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(String::new());
    let user_data = file(folder.path(), "user-data", user_data(server.port).as_bytes());
    let credential = format!("kaon.user-data={}", user_data.display());
    let empty = folder.path().join("empty.raw");
    File::create(&empty).and_then(|file| file.set_len(256 << 20)).unwrap();
    let drive = format!("file={},if=none,id=empty,format=raw", empty.display());
    let guest = check_further(
        &Start {
            options: &["--credential", &credential],
            arguments: &["-drive", &drive, "-device", "virtio-blk-pci,drive=empty,serial=empty"],
            ..Start::of("user-data", "out/kaon-minimal.raw", SCRIPT)
        },
        super::DISK,
    );
    assert_eq!(guest.one("hostname"), "given-1");
    assert_eq!(guest.one("unit-answer"), "answer", "{}", guest.one("unit-log"));
    assert_eq!(guest.one("unit-answer-again"), "answer");
    assert_eq!(guest.one("unit-state"), "active enabled");
    assert_eq!(guest.one("late"), "hello");
    let said = guest.one("end-log");
    assert_eq!(guest.one("disk"), "ext4 data", "{said}");
    assert_eq!(guest.all("swap").len(), 2, "{:?}: {said}", guest.all("swap"));
    assert!(guest.one("planned").contains("MODE=reboot"), "{}: {said}", guest.one("planned"));
    assert!(said.contains("it took ") && !said.contains("$UPTIME"), "{said}");
    let told = server.requests().join(" ");
    assert!(told.contains("hostname=given-1") && told.contains("pub_key_ed25519=ssh-ed25519"), "`{told}`: {said}");
}
