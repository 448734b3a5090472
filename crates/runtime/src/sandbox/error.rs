//! Errors of a sandbox itself, not of its steps.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use nix::errno::Errno;

use super::message::{Refusal, Stage};
use crate::disk_space::{MORE_INODES, inodes_used_up};
use crate::limits::{self, MORE_PROCESSES, is_no_process};
use base::diagnostic::{ExitCode, Failure};

/// Why a job could not be run to its end.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The host cannot create sandboxes.
    #[error("this machine cannot create build sandboxes")]
    Host(#[source] HostLack),
    /// A directory or file of the job does not exist.
    #[error("{what} `{}` does not exist", path.display())]
    Missing {
        /// Its role in the job: `layer`, `input`, `build directory`.
        what: &'static str,
        /// Where it should be.
        path: PathBuf,
    },
    /// A directory or file of the job is not accessible: in a sandbox even root has no rights over files of other users.
    #[error("{what} `{}` cannot be reached from a sandbox: a directory above it is closed to this user", path.display())]
    Closed {
        /// Its role in the job, as in [`SandboxError::Missing`].
        what: &'static str,
        /// Where it is.
        path: PathBuf,
    },
    /// A step's program is not in the sandbox.
    #[error("phase `{phase}`: the sandbox lacks the program `{program}`, or the interpreter it needs")]
    NoProgram {
        /// The step's phase.
        phase: String,
        /// The program as the step names it.
        program: String,
    },
    /// A step's program exists, but cannot be run.
    #[error("phase `{phase}`: cannot run `{program}` in the sandbox")]
    NotStarted {
        /// The step's phase.
        phase: String,
        /// The program as the step names it.
        program: String,
        /// Why.
        source: io::Error,
    },
    /// A step's working directory is not in the sandbox.
    #[error("phase `{phase}`: the sandbox has no directory `{directory}`")]
    NoDirectory {
        /// The step's phase.
        phase: String,
        /// The directory.
        directory: String,
    },
    /// A path inside the sandbox is not absolute or leads upwards.
    #[error("`{at}` must be an absolute path without `..`")]
    BadPlace {
        /// The path.
        at: String,
    },
    /// The disk that the job writes to is full.
    #[error("the disk is full: no room left in `{}`", path.display())]
    DiskFull {
        /// A directory on that disk.
        path: PathBuf,
    },
    /// The file system that the job writes to has no inodes left.
    #[error("no inodes left on the file system of `{}`", path.display())]
    NoInodes {
        /// A directory on that file system.
        path: PathBuf,
    },
    /// This process may not open as many files as the sandbox has layers.
    #[error("a sandbox needs more open files than the {limit} that this process is allowed")]
    OpenFiles {
        /// The limit (`ulimit -Hn`).
        limit: u64,
    },
    /// The sandbox could not be created, for a reason other than the host's limitations.
    #[error("cannot create the sandbox: {what}")]
    Setup {
        /// What was being done.
        what: String,
        /// Why not.
        source: io::Error,
    },
    /// The worker could not be started or read from.
    #[error("cannot {operation} the sandbox's worker")]
    Worker {
        /// What was being done with it.
        operation: &'static str,
        /// Why.
        source: io::Error,
    },
    /// The log could not be opened.
    #[error("cannot write the log `{}`", path.display())]
    Log {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The worker ended without a report, for example because the kernel ran out of memory and killed it.
    #[error("the sandbox's worker ended early: {status}")]
    Lost {
        /// How it ended.
        status: ExitStatus,
    },
    /// The worker could not read the job.
    #[error("the sandbox's worker could not read its job: {message}")]
    BadJob {
        /// Its message.
        message: String,
    },
    /// The user asked to stop.
    #[error("interrupted")]
    Cancelled,
}

/// What a host lacks to create sandboxes.
#[derive(Debug, thiserror::Error)]
pub enum HostLack {
    /// A setting of Debian's kernels forbids user namespaces for ordinary users.
    #[error("user namespaces are not available to ordinary users (kernel.unprivileged_userns_clone = 0)")]
    UnprivilegedUserNamespaces,
    /// The limit of user namespaces is zero or used up.
    #[error("no more user namespaces are allowed (user.max_user_namespaces = {limit})")]
    UserNamespaceLimit {
        /// The limit.
        limit: u64,
    },
    /// AppArmor takes all capabilities from user namespaces of ordinary users (Ubuntu since 23.10).
    #[error("AppArmor restricts user namespaces (kernel.apparmor_restrict_unprivileged_userns = 1)")]
    AppArmor,
    /// Namespaces are refused, usually by a container's system call filter and not by a setting.
    #[error("{what} refused")]
    Namespaces {
        /// Which namespaces.
        what: &'static str,
        /// The system call's error.
        source: io::Error,
    },
    /// `/proc` cannot be mounted afresh, because parts of the existing one are masked, as in most containers.
    #[error("a fresh /proc cannot be mounted")]
    Proc {
        /// The system call's error.
        source: io::Error,
    },
    /// A sandbox without namespaces cannot be created either.
    #[error("{what} is refused")]
    Chroot {
        /// What was tried.
        what: String,
        /// The system call's error.
        source: io::Error,
    },
    /// An overlay cannot be mounted.
    #[error("an overlay with its changes in `{}` cannot be mounted", upper.display())]
    Overlay {
        /// The upper directory.
        upper: PathBuf,
        /// The system call's error.
        source: io::Error,
    },
    /// No program can be started from the store.
    #[error("`{}` is on a file system mounted `noexec`: programs there cannot be started", folder.display())]
    NoExec {
        /// A directory of the store.
        folder: PathBuf,
    },
    /// The kernel lacks a system call, or refuses a mount that every kernel since 5.12 allows in a user namespace.
    #[error("the kernel refuses to mount {what}")]
    Mount {
        /// What was to be mounted.
        what: String,
        /// The system call's error.
        source: io::Error,
    },
}

impl SandboxError {
    /// The file system of `path` has no bytes or no inodes left.
    pub(super) fn full(path: PathBuf) -> Self {
        if inodes_used_up(&path) { Self::NoInodes { path } } else { Self::DiskFull { path } }
    }
}

impl Failure for SandboxError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Host(lack) => Some(lack.remedy()),
            Self::Missing { .. } => Some("run the same command again: whatever is missing from the store is fetched or built again".into()),
            Self::Closed { .. } => {
                Some("set KAON_STORE to a directory whose parents belong to this user or are accessible to everybody".into())
            }
            Self::NoProgram { program, .. } => {
                Some(format!("add the package that contains `{program}` to `requires.build`, or the SDK layer to `package.sdk`"))
            }
            Self::NoDirectory { .. } => {
                Some("the directory must be in the source tree: correct `subdir` of the spec, or `strip` and `into` of its sources".into())
            }
            Self::DiskFull { .. } => Some(
                "free some space (`cargo xtask gc` removes what nothing needs) and run the same command again: packages that are built are kept".into(),
            ),
            Self::NoInodes { .. } => Some(MORE_INODES.into()),
            Self::OpenFiles { .. } => Some(
                "raise the hard limit (`ulimit -Hn 4096` as root, `LimitNOFILE=` of a service, `--ulimit nofile=4096` of a container)"
                    .into(),
            ),
            Self::Lost { .. } => Some("if the kernel log (`dmesg`) reports that memory ran out, build with fewer `--jobs`".into()),
            Self::Worker { source, .. } | Self::NotStarted { source, .. } if is_no_process(source) => Some(MORE_PROCESSES.into()),
            Self::Worker { .. } => Some("`cargo xtask doctor` reports what this machine lacks and how to fix it".into()),
            Self::NotStarted { .. }
            | Self::BadPlace { .. }
            | Self::Setup { .. }
            | Self::Log { .. }
            | Self::BadJob { .. }
            | Self::Cancelled => None,
        }
    }

    fn exit(&self) -> ExitCode {
        match self {
            Self::Host(_) | Self::OpenFiles { .. } | Self::Closed { .. } => ExitCode::Host,
            Self::Worker { source, .. } | Self::NotStarted { source, .. } if is_no_process(source) => ExitCode::Host,
            Self::Cancelled => ExitCode::Interrupted,
            _ => ExitCode::Failed,
        }
    }
}

impl HostLack {
    /// The command or setting that fixes it.
    pub fn remedy(&self) -> String {
        match self {
            Self::UserNamespaceLimit { .. } | Self::Namespaces { .. } | Self::Proc { .. } if chroot_would_do() => {
                format!(
                    "{}; or build without them, which is weaker: `--sandbox chroot` (or KAON_SANDBOX=chroot)",
                    self.mended_by_namespaces()
                )
            }
            other => other.mended_by_namespaces(),
        }
    }

    /// The remedy that makes sandboxes with namespaces possible.
    fn mended_by_namespaces(&self) -> String {
        match self {
            Self::UnprivilegedUserNamespaces => "enable them: `sudo sysctl -w kernel.unprivileged_userns_clone=1`".into(),
            Self::UserNamespaceLimit { .. } => "raise the limit: `sudo sysctl -w user.max_user_namespaces=15000`".into(),
            Self::AppArmor => "lift the restriction: `sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0`".into(),
            Self::Namespaces { .. } | Self::Proc { .. } => {
                "in a container, start it with `--security-opt seccomp=unconfined --security-opt \
                apparmor=unconfined --security-opt systempaths=unconfined` (Docker, Podman), or with `--privileged`"
                    .into()
            }
            Self::Chroot { .. } => {
                "`--sandbox chroot` needs root with the capabilities SYS_CHROOT, MKNOD and SETPCAP, as containers of Docker have them, a \
                mounted /proc, and a store on a file system that is not mounted `nodev`"
                    .into()
            }
            Self::Overlay { source, .. } if is(source, Errno::ENODEV) => "load the kernel's overlay module: `sudo modprobe overlay`".into(),
            Self::Overlay { .. } => {
                "set KAON_STORE to a directory on ext4, xfs, btrfs or tmpfs that is not an overlay itself (in a container: \
                on a volume), under a kernel of 5.12 or later"
                    .into()
            }
            Self::NoExec { folder } => format!(
                "remount the file system with `exec` (`findmnt -T {}` shows its mount point: `sudo mount -o remount,exec MOUNTPOINT`), or set \
                 KAON_STORE to a directory on another file system",
                folder.display()
            ),
            Self::Mount { .. } => "use a kernel of 5.12 or later; in a container, start it with `--security-opt seccomp=unconfined`".into(),
        }
    }
}

impl From<Refusal> for SandboxError {
    fn from(Refusal { stage, subject, errno }: Refusal) -> Self {
        let source = io::Error::from_raw_os_error(errno);
        let path = PathBuf::from(&subject);
        if is(&source, Errno::ENOSPC) && stage > Stage::Namespaces || is(&source, Errno::EDQUOT) {
            return Self::full(path);
        }
        if is(&source, Errno::EMFILE) {
            return Self::OpenFiles { limit: limits::open_files() };
        }
        if is_no_process(&source) {
            return Self::Worker { operation: "start", source };
        }
        if let Some(what) = stage.part() {
            match Errno::from_raw(errno) {
                Errno::ENOENT | Errno::ENOTDIR => return Self::Missing { what, path },
                Errno::EACCES => return Self::Closed { what, path },
                _ => {}
            }
        }
        let host = match stage {
            Stage::UserNamespace => HostLack::of_user_namespace(source),
            Stage::IdentityMap => HostLack::of_capabilities("writing the user namespace's identity map was", source),
            Stage::Namespaces => HostLack::of_capabilities("mount, process, network, IPC and host name namespaces were", source),
            Stage::MountNamespace => HostLack::of_capabilities("a mount namespace was", source),
            // Builds may record the host name, so their results would depend on the host if the sandbox did not set its own.
            Stage::Identity => HostLack::of_capabilities("setting the host name and domain was", source),
            Stage::Chroot | Stage::Node => HostLack::Chroot { what: stage.doing(&subject), source },
            Stage::Overlay => HostLack::Overlay { upper: path, source },
            Stage::Proc => HostLack::Proc { source },
            Stage::Mount => HostLack::Mount { what: subject, source },
            Stage::MountPoint if is(&source, Errno::EINVAL) => return Self::BadPlace { at: subject },
            other => return Self::Setup { what: other.doing(&subject), source },
        };
        Self::Host(host)
    }
}

impl HostLack {
    fn of_user_namespace(source: io::Error) -> Self {
        let limit = setting("user/max_user_namespaces");
        if setting("kernel/unprivileged_userns_clone") == Some(0) && !nix::unistd::geteuid().is_root() {
            return Self::UnprivilegedUserNamespaces;
        }
        match limit {
            Some(limit) if limit == 0 || is(&source, Errno::ENOSPC) || is(&source, Errno::EUSERS) => Self::UserNamespaceLimit { limit },
            _ => Self::of_capabilities("a user namespace was", source),
        }
    }

    /// AppArmor permits creating the user namespace but removes its capabilities, so that only a later step is refused.
    fn of_capabilities(what: &'static str, source: io::Error) -> Self {
        if setting("kernel/apparmor_restrict_unprivileged_userns") == Some(1) && !nix::unistd::geteuid().is_root() {
            return Self::AppArmor;
        }
        Self::Namespaces { what, source }
    }
}

/// Whether a sandbox with chroot is possible. This process must be real root, not root of a user namespace, which may not create devices,
/// and have the capabilities SETPCAP, SYS_CHROOT and MKNOD (8, 18 and 27 in `linux/capability.h`).
fn chroot_would_do() -> bool {
    const WANTED: u64 = 1 << 8 | 1 << 18 | 1 << 27;
    let read = |name: &str| std::fs::read_to_string(format!("/proc/self/{name}")).unwrap_or_default();
    let is_whole_machine = read("uid_map").split_ascii_whitespace().eq(["0", "0", "4294967295"]);
    let status = read("status");
    let capabilities = status.lines().find_map(|line| u64::from_str_radix(line.strip_prefix("CapEff:")?.trim(), 16).ok());
    nix::unistd::geteuid().is_root() && is_whole_machine && capabilities.is_some_and(|set| set & WANTED == WANTED)
}

fn setting(name: &str) -> Option<u64> {
    std::fs::read_to_string(Path::new("/proc/sys").join(name)).ok()?.trim().parse().ok()
}

fn is(error: &io::Error, errno: Errno) -> bool {
    error.raw_os_error() == Some(errno as i32)
}
