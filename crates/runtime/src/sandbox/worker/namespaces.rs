//! Leaves the host's namespaces.

use std::fs;

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::unistd::{getegid, geteuid, setgroups};

use super::super::message::{Refusal, Stage};

/// Enters a user namespace in which this user is 0, and within it process (for children), network, IPC, host name and, if the kernel
/// supports them, control group namespaces.
pub(super) fn enter() -> Result<(), Refusal> {
    let (uid, gid) = (geteuid(), getegid());
    if uid.is_root() {
        // Fails for ordinary users, who cannot drop their groups. For root, the groups would be the only remaining difference.
        let _ = setgroups(&[]);
    }
    unshare(CloneFlags::CLONE_NEWUSER).map_err(Stage::UserNamespace.refused(""))?;
    let maps = [("setgroups", "deny".to_owned()), ("uid_map", format!("0 {uid} 1")), ("gid_map", format!("0 {gid} 1"))];
    for (name, content) in maps {
        let path = format!("/proc/self/{name}");
        fs::write(&path, content).map_err(Stage::IdentityMap.refused(path))?;
    }
    let rest = CloneFlags::CLONE_NEWPID | CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWIPC | CloneFlags::CLONE_NEWUTS;
    unshare(rest).map_err(Stage::Namespaces.refused(""))?;
    // Hides the host's group names in /proc/self/cgroup; kernels without control groups do not need it.
    let _ = unshare(CloneFlags::CLONE_NEWCGROUP);
    Ok(())
}

/// Enters a mount namespace whose mounts are not visible to the host.
pub(super) fn enter_mounts() -> Result<(), Refusal> {
    unshare(CloneFlags::CLONE_NEWNS).map_err(Stage::MountNamespace.refused(""))?;
    mount(None::<&str>, "/", None::<&str>, MsFlags::MS_REC | MsFlags::MS_PRIVATE, None::<&str>).map_err(Stage::MountNamespace.refused(""))
}
