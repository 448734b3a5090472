//! The kernels that are in no image of the project: an image with each of them, started, with a container in it.

use std::path::{Path, PathBuf};

use super::DISK;
use super::check::check_further;
use super::guest::{Guest, Start, file, xtask};

const SCRIPT: &str = include_str!("kernels.sh");

/// An image of this kernel's own: the minimal one, and what takes a module apart.
fn image(folder: &Path, kernel: &str) -> PathBuf {
    let text = format!(
        "summary = \"Boot test\"\npackages = [\"minimal\", \"zstd\"]\nkernel = \"{kernel}\"\n\
         [services]\nenable = [\"docker.service\", \"systemd-networkd.service\", \"systemd-resolved.service\"]\n"
    );
    let described = file(folder, &format!("{kernel}.toml"), text.as_bytes());
    xtask(&["build-image".as_ref(), described.as_os_str(), "--format".as_ref(), "raw".as_ref(), "--output".as_ref(), folder.as_os_str()]);
    folder.join(format!("kaon-{kernel}.raw"))
}

/// Compiles the kernel if it is not built yet, and starts it.
fn start(kernel: &str, options: &[&str]) -> Guest {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let disk = image(folder.path(), kernel);
    let way = format!("kernel-{kernel}");
    let guest = check_further(&Start { options, ..Start::of(&way, disk.to_str().expect("a path in UTF-8"), SCRIPT) }, DISK);
    let release = guest.one("kernel");
    assert!(release.ends_with(&format!("-{kernel}")), "the kernel is `{release}`");
    assert_eq!(guest.one("signed"), "loaded");
    guest
}

/// Programs that adapt to the kernel find its types.
fn check_types(guest: &Guest) {
    let bytes = guest.one("types");
    assert!(bytes.parse().is_ok_and(|bytes: u64| bytes > 1 << 20), "/sys/kernel/btf/vmlinux: {bytes}");
    // One is the kernel's.
    assert!(guest.one("module-types").parse().is_ok_and(|count: u32| count > 1), "{}", guest.one("module-types"));
    assert_eq!(guest.one("adapted"), "adapted");
}

/// For clouds and servers.
pub fn generic() {
    check_types(&start("generic", &["--uefi", "--bus", "nvme"]));
}

/// With bounded latency.
pub fn rt() {
    let guest = start("rt", &[]);
    assert!(guest.one("version").contains(" PREEMPT_RT "), "{}", guest.one("version"));
}

/// With protections that cost speed.
pub fn secure() {
    let guest = start("secure", &["--uefi"]);
    check_types(&guest);
    assert_eq!(guest.one("lockdown"), "none [integrity] confidentiality");
    assert!(guest.one("arguments").starts_with("mitigations=auto,nosmt page_alloc.shuffle=1 "), "{}", guest.one("arguments"));
    assert_eq!(guest.one("enforced-before"), "Y", "unsigned modules are refused only after somebody asked for that");
    assert!(!guest.one("unsigned").contains("loaded"), "an unsigned module was loaded");
    assert!(guest.one("unsigned-said").contains("unsigned module"), "{}: {}", guest.one("unsigned"), guest.one("unsigned-said"));
}
