//! How a live system ends: without errors about what cannot be otherwise.
//!
//! The root lies on a loop device whose file is on the medium, so neither can be let go of while anything runs. systemd would say of both that
//! this failed. It says nothing where the medium has no part in shutting down, and where a program in `/run/initramfs` does the very last
//! (systemd's "Interface for initrds and exitrds"): this one.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::sys::{self, Power};

/// What systemd starts last, in its own place. It must lie with all it needs below this directory.
const FOLDER: &str = "initramfs";
const PROGRAM: &str = "shutdown";

/// Mounts that live until the machine ends, and what tells systemd not to unmount them (systemd.unit(5)).
const MOUNTS: [&str; 2] = ["run-kaon-medium.mount", "run-kaon-memory.mount"];
const STAYS: &str = "[Unit]\nDefaultDependencies=no\n";

/// Prepares it for the run-time directory at `run`. `own` is this program.
///
/// # Errors
/// When a file cannot be written; the system then ends with needless words.
pub fn prepare(run: &Path, own: &Path) -> io::Result<()> {
    for unit in MOUNTS {
        let folder = run.join("systemd/system").join(format!("{unit}.d"));
        fs::create_dir_all(&folder)?;
        fs::write(folder.join("50-kaon-live.conf"), STAYS)?;
    }
    let folder = run.join(FOLDER);
    fs::create_dir_all(&folder)?;
    fs::copy(own, folder.join(PROGRAM))?;
    fs::set_permissions(folder.join(PROGRAM), Permissions::from_mode(0o755))
}

/// How to end, where this program was started as the last one: with its name and what systemd gives it.
pub fn asked(name: &str, verb: Option<&str>) -> Option<Power> {
    let is_last = name.rsplit('/').next() == Some(PROGRAM);
    is_last.then_some(match verb {
        Some("reboot") => Power::Restart,
        Some("kexec") => Power::Kexec,
        Some("halt") => Power::Halt,
        _ => Power::Off,
    })
}

/// Ends the machine. Nothing that is still mounted is lost by it: it is read-only, or memory.
pub fn end(how: Power) -> ! {
    loop {
        // A kernel that refuses one way may take another.
        sys::power(how);
        sys::power(Power::Off);
        std::thread::sleep(std::time::Duration::from_secs(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_as_the_last_program_it_ends_the_machine() {
        assert_eq!(asked("/init", Some("poweroff")), None);
        assert_eq!(asked("/init", None), None);
        let table =
            [("reboot", Power::Restart), ("poweroff", Power::Off), ("kexec", Power::Kexec), ("halt", Power::Halt), ("x", Power::Off)];
        for (verb, how) in table {
            assert_eq!(asked("/shutdown", Some(verb)), Some(how), "{verb}");
        }
    }

    #[test]
    fn the_medium_stays_and_the_program_is_there() {
        let run = std::env::temp_dir().join(format!("kaon-live-ending-{}", std::process::id()));
        let own = std::env::current_exe().unwrap();
        prepare(&run, &own).unwrap();
        let unit = fs::read_to_string(run.join("systemd/system/run-kaon-medium.mount.d/50-kaon-live.conf")).unwrap();
        assert!(unit.contains("DefaultDependencies=no"));
        let program = fs::metadata(run.join("initramfs/shutdown")).unwrap();
        assert_eq!((program.len(), program.permissions().mode() & 0o777), (fs::metadata(&own).unwrap().len(), 0o755));
        fs::remove_dir_all(&run).unwrap();
    }
}
