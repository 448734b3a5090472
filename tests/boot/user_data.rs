//! cloud-config: an image is loaded, a container of it is a unit that is started again, and commands find it.

use super::check::check_machine;
use super::guest::file;

const USER_DATA: &str = "#cloud-config
hostname: given-1
kaon:
  images: [{path: /dev/disk/by-id/virtio-disk0}]
  containers: [{name: web, image: kaon-test, command: [serve, 8080], ports: ['8082:8080']}]
runcmd: ['docker run --rm kaon-test say hello >/root/late']
";

/// Boots a disk with all of it as user data.
pub fn check() {
    let folder = tempfile::tempdir().unwrap();
    let user_data = file(folder.path(), "user-data", USER_DATA.as_bytes());
    let credential = format!("kaon.user-data={}", user_data.display());
    let guest = check_machine("user-data", "out/kaon-minimal.raw", super::DISK, &["--credential", &credential]);
    assert_eq!(guest.one("hostname"), "given-1");
    assert_eq!(guest.one("unit-answer"), "answer", "{}", guest.one("unit-log"));
    assert_eq!(guest.one("unit-answer-again"), "answer");
    assert_eq!(guest.one("unit-state"), "active enabled");
    assert_eq!(guest.one("late"), "hello");
}
