//! Machines with limits and gaps.

use std::fs::{self, File};
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Output, Stdio};

use nix::sys::resource::{RLIM_INFINITY, Resource, setrlimit};
use nix::sys::signal::{SigHandler, Signal};

use super::Project;
use super::support::namespace::{Change, enter};

/// Runs a command with these soft and hard limits of a resource.
fn limited(mut command: Command, resource: Resource, soft: u64, hard: u64) -> Output {
    // SAFETY: what runs between fork and exec makes one system call.
    unsafe { command.pre_exec(move || Ok(setrlimit(resource, soft, hard)?)) };
    command.output().unwrap()
}

#[test]
fn reaching_the_file_size_limit_is_an_error() {
    let project = Project::new();
    let whole = project.run(&["list"]).stdout;
    assert!(whole.len() > 20);
    for (soft, hard, code) in [(10, 10, 1), (10, RLIM_INFINITY, 0)] {
        let file = project.folder.path().join("listed");
        let mut command = project.command(&["list"]);
        command.stdout(File::create(&file).unwrap()).stderr(Stdio::piped());
        let output = limited(command, Resource::RLIMIT_FSIZE, soft, hard);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{said}");
        if code == 0 {
            assert_eq!(fs::read(&file).unwrap(), whole, "the soft limit is raised");
        } else {
            assert!(said.starts_with("error: cannot write to standard output\n  cause: File too large"), "{said}");
            assert!(said.contains("\nhint: ") && said.contains("`ulimit -f unlimited`"), "{said}");
        }
    }
}

#[test]
fn too_little_address_space_is_told_before_anything_is_built() {
    let project = Project::new();
    let limit = 512 << 20;
    let output = limited(project.command(&["build"]), Resource::RLIMIT_AS, limit, limit);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(4), "{said}");
    assert!(said.contains("error: this process may use only 512 MiB of address space, but building needs at least 2048 MiB\n"), "{said}");
    assert!(said.contains("hint: lift the limit: `ulimit -v unlimited`"), "{said}");
    let output = limited(project.command(&["build"]), Resource::RLIMIT_DATA, 200 << 20, 200 << 20);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(4), "{said}");
    assert!(said.contains("error: this process may use only 200 MiB of data, but building needs at least 256 MiB\n"), "{said}");
    assert!(said.contains("hint: lift the limit: `ulimit -d unlimited`"), "{said}");
}

#[test]
fn a_caller_that_ignores_sigchld_changes_nothing() {
    let project = Project::new();
    let mut command = project.command(&["--json", "doctor"]);
    command.env("KAON_DEBIAN_MIRROR", "file:/nonexistent/debian");
    // SAFETY: what runs between fork and exec makes one system call.
    unsafe { command.pre_exec(|| Ok(nix::sys::signal::signal(Signal::SIGCHLD, SigHandler::SigIgn).map(drop)?)) };
    let text = String::from_utf8(command.output().unwrap().stdout).unwrap();
    assert!(!text.contains("No child process"), "{text}");
    let findings: serde_json::Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    let sandbox = findings.as_array().unwrap().iter().find(|finding| finding["subject"] == "sandbox").unwrap();
    assert_eq!(sandbox["state"], "good", "{sandbox}");
}

/// The finding of `doctor` about one subject, run by `command`.
fn finding(mut command: Command, subject: &str) -> serde_json::Value {
    let output = command.env("KAON_DEBIAN_MIRROR", "file:/nonexistent/debian").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let findings: serde_json::Value = serde_json::from_str(text.lines().last().unwrap()).unwrap_or_else(|error| panic!("{error}: {text}"));
    let mut findings = findings.as_array().unwrap_or_else(|| panic!("{text}")).iter();
    findings.find(|finding| finding["subject"] == subject).unwrap_or_else(|| panic!("no `{subject}`: {text}")).clone()
}

#[test]
fn a_file_system_without_inodes_is_not_called_a_full_disk() {
    let project = Project::new();
    let store = project.folder.path().join("store");
    fs::create_dir(&store).unwrap();
    // The file system's root is the first inode, and the store has six directories.
    for (inodes, operation) in [(c"nr_inodes=4", "make"), (c"nr_inodes=7", "lock")] {
        let mut command = project.command(&["--quiet", "build"]);
        command.env("KAON_STORE", &store);
        enter(&mut command, vec![Change::Mount(c"tmpfs", inodes, c"store")]);
        let output = command.output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.starts_with(&format!("error: cannot {operation} `{}", store.display())), "{said}");
        assert!(said.contains("\n  cause: no inodes left on the file system of `") && said.contains("\nhint: `df -i` shows"), "{said}");
    }
    let mut command = project.command(&["--json", "doctor"]);
    command.env("KAON_STORE", &store);
    enter(&mut command, vec![Change::Mount(c"tmpfs", c"nr_inodes=200", c"store")]);
    let inodes = finding(command, "inodes");
    assert_eq!(inodes["state"], "poor", "{inodes}");
}

#[test]
fn a_limit_of_processor_time_is_a_finding() {
    let project = Project::new();
    let mut command = project.command(&["--json", "doctor"]);
    // SAFETY: what runs between fork and exec makes one system call.
    unsafe { command.pre_exec(|| Ok(setrlimit(Resource::RLIMIT_CPU, 600, 1000)?)) };
    let time = finding(command, "cpu time");
    assert_eq!(time["state"], "poor", "{time}");
    assert!(time["detail"].as_str().unwrap().starts_with("1000 s for a process"), "{time}");
}

#[test]
fn a_store_from_which_no_program_can_be_started_is_a_lack_of_the_host() {
    let project = Project::new();
    let store = project.folder.path().join("store");
    fs::create_dir(&store).unwrap();
    let on_noexec = |words: &[&str]| {
        let mut command = project.command(words);
        command.env("KAON_STORE", &store);
        enter(&mut command, vec![Change::NoPrograms(c"store")]);
        command
    };
    let output = on_noexec(&["--quiet", "build"]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(4), "{said}");
    let cause =
        format!("\n  cause: `{}/scratch` is on a file system mounted `noexec`: programs there cannot be started\n", store.display());
    assert!(said.starts_with("error: this machine cannot create build sandboxes\n") && said.contains(&cause), "{said}");
    assert!(said.contains("remount,exec") && said.contains("KAON_STORE"), "{said}");
    let sandbox = finding(on_noexec(&["--json", "doctor"]), "sandbox");
    assert_eq!(sandbox["state"], "lacking", "{sandbox}");
    assert!(sandbox["detail"].as_str().unwrap().contains("`noexec`"), "{sandbox}");
}

#[test]
fn a_home_that_is_no_absolute_path_is_named() {
    let project = Project::new();
    let output = project.command(&["plan"]).env("HOME", ".").output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(
        said,
        "error: no directory for the store: `KAON_STORE` is not set, and `HOME` is `.`, which is not an absolute path\n\
         hint: set HOME to an absolute path, or KAON_STORE to a directory you may write to\n"
    );
    assert_eq!(output.status.code(), Some(4));
}

#[test]
fn the_doctor_examines_the_rest_where_there_can_be_no_store() {
    let project = Project::new();
    // Not even root can create a directory below a file.
    fs::write(project.folder.path().join("home"), "").unwrap();
    for home in [project.folder.path().join("home"), ".".into()] {
        let output = project.command(&["--json", "doctor"]).env("HOME", &home).output().unwrap();
        assert_eq!(output.status.code(), Some(4), "{output:?}");
        let findings: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let state = |subject: &str| {
            findings.as_array().unwrap().iter().find(|finding| finding["subject"] == subject).map(|finding| &finding["state"])
        };
        assert_eq!((state("store"), state("keys")), (Some(&"lacking".into()), Some(&"lacking".into())), "{findings}");
        assert!(state("memory").is_some() && state("client").is_some(), "{findings}");
    }
}
