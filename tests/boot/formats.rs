//! The packages around the engine: a second runtime, plugins of the network, compose and buildx, installed from the machine that built them.

use super::container;
use super::guest::{Start, xtask};
use super::update::Served;

const SCRIPT: &str = include_str!("formats.sh");

/// Runs containers by each of them.
pub fn check() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let repository = folder.path().join("repository");
    let packages = ["minimal", "crun", "cni-plugins", "containerd", "docker-buildx", "docker-compose"];
    let words = ["repo"].iter().chain(&packages).map(AsRef::as_ref);
    xtask(&words.chain(["--output".as_ref(), repository.as_os_str()]).collect::<Vec<&std::ffi::OsStr>>());
    let served = Served::start(&repository);
    let script = SCRIPT.replace("@address@", &format!("10.0.2.2:{}", served.port));
    let disks = [container::write(folder.path(), &[])];
    let guest = Start { disks: &disks, ..Start::of("formats", "out/kaon-minimal.qcow2", &script) }.run();
    assert_eq!(guest.one("install"), "0", "{}", guest.text("install-said"));
    for (what, expected) in [
        ("crun", "said by crun"),
        ("crun-limits", "67108864"),
        ("ctr", "said by ctr"),
        ("ctr-crun", "said by both"),
        ("cni", "answer"),
        ("compose", "answer"),
        ("compose-left", "0"),
        ("built", "built"),
    ] {
        assert_eq!(guest.one(what), expected, "{what}: {}", guest.text(&format!("{what}-said")));
    }
    assert!(guest.one("builder").contains("buildx"), "{}", guest.one("builder"));
}
