//! A root small enough to copy, and jobs in it.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use base::digest::Digest;
use runtime::cancel::Cancel;
use runtime::sandbox::{End, Job, Launcher, Outcome, Root, SandboxError, Step, StepsEnded};

use crate::support::scratch::Scratch;
use crate::support::small_root;

const PROGRAMS: [&str; 17] = [
    "bash", "cat", "chroot", "cp", "env", "grep", "hostname", "id", "ls", "mkdir", "mv", "perl", "rm", "sleep", "stat", "touch", "unshare",
];

/// The SDK has neither `mount` nor `umount`. These two call the kernel and print its answer: `mount TYPE SOURCE TARGET FLAGS`, `umount TARGET`
/// (numbers of system calls: `arch/x86/entry/syscalls/syscall_64.tbl`).
const SCRIPTS: [(&str, &str); 2] = [
    ("mount", "#!/bin/perl\nmy $none = '';\nsyscall(165, $ARGV[1], $ARGV[2], $ARGV[0], $ARGV[3] + 0, $none) == 0 or die \"$!\\n\";\n"),
    ("umount", "#!/bin/perl\nsyscall(166, $ARGV[0], 0) == 0 or die \"$!\\n\";\n"),
];

/// The flags for [`SCRIPTS`] to make a mount writable: `MS_REMOUNT | MS_BIND` (mount(2)).
pub const REMOUNT: u32 = 32 | 4096;

/// Created once and kept, because tests run in several processes at a time, and none may remove it while another uses it.
fn minimal_root() -> PathBuf {
    let made_of = format!("{} {PROGRAMS:?} {SCRIPTS:?}", small_root::base().display());
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("root-{}", Digest::of_bytes(made_of).hex()));
    if !place.exists() {
        let made = scratch();
        fill(made.path());
        match fs::rename(made.path(), &place) {
            // It was moved, so there is nothing to remove.
            Ok(()) => std::mem::forget(made),
            Err(error) => assert!(place.exists(), "{error}"),
        }
    }
    place
}

/// Puts the programs and scripts into an empty directory.
pub fn fill(root: &Path) {
    fs::set_permissions(root, PermissionsExt::from_mode(0o755)).unwrap();
    small_root::fill(root, &PROGRAMS, &[]);
    for (name, script) in SCRIPTS {
        let path = root.join("usr/bin").join(name);
        fs::write(&path, script).unwrap();
        fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
    }
}

/// A new directory on disk.
pub fn scratch() -> Scratch {
    Scratch::new()
}

/// This build's own worker.
pub fn launcher() -> Launcher {
    Launcher::new(env!("CARGO_BIN_EXE_xtask"))
}

/// A job and its directories.
pub struct Bench {
    folder: PathBuf,
    _vanishes: Option<Scratch>,
    /// The job, ready to be changed.
    pub job: Job,
}

impl Bench {
    /// A bash script in the minimal root.
    pub fn new(script: &str) -> Self {
        let folder = scratch();
        let bench = Self::within(folder.path(), script);
        Self { _vanishes: Some(folder), ..bench }
    }

    /// The same with its directories below `folder`, where some may already be.
    pub fn within(folder: &Path, script: &str) -> Self {
        let [upper, work, build] = ["upper", "work", "build"].map(|name| {
            let path = folder.join(name);
            fs::create_dir_all(&path).unwrap();
            path
        });
        let job = Job {
            name: "probe".into(),
            root: Root::Overlay { layers: vec![minimal_root()], upper, work },
            build_dir: Some(build),
            inputs: Vec::new(),
            env: BTreeMap::from([("PATH".into(), "/bin:/sbin".into())]),
            steps: vec![step("build", script)],
        };
        Self { folder: folder.to_owned(), _vanishes: None, job }
    }

    /// A path among the job's directories on the host.
    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder.join(name)
    }

    pub fn run(&self) -> Result<Outcome, SandboxError> {
        launcher().run(&self.job, None, &self.path("log"), &Cancel::new(), &|_| {})
    }

    /// The output of the scripts, without the headings of the steps.
    pub fn log(&self) -> String {
        let log = fs::read_to_string(self.path("log")).unwrap();
        log.lines().filter(|line| !line.starts_with("==> ")).map(|line| format!("{line}\n")).collect()
    }

    /// Runs it successfully and returns the output of the scripts.
    pub fn text(&self) -> String {
        let outcome = self.run().unwrap();
        assert_eq!(outcome.status, StepsEnded::Done, "{}", self.log());
        self.log()
    }

    /// Runs a script that is expected to fail, and returns its exit and output.
    pub fn failure(&self) -> (End, String) {
        match self.run().unwrap().status {
            StepsEnded::Failed { end, .. } => (end, self.log()),
            StepsEnded::Done => panic!("it was allowed: {}", self.log()),
        }
    }
}

/// A step that runs a bash script in `/build`.
pub fn step(phase: &str, script: &str) -> Step {
    Step { phase: phase.into(), argv: ["bash", "-c", script].map(Into::into).into(), cwd: "/build".into() }
}
