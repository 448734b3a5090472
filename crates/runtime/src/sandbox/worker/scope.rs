//! Signals and abstract sockets restricted to a step without namespaces, by Landlock (`userspace-api/landlock.rst` of the kernel).

use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd};

use nix::errno::Errno;
use nix::libc;

/// `struct landlock_ruleset_attr`: restrictions of files, of the network, and scopes of the domain.
#[repr(C)]
struct Attributes {
    files: u64,
    network: u64,
    scoped: u64,
}

/// `LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET` and `LANDLOCK_SCOPE_SIGNAL`, since Linux 6.12.
const SCOPED: u64 = 1 << 0 | 1 << 1;

/// The ruleset to confine a process with; `None` if the kernel does not support these scopes, or a container forbids the call.
pub(super) fn ruleset() -> Option<OwnedFd> {
    let attributes = Attributes { files: 0, network: 0, scoped: SCOPED };
    // SAFETY: the attributes outlive the call, and the size is theirs.
    let result = unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, &raw const attributes, size_of_val(&attributes), 0) };
    let fd = Errno::result(result).ok().and_then(|fd| i32::try_from(fd).ok())?;
    // SAFETY: the descriptor was just created and is not used elsewhere.
    Some(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Confines this process and all it starts. Makes system calls only and allocates no memory.
pub(super) fn restrict(ruleset: &OwnedFd) -> Result<(), Errno> {
    // SAFETY: the call takes numbers only.
    Errno::result(unsafe { libc::syscall(libc::SYS_landlock_restrict_self, ruleset.as_raw_fd(), 0) }).map(drop)
}
