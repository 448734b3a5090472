//! Signals that ask the program to end.

mod support;

use std::io::Read;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Child, Command, Stdio};

use nix::fcntl::{FcntlArg, fcntl};
use nix::sys::signal::{SigHandler, Signal, kill};
use nix::unistd::Pid;
use support::Machine;

/// The smallest pipe there is. What is said of all packages is longer, so that the program waits for a reader before it is done.
const PIPE_BYTES: i32 = 4096;

const PACKAGES: usize = 40;

fn machine() -> Machine {
    let name = |number| format!("[\"{}{number}-1-1\"]\n", "package-with-a-long-name-".repeat(5));
    Machine::new(&(0..PACKAGES).map(name).collect::<String>(), "")
}

/// tdnf, as a program that the user can end: whoever runs the tests may ignore signals (nohup(1)), which children inherit.
fn command(machine: &Machine) -> Command {
    let mut command = machine.command();
    let heed = || {
        for signal in [Signal::SIGHUP, Signal::SIGINT, Signal::SIGTERM] {
            // SAFETY: no handler is set.
            unsafe { nix::sys::signal::signal(signal, SigHandler::SigDfl) }?;
        }
        Ok(())
    };
    // SAFETY: three system calls, and nothing is allocated.
    unsafe { command.pre_exec(heed) };
    command
}

fn send(child: &Child, signal: Signal) {
    kill(Pid::from_raw(child.id() as i32), signal).unwrap();
}

/// Reads no more than up to the end of `text`.
fn read_to(text: &str, from: &mut impl Read) {
    let (mut read, mut byte) = (Vec::new(), [0]);
    while !read.ends_with(text.as_bytes()) {
        assert_eq!(from.read(&mut byte).unwrap(), 1, "{}", String::from_utf8_lossy(&read));
        read.push(byte[0]);
    }
}

#[test]
fn a_transaction_is_finished_first() {
    let machine = machine();
    for signal in [Signal::SIGHUP, Signal::SIGINT, Signal::SIGTERM] {
        let mut command = command(&machine);
        let mut child = command.args(["-y", "install", "package*"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut answer = child.stdout.take().unwrap();
        fcntl(&answer, FcntlArg::F_SETPIPE_SZ(PIPE_BYTES)).unwrap();
        read_to("Installing/Updating: ", &mut answer);
        for _ in 0..3 {
            send(&child, signal);
        }
        let mut rest = String::new();
        answer.read_to_string(&mut rest).unwrap();
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(128 + signal as i32), "{said}");
        assert_eq!(said.matches(&format!("{signal} came; the transaction is finished first")).count(), 1, "{said}");
        assert!(rest.contains("Complete!"), "{rest}");
        assert_eq!(machine.installed().len(), PACKAGES);
        machine.accepts(&["erase", "package*"]);
    }
}

#[test]
fn before_the_first_change_the_program_ends() {
    let machine = machine();
    let mut child = command(&machine).args(["install", "package*"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    read_to("Is this ok [y/N]: ", child.stdout.as_mut().unwrap());
    send(&child, Signal::SIGTERM);
    assert_eq!(child.wait().unwrap().signal(), Some(Signal::SIGTERM as i32));
    assert_eq!(machine.installed(), [""; 0]);
    machine.refuses(&["erase", "package*"], "package*");
}
