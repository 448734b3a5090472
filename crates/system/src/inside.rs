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
use nix::sys::stat::Mode;

/// What a program in a tree shares with the machine that runs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Surroundings {
    /// The machine is the tree's own: its network is there, and its names are resolved.
    Shared,
    /// The machine is another's: network, name and messages between processes are the program's own, and the kernel's settings are
    /// read-only.
    Apart,
}

/// Where systemd-resolved keeps the name servers; a system's /etc/resolv.conf leads there.
const RESOLVER: &str = "run/systemd/resolve";

/// What it takes to enter a tree, made before the new process is there: between fork and exec only system calls are made.
struct Entrance {
    root: CString,
    /// The kernel's directories, here and in the tree.
    binds: Vec<(CString, CString)>,
    /// Directories that are memory for as long as the program runs.
    memory: Vec<CString>,
    surroundings: Surroundings,
    /// Of a shared network: directories to make for the name servers, the last of which shows those of this system.
    resolver: Vec<CString>,
    /// Of a machine that is another's: what the kernel lets be changed.
    settings: [CString; 2],
    /// For who is not root.
    maps: Option<Maps>,
}

/// What makes a user who is not root that of a user namespace: files of the kernel and their content.
struct Maps([(CString, String); 3]);

/// A command of this system that runs as root: of a user namespace where this user is not root, so that its files are root's there and open
/// to it whatever their modes are.
pub(super) fn as_root(program: &str) -> io::Result<Command> {
    let mut command = Command::new(program);
    if let Some(maps) = Maps::of_this_user()? {
        // SAFETY: `enter` makes system calls only.
        unsafe { command.pre_exec(move || maps.enter()) };
    }
    Ok(command)
}

/// A command that runs in the tree `root`, whose directories `/proc`, `/sys`, `/dev`, `/run` and `/tmp` are there. It sees the kernel's
/// file systems, and nobody else sees them in the tree. Who is not root is root of a user namespace for that.
pub(super) fn command(root: &Path, program: &str, surroundings: Surroundings) -> io::Result<Command> {
    let binds = ["proc", "sys", "dev"].iter().map(|name| Ok((c(&Path::new("/").join(name))?, c(&root.join(name))?)));
    let entrance = Entrance {
        root: c(root)?,
        binds: binds.collect::<io::Result<_>>()?,
        memory: ["run", "tmp"].iter().map(|name| c(&root.join(name))).collect::<io::Result<_>>()?,
        maps: Maps::of_this_user()?,
        surroundings,
        resolver: ["run/systemd", RESOLVER].iter().map(|name| c(&root.join(name))).collect::<io::Result<_>>()?,
        settings: [c(&root.join("proc/sys"))?, c(&root.join("sys"))?],
    };
    let mut command = Command::new(program);
    // SAFETY: `enter` makes system calls only.
    unsafe { command.pre_exec(move || entrance.enter()) };
    Ok(command)
}

fn c(path: &Path) -> io::Result<CString> {
    CString::new(path.as_os_str().as_bytes()).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))
}

impl Maps {
    /// None for root.
    fn of_this_user() -> io::Result<Option<Self>> {
        let (uid, gid) = (nix::unistd::geteuid(), nix::unistd::getegid());
        if uid.is_root() {
            return Ok(None);
        }
        let file = |name: &str| c(&Path::new("/proc/self").join(name));
        Ok(Some(Self([
            (file("setgroups")?, "deny".to_owned()),
            (file("uid_map")?, format!("0 {uid} 1")),
            (file("gid_map")?, format!("0 {gid} 1")),
        ])))
    }

    /// Makes the namespace and enters it.
    fn enter(&self) -> io::Result<()> {
        unshare(CloneFlags::CLONE_NEWUSER)?;
        for (file, text) in &self.0 {
            let path = Path::new(std::ffi::OsStr::from_bytes(file.to_bytes()));
            OpenOptions::new().write(true).open(path)?.write_all(text.as_bytes())?;
        }
        Ok(())
    }
}

impl Entrance {
    fn enter(&self) -> io::Result<()> {
        let none: Option<&CStr> = None;
        if let Some(maps) = &self.maps {
            maps.enter()?;
        }
        if self.surroundings == Surroundings::Apart {
            // Without these nothing runs: a script would change the firewall of the machine that it happens to run on.
            unshare(CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWUTS | CloneFlags::CLONE_NEWIPC)?;
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
            match self.surroundings {
                Surroundings::Shared => self.show_resolver(),
                Surroundings::Apart => self.protect_settings(),
            }
        }
        nix::unistd::chroot(self.root.as_c_str())?;
        nix::unistd::chdir(c"/")?;
        Ok(())
    }

    /// Lets programs find other machines by their names. A system without systemd-resolved has nothing there to show.
    fn show_resolver(&self) {
        for folder in &self.resolver {
            let _ = nix::unistd::mkdir(folder.as_c_str(), Mode::from_bits_truncate(0o755));
        }
        if let Some(there) = self.resolver.last() {
            let none: Option<&CStr> = None;
            let _ = mount(Some(c"/run/systemd/resolve"), there.as_c_str(), none, MsFlags::MS_BIND, none);
        }
    }

    /// What is not mounted here cannot be protected, and cannot be changed either.
    fn protect_settings(&self) {
        let none: Option<&CStr> = None;
        for there in &self.settings {
            let bound = mount(Some(there.as_c_str()), there.as_c_str(), none, MsFlags::MS_BIND | MsFlags::MS_REC, none);
            let flags =
                MsFlags::MS_BIND | MsFlags::MS_REMOUNT | MsFlags::MS_RDONLY | MsFlags::MS_NOSUID | MsFlags::MS_NOEXEC | MsFlags::MS_NODEV;
            let _ = bound.and_then(|()| mount(none, there.as_c_str(), none, flags, none));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    /// Tells a process which file to read.
    const FILE_VARIABLE: &str = "KAON_TEST_CLOSED_FILE";

    #[test]
    fn as_root_a_user_reads_what_is_closed() {
        let folder = tempfile::tempdir().unwrap();
        let closed = folder.path().join("shadow");
        fs::write(&closed, "secret").unwrap();
        fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).unwrap();
        let mut command = as_root(std::env::current_exe().unwrap().to_str().unwrap()).unwrap();
        // The harness names tests without the crate.
        let (_, module) = module_path!().split_once("::").unwrap();
        command.args(["--exact", &format!("{module}::plays_a_program")]).env(FILE_VARIABLE, &closed);
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        // A name that no test has is a success of no tests.
        assert!(output.status.success() && said.contains("1 passed"), "{said}");
    }

    /// Not a test by itself: what the one above starts.
    #[test]
    fn plays_a_program() {
        if let Some(closed) = std::env::var_os(FILE_VARIABLE) {
            assert!(nix::unistd::geteuid().is_root());
            assert_eq!(fs::read_to_string(closed).unwrap(), "secret");
        }
    }
}
