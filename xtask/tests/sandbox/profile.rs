//! Applies the default restrictions of container engines to a process of this machine.

use std::ffi::CStr;
use std::fs;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use nix::errno::Errno;
use nix::libc;
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::unistd::{getegid, geteuid};

/// A container engine's default profile.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// Docker, and Kubernetes with `RuntimeDefault`: a filter of system calls, few capabilities, a masked `/proc`. Needs root.
    Docker,
    /// Podman: a filter that allows namespaces and mounts, but not to set a host name; a masked `/proc`.
    Podman,
    /// Kubernetes without a profile, or Docker and Podman with `seccomp=unconfined`: a masked `/proc` only.
    Unfiltered,
}

/// Paths of `/proc` that engines hide with mounts, and those that they make read-only (`DefaultLinuxSpec` of moby).
const MASKED: [&CStr; 9] = [
    c"/proc/acpi",
    c"/proc/asound",
    c"/proc/interrupts",
    c"/proc/kcore",
    c"/proc/keys",
    c"/proc/latency_stats",
    c"/proc/sched_debug",
    c"/proc/scsi",
    c"/proc/timer_list",
];
const READ_ONLY: [&CStr; 5] = [c"/proc/bus", c"/proc/fs", c"/proc/irq", c"/proc/sys", c"/proc/sysrq-trigger"];

/// Capabilities that Docker keeps: CHOWN, DAC_OVERRIDE, FOWNER, FSETID, KILL, SETGID, SETUID, SETPCAP, NET_BIND_SERVICE, NET_RAW, SYS_CHROOT,
/// MKNOD, AUDIT_WRITE, SETFCAP.
const CAPABILITIES: [libc::c_ulong; 14] = [0, 1, 3, 4, 5, 6, 7, 8, 10, 13, 18, 27, 29, 31];

/// System calls that Docker's filter refuses without further capabilities and that a sandbox could need.
const REFUSED: [libc::c_long; 21] = [
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_mount_setattr,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_open_by_handle_at,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_io_uring_setup,
];

/// Those of them that Podman refuses (`pkg/seccomp/default_linux.go` of containers/common).
const REFUSED_BY_PODMAN: [libc::c_long; 2] = [libc::SYS_sethostname, libc::SYS_setdomainname];

impl Profile {
    /// Runs `command` as the first process of a container, and returns its output.
    pub fn output(self, mut command: Command) -> std::process::Output {
        let (uid, gid) = (geteuid(), getegid());
        let enter = move || -> io::Result<()> {
            if self != Self::Docker {
                unshare(CloneFlags::CLONE_NEWUSER)?;
                fs::write("/proc/self/setgroups", "deny")?;
                fs::write("/proc/self/uid_map", format!("0 {uid} 1"))?;
                fs::write("/proc/self/gid_map", format!("0 {gid} 1"))?;
            }
            unshare(CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWIPC)?;
            mask_proc(self)?;
            match self {
                Self::Docker => {
                    drop_capabilities()?;
                    filter(&REFUSED)?;
                }
                Self::Podman => filter(&REFUSED_BY_PODMAN)?,
                Self::Unfiltered => {}
            }
            Ok(())
        };
        // SAFETY: the child is alone; what it allocates is its own.
        unsafe { command.pre_exec(enter) };
        std::thread::spawn(move || {
            // A container has its own process namespace, without access to the machine's processes.
            if self == Self::Docker {
                unshare(CloneFlags::CLONE_NEWPID).expect("Docker's profile needs root");
            }
            command.output().unwrap()
        })
        .join()
        .unwrap()
    }
}

fn mask_proc(profile: Profile) -> Result<(), Errno> {
    let nothing = None::<&str>;
    mount(nothing, "/", nothing, MsFlags::MS_REC | MsFlags::MS_PRIVATE, nothing)?;
    if profile == Profile::Docker {
        mount(Some("proc"), "/proc", Some("proc"), MsFlags::empty(), nothing)?;
    }
    for path in MASKED.into_iter().filter(|path| exists(path)) {
        if Path::new(path.to_str().unwrap()).is_dir() {
            mount(Some("tmpfs"), path, Some("tmpfs"), MsFlags::MS_RDONLY, nothing)?;
        } else {
            mount(Some("/dev/null"), path, nothing, MsFlags::MS_BIND, nothing)?;
        }
    }
    for path in READ_ONLY.into_iter().filter(|path| exists(path)) {
        mount(Some(path), path, nothing, MsFlags::MS_BIND | MsFlags::MS_REC, nothing)?;
        let flags =
            MsFlags::MS_BIND | MsFlags::MS_REMOUNT | MsFlags::MS_RDONLY | MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
        mount(nothing, path, nothing, flags, nothing)?;
    }
    Ok(())
}

fn exists(path: &CStr) -> bool {
    path.to_str().is_ok_and(|path| Path::new(path).exists())
}

fn drop_capabilities() -> Result<(), Errno> {
    for number in (0..64).filter(|number| !CAPABILITIES.contains(number)) {
        // SAFETY: the call takes numbers only.
        match Errno::result(unsafe { libc::prctl(libc::PR_CAPBSET_DROP, number, 0, 0, 0) }) {
            Ok(_) => {}
            Err(Errno::EINVAL) => break,
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}

/// Refuses these calls and, if they contain `unshare`, also `clone` with new namespaces and `clone3`, whose flags a filter cannot see.
fn filter(refused: &[libc::c_long]) -> Result<(), Errno> {
    const NEW_NAMESPACES: u32 = 0x7e02_0000;
    let operation = |code: u32, jt: u8, jf: u8, k: u32| libc::sock_filter { code: code as u16, jt, jf, k };
    let load = |at: u32| operation(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, at);
    let equal = |value: libc::c_long, jf: u8| operation(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, 0, jf, value as u32);
    let end = |action: u32| operation(libc::BPF_RET | libc::BPF_K, 0, 0, action);
    let fail = |errno: Errno| end(libc::SECCOMP_RET_ERRNO | errno as u32);
    let mut program = vec![load(0)];
    for number in refused {
        program.extend([equal(*number, 1), fail(Errno::EPERM)]);
    }
    if refused.contains(&libc::SYS_unshare) {
        program.extend([equal(libc::SYS_clone3, 1), fail(Errno::ENOSYS)]);
        let any_of = operation(libc::BPF_JMP | libc::BPF_JSET | libc::BPF_K, 0, 1, NEW_NAMESPACES);
        program.extend([equal(libc::SYS_clone, 3), load(16), any_of, fail(Errno::EPERM)]);
    }
    program.push(end(libc::SECCOMP_RET_ALLOW));
    let whole = libc::sock_fprog { len: program.len() as u16, filter: program.as_mut_ptr() };
    // SAFETY: the program outlives the call; root, even of a user namespace, does not need `no_new_privs` for it.
    Errno::result(unsafe { libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const whole) }).map(drop)
}
