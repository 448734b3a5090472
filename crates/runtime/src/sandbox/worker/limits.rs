//! Settings that are the same for every build, whoever starts it.

use nix::errno::Errno;
use nix::libc;
use nix::sys::prctl::set_no_new_privs;
use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit, setrlimit};
use nix::sys::stat::{Mode, umask};
use nix::unistd::sethostname;

use super::super::message::{Refusal, Stage};
use super::super::{HOST_NAME, Isolation};

/// Capabilities that steps keep, by number (`linux/capability.h`): what packaging needs. All of them are effective only within the user
/// namespace. Without `CAP_SYS_ADMIN` and `CAP_NET_ADMIN`, a step can neither unmount anything nor change an interface.
const KEPT_CAPABILITIES: [libc::c_ulong; 11] = [
    0,  // CAP_CHOWN
    1,  // CAP_DAC_OVERRIDE
    2,  // CAP_DAC_READ_SEARCH
    3,  // CAP_FOWNER
    4,  // CAP_FSETID
    5,  // CAP_KILL
    6,  // CAP_SETGID
    7,  // CAP_SETUID
    10, // CAP_NET_BIND_SERVICE
    18, // CAP_SYS_CHROOT
    31, // CAP_SETFCAP
];

/// More than any kernel has; the loop below ends when the kernel refuses a number.
const CAPABILITY_NUMBERS: std::ops::Range<libc::c_ulong> = 0..64;

/// With the host's own capabilities, these would permit leaving a chroot (`DAC_READ_SEARCH`, `SYS_CHROOT`) and signalling the host's
/// processes (`KILL`).
const KEPT_IN_NAMESPACES_ONLY: [libc::c_ulong; 3] = [
    2,  // CAP_DAC_READ_SEARCH, for open_by_handle_at(2)
    5,  // CAP_KILL
    18, // CAP_SYS_CHROOT
];

/// Fixes umask, host name, resource limits and capabilities for all steps.
pub(super) fn fix(isolation: Isolation) -> Result<(), Refusal> {
    umask(Mode::from_bits_truncate(0o022));
    match isolation {
        Isolation::Namespaces => {
            sethostname(HOST_NAME).map_err(Stage::Identity.refused(""))?;
            set_domain_name("(none)").map_err(Stage::Identity.refused(""))?;
        }
        // A sandbox must not change the host's name.
        Isolation::Chroot => {}
    }
    resources();
    leave_keyring();
    drop_capabilities(isolation).map_err(Stage::Limits.refused(""))?;
    set_no_new_privs().map_err(Stage::Limits.refused(""))
}

/// Sets resource limits. An ordinary user cannot raise a hard limit; a lower one stays in effect.
fn resources() {
    let mib = 1 << 20;
    let wanted = [
        (Resource::RLIMIT_CORE, 0, 0),
        (Resource::RLIMIT_NOFILE, 4096, 4096),
        // Compilers raise the soft limit themselves, up to this hard one.
        (Resource::RLIMIT_STACK, 8 * mib, 64 * mib),
        (Resource::RLIMIT_CPU, RLIM_INFINITY, RLIM_INFINITY),
        (Resource::RLIMIT_FSIZE, RLIM_INFINITY, RLIM_INFINITY),
        (Resource::RLIMIT_DATA, RLIM_INFINITY, RLIM_INFINITY),
        (Resource::RLIMIT_AS, RLIM_INFINITY, RLIM_INFINITY),
    ];
    for (resource, soft, hard) in wanted {
        if let Ok((_, allowed)) = getrlimit(resource) {
            let hard = hard.min(allowed);
            let _ = setrlimit(resource, soft.min(hard), hard);
        }
    }
}

fn set_domain_name(name: &str) -> Result<(), Errno> {
    // SAFETY: the pointer and the length are of one string that outlives the call.
    Errno::result(unsafe { libc::setdomainname(name.as_ptr().cast(), name.len()) }).map(drop)
}

/// Leaves the keys of the user's session (of a mounted home, of Kerberos). Fails on a kernel without keyrings, where there is nothing to leave.
fn leave_keyring() {
    const JOIN_SESSION_KEYRING: libc::c_long = 1;
    // SAFETY: a null name asks for a new anonymous keyring; no memory is passed.
    unsafe { libc::syscall(libc::SYS_keyctl, JOIN_SESSION_KEYRING, std::ptr::null::<libc::c_char>()) };
}

/// Process 1 keeps its capabilities; programs that it starts get at most this set.
fn drop_capabilities(isolation: Isolation) -> Result<(), Errno> {
    let is_kept = |number: &libc::c_ulong| {
        KEPT_CAPABILITIES.contains(number) && (isolation == Isolation::Namespaces || !KEPT_IN_NAMESPACES_ONLY.contains(number))
    };
    for number in CAPABILITY_NUMBERS.filter(|number| !is_kept(number)) {
        // SAFETY: the call takes numbers only.
        match Errno::result(unsafe { libc::prctl(libc::PR_CAPBSET_DROP, number, 0, 0, 0) }) {
            Ok(_) => {}
            Err(Errno::EINVAL) => break,
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}
