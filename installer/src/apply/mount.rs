//! Mounting, and taking it back.

use std::fs;
use std::path::{Path, PathBuf};

use nix::mount::{MntFlags, MsFlags};

use super::ApplyError;

/// Mounts a device.
pub(super) fn mount(device: &Path, at: &Path, kind: &str, options: &[String]) -> Result<(), ApplyError> {
    let mut flags = MsFlags::empty();
    let mut rest: Vec<&str> = Vec::new();
    for option in options {
        match option.as_str() {
            "nodev" => flags |= MsFlags::MS_NODEV,
            "nosuid" => flags |= MsFlags::MS_NOSUID,
            "noatime" => flags |= MsFlags::MS_NOATIME,
            // While the system is put together, programs of it must run, and everything is written.
            "noexec" | "ro" | "rw" | "defaults" | "nofail" | "auto" | "noauto" | "user" | "relatime" => {}
            option if option.starts_with("x-") => {}
            option => rest.push(option),
        }
    }
    let data = Some(rest.join(",")).filter(|text| !text.is_empty());
    nix::mount::mount(Some(device), at, Some(kind), flags, data.as_deref()).map_err(|error| ApplyError::io("mount", at)(error.into()))
}

/// Unmounts, once all is written.
pub(super) fn unmount(at: &Path) -> Result<(), ApplyError> {
    nix::unistd::sync();
    nix::mount::umount2(at, MntFlags::empty()).map_err(|error| ApplyError::io("unmount", at)(error.into()))
}

/// Unmounts what an installation that failed left below `root`.
pub(super) fn release(root: &Path) -> Result<(), ApplyError> {
    let table = Path::new("/proc/self/mountinfo");
    let text = fs::read_to_string(table).map_err(ApplyError::io("read", table))?;
    for at in below(&text, root).into_iter().rev() {
        unmount(&at)?;
    }
    Ok(())
}

/// Where something is mounted at or below `root`, in the order it was mounted in (proc_pid_mountinfo(5)).
fn below(mountinfo: &str, root: &Path) -> Vec<PathBuf> {
    let places = mountinfo.lines().filter_map(|line| line.split(' ').nth(4)).map(|at| PathBuf::from(at.replace("\\040", " ")));
    places.filter(|at| at.starts_with(root)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_below() {
        let text = "1 0 8:1 / / rw - ext4 x rw\n2 1 8:2 / /run/kaon/target rw - ext4 x rw\n3 2 8:3 / /run/kaon/target/a\\040b rw - ext4 x rw\n\
                    4 1 8:4 / /run/kaon/targets rw - ext4 x rw\n";
        let expected = ["/run/kaon/target", "/run/kaon/target/a b"].map(PathBuf::from);
        assert_eq!(below(text, Path::new("/run/kaon/target")), expected);
    }
}
