//! Why a build did not run on a worker.

use std::collections::BTreeMap;

use base::diagnostic::{ExitCode, Failure};
use base::file_error::FileError;
use cache::statement::Unfit;
use runtime::remote::{NotExecuted, RemoteError, TOKEN_VARIABLE, Trouble};
use runtime::store::StoreError;
use worker::layer::LayerError;

use crate::executor::{Scope, Unbuilt};

/// Why a build did not run on a worker, or what it left is not used.
#[derive(Debug, thiserror::Error)]
pub enum FarmError {
    /// The program that speaks to the server, or the one for the worker, cannot be used.
    #[error(transparent)]
    Program(#[from] RemoteError),
    /// The server did not run a build.
    #[error("`{server}` did not run the build")]
    NotExecuted {
        /// The server, without a password.
        server: String,
        /// The properties that were asked for.
        properties: BTreeMap<String, String>,
        /// Why.
        source: NotExecuted,
    },
    /// Workers cannot run builds.
    #[error("the worker `{worker}` cannot run builds: {words}")]
    Unable {
        /// The last one that was tried.
        worker: String,
        /// The end of what it said.
        words: String,
    },
    /// Workers did not get to its end.
    #[error("the worker `{worker}` was interrupted (exit code {exit_code}): {words}")]
    Interrupted {
        /// The last one that was tried.
        worker: String,
        /// Its exit code.
        exit_code: i32,
        /// The end of what it said.
        words: String,
    },
    /// A file that it left cannot be fetched.
    #[error("cannot fetch `{path}` from `{server}`")]
    Fetch {
        /// The server.
        server: String,
        /// The file's path in the action.
        path: String,
        /// Why.
        source: Trouble,
    },
    /// A file that it should have left is not there.
    #[error("the worker `{worker}` left no `{path}`")]
    NoOutput {
        /// The worker.
        worker: String,
        /// The file's path in the action.
        path: String,
    },
    /// What it left is not what it says, or what the server says.
    #[error("the worker `{worker}` left a wrong `{path}`")]
    Wrong {
        /// The worker.
        worker: String,
        /// The file's path in the action.
        path: String,
    },
    /// The packages are not those of the spec.
    #[error("what the worker `{worker}` says it built is refused")]
    Unfit {
        /// The worker.
        worker: String,
        /// Why.
        source: Unfit,
    },
    /// A layer of the SDK cannot be packed.
    #[error(transparent)]
    Layer(#[from] LayerError),
    /// A file of this machine cannot be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file of the project cannot be used.
    #[error(transparent)]
    Project(#[from] planning::project::LocalFileError),
}

impl FarmError {
    /// What it means for the build.
    pub(super) fn unbuilt(self) -> Unbuilt {
        match self.scope() {
            Some(scope) => Unbuilt::Unavailable { scope, source: Box::new(self) },
            None => Unbuilt::Around(Box::new(self)),
        }
    }

    /// What else cannot be run because of it; none if another machine would fail as well.
    fn scope(&self) -> Option<Scope> {
        match self {
            Self::Program(RemoteError::Interrupted) => None,
            Self::Program(_) | Self::Unable { .. } => Some(Scope::Everything),
            Self::NotExecuted { source, .. } => match source {
                NotExecuted::NotTaken { .. } => Some(Scope::Everything),
                NotExecuted::TookTooLong { .. } => None,
                NotExecuted::Server(trouble) => Some(scope_of(trouble)),
            },
            Self::Fetch { source, .. } => Some(scope_of(source)),
            Self::Interrupted { .. } | Self::NoOutput { .. } | Self::Wrong { .. } | Self::Unfit { .. } => Some(Scope::Job),
            Self::Layer(_) | Self::File(_) | Self::Store(_) | Self::Project(_) => None,
        }
    }
}

fn scope_of(trouble: &Trouble) -> Scope {
    match trouble {
        Trouble::Locked(_) | Trouble::Unreachable(_) => Scope::Everything,
        Trouble::NotFound | Trouble::Failed(_) => Scope::Job,
    }
}

impl Failure for FarmError {
    fn inner(&self) -> Option<&dyn Failure> {
        match self {
            Self::Program(error) => Some(error),
            Self::Store(error) => Some(error),
            Self::Project(error) => Some(error),
            Self::NotExecuted { .. }
            | Self::Unable { .. }
            | Self::Interrupted { .. }
            | Self::Fetch { .. }
            | Self::NoOutput { .. }
            | Self::Wrong { .. }
            | Self::Unfit { .. }
            | Self::Layer(_)
            | Self::File(_) => None,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::NotExecuted { source: NotExecuted::NotTaken { .. }, properties, .. } => {
                let asked: Vec<String> = properties.iter().map(|(name, value)| format!("{name}={value}")).collect();
                let asked = if asked.is_empty() { "none".to_owned() } else { asked.join(", ") };
                Some(format!("workers must be connected, and have the `properties` of `[remote]` in cache.toml: {asked}"))
            }
            Self::NotExecuted { source: NotExecuted::TookTooLong { .. }, .. } => {
                Some("a build may take 20 times as long as the last one did, and at least 30 minutes; build it on this machine".into())
            }
            Self::NotExecuted { source: NotExecuted::Server(Trouble::Locked(_)), .. } => {
                Some(format!("put user and password into the address, or a token into the variable {TOKEN_VARIABLE}"))
            }
            Self::NotExecuted { source: NotExecuted::Server(_), .. } | Self::Fetch { .. } => {
                Some("check the address, and the server's log; without `--remote` builds run on this machine".into())
            }
            Self::Unable { .. } => Some("docs/src/remote.md says what workers must allow".into()),
            Self::Interrupted { .. } => Some("look into the worker's log: it may lack memory or disk space".into()),
            Self::NoOutput { .. } | Self::Wrong { .. } | Self::Unfit { .. } => {
                Some("the server or its workers are damaged, or not to be trusted; without `--remote` builds run on this machine".into())
            }
            Self::Program(_) | Self::Store(_) | Self::Project(_) => self.inner()?.hint(),
            Self::Layer(_) | Self::File(_) => None,
        }
    }

    fn exit(&self) -> ExitCode {
        self.inner().map_or(ExitCode::Failed, Failure::exit)
    }
}
