//! Sandboxes inside containers, with what their engines forbid by default.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use xtask::cancel::Cancel;
use xtask::diagnostic::{Style, render};
use xtask::sandbox::{Input, Isolation, Root};

use super::bench::{Bench, launcher, scratch};
use super::profile::Profile;

/// Tells the process in the container where to build, what, and how.
const FOLDER_VARIABLE: &str = "KAON_TEST_CONTAINER";
const SCRIPT_VARIABLE: &str = "KAON_TEST_SCRIPT";
const ISOLATION_VARIABLE: &str = "KAON_TEST_ISOLATION";

/// What a builder in such a container prints; `folder` keeps the job's directories.
fn told_in(profile: Profile, isolation: &str, folder: &Path, script: &str) -> String {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--ignored", "--exact", "--nocapture", "sandbox::containers::plays_a_builder"])
        .env(FOLDER_VARIABLE, folder)
        .env(SCRIPT_VARIABLE, script)
        .env(ISOLATION_VARIABLE, isolation);
    let output = profile.output(command);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    text
}

#[test]
#[ignore = "is a process other tests start"]
fn plays_a_builder() {
    let variable = |name| std::env::var(name).expect("started by another test");
    let folder = PathBuf::from(variable(FOLDER_VARIABLE));
    let isolation = match variable(ISOLATION_VARIABLE).as_str() {
        "chroot" => Isolation::Chroot,
        _ => Isolation::Namespaces,
    };
    let mut bench = Bench::within(&folder, &variable(SCRIPT_VARIABLE));
    if folder.join("root").exists() {
        bench.job.root = Root::Directory(folder.join("root"));
    }
    if folder.join("input").exists() {
        bench.job.inputs = vec![Input { host: folder.join("input"), at: "/build/in/file".into() }];
    }
    let ended = launcher().isolated(isolation).run(&bench.job, None, &bench.path("log"), &Cancel::new(), &|_| {});
    let text = match ended {
        Ok(outcome) => format!("{}ended: {:?} {:?} {}", bench.log(), outcome.status, outcome.weakness, outcome.peak_memory_bytes > 0),
        Err(error) => render(&error, Style::Plain),
    };
    writeln!(std::io::stdout(), "\n{text}").unwrap();
}

/// A command of the shell that says what was possible of what must not be.
fn attempts(commands: &[&str]) -> String {
    commands.iter().map(|command| format!("( {command} ) >/dev/null 2>&1 && echo \"done: {command}\"\n")).collect()
}

#[test]
fn with_a_masked_proc_builds_see_it_and_reach_nothing_through_it() {
    let folder = scratch();
    let tried = attempts(&[
        "cat /proc/1/environ",
        "ls /proc/$PPID/fd",
        "[ -e /proc/1/root/etc ]",
        "echo x >/proc/sys/kernel/hostname",
        "cat /proc/sys/kernel/printk >/proc/sys/kernel/printk",
        "mount -t proc proc /proc",
        "umount /proc/keys",
        "unshare -Urm umount /proc/sys",
    ]);
    let script = format!("{tried} cat <(echo by descriptor); grep -c ^State: /proc/self/status; x=$(printf '%*s' 9000000 ''); sleep 1.2");
    let text = told_in(Profile::Podman, "namespaces", folder.path(), &script);
    assert!(text.contains("\n\nby descriptor\n1\nended: Done Some(HostProcesses) true\n"), "{text}");
}

#[test]
#[ignore = "needs root: cargo test -p xtask --test sandbox as_root -- --ignored"]
fn as_root_docker_refuses_namespaces_and_the_error_names_the_ways_out() {
    let folder = scratch();
    let text = told_in(Profile::Docker, "namespaces", folder.path(), "true");
    assert!(text.contains("cause: a user namespace was refused"), "{text}");
    assert!(text.contains("seccomp=unconfined"), "{text}");
    assert!(text.contains("`--sandbox chroot` (or KAON_SANDBOX=chroot)"), "{text}");
}

#[test]
#[ignore = "needs root: cargo test -p xtask --test sandbox as_root -- --ignored"]
fn as_root_a_chroot_in_docker_looks_as_every_sandbox_does() {
    let folder = scratch();
    fs::write(folder.path().join("input"), "as it was\n").unwrap();
    let script = "id -u; umask; ulimit -c; ulimit -Sn; echo $PATH; stat -c '%a %u %F' / /build /tmp /dev/null /dev/urandom; \
        cat /build/in/file; echo x >/dev/null; ls / /proc; grep -c . </dev/zero & echo made >/build/out";
    let text = told_in(Profile::Docker, "chroot", folder.path(), script);
    let seen = "0\n0022\n0\n4096\n/bin\n755 0 directory\n755 0 directory\n1777 0 directory\n666 0 character special file\n\
        666 0 character special file\nas it was\n/:\nbin\nbuild\ndev\nlib\nlib64\nproc\ntmp\nvar\n\n/proc:\n";
    assert!(text.contains(&format!("\n\n{seen}ended: Done Some(Chroot) true\n")), "{text}");
    assert_eq!(fs::read_to_string(folder.path().join("build/out")).unwrap(), "made\n");
}

#[test]
#[ignore = "needs root: cargo test -p xtask --test sandbox as_root -- --ignored"]
fn as_root_a_chroot_in_docker_reaches_nothing_of_the_container() {
    let folder = scratch();
    fs::write(folder.path().join("input"), "as it was\n").unwrap();
    let layer = Bench::within(&folder.path().join("other"), "");
    let Root::Overlay { layers, .. } = &layer.job.root else { unreachable!() };
    let bash = layers[0].join("bin/bash");
    let before = fs::metadata(&bash).unwrap();
    let tried = attempts(&[
        "exec 3<>/dev/tcp/127.0.0.1/9; [ -e /proc/self ]",
        "mkdir /x; chroot /x",
        "chroot /",
        "kill -9 -1",
        "unshare -Urm true",
        "mount -t tmpfs none /tmp",
        "[ -e /../../../../etc/passwd ]",
        "cat /dev/kmsg",
    ]);
    let script = format!("{tried} exec 3<>/dev/tcp/127.0.0.1/9; echo changed >>/bin/cat; echo changed >/build/in/file; rm /bin/ls");
    let text = told_in(Profile::Docker, "chroot", folder.path(), &script);
    assert!(text.contains("Address family not supported by protocol"), "{text}");
    assert!(!text.contains("done: "), "{text}");
    assert!(text.contains("ended: Done Some(Chroot) true"), "{text}");
    assert_eq!(fs::read_to_string(folder.path().join("input")).unwrap(), "as it was\n");
    assert!(layers[0].join("bin/ls").exists());
    assert_eq!(fs::metadata(&bash).unwrap().modified().unwrap(), before.modified().unwrap());
    assert_eq!(fs::metadata(layers[0].join("bin/cat")).unwrap().len(), fs::metadata(which("cat")).unwrap().len());
}

fn which(tool: &str) -> PathBuf {
    ["/bin", "/usr/bin"].iter().map(|folder| Path::new(folder).join(tool)).find(|path| path.exists()).unwrap()
}

#[test]
#[ignore = "needs root: cargo test -p xtask --test sandbox as_root -- --ignored"]
fn as_root_nothing_a_step_leaves_running_in_a_chroot_outlives_it() {
    let folder = scratch();
    let script = "for i in 1 2 3; do ( sleep 7200 & ( exec -a hidden sleep 7200 & ) & ) & done; disown -a; sleep 0.3";
    let text = told_in(Profile::Docker, "chroot", folder.path(), script);
    assert!(text.contains("ended: Done Some(Chroot) true"), "{text}");
    let text = told_in(Profile::Docker, "chroot", folder.path(), "ls /build; ls /bin/ls");
    assert!(text.contains("\n\n/bin/ls\nended: Done"), "a root is taken up again: {text}");
}

#[test]
#[ignore = "needs root: cargo test -p xtask --test sandbox as_root -- --ignored"]
fn as_root_a_build_directory_that_was_replaced_is_refused() {
    let folder = scratch();
    let text = told_in(Profile::Docker, "chroot", folder.path(), "cd /; mv /build /elsewhere; mkdir /build");
    assert!(text.contains("error: cannot make the sandbox: opening the build directory"), "{text}");
    assert!(!folder.path().join("build").exists());
}

#[test]
#[ignore = "needs root: cargo test -p xtask --test sandbox as_root -- --ignored"]
fn as_root_a_tree_entered_by_chroot_keeps_changes_and_no_trace_of_it() {
    let folder = scratch();
    let bench = Bench::within(&folder.path().join("other"), "");
    let Root::Overlay { layers, .. } = &bench.job.root else { unreachable!() };
    let copied = Command::new("cp").arg("-a").arg(&layers[0]).arg(folder.path().join("root")).status().unwrap();
    assert!(copied.success());
    let text = told_in(Profile::Docker, "chroot", folder.path(), "echo x >/dev/null; touch /changed /build/seen");
    assert!(text.contains("ended: Done Some(Chroot) true"), "{text}");
    let mut names: Vec<_> = fs::read_dir(folder.path().join("root")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["bin", "changed", "lib", "lib64"]);
    assert!(folder.path().join("build/seen").exists());
}

#[test]
#[ignore = "needs root: runs the command in KAON_TEST_COMMAND in Docker's default profile"]
fn as_root_plays_a_container() {
    let mut command = Command::new("sh");
    command.args(["-c", &std::env::var("KAON_TEST_COMMAND").expect("a command to run")]);
    let output = Profile::Docker.output(command);
    std::io::stdout().write_all(&[output.stdout, output.stderr].concat()).unwrap();
    assert!(output.status.success(), "{}", output.status);
}
