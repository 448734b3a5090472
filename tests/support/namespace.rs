//! Simulates other hosts: runs commands in a new user and mount namespace, in which the user of the tests is root.

#![allow(dead_code, reason = "each test binary takes what it needs")]

use std::ffi::CStr;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use nix::fcntl::{OFlag, open};
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::stat::Mode;
use nix::unistd::{getegid, geteuid, write};

/// A change in the namespace. Relative paths start at the command's directory.
pub enum Change {
    /// A file of the kernel has this content.
    Write(&'static CStr, &'static str),
    /// A file system is mounted: its type, its options and where.
    Mount(&'static CStr, &'static CStr, &'static CStr),
    /// A directory is also seen here: itself, then where.
    Bind(&'static CStr, &'static CStr),
    /// A file system in memory is mounted here, from which programs cannot be started.
    NoPrograms(&'static CStr),
}

/// Makes `command` run in new namespaces with `changes`.
pub fn enter(command: &mut Command, changes: Vec<Change>) {
    // Root needs no user namespace to mount, and in one would lose access to files of other users, such as the program under test.
    let is_root_mounting = geteuid().is_root() && !changes.iter().any(|change| matches!(change, Change::Write(..)));
    let [users, groups] = [geteuid().as_raw(), getegid().as_raw()].map(|id| format!("0 {id} 1"));
    let prepare = move || -> io::Result<()> {
        if is_root_mounting {
            unshare(CloneFlags::CLONE_NEWNS)?;
        } else {
            unshare(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNS)?;
            put(c"/proc/self/setgroups", "deny")?;
            put(c"/proc/self/uid_map", &users)?;
            put(c"/proc/self/gid_map", &groups)?;
        }
        mount(None::<&CStr>, c"/", None::<&CStr>, MsFlags::MS_REC | MsFlags::MS_PRIVATE, None::<&CStr>)?;
        for change in &changes {
            match change {
                Change::Write(path, text) => put(path, text)?,
                Change::Mount(kind, options, at) => mount(Some(c"none"), *at, Some(*kind), MsFlags::empty(), Some(*options))?,
                Change::Bind(what, at) => mount(Some(*what), *at, None::<&CStr>, MsFlags::MS_BIND, None::<&CStr>)?,
                Change::NoPrograms(at) => mount(Some(c"none"), *at, Some(c"tmpfs"), MsFlags::MS_NOEXEC, None::<&CStr>)?,
            }
        }
        Ok(())
    };
    // SAFETY: what runs between fork and exec makes system calls only; it neither allocates nor takes a lock.
    unsafe { command.pre_exec(prepare) };
}

fn put(path: &CStr, text: &str) -> io::Result<()> {
    let file = open(path, OFlag::O_WRONLY | OFlag::O_CLOEXEC, Mode::empty())?;
    write(&file, text.as_bytes())?;
    Ok(())
}
