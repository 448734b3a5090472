//! Other people's programs, out of the SDK's `test` layer and run in the sandbox: the host needs none of them.
#![allow(dead_code, reason = "each test binary takes what it needs")]

#[path = "../support/scratch.rs"]
mod scratch;
#[path = "../support/sdk.rs"]
mod sdk;

use scratch::Scratch;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use runtime::cancel::Cancel;
use runtime::sandbox::{BUILD_DIR, Job, Launcher, Root, Step, StepsEnded};

/// The trees of the layer `test` and those it stands on, uppermost first.
pub fn layers() -> &'static [PathBuf] {
    static LAYERS: LazyLock<Result<sdk::Layers, String>> = LazyLock::new(|| sdk::layers("test"));
    match &*LAYERS {
        Ok(layers) => &layers.trees,
        Err(why) => panic!("{why}"),
    }
}

/// A directory that is the same for test and programs, each seeing it at its own place.
pub struct World {
    folder: Scratch,
}

/// What a program said, and whether it was content.
#[derive(Debug)]
pub struct Said {
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
    /// Whether it exited with 0.
    pub is_success: bool,
}

impl World {
    /// An empty directory.
    pub fn new() -> Self {
        let folder = Scratch::new();
        for name in ["shared", "upper", "work"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        // The sandbox allows no further namespaces; by itself rpm cuts scriptlets off from the network in one.
        fs::write(folder.path().join("shared/.rpmmacros"), "%__transaction_unshare %{nil}\n").unwrap();
        Self { folder }
    }

    /// A path in it as the test sees it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("shared").join(name)
    }

    /// A new directory in it.
    pub fn make(&self, name: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(&path).unwrap();
        path
    }

    /// A path of the test as the programs see it.
    pub fn inside(&self, path: &Path) -> String {
        let below = path.strip_prefix(self.path("")).expect("programs see this directory alone");
        Path::new(BUILD_DIR).join(below).to_str().unwrap().to_owned()
    }

    /// What `program` says, which must succeed.
    pub fn run(&self, program: &str, arguments: &[&str]) -> String {
        let said = self.try_run(program, arguments);
        assert!(said.is_success, "{program} {arguments:?}: {said:?}");
        said.stdout
    }

    /// Runs `program` with these arguments, in which paths are as [`Self::inside`] gives them.
    pub fn try_run(&self, program: &str, arguments: &[&str]) -> Said {
        let script = r#""$@" >/build/.stdout 2>/build/.stderr"#;
        let argv = ["bash", "-c", script, "bash", program].iter().chain(arguments).map(|word| (*word).to_owned()).collect();
        let environment = [("PATH", "/usr/bin:/usr/sbin"), ("HOME", "/build"), ("LC_ALL", "C.UTF-8"), ("TZ", "UTC")];
        let job = Job {
            name: "interop".into(),
            root: Root::Overlay {
                layers: layers().to_vec(),
                upper: self.folder.path().join("upper"),
                work: self.folder.path().join("work"),
            },
            build_dir: Some(self.path("")),
            inputs: Vec::new(),
            env: environment.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect::<BTreeMap<_, _>>(),
            steps: vec![Step { phase: "run".into(), argv, cwd: BUILD_DIR.into() }],
        };
        let launcher = Launcher::new(env!("CARGO_BIN_EXE_xtask"));
        let outcome = launcher.run(&job, None, &self.folder.path().join("log"), &Cancel::default(), &|_| {}).unwrap();
        let text = |name: &str| String::from_utf8_lossy(&fs::read(self.path(name)).unwrap_or_default()).into_owned();
        Said { stdout: text(".stdout"), stderr: text(".stderr"), is_success: outcome.status == StepsEnded::Done }
    }
}
