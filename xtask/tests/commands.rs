//! The output of commands: full devices, closed pipes, terminals, JSON.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use clap::CommandFactory as _;
use nix::pty::openpty;
use tempfile::TempDir;
use xtask::cli::Arguments;

#[path = "../../tests/support"]
mod support {
    pub mod namespace;
}

#[path = "commands/calls.rs"]
mod calls;
#[path = "commands/host.rs"]
mod host;

use calls::CALLS;

/// A project with two specs, and a separate home directory.
struct Project {
    folder: TempDir,
}

impl Project {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let top = top();
        copy(&top.join("tests/cases/plan/specs"), &folder.path().join("specs"));
        for file in ["sdk.toml", "sdk.lock", "sdk-keyring.asc"] {
            fs::copy(top.join("specs").join(file), folder.path().join("specs").join(file)).unwrap();
        }
        fs::create_dir(folder.path().join("images")).unwrap();
        Self { folder }
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        command.args(words).current_dir(self.folder.path()).env_clear();
        command.env("HOME", self.folder.path().join("home")).env("PATH", "/usr/bin:/bin").stdin(Stdio::null());
        command
    }

    fn run(&self, words: &[&str]) -> Output {
        self.command(words).output().unwrap()
    }

    /// The name of one of its packages.
    fn package(&self) -> String {
        let listed = String::from_utf8(self.run(&["list"]).stdout).unwrap();
        listed.split_whitespace().next().unwrap().to_owned()
    }
}

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn copy(from: &Path, to: &Path) {
    for entry in walkdir::WalkDir::new(from) {
        let entry = entry.unwrap();
        let target = to.join(entry.path().strip_prefix(from).unwrap());
        if entry.file_type().is_dir() {
            fs::create_dir_all(&target).unwrap();
        } else {
            fs::copy(entry.path(), &target).unwrap();
        }
    }
}

/// Commands that print something and need neither network nor SDK.
const PRINTING: [&[&str]; 9] = [
    &["list"],
    &["graph"],
    &["plan"],
    &["--json", "plan"],
    &["--json", "list"],
    &["sdk", "status"],
    &["--json", "show", "NOSUCH"],
    &["completions", "bash"],
    &["--help"],
];

#[test]
fn results_that_cannot_be_written_are_a_failure_told_once() {
    let project = Project::new();
    for words in PRINTING {
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = project.command(words).stdout(full).output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(matches!(output.status.code(), Some(1 | 2)), "{words:?}: {:?} {text}", output.status);
        assert_eq!(text.matches("No space left on device").count(), 1, "{words:?}: {text}");
        assert!(text.starts_with("error: cannot write to standard output\n"), "{words:?}: {text}");
    }
}

#[test]
fn a_closed_pipe_is_not_a_failure() {
    let project = Project::new();
    for words in PRINTING {
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        let output = project.command(words).stdout(writer).output().unwrap();
        let expected = if words.contains(&"NOSUCH") { 2 } else { 0 };
        assert_eq!((output.status.code(), &*output.stderr), (Some(expected), &b""[..]), "{words:?}");
    }
}

/// The output of a command on a terminal.
fn on_terminal(mut command: Command) -> String {
    let pair = openpty(None, None).unwrap();
    let slave: OwnedFd = pair.slave;
    let mut child = command.stdout(slave.try_clone().unwrap()).stderr(slave).spawn().unwrap();
    drop(command);
    let mut text = Vec::new();
    // Reading a terminal whose other end is closed fails with EIO.
    let _ = File::from(pair.master).read_to_end(&mut text);
    child.wait().unwrap();
    String::from_utf8(text).unwrap().replace("\r\n", "\n")
}

#[test]
fn a_log_is_raw_in_a_pipe_and_harmless_on_a_terminal() {
    let project = Project::new();
    let package = project.package();
    let path = String::from_utf8(project.run(&["log", "--path", &package]).stdout).unwrap();
    let path = Path::new(path.trim_end());
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let log = b"\x1b[31mred\x1b[m\x1b[2J\x1b]0;title\x07\n10%\r20%\n\xff\n";
    fs::write(path, log).unwrap();
    assert_eq!(project.run(&["log", &package]).stdout, log);
    assert_eq!(on_terminal(project.command(&["log", &package])), "red\\x1b[2J\\x1b]0;title\\x07\n10%\\r20%\n\u{fffd}\n");
    let document: serde_json::Value = serde_json::from_slice(&project.run(&["--json", "log", &package]).stdout).unwrap();
    assert_eq!((&document["spec"], document["log"].as_str()), (&package.into(), Some(&*String::from_utf8_lossy(log))));
}

#[test]
fn a_terminal_gets_colours_unless_the_environment_says_otherwise() {
    let project = Project::new();
    let coloured = |variables: &[(&str, &str)]| {
        let mut command = project.command(&["show", "nosuch"]);
        command.env("TERM", "xterm").envs(variables.iter().copied());
        on_terminal(command).contains("\x1b[")
    };
    assert!(coloured(&[]));
    assert!(!coloured(&[("NO_COLOR", "1")]));
    assert!(!coloured(&[("TERM", "dumb")]));
    assert!(!coloured(&[("CLICOLOR", "0")]));
    let piped = |variable| String::from_utf8(project.command(&["show", "nosuch"]).env(variable, "1").output().unwrap().stderr).unwrap();
    assert!(piped("CLICOLOR_FORCE").contains("\x1b["));
    assert!(!piped("NO_COLOR").contains("\x1b["));
}

/// The commands without subcommands, and those that can be used without one.
fn leaves(command: &clap::Command, path: &str, found: &mut BTreeSet<String>) {
    for below in command.get_subcommands() {
        let path = format!("{path} {}", below.get_name()).trim_start().to_owned();
        if !below.is_subcommand_required_set() {
            found.insert(path.clone());
        }
        leaves(below, &path, found);
    }
}

#[test]
fn every_command_prints_only_json_when_asked_to() {
    let mut expected = BTreeSet::new();
    leaves(&Arguments::command(), "", &mut expected);
    let called: BTreeSet<String> = CALLS.iter().map(|(command, _)| (*command).to_owned()).collect();
    assert_eq!(called, expected, "each command needs a call here");
    let project = Project::new();
    let package = project.package();
    let wrong = ["list --nosuch", "nosuch", ""];
    for words in CALLS.iter().map(|(_, words)| *words).chain(wrong) {
        let words: Vec<&str> = words.split_whitespace().map(|word| if word == "PKG" { package.as_str() } else { word }).collect();
        let words: Vec<&str> = ["--json"].into_iter().chain(words).collect();
        let output = project.run(&words);
        let text = String::from_utf8(output.stdout).unwrap();
        let last = text.lines().last().unwrap_or_else(|| panic!("{words:?} printed nothing"));
        let lines: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{words:?}: {error}: {line}"))).collect();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{words:?}");
        if !matches!(output.status.code(), Some(0 | 4)) {
            assert_eq!(lines.last().unwrap()["kind"], "error", "{words:?}: {last}");
            assert_eq!(lines.last().unwrap()["exit"], output.status.code().unwrap(), "{words:?}: {last}");
        }
    }
}

#[test]
fn a_kernels_options_are_one_document() {
    let project = Project::new();
    let output = project.command(&["--json", "kernel", "config", "esx"]).current_dir(top()).output().unwrap();
    let options: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(options["CONFIG_VMXNET3"], "y", "{options}");
}

#[test]
fn both_images_of_diff_are_found_before_anything_is_built() {
    let project = Project::new();
    fs::copy(top().join("images/minimal.toml"), project.folder.path().join("images/minimal.toml")).unwrap();
    let output = project.run(&["diff", "minimal", "/nonexistent.json"]);
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        "error: cannot read the contents of an image from `/nonexistent.json`\n  cause: No such file or directory (os error 2)\n\
         hint: `build-image` writes such a file next to an image, as out/kaon-NAME.contents.json\n"
    );
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn help_has_the_exit_codes_at_the_top_only_and_global_options_apart() {
    let project = Project::new();
    let help = |words: &[&str]| String::from_utf8(project.run(words).stdout).unwrap();
    assert!(help(&["--help"]).contains("Exit codes: 0 success"));
    let list = help(&["list", "--help"]);
    assert!(!list.contains("Exit codes"), "{list}");
    let (_, global) = list.split_once("\nGlobal options:\n").unwrap();
    assert!(global.lines().all(|line| line.trim_start().starts_with('-') && line.len() <= 100), "{global}");
}

#[test]
fn a_host_without_apt_has_a_client_of_its_own() {
    let project = Project::new();
    let empty = project.folder.path().join("empty");
    fs::create_dir(&empty).unwrap();
    let run = |client: &str| {
        let mut command = project.command(&["sdk", "update"]);
        command.env("PATH", &empty).env("KAON_DEBIAN_CLIENT", client).env("KAON_DEBIAN_MIRROR", "file:/nonexistent/debian");
        let output = command.output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, text) = run("auto");
    assert_eq!(code, Some(1), "{text}");
    let why = "no Debian archive returned an index of `trixie`: file:/nonexistent/debian: dists/trixie/Release: no such file";
    assert!(text.contains(why), "{text}");
    let (code, text) = run("apt");
    assert_eq!(code, Some(4), "{text}");
    assert!(text.contains("`apt-get` is not installed on this machine") && text.contains("cargo xtask doctor"), "{text}");

    let mut doctor = project.command(&["--json", "doctor"]);
    let output = doctor.env("PATH", &empty).env("KAON_DEBIAN_MIRROR", "file:/nonexistent/debian").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("the builder itself fetches from the Debian archive"), "{text}");
}

#[test]
fn a_fifo_that_an_image_names_is_an_error_of_every_command_that_reads_images() {
    let project = Project::new();
    let images = project.folder.path().join("images");
    nix::unistd::mkfifo(&images.join("fifo"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    fs::write(images.join("bad.toml"), "summary = \"x\"\npackages = [\"a\"]\ntrust = [\"fifo\"]\n[files]\n\"/etc/fifo\" = \"fifo\"\n")
        .unwrap();
    let package = project.package();
    for words in [&["inspect", "bad"][..], &["why", &package], &["gc", "--dry-run"]] {
        let output = project.run(words);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(3), "{words:?}: {said}");
        for place in ["images/bad.toml:3:10", "images/bad.toml:5:15"] {
            assert!(
                said.contains(&format!("error: cannot read `fifo`: it is a FIFO, not a regular file\n --> {place}\n")),
                "{words:?}: {said}"
            );
        }
    }
}

#[test]
fn keeping_results_for_ever_is_no_overflow() {
    let project = Project::new();
    let output = project.run(&["cache", "prune", "nosuch", "--dry-run", "--keep-days", &u64::MAX.to_string()]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.starts_with("error: there is no cache in `nosuch`"), "{said}");
}

#[test]
fn a_number_of_jobs_has_a_bound() {
    let project = Project::new();
    let run = |words: &[&str], variable: &str| {
        let output = project.command(words).env("KAON_JOBS", variable).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    for (words, variable) in [(&["-j", "4097", "plan"][..], "1"), (&["plan"], "4097"), (&["plan"], "99999999999999999999")] {
        let (code, said) = run(words, variable);
        assert_eq!(code, Some(2), "{words:?}: {said}");
        assert!(said.contains("'--jobs <N>'"), "{words:?}: {said}");
        assert_eq!(said.contains("4097 is not in 0..=4096"), variable.len() < 5, "{said}");
    }
    for number in ["0", "4096"] {
        assert_eq!(run(&["plan"], number).0, Some(0), "{number}");
    }
}

#[test]
fn builds_on_workers_have_a_bound_and_variables_can_be_overruled() {
    let project = Project::new();
    for (words, variables, expected) in [
        (&["--remote-jobs", "0", "plan"][..], &[][..], "0 is not in 1..=1024"),
        (&["--remote-jobs", "1025", "plan"], &[], "1025 is not in 1..=1024"),
        (&["plan"], &[("KAON_REMOTE_JOBS", "many")], "'--remote-jobs <N>'"),
        (&["--remote-jobs", "8", "plan"], &[("KAON_REMOTE_JOBS", "64")], ""),
        (&["--no-remote", "plan"], &[("KAON_REMOTE", "grpc://a.test:1"), ("KAON_REMOTE_JOBS", "")], ""),
        (&["--no-cache", "plan"], &[("KAON_CACHE", "https://a.test/kaon")], ""),
        (&["--no-remote", "--remote-only", "plan"], &[], "cannot be used with"),
    ] {
        let output = project.command(words).envs(variables.iter().copied()).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(if expected.is_empty() { 0 } else { 2 }), "{words:?}: {said}");
        assert!(said.contains(expected), "{words:?}: {said}");
    }
}

#[test]
fn a_relative_source_mirror_is_taken_from_the_current_directory() {
    let project = Project::new();
    fs::create_dir(project.folder.path().join("mirror")).unwrap();
    for (mirror, code) in [("mirror", 0), ("../nosuch", 2), ("mirror/../nosuch", 2), ("ftp://me:secret@host/x", 2), ("/nosuch", 0)] {
        for command in [project.command(&["--source-mirror", mirror, "list"]), {
            let mut command = project.command(&["list"]);
            command.env("KAON_SOURCE_MIRROR", mirror);
            command
        }] {
            let mut command = command;
            let output = command.output().unwrap();
            let said = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(code), "{mirror}: {said}");
            assert!(
                code == 0 || said.starts_with("error: a --source-mirror cannot be used\n  cause: files cannot be fetched from `"),
                "{said}"
            );
            assert!(!said.contains("secret"), "{said}");
        }
    }
}

#[test]
fn directories_that_are_probably_mistakes_are_refused() {
    let project = Project::new();
    let link = project.folder.path().join("away");
    std::os::unix::fs::symlink("/nowhere/kaon", &link).unwrap();
    let odd = OsString::from_vec(b"/tmp/J\xfcrg".to_vec());
    let said = |store: &OsStr| {
        let output = project.command(&["plan"]).env("KAON_STORE", store).output().unwrap();
        assert_eq!(output.status.code(), Some(4), "{store:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    assert_eq!(
        said("~/kaon".as_ref()),
        "error: the directory for the store is `~/kaon`: only a shell replaces `~`, and only without quotes\n\
         hint: write the whole path, such as `KAON_STORE=\"$HOME/kaon\"`\n"
    );
    assert!(said(&odd).ends_with("which is not UTF-8 text\nhint: set KAON_STORE to a path in UTF-8\n"));
    let dangling = said(link.as_os_str());
    assert!(dangling.contains("away`, a link to `/nowhere/kaon`, which does not exist\nhint: mount or create"), "{dangling}");
}
