//! Sandboxes without namespaces, in Docker's default profile for containers. The user of the tests must be root.

use std::fs;
use std::io::Write as _;
use std::process::Command;

use nix::libc;
use runtime::sandbox::{Isolation, Root};

use crate::support::scratch::Scratch;

use super::bench::{Bench, fill, scratch};
use super::inside::{Ending, attempts, told_in};
use super::profile::Profile;
use super::real;

/// The output of a builder that runs `script` in a chroot.
fn told(folder: &Scratch, script: &str) -> String {
    told_in(Profile::Docker, Isolation::Chroot, folder.path(), script, Ending::ByItself)
}

#[test]
#[ignore = "needs root and the SDK: cargo test -p xtask --test as_root -- --ignored"]
fn namespaces_are_refused_and_the_error_names_the_ways_out() {
    let folder = scratch();
    let text = told_in(Profile::Docker, Isolation::Namespaces, folder.path(), "true", Ending::ByItself);
    assert!(text.contains("cause: a user namespace was refused"), "{text}");
    assert!(text.contains("seccomp=unconfined"), "{text}");
    assert!(text.contains("`--sandbox chroot` (or KAON_SANDBOX=chroot)"), "{text}");
}

#[test]
#[ignore = "needs root and the SDK: cargo test -p xtask --test as_root -- --ignored"]
fn a_chroot_looks_as_every_sandbox_does() {
    let folder = scratch();
    fs::write(folder.path().join("input"), "as it was\n").unwrap();
    let script = "id -u; umask; ulimit -c; ulimit -Sn; echo $PATH; stat -c '%a %u %F' / /build /tmp /dev/null /dev/urandom; \
        cat /build/in/file; echo x >/dev/null; echo /* /proc/* /dev/*; echo made >/build/out; x=$(printf '%*s' 9000000 ''); sleep 1.2";
    let text = told(&folder, script);
    let seen = "0\n0022\n0\n4096\n/bin:/sbin\n755 0 directory\n755 0 directory\n1777 0 directory\n666 0 character special file\n\
        666 0 character special file\nas it was\n/bin /build /dev /lib /lib64 /proc /sbin /tmp /usr /var /proc/* \
        /dev/fd /dev/full /dev/null /dev/random /dev/shm /dev/stderr /dev/stdin /dev/stdout /dev/tty /dev/urandom /dev/zero\n";
    assert!(text.contains(&format!("\n\n{seen}ended: Done Some(Chroot) true\nleft: 0\n")), "{text}");
    assert_eq!(fs::read_to_string(folder.path().join("build/out")).unwrap(), "made\n");
}

#[test]
#[ignore = "needs root and the SDK: cargo test -p xtask --test as_root -- --ignored"]
fn a_chroot_reaches_nothing_of_the_container() {
    let folder = scratch();
    let other = Bench::within(&folder.path().join("other"), "");
    let Root::Overlay { layers, .. } = &other.job.root else { unreachable!() };
    let layer_file = layers[0].join("usr/bin/cat");
    let before = fs::read(&layer_file).unwrap();
    fs::write(folder.path().join("input"), "as it was\n").unwrap();
    let tried = attempts(&[
        "exec 3<>/dev/tcp/127.0.0.1/9",
        "perl -e \"socket(S, 2, 2, 0) or die\"",
        "perl -e \"socket(S, 16, 3, 0) or die\"",
        "perl -e \"syscall(425, 1, 0) >= 0 or die\"",
        "chroot / ls",
        "perl -e \"kill(9, -1) or die\"",
        "unshare -Urm ls",
        "mount tmpfs none /tmp",
        "[ -e /../../../../etc/hostname ]",
        "cat /dev/kmsg",
    ]);
    let script = format!(
        "{tried} perl -e 'socket(S, 1, 1, 0) or die'; exec 3<>/dev/tcp/127.0.0.1/9; \
        echo changed >>/usr/bin/cat; echo changed >/build/in/file; rm /usr/bin/ls"
    );
    let text = told(&folder, &script);
    assert!(text.contains("Address family not supported by protocol"), "{text}");
    assert!(!text.contains("done: "), "{text}");
    assert!(text.contains("ended: Done Some(Chroot)"), "{text}");
    assert_eq!(fs::read_to_string(folder.path().join("input")).unwrap(), "as it was\n");
    assert!(fs::read(&layer_file).unwrap() == before && layers[0].join("usr/bin/ls").exists());
}

/// Whether the kernel can keep signals within a step: version 6 of Landlock, since Linux 6.12.
fn keeps_signals() -> bool {
    const VERSION: libc::c_ulong = 1;
    // SAFETY: with this flag the call needs no structure.
    unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, std::ptr::null::<u8>(), 0, VERSION) >= 6 }
}

#[test]
#[ignore = "needs root and the SDK: cargo test -p xtask --test as_root -- --ignored"]
fn a_chroot_signals_nobody_else_where_the_kernel_can_tell() {
    let folder = scratch();
    let text = told(&folder, "sleep 60 & kill $! && echo own; kill -0 $PPID && echo reaper; kill -0 1 && echo builder");
    let reached = if keeps_signals() { "" } else { "reaper\nbuilder\n" };
    let lines: String = text.lines().filter(|line| ["own", "reaper", "builder"].contains(line)).map(|line| format!("{line}\n")).collect();
    assert_eq!(lines, format!("own\n{reached}"), "{text}");
}

#[test]
#[ignore = "needs root and the SDK: cargo test -p xtask --test as_root -- --ignored"]
fn what_a_step_leaves_running_in_a_chroot_ends_with_it() {
    let folder = scratch();
    let script = "for i in 1 2 3; do ( sleep 7200 & ( exec -a hidden sleep 7200 & ) & ) & done; disown -a; sleep 0.3";
    let text = told(&folder, script);
    assert!(text.contains("ended: Done Some(Chroot) true\nleft: 0\n"), "{text}");
}

#[test]
#[ignore = "needs root and the SDK: cargo test -p xtask --test as_root -- --ignored"]
fn nothing_of_a_chroot_outlives_a_builder_that_is_stopped_or_a_worker_that_is_killed() {
    for (ending, says) in [(Ending::Cancelled, "error: interrupted"), (Ending::Killed, "error: the sandbox's worker ended early")] {
        let folder = scratch();
        let script = "( sleep 7200 & ) & touch /build/ready; sleep 7200";
        let text = told_in(Profile::Docker, Isolation::Chroot, folder.path(), script, ending);
        assert!(text.contains(says) && text.contains("\nleft: 0\n"), "{text}");
    }
}

#[test]
#[ignore = "needs root and the SDK: cargo test -p xtask --test as_root -- --ignored"]
fn a_chroot_is_taken_up_again_as_the_build_left_it() {
    let folder = scratch();
    assert!(told(&folder, "rm /usr/bin/ls; echo half-made >/build/state; echo x >/tmp/note").contains("ended: Done"));
    let text = told(&folder, "[ -e /usr/bin/ls ] || cat /build/state /tmp/note");
    assert!(text.contains("\n\nhalf-made\nx\nended: Done"), "{text}");
}

#[test]
#[ignore = "needs root and the SDK: cargo test -p xtask --test as_root -- --ignored"]
fn a_build_directory_that_was_replaced_is_refused() {
    for replacement in ["mkdir /build", "echo x >/build", "perl -e 'symlink(\"/\", \"/build\")'"] {
        let folder = scratch();
        let text = told(&folder, &format!("cd /; mv /build /elsewhere; {replacement}"));
        assert!(text.contains("error: cannot create the sandbox: opening the build directory"), "{text}");
        assert!(fs::symlink_metadata(folder.path().join("build")).is_err());
    }
}

#[test]
#[ignore = "needs root and the SDK: cargo test -p xtask --test as_root -- --ignored"]
fn a_tree_entered_by_chroot_keeps_changes_and_no_trace_of_it() {
    let folder = scratch();
    let root = folder.path().join("root");
    fs::create_dir(&root).unwrap();
    fill(&root);
    let names = || {
        let mut names: Vec<_> = fs::read_dir(&root).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    };
    let mut expected = names();
    let text = told(&folder, "echo x >/dev/null; touch /changed /build/seen");
    assert!(text.contains("ended: Done Some(Chroot)"), "{text}");
    expected.push("changed".into());
    expected.sort();
    assert_eq!(names(), expected);
    assert!(folder.path().join("build/seen").exists());
}

/// Not a test by itself: runs the command in `KAON_TEST_COMMAND` in Docker's default profile.
#[test]
#[ignore = "is a process that is started by hand"]
fn plays_a_container() {
    let Ok(text) = std::env::var("KAON_TEST_COMMAND") else { return };
    let mut command = Command::new("sh");
    command.args(["-c", &text]);
    let output = Profile::Docker.output(command);
    std::io::stdout().write_all(&[output.stdout, output.stderr].concat()).unwrap();
    assert!(output.status.success(), "{}", output.status);
}

#[test]
#[ignore = "needs root and the SDK: cargo test -p xtask --test as_root -- --ignored"]
fn packages_build_in_dockers_profile() {
    real::check(Profile::Docker, &["--sandbox", "chroot"]);
}
