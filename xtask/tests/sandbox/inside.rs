//! A builder inside a container.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use base::diagnostic::{Style, render};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use runtime::cancel::Cancel;
use runtime::sandbox::{Input, Isolation, Root};

use super::bench::{Bench, launcher};
use super::profile::Profile;

/// Directory, script, isolation and ending of the build, for the process in the container.
const FOLDER_VARIABLE: &str = "KAON_TEST_CONTAINER";
const SCRIPT_VARIABLE: &str = "KAON_TEST_SCRIPT";
const ISOLATION_VARIABLE: &str = "KAON_TEST_ISOLATION";
const ENDING_VARIABLE: &str = "KAON_TEST_ENDING";

/// How the build ends: by itself, or as soon as its script has created `/build/ready`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    ByItself,
    /// The user presses Ctrl-C.
    Cancelled,
    /// The worker is killed.
    Killed,
}

/// The output of a builder in such a container; `folder` is for the job's directories. The last line contains the number of processes left.
pub fn told_in(profile: Profile, isolation: Isolation, folder: &Path, script: &str, ending: Ending) -> String {
    let mut command = Command::new(std::env::current_exe().unwrap());
    let isolation = if isolation == Isolation::Chroot { "chroot" } else { "namespaces" };
    let ending = match ending {
        Ending::ByItself => "",
        Ending::Cancelled => "cancelled",
        Ending::Killed => "killed",
    };
    command
        .args(["--ignored", "--exact", "--nocapture", "sandbox::inside::plays_a_builder"])
        .env(FOLDER_VARIABLE, folder)
        .env(SCRIPT_VARIABLE, script)
        .env(ISOLATION_VARIABLE, isolation)
        .env(ENDING_VARIABLE, ending);
    let output = profile.output(command);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    text
}

/// Not a test by itself: started by the others.
#[test]
#[ignore = "is a process another test starts"]
fn plays_a_builder() {
    let Ok(folder) = std::env::var(FOLDER_VARIABLE).map(PathBuf::from) else { return };
    let variable = |name| std::env::var(name).unwrap();
    let isolation = if variable(ISOLATION_VARIABLE) == "chroot" { Isolation::Chroot } else { Isolation::Namespaces };
    let mut bench = Bench::within(&folder, &variable(SCRIPT_VARIABLE));
    if folder.join("root").exists() {
        bench.job.root = Root::Directory(folder.join("root"));
    }
    if folder.join("input").exists() {
        bench.job.inputs = vec![Input { host: folder.join("input"), at: "/build/in/file".into() }];
    }
    let cancel = Cancel::new();
    let ended = thread::scope(|scope| {
        let running = scope.spawn(|| launcher().isolated(isolation).run(&bench.job, None, &bench.path("log"), &cancel, &|_| {}));
        let ending = variable(ENDING_VARIABLE);
        if !ending.is_empty() {
            until("the build begins", || folder.join("upper/build/ready").exists());
            match ending.as_str() {
                "cancelled" => cancel.raise(),
                _ => kill(Pid::from_raw(children()[0]), Signal::SIGKILL).unwrap(),
            }
        }
        running.join().unwrap()
    });
    let text = match ended {
        Ok(outcome) => format!("{}ended: {:?} {:?} {}", bench.log(), outcome.status, outcome.weakness, outcome.peak_memory_bytes > 0),
        Err(error) => render(&error, Style::Plain),
    };
    if variable(ENDING_VARIABLE) == "killed" {
        until("all processes are gone", || living().is_empty());
    }
    writeln!(std::io::stdout(), "\n{text}\nleft: {}", living().len()).unwrap();
}

fn until(what: &str, reached: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !reached() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// Numbers and parents of all processes in `/proc`, except this one and those that have ended.
fn living() -> Vec<(i32, i32)> {
    let own = i32::try_from(std::process::id()).unwrap();
    let numbers = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.unwrap().file_name().to_str()?.parse::<i32>().ok());
    let processes = numbers.filter(|number| *number != own).filter_map(|number| {
        let stat = fs::read_to_string(format!("/proc/{number}/stat")).ok()?;
        let mut fields = stat.rsplit_once(") ")?.1.split(' ');
        let (state, parent) = (fields.next()?, fields.next()?.parse().ok()?);
        (state != "Z").then_some((number, parent))
    });
    processes.collect()
}

fn children() -> Vec<i32> {
    let own = i32::try_from(std::process::id()).unwrap();
    living().into_iter().filter(|(_, parent)| *parent == own).map(|(number, _)| number).collect()
}

/// A script that prints which of the forbidden commands succeeded.
pub fn attempts(commands: &[&str]) -> String {
    commands.iter().map(|command| format!("( {command} ) >/dev/null 2>&1 && echo 'done: {command}'\n")).collect()
}
