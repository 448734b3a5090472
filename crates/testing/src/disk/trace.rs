//! Records all writes of a command and its children to a file, in order, as passed to the kernel (ptrace(2)).

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use nix::errno::Errno;
use nix::sys::ptrace::{self, Options};
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use super::replay::{Data, Write};

// Numbers of x86-64's system calls.
const WRITE: u64 = 1;
const PWRITE64: u64 = 18;
const WRITEV: u64 = 20;
const SENDFILE: u64 = 40;
const SPLICE: u64 = 275;
const FALLOCATE: u64 = 285;
const PWRITEV: u64 = 296;
const COPY_FILE_RANGE: u64 = 326;
const PWRITEV2: u64 = 328;

/// Modes of fallocate(2) that make zeros.
const PUNCH_HOLE: u64 = 2;
const ZERO_RANGE: u64 = 16;

/// A system call in progress: its offset, and the address of its data or the number of zeros.
struct Call {
    at: u64,
    from: From,
}

enum From {
    Memory(u64),
    Zeros(u64),
}

/// Runs a command to its end, and returns what it wrote to `file`, and how it ended.
pub fn record(command: &mut Command, file: &Path) -> (Vec<Write>, i32) {
    // SAFETY: one system call.
    unsafe { command.pre_exec(|| ptrace::traceme().map_err(Into::into)) };
    let child = Pid::from_raw(i32::try_from(command.spawn().unwrap().id()).unwrap());
    let (mut writes, mut calls) = (Vec::new(), BTreeMap::new());
    let options = Options::PTRACE_O_TRACESYSGOOD
        | Options::PTRACE_O_TRACECLONE
        | Options::PTRACE_O_TRACEFORK
        | Options::PTRACE_O_TRACEVFORK
        | Options::PTRACE_O_TRACEEXEC
        | Options::PTRACE_O_EXITKILL;
    waitpid(child, None).unwrap();
    ptrace::setoptions(child, options).unwrap();
    go_on(child, None);
    let mut ended = -1;
    loop {
        match waitpid(None, Some(WaitPidFlag::__WALL | WaitPidFlag::__WNOTHREAD)) {
            Ok(WaitStatus::PtraceSyscall(pid)) => {
                step(pid, file, &mut calls, &mut writes);
                go_on(pid, None);
            }
            // New processes stop once, and so does exec.
            Ok(WaitStatus::PtraceEvent(pid, ..) | WaitStatus::Stopped(pid, Signal::SIGSTOP | Signal::SIGTRAP)) => go_on(pid, None),
            Ok(WaitStatus::Stopped(pid, signal)) => go_on(pid, Some(signal)),
            Ok(WaitStatus::Exited(pid, code)) if pid == child => ended = code,
            Ok(_) => {}
            Err(Errno::ECHILD) => return (writes, ended),
            Err(error) => panic!("waitpid: {error}"),
        }
    }
}

/// A process that was killed meanwhile need not continue.
fn go_on(pid: Pid, signal: Option<Signal>) {
    if let Err(error) = ptrace::syscall(pid, signal) {
        assert_eq!(error, Errno::ESRCH);
    }
}

/// Handles the beginning or the end of a call.
fn step(pid: Pid, file: &Path, calls: &mut BTreeMap<Pid, Call>, writes: &mut Vec<Write>) {
    let Ok(registers) = ptrace::getregs(pid) else { return };
    if let Some(call) = calls.remove(&pid) {
        match (call.from, registers.rax.cast_signed()) {
            (From::Memory(from), written @ 1..) => {
                let mut bytes = vec![0; usize::try_from(written).unwrap()];
                File::open(format!("/proc/{pid}/mem")).unwrap().read_exact_at(&mut bytes, from).unwrap();
                writes.push(Write { at: call.at, data: Data::Bytes(bytes) });
            }
            (From::Zeros(length), 0) => writes.push(Write { at: call.at, data: Data::Zeros(length) }),
            _ => {}
        }
        return;
    }
    // At the beginning of a call, this is the value of its result.
    if registers.rax.cast_signed() != -i64::from(Errno::ENOSYS as i32) {
        return;
    }
    let number = registers.orig_rax;
    let target = match number {
        WRITE | PWRITE64 | WRITEV | SENDFILE | FALLOCATE | PWRITEV | PWRITEV2 => registers.rdi,
        SPLICE | COPY_FILE_RANGE => registers.rdx,
        _ => return,
    };
    let link = fs::read_link(format!("/proc/{pid}/fd/{target}"));
    if link.is_ok_and(|link| link == file) {
        let (at, from) = match number {
            WRITE => (position(pid, target), From::Memory(registers.rsi)),
            PWRITE64 => (registers.r10, From::Memory(registers.rsi)),
            FALLOCATE if registers.rsi & (PUNCH_HOLE | ZERO_RANGE) != 0 => (registers.rdx, From::Zeros(registers.r10)),
            // It only allocates space.
            FALLOCATE => return,
            other => panic!("the call {other} writes to the disk, and is not recorded"),
        };
        calls.insert(pid, Call { at, from });
    }
}

fn position(pid: Pid, descriptor: u64) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/fdinfo/{descriptor}")).unwrap();
    text.lines().find_map(|line| line.strip_prefix("pos:")).unwrap().trim().parse().unwrap()
}
