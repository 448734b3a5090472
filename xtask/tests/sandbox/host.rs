//! Hosts that lack something: this one, with changes in a new user namespace.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use base::diagnostic::{Style, render};
use runtime::sandbox::StepsEnded;

use super::bench::{Bench, scratch};
use crate::support::namespace::{Change, enter};

/// The build directory, for the process on the changed host.
const FOLDER_VARIABLE: &str = "KAON_TEST_SPOILT";

/// The output of a builder on a host with these changes, in the directory `folder`.
fn told_after(folder: &Path, changes: Vec<Change>) -> String {
    let mut builder = Command::new(std::env::current_exe().unwrap());
    builder.args(["--ignored", "--exact", "--nocapture", "sandbox::host::plays_a_builder"]);
    builder.env(FOLDER_VARIABLE, folder).current_dir(folder).stderr(Stdio::inherit());
    enter(&mut builder, changes);
    let output = builder.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    text
}

/// Not a test by itself: started by the others.
#[test]
#[ignore = "is a process another test starts"]
fn plays_a_builder() {
    let Ok(folder) = std::env::var(FOLDER_VARIABLE) else { return };
    let bench = Bench::within(folder.as_ref(), "for ((i = 0; i < 200; i++)); do printf '%*s' 10000 '' || exit 1; done >/build/large");
    match bench.run() {
        Ok(outcome) => assert_eq!(outcome.status, StepsEnded::Done),
        Err(error) => writeln!(std::io::stdout(), "{}", render(&error, Style::Plain)).unwrap(),
    }
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn an_unspoilt_host_is_not_blamed() {
    let text = told_after(scratch().path(), Vec::new());
    assert!(text.contains("1 passed") && !text.contains("error"), "{text}");
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn no_user_namespaces() {
    let text = told_after(scratch().path(), vec![Change::Write(c"/proc/sys/user/max_user_namespaces", "0")]);
    assert!(text.contains("cause: no more user namespaces are allowed (user.max_user_namespaces = 0)"), "{text}");
    assert!(text.contains("hint: raise the limit: `sudo sysctl -w user.max_user_namespaces=15000`"), "{text}");
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn a_hidden_part_of_proc_stops_no_build() {
    let text = told_after(scratch().path(), vec![Change::Mount(c"tmpfs", c"", c"/proc/sys")]);
    assert!(text.contains("1 passed") && !text.contains("error"), "{text}");
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn scratch_on_an_overlay() {
    let folder = scratch();
    ["a", "b", "c"].iter().for_each(|name| fs::create_dir(folder.path().join(name)).unwrap());
    let text = told_after(folder.path(), vec![Change::Mount(c"overlay", c"lowerdir=a,upperdir=b,workdir=c,userxattr", c".")]);
    assert!(text.contains("cause: an overlay with its changes in"), "{text}");
    assert!(text.contains("hint: set KAON_STORE to a directory on ext4"), "{text}");
}

#[test]
#[ignore = "needs the SDK: cargo xtask test"]
fn full_disk() {
    let folder = scratch();
    fs::create_dir(folder.path().join("build")).unwrap();
    let text = told_after(folder.path(), vec![Change::Mount(c"tmpfs", c"size=1m", c"build")]);
    assert!(text.contains("error: the disk is full"), "{text}");
    assert!(text.contains("cargo xtask gc"), "{text}");
}
