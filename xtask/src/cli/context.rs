//! What every command works with.

use std::env;
use std::path::PathBuf;
use std::sync::Arc;

use super::arguments::MOST_JOBS;
use super::output::Output;
use super::{Global, signal};
use base::diagnostic::{ExitCode, Failure, Report};
use builder::project;
use builder::{Builder, Kernels, RecordedCosts};
use planning::graph::Graph;
use runtime::cancel::Cancel;
use runtime::limits::check_memory;
use runtime::progress::Reporter;
use runtime::store::{Store, check_owner};
use sdk::Sdk;
use sdk::apt::{HOST_APT_FOLDER, Settings};

/// Settings, places and the way to the user.
pub struct Context<'a> {
    /// The project's top folder.
    pub root: PathBuf,
    /// Options of all commands.
    pub global: Global,
    /// Where results and messages go.
    pub output: &'a Output,
    /// Where progress goes.
    pub reporter: Arc<dyn Reporter>,
    /// Raised by Ctrl-C.
    pub cancel: Cancel,
}

/// No place for the store or the keys.
#[derive(Debug, thiserror::Error)]
#[error("no place for {what}: neither `{variable}` nor `HOME` is set")]
struct NoPlace {
    what: &'static str,
    variable: &'static str,
}

impl Failure for NoPlace {
    fn hint(&self) -> Option<String> {
        Some(format!("set {} to a directory you may write to", self.variable))
    }

    fn exit(&self) -> ExitCode {
        ExitCode::Host
    }
}

/// The current directory is gone.
#[derive(Debug, thiserror::Error)]
#[error("the current directory cannot be used")]
struct NoCurrentDirectory(#[source] std::io::Error);

impl Failure for NoCurrentDirectory {}

impl<'a> Context<'a> {
    /// Finds the project and prepares for signals.
    pub(super) fn new(global: Global, output: &'a Output) -> Result<Self, Report> {
        let here = env::current_dir().map_err(NoCurrentDirectory)?;
        // cargo runs an alias in the caller's directory; a packaged binary may stand anywhere.
        let root = planning::project::find_root(&here)?;
        global.sandbox.select();
        let cancel = output.cancel();
        signal::watch(&cancel);
        Ok(Self { root, reporter: output.reporter(), global, output, cancel })
    }

    /// All specs and how they hang together.
    ///
    /// # Errors
    /// All mistakes in them.
    pub fn graph(&self) -> Result<Graph, Report> {
        let specs = planning::project::load_specs(&self.root.join("specs"))?;
        Ok(project::graph(specs, &Sdk::describe(&self.root)?)?)
    }

    /// The store.
    ///
    /// # Errors
    /// When there is no place for it or it cannot be made.
    pub fn store(&self) -> Result<Store, Report> {
        let root = match &self.global.store {
            Some(path) => path.clone(),
            None => home_folder("XDG_CACHE_HOME", ".cache").ok_or(NoPlace { what: "the store", variable: "KAON_STORE" })?.join("kaon"),
        };
        check_owner(&root)?;
        Ok(Store::open(&root)?.reporting_to(self.reporter.clone()).stopped_by(&self.cancel).of_checkout(&self.root))
    }

    /// The directory of the signing keys.
    ///
    /// # Errors
    /// When there is no place for it.
    pub fn keys(&self) -> Result<PathBuf, Report> {
        match &self.global.keys {
            Some(path) => Ok(path.clone()),
            None => Ok(home_folder("XDG_DATA_HOME", ".local/share")
                .ok_or(NoPlace { what: "the signing keys", variable: "KAON_KEYS" })?
                .join("kaon/keys")),
        }
    }

    /// This machine as a builder.
    ///
    /// # Errors
    /// When this process may have too little memory, the SDK's files or the recorded costs cannot be read, kernels are described wrongly, or there is no place for the keys.
    pub fn builder<'w>(&'w self, graph: &'w Graph, store: &'w Store) -> Result<Builder<'w>, Report> {
        check_memory()?;
        let keys = self.keys()?;
        Ok(Builder {
            kernels: Kernels::load(graph, &self.root, &keys)?,
            costs: RecordedCosts::load(&self.root)?,
            sdk: Sdk::load(&self.root)?,
            settings: self.settings(),
            keys,
            jobs: self.jobs(),
            reporter: &*self.reporter,
            cancel: self.cancel.clone(),
            graph,
            store,
        })
    }

    /// How things are fetched.
    pub fn settings(&self) -> Settings {
        Settings {
            debian_mirror: self.global.debian_mirror.clone(),
            client: self.global.debian_client.client(),
            source_mirrors: self.global.source_mirror.clone(),
            apt_folder: HOST_APT_FOLDER.into(),
            keyring: Sdk::keyring(&self.root),
            project: self.root.clone(),
            locked: self.global.locked,
        }
    }

    /// Processors to keep busy.
    pub fn jobs(&self) -> usize {
        let all = || std::thread::available_parallelism().map_or(1, Into::into).min(MOST_JOBS);
        self.global.jobs.filter(|jobs| *jobs > 0).unwrap_or_else(all)
    }
}

/// A directory of the XDG base directory specification.
fn home_folder(variable: &str, below_home: &str) -> Option<PathBuf> {
    let given = env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    given.or_else(|| env::var_os("HOME").map(PathBuf::from).filter(|path| path.is_absolute()).map(|home| home.join(below_home)))
}
