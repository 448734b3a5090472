//! A machine that is one container: `build-iso --container`.

use std::ffi::OsStr;
use std::fs;

use super::container;
use super::guest::{file, run, xtask};

/// Builds a medium of a container that runs `words`, starts it, and asks that the machine switches itself off after the container has said
/// `said` on the console, and that the emulator learns its exit code.
pub fn check(words: &[&str], expected: u8, said: &str) {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let (archive, iso) = (container::write(folder.path(), words), folder.path().join("job.iso"));
    xtask(&["build-iso".as_ref(), "--container".as_ref(), archive.as_os_str(), "--output".as_ref(), iso.as_os_str()]);
    let code = file(folder.path(), "code", b"");
    let port = format!("kaon.exit-code={}", code.display());
    let words = [iso.as_os_str(), "--port".as_ref(), port.as_ref()];
    let console = run::<&OsStr>(&words, &format!("a container that says `{said}` and ends with {expected}, and the machine's end"));
    assert!(console.contains(said), "the container did not say `{said}`");
    assert_eq!(fs::read_to_string(&code).unwrap(), format!("{expected}\n"), "what the virtio port got");
    // The emulator ends at a restart as well.
    assert!(console.contains("reboot: Power down"), "the machine did not switch itself off");
}
