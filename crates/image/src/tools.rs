//! The SDK's writers of file systems, run in the sandbox: without loop devices, privileges or programs of the host.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use base::diagnostic::Failure;
use base::epoch::SOURCE_DATE_EPOCH;
use runtime::cancel::Cancel;
use runtime::progress::Reporter;
use runtime::sandbox::{self, BUILD_DIR, Input, Job, Root, SandboxError, Step, StepsEnded};
use runtime::store::StoreError;

/// The tools and their directories.
pub struct ImageTools<'a> {
    /// Layers, lowest first.
    pub layers: &'a [PathBuf],
    /// The working directory; `build` in it is the sandbox's writable directory.
    pub folder: PathBuf,
    /// The file for the tools' output.
    pub log: &'a Path,
    /// Raised when the user wants to stop.
    pub cancel: &'a Cancel,
    /// Gets the phases.
    pub reporter: &'a dyn Reporter,
    /// The unit of work that the phases belong to.
    pub unit: &'a str,
}

/// Why a tool failed.
#[derive(Debug, thiserror::Error)]
pub enum ImageToolError {
    /// It failed.
    #[error("the image's {phase} phase failed ({end})")]
    Tool {
        /// The phase.
        phase: String,
        /// How it ended.
        end: String,
        /// The tools' log.
        log: PathBuf,
    },
    /// The sandbox failed.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    /// A file could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Failure for ImageToolError {
    fn inner(&self) -> Option<&dyn Failure> {
        match self {
            Self::Sandbox(error) => Some(error),
            Self::Store(error) => Some(error),
            Self::Tool { .. } => None,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Tool { log, .. } => Some(format!("the tools' output is in `{}`", log.display())),
            Self::Sandbox(_) | Self::Store(_) => self.inner()?.hint(),
        }
    }
}

impl ImageTools<'_> {
    /// The sandbox's writable directory.
    pub fn build(&self) -> PathBuf {
        self.folder.join("build")
    }

    /// Runs the steps, which see `inputs` and [`ImageTools::build`].
    ///
    /// # Errors
    /// When a step fails or the sandbox cannot be made.
    pub fn run(&self, inputs: Vec<Input>, steps: Vec<Step>) -> Result<(), ImageToolError> {
        for name in ["build", "upper", "work"] {
            let path = self.folder.join(name);
            fs::create_dir_all(&path).map_err(|source| StoreError::io("make", &path, source))?;
        }
        let epoch = SOURCE_DATE_EPOCH.to_string();
        let env =
            [("PATH", "/usr/bin:/usr/sbin"), ("LC_ALL", "C.UTF-8"), ("TZ", "UTC"), ("HOME", BUILD_DIR), ("SOURCE_DATE_EPOCH", &epoch)];
        let job = Job {
            name: "medium".into(),
            root: Root::Overlay {
                layers: self.layers.iter().rev().cloned().collect(),
                upper: self.folder.join("upper"),
                work: self.folder.join("work"),
            },
            build_dir: Some(self.build()),
            inputs,
            env: env.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect::<BTreeMap<_, _>>(),
            steps,
        };
        let outcome = sandbox::run(&job, None, self.log, self.cancel, &|phase| self.reporter.phase(self.unit, phase))?;
        sandbox::report_weakness(&outcome, self.reporter);
        match outcome.status {
            StepsEnded::Done => Ok(()),
            StepsEnded::Failed { phase, end } => Err(ImageToolError::Tool { phase, end: end.to_string(), log: self.log.to_owned() }),
        }
    }

    /// Moves the file `name` that the tools made to `to`.
    ///
    /// # Errors
    /// When it does not exist, or cannot be moved.
    pub fn take(&self, name: &str, to: &Path) -> Result<(), ImageToolError> {
        let made = self.build().join(name);
        fs::rename(&made, to).map_err(|source| StoreError::io("move", &made, source).into())
    }
}

/// A shell script as a step, which stops at the first failure.
pub fn bash(phase: &str, script: &str) -> Step {
    let argv = ["bash", "-euo", "pipefail", "-c", script].map(str::to_owned).to_vec();
    Step { phase: phase.into(), argv, cwd: BUILD_DIR.into() }
}
