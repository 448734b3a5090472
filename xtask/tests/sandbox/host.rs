//! Hosts that lack something: this one, spoilt in a user namespace of its own.

use std::io::Write as _;
use std::process::{Command, Stdio};

use xtask::diagnostic::{Style, render};
use xtask::sandbox::StepsEnded;

use super::bench::{Bench, scratch};

/// Tells the process on the spoilt host where to build.
const FOLDER_VARIABLE: &str = "KAON_TEST_SPOILT";

/// What a builder says after `spoil`, a shell script with a directory in `$FOLDER`, was run in a new user and mount namespace.
fn told_after(spoil: &str) -> String {
    let folder = scratch();
    let script = format!("set -e; {spoil}\nexec \"$0\" --ignored --exact --nocapture sandbox::host::plays_a_builder");
    let output = Command::new("unshare")
        .args(["-Urm", "sh", "-c", &script])
        .arg(std::env::current_exe().unwrap())
        .env("FOLDER", folder.path())
        .env(FOLDER_VARIABLE, folder.path())
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    text
}

#[test]
#[ignore = "is a process other tests start"]
fn plays_a_builder() {
    let folder = std::env::var(FOLDER_VARIABLE).expect("started by another test");
    let bench = Bench::within(folder.as_ref(), "for ((i = 0; i < 200; i++)); do printf '%*s' 10000 '' || exit 1; done >/build/large");
    match bench.run() {
        Ok(outcome) => assert_eq!(outcome.status, StepsEnded::Done),
        Err(error) => writeln!(std::io::stdout(), "{}", render(&error, Style::Plain)).unwrap(),
    }
}

#[test]
fn an_unspoilt_host_is_not_blamed() {
    assert!(!told_after("true").contains("error"));
}

#[test]
fn no_user_namespaces() {
    let text = told_after("echo 0 >/proc/sys/user/max_user_namespaces");
    assert!(text.contains("cause: no further user namespace is allowed (user.max_user_namespaces = 0)"), "{text}");
    assert!(text.contains("hint: raise the limit: `sudo sysctl -w user.max_user_namespaces=15000`"), "{text}");
}

#[test]
fn hidden_proc() {
    let text = told_after("mount -t tmpfs none /proc/sys");
    assert!(text.contains("cause: a fresh /proc cannot be mounted"), "{text}");
    assert!(text.contains("systempaths=unconfined"), "{text}");
}

#[test]
fn scratch_on_an_overlay() {
    let spoil = "cd $FOLDER; mkdir a b c; mount -t overlay -o lowerdir=a,upperdir=b,workdir=c,userxattr none $FOLDER";
    let text = told_after(spoil);
    assert!(text.contains("cause: an overlay with its changes in"), "{text}");
    assert!(text.contains("hint: set KAON_STORE to a directory on ext4"), "{text}");
}

#[test]
fn full_disk() {
    let text = told_after("mkdir $FOLDER/build; mount -t tmpfs -o size=1m none $FOLDER/build");
    assert!(text.contains("error: the disk is full"), "{text}");
    assert!(text.contains("cargo xtask gc"), "{text}");
}
