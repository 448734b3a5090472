//! Ctrl-C while a cache is asked or written to.

use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::Published;
use crate::resilience::project::text;

/// Starts a program that talks to a server that never answers, signals it once it has connected, and returns its exit code and what it said.
fn stopped(command: impl Fn(&str) -> Command, signal: Signal) -> (Option<i32>, String) {
    // One for each program: an earlier one may have left a connection that nobody accepted.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut command = command(&format!("http://{}", silent.local_addr().unwrap()));
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let connection: TcpStream = silent.accept().unwrap().0;
    kill(Pid::from_raw(child.id().cast_signed()), signal).unwrap();
    let output = child.wait_with_output().unwrap();
    drop(connection);
    (output.status.code(), text(&output.stdout) + &text(&output.stderr))
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn whoever_asks_a_cache_can_be_stopped_and_says_so() {
    let published = Published::new();
    let user = published.user("second").trusts();
    let store = published.project.path("first");
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        for client in ["auto", "builtin"] {
            for arguments in [&["cache", "check"][..], &["plan"], &["build", "--cache-only"], &["build"]] {
                let command = |address: &str| user.command(&[&["--debian-client", client, "--cache", address], arguments].concat());
                let (code, said) = stopped(command, signal);
                assert_eq!(code, Some(130), "{signal} {client} {arguments:?}: {said}");
                assert!(said.contains("interrupted") && !said.contains("no cache has"), "{client} {arguments:?}: {said}");
            }
        }
        let (code, said) = stopped(|address| published.project.command(&store, &["cache", "push", "--to", address]), signal);
        assert_eq!(code, Some(130), "{signal}: {said}");
        assert!(said.contains("interrupted") && said.contains("it writes only what is missing"), "{said}");
    }
}
