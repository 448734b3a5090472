//! Running programs of the installed system in it.

use std::ffi::{CStr, CString};
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};

/// What it takes to enter a tree, made before the new process is there: between fork and exec only system calls are made.
struct Entrance {
    root: CString,
    /// The kernel's directories, here and in the tree.
    binds: Vec<(CString, CString)>,
    /// Directories that are memory for as long as the program runs.
    memory: Vec<CString>,
    /// For who is not root: the maps that make this user root of a namespace.
    maps: Option<[(CString, String); 3]>,
}

/// A command that runs in the tree `root`, whose directories `/proc`, `/sys`, `/dev`, `/run` and `/tmp` are there. It sees the kernel's
/// file systems, and nobody else sees them in the tree. Who is not root is root of a user namespace for that.
pub(super) fn command(root: &Path, program: &str) -> io::Result<Command> {
    let c = |path: &Path| CString::new(path.as_os_str().as_bytes()).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput));
    let binds = ["proc", "sys", "dev"].iter().map(|name| Ok((c(&Path::new("/").join(name))?, c(&root.join(name))?)));
    let (uid, gid) = (nix::unistd::geteuid(), nix::unistd::getegid());
    let file = |name: &str| c(&Path::new("/proc/self").join(name));
    let maps = [("setgroups", "deny".to_owned()), ("uid_map", format!("0 {uid} 1")), ("gid_map", format!("0 {gid} 1"))];
    let [groups, users, others] = maps;
    let maps =
        if uid.is_root() { None } else { Some([(file(groups.0)?, groups.1), (file(users.0)?, users.1), (file(others.0)?, others.1)]) };
    let entrance = Entrance {
        root: c(root)?,
        binds: binds.collect::<io::Result<_>>()?,
        memory: ["run", "tmp"].iter().map(|name| c(&root.join(name))).collect::<io::Result<_>>()?,
        maps,
    };
    let mut command = Command::new(program);
    // SAFETY: `enter` makes system calls only.
    unsafe { command.pre_exec(move || entrance.enter()) };
    Ok(command)
}

impl Entrance {
    fn enter(&self) -> io::Result<()> {
        let none: Option<&CStr> = None;
        if let Some(maps) = &self.maps {
            unshare(CloneFlags::CLONE_NEWUSER)?;
            for (file, text) in maps {
                let path = Path::new(std::ffi::OsStr::from_bytes(file.to_bytes()));
                OpenOptions::new().write(true).open(path)?.write_all(text.as_bytes())?;
            }
        }
        let private = unshare(CloneFlags::CLONE_NEWNS).and_then(|()| mount(none, c"/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none));
        if private.is_ok() {
            // Where a container forbids it, programs do without.
            for (here, there) in &self.binds {
                let _ = mount(Some(here.as_c_str()), there.as_c_str(), none, MsFlags::MS_BIND | MsFlags::MS_REC, none);
            }
            for there in &self.memory {
                let _ = mount(Some(c"tmpfs"), there.as_c_str(), Some(c"tmpfs"), MsFlags::MS_NOSUID | MsFlags::MS_NODEV, none);
            }
        }
        nix::unistd::chroot(self.root.as_c_str())?;
        nix::unistd::chdir(c"/")?;
        Ok(())
    }
}
