//! Running the action of a directory.

use std::collections::BTreeMap;
use std::env;
use std::fs::{self, File};
use std::io;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::thread::available_parallelism;
use std::time::Instant;

use base::diagnostic::{Failure, Problems};
use base::digest::Digest;
use base::file_error::FileError;
use base::name::PackageName;
use packaging::Available;
use planning::action::BuiltPackage;
use planning::spec::{self, Spec};
use runtime::cancel::Cancel;
use runtime::sandbox::{self, Outcome, SandboxError, StepsEnded};
use runtime::store::{Store, StoreError, remove_tree};
use tar::Archive;

use crate::action::{ACTION, Action, Exit, FILES, LOG, OUT, REPORT, Report, layer_file, output};
use crate::damaged::Damaged;
use crate::inputs::{self, InputsError};
use crate::layer::{self, LayerError};
use crate::{layout, package, tidy};

/// The variable with the directory in which a worker keeps what it unpacked.
const STORE_VARIABLE: &str = "KAON_WORKER_STORE";

/// The directory for that if the variable is not set: a farm mounts one that stays there.
const STORE: &str = "/kaon-store";

/// Its name in the working directory, for this action alone, where there is neither.
const OWN_STORE: &str = "kaon-store";

/// Why this machine cannot run an action.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A file cannot be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// The action cannot be understood.
    #[error("`{ACTION}` is not an action")]
    Action(#[from] serde_json::Error),
    /// The spec in it has mistakes.
    #[error(transparent)]
    Spec(#[from] Problems),
    /// The directory for what is unpacked cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A layer cannot be unpacked.
    #[error(transparent)]
    Layer(#[from] LayerError),
    /// A package that the build starts from cannot be unpacked.
    #[error(transparent)]
    Inputs(#[from] InputsError),
    /// The sandbox failed.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
}

impl Failure for RunError {
    fn inner(&self) -> Option<&dyn Failure> {
        match self {
            Self::Spec(error) => Some(error),
            Self::Store(error) => Some(error),
            Self::Inputs(error) => Some(error),
            Self::Sandbox(error) => Some(error),
            Self::File(_) | Self::Action(_) | Self::Layer(_) => None,
        }
    }
}

/// Runs the action in the directory `here`.
///
/// # Errors
/// When this machine cannot run it. A recipe that fails is an end.
pub fn run(here: &Path) -> Result<Exit, RunError> {
    let here = fs::canonicalize(here).map_err(FileError::of("open", here))?;
    let path = here.join(ACTION);
    let action: Action = serde_json::from_slice(&fs::read(&path).map_err(FileError::of("read", &path))?)?;
    let (place, is_own) = store_place(&here);
    let store = Store::open(&place)?;
    if !is_own {
        tidy::tidy(&store);
    }
    let ended = Run { here: &here, store: &store, action: &action }.run();
    if is_own {
        // The server removes the directory; it might stumble over what is closed even to its owner.
        let _ = remove_tree(&place);
    }
    ended
}

/// The directory for what is unpacked, and whether it is for this action alone.
fn store_place(here: &Path) -> (PathBuf, bool) {
    let given = env::var_os(STORE_VARIABLE).filter(|value| !value.is_empty()).map(PathBuf::from);
    let kept = given.or_else(|| Some(PathBuf::from(STORE)).filter(|path| path.is_dir()));
    kept.map_or_else(|| (here.join(OWN_STORE), true), |path| (path, false))
}

struct Run<'a> {
    here: &'a Path,
    store: &'a Store,
    action: &'a Action,
}

impl Run<'_> {
    fn run(&self) -> Result<Exit, RunError> {
        let Action { spec: name, text, commands, sources, .. } = self.action;
        let spec = spec::parse(name, "package.toml", text).map_err(Problems::new)?;
        let Some(layers) = self.stack()? else { return Ok(Exit::NoLayer) };
        let scratch = self.store.scratch("action")?;
        let at = scratch.path();
        layout::lay_out(at)?;
        self.unpack_files(at)?;
        let begun = Instant::now();
        let out = self.here.join(OUT);
        fs::create_dir_all(&out).map_err(FileError::of("create the directory", &out))?;
        let sources: BTreeMap<String, PathBuf> = sources.iter().map(|(name, file)| (name.clone(), self.here.join(file))).collect();
        let processors = available_parallelism().map_or(1, NonZero::get);
        let job = commands.clone().job(name, &layers, &sources, at, processors);
        let log = at.join("log");
        let outcome = run_sandboxed(&job, processors, &log)?;
        let compressed = self.here.join(LOG);
        compress(&log, &compressed).map_err(FileError::of("write", &compressed))?;
        let report = match &outcome.status {
            StepsEnded::Failed { phase, end } => Report::Failed { phase: phase.clone(), end: end.to_string() },
            StepsEnded::Done => self.package(&spec, at, &outcome, begun)?,
        };
        let path = self.here.join(REPORT);
        fs::write(&path, serde_json::to_vec(&report)?).map_err(FileError::of("write", &path))?;
        Ok(match report {
            Report::Built { .. } => Exit::Built,
            Report::Failed { .. } | Report::Unpackaged { .. } => Exit::Failed,
        })
    }

    /// The trees that the build sees, lowest first. None if a layer is neither here nor was sent.
    fn stack(&self) -> Result<Option<Vec<PathBuf>>, RunError> {
        let mut stack = Vec::new();
        for blob in &self.action.layers {
            let Some(tree) = layer::tree(self.store, blob, &self.here.join(layer_file(blob)))? else { return Ok(None) };
            stack.push(tree);
        }
        let mut trees: Vec<(&PackageName, PathBuf)> = Vec::new();
        for laid in &self.action.packages {
            let file = || verified(self.here.join(&laid.file), &laid.object);
            trees.push((&laid.name, inputs::tree(self.store, &laid.name, &laid.object, file, || ())?));
        }
        let named: Vec<(&PackageName, &Path)> = trees.iter().map(|(name, tree)| (*name, tree.as_path())).collect();
        inputs::check(&named)?;
        stack.extend(trees.into_iter().map(|(_, tree)| tree));
        Ok(Some(stack))
    }

    /// Puts the spec's files and the project's crates into their places below `at`.
    fn unpack_files(&self, at: &Path) -> Result<(), FileError> {
        let path = self.here.join(FILES);
        let unpack = || -> io::Result<()> {
            let mut archive = Archive::new(File::open(&path)?);
            archive.set_preserve_permissions(true);
            archive.unpack(at)
        };
        unpack().map_err(FileError::of("unpack", &path))
    }

    fn package(&self, spec: &Spec, at: &Path, outcome: &Outcome, begun: Instant) -> Result<Report, RunError> {
        let available = Available::new(self.action.packages.iter().flat_map(|package| &package.provides));
        // The build may have changed its own copies.
        let own = at.join("own");
        self.unpack_files(&own)?;
        let built = match package::package(spec, at, layout::files(&own), available, &Cancel::new()) {
            Ok(built) => built,
            Err(error) => return Ok(Report::Unpackaged { reason: text::with_causes(&*error), hint: error.hint() }),
        };
        let mut packages = Vec::new();
        for one in built {
            let target = self.here.join(output(&one.file_name));
            fs::copy(&one.file, &target).map_err(FileError::of("write", &target))?;
            packages.push(BuiltPackage {
                name: one.name,
                file_name: one.file_name,
                object: Digest::of_file(&target).map_err(FileError::of("read", &target))?,
                provides: one.provides,
                requires: one.requires,
                files: one.files,
                installed_bytes: one.installed_bytes,
            });
        }
        let elapsed_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        Ok(Report::Built { packages, elapsed_ms, cpu_ms: outcome.cpu_ms, peak_memory_bytes: outcome.peak_memory_bytes })
    }
}

fn run_sandboxed(job: &sandbox::Job, processors: usize, log: &Path) -> Result<Outcome, RunError> {
    let no_tokens = |source| FileError::new("create a job server for", "make", source);
    let jobserver = jobserver::Client::new(processors).map_err(no_tokens)?;
    let _token = jobserver.acquire().map_err(no_tokens)?;
    Ok(sandbox::run(job, Some(&jobserver), log, &Cancel::new(), &|_| {})?)
}

/// The file, if its digest is this one.
fn verified(path: PathBuf, expected: &Digest) -> Result<PathBuf, InputsError> {
    let found = Digest::of_file(&path).map_err(|source| StoreError::io("read", &path, source))?;
    if found == *expected { Ok(path) } else { Err(Damaged { path, found }.into()) }
}

fn compress(from: &Path, to: &Path) -> io::Result<()> {
    zstd::stream::copy_encode(File::open(from)?, File::create(to)?, zstd::DEFAULT_COMPRESSION_LEVEL)
}
