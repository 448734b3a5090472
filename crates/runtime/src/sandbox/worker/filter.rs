//! A filter of system calls for sandboxes that have no namespaces: no network, no signals to everybody, no keyrings.

use nix::errno::Errno;
use nix::libc;

/// The bit of system call numbers of the x32 interface, which no distribution uses.
const X32: u32 = 0x4000_0000;
/// `AUDIT_ARCH_X86_64` and `AUDIT_ARCH_I386` (`linux/audit.h`).
const X86_64: u32 = 0xc000_003e;
const I386: u32 = 0x4000_0003;

/// The offsets of the number, the architecture and the low half of the first argument in `struct seccomp_data`.
const NUMBER: u32 = 0;
const ARCHITECTURE: u32 = 4;
const FIRST_ARGUMENT: u32 = 16;

/// The treatment of one system call.
#[derive(Clone, Copy)]
enum Rule {
    /// It fails with this error.
    Fails(Errno),
    /// It fails with this error unless its first argument is this value.
    FailsUnless(u32, Errno),
    /// It fails with this error if its first argument is this value.
    FailsIf(u32, Errno),
}

/// `kill(-1, …)` is for all processes, which without a process namespace includes others than the sandbox's.
const EVERYBODY: u32 = u32::MAX;

/// Only sockets between processes of this machine. Calls that create sockets without `socket` are refused as well.
const RULES_X86_64: [(u32, Rule); 6] = [
    (libc::SYS_socket as u32, Rule::FailsUnless(libc::AF_UNIX as u32, Errno::EAFNOSUPPORT)),
    (libc::SYS_io_uring_setup as u32, Rule::Fails(Errno::ENOSYS)),
    (libc::SYS_kill as u32, Rule::FailsIf(EVERYBODY, Errno::EPERM)),
    (libc::SYS_keyctl as u32, Rule::Fails(Errno::ENOSYS)),
    (libc::SYS_add_key as u32, Rule::Fails(Errno::ENOSYS)),
    (libc::SYS_request_key as u32, Rule::Fails(Errno::ENOSYS)),
];

/// The same for 32-bit programs, by their own numbers (`asm/unistd_32.h`): `socket`, `socketcall`, `io_uring_setup`, `kill`, `keyctl`,
/// `add_key`, `request_key`.
const RULES_I386: [(u32, Rule); 7] = [
    (359, Rule::FailsUnless(libc::AF_UNIX as u32, Errno::EAFNOSUPPORT)),
    (102, Rule::Fails(Errno::ENOSYS)),
    (425, Rule::Fails(Errno::ENOSYS)),
    (37, Rule::FailsIf(EVERYBODY, Errno::EPERM)),
    (288, Rule::Fails(Errno::ENOSYS)),
    (286, Rule::Fails(Errno::ENOSYS)),
    (287, Rule::Fails(Errno::ENOSYS)),
];

/// Installs the filter permanently for this process and all it starts. `no_new_privs` must be set.
pub(super) fn install() -> Result<(), Errno> {
    let mut program = program();
    let length = u16::try_from(program.len()).map_err(|_| Errno::E2BIG)?;
    let whole = libc::sock_fprog { len: length, filter: program.as_mut_ptr() };
    // SAFETY: the kernel copies the program during the call, and its length is that of the vector.
    let result = unsafe { libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const whole) };
    Errno::result(result).map(drop)
}

fn program() -> Vec<libc::sock_filter> {
    let (native, compatible) = (checks(&RULES_X86_64), checks(&RULES_I386));
    let mut program =
        vec![load(ARCHITECTURE), skip_unless(X86_64, native.len() + 3), load(NUMBER), skip_unless_set(X32, 1), fail(Errno::ENOSYS)];
    program.extend(native);
    program.push(skip_unless(I386, compatible.len() + 1));
    program.push(load(NUMBER));
    program.extend(compatible);
    program.push(fail(Errno::ENOSYS));
    program
}

/// Decides on the loaded number; calls without a rule are allowed.
fn checks(rules: &[(u32, Rule)]) -> Vec<libc::sock_filter> {
    let mut program = Vec::new();
    for (number, rule) in rules {
        let decision = match *rule {
            Rule::Fails(errno) => vec![fail(errno)],
            Rule::FailsUnless(value, errno) => vec![load(FIRST_ARGUMENT), skip_unless(value, 1), ALLOW, fail(errno)],
            Rule::FailsIf(value, errno) => vec![load(FIRST_ARGUMENT), skip_unless(value, 1), fail(errno), ALLOW],
        };
        program.push(skip_unless(*number, decision.len()));
        program.extend(decision);
    }
    program.push(ALLOW);
    program
}

const ALLOW: libc::sock_filter = operation(libc::BPF_RET | libc::BPF_K, libc::SECCOMP_RET_ALLOW);

const fn fail(errno: Errno) -> libc::sock_filter {
    operation(libc::BPF_RET | libc::BPF_K, libc::SECCOMP_RET_ERRNO | errno as u32)
}

const fn load(at: u32) -> libc::sock_filter {
    operation(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, at)
}

const fn operation(code: u32, value: u32) -> libc::sock_filter {
    libc::sock_filter { code: code as u16, jt: 0, jf: 0, k: value }
}

/// Continues with the next operation if the loaded value is `value`, otherwise skips `count` operations.
const fn skip_unless(value: u32, count: usize) -> libc::sock_filter {
    libc::sock_filter { jf: count as u8, ..operation(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, value) }
}

/// Continues with the next operation if a bit of `bits` is set, otherwise skips `count` operations.
const fn skip_unless_set(bits: u32, count: usize) -> libc::sock_filter {
    libc::sock_filter { jf: count as u8, ..operation(libc::BPF_JMP | libc::BPF_JSET | libc::BPF_K, bits) }
}
