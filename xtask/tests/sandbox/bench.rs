//! A root small enough to copy, and jobs in it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use tempfile::TempDir;
use xtask::cancel::Cancel;
use xtask::sandbox::{End, Job, Launcher, Outcome, Root, SandboxError, Step, StepsEnded};

const TOOLS: [&str; 17] = [
    "bash", "cat", "chroot", "env", "grep", "hostname", "id", "ls", "mkdir", "mount", "mv", "rm", "sleep", "stat", "touch", "umount",
    "unshare",
];

/// Made once and kept: tests run in several processes at a time, and none may take it from under another.
static MINIMAL_ROOT: LazyLock<PathBuf> = LazyLock::new(|| {
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("root-of-{}", TOOLS.join("-")));
    if !place.exists() {
        let made = scratch();
        fill(made.path());
        match fs::rename(made.path(), &place) {
            Ok(()) => drop(made.keep()),
            Err(error) => assert!(place.exists(), "{error}"),
        }
    }
    place
});

fn fill(root: &Path) {
    fs::set_permissions(root, PermissionsExt::from_mode(0o755)).unwrap();
    fs::create_dir(root.join("bin")).unwrap();
    let mut libraries = BTreeSet::new();
    for tool in TOOLS {
        let path = output("sh", &["-c", &format!("command -v {tool}")]);
        fs::copy(path.trim(), root.join("bin").join(tool)).unwrap();
        libraries.extend(output("ldd", &[path.trim()]).split_ascii_whitespace().filter(|word| word.starts_with('/')).map(PathBuf::from));
    }
    for library in libraries {
        let copy = root.join(library.strip_prefix("/").unwrap());
        fs::create_dir_all(copy.parent().unwrap()).unwrap();
        fs::copy(&library, copy).unwrap();
    }
}

fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().unwrap();
    assert!(output.status.success(), "{program} {arguments:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// A new directory on disk.
pub fn scratch() -> TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

/// This build's own worker.
pub fn launcher() -> Launcher {
    Launcher::new(env!("CARGO_BIN_EXE_xtask"))
}

/// A job and its directories.
pub struct Bench {
    folder: PathBuf,
    _vanishes: Option<TempDir>,
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
            root: Root::Overlay { layers: vec![MINIMAL_ROOT.clone()], upper, work },
            build_dir: Some(build),
            inputs: Vec::new(),
            env: BTreeMap::from([("PATH".into(), "/bin".into())]),
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

    /// What the scripts wrote, without the headings of the steps.
    pub fn log(&self) -> String {
        let log = fs::read_to_string(self.path("log")).unwrap();
        log.lines().filter(|line| !line.starts_with("==> ")).map(|line| format!("{line}\n")).collect()
    }

    /// Runs to a good end and gives what the scripts wrote.
    pub fn text(&self) -> String {
        let outcome = self.run().unwrap();
        assert_eq!(outcome.status, StepsEnded::Done, "{}", self.log());
        self.log()
    }

    /// Runs a script expected to fail, and gives the code and what it wrote.
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
