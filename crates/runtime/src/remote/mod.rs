//! `kaon-remote`, the program that speaks to servers of Bazel's Remote Execution API over gRPC, and how the builder uses it; and where the
//! program comes from that runs builds on such a server's workers.
//!
//! `kaon-remote` is a separate program because few users need it and all would wait for the compilation of its crates. It is compiled when an address
//! with `grpc://` or `grpcs://` is first used, runs as long as the builder does, and ends with its standard input.

mod connection;
mod error;
mod execution;
mod message;
mod program;
mod server;
mod token;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use base::digest::Digest;

use crate::cancel::Cancel;
use crate::progress::Reporter;

pub use connection::Connection;
pub use error::RemoteError;
pub use execution::{Earlier, Executed, Execution, InputFile, NotExecuted, Stage};
pub use message::{Answer, Blob, Call, Name, News, Patience, Reply, Request, Runs, Trouble, Wanted};
pub use program::{Program, REMOTE, WORKER};
pub use server::{InvalidServer, Server};
pub use token::{InvalidToken, TOKEN_VARIABLE, token};

/// What starting the program needs.
struct Setup {
    project: PathBuf,
    reporter: Arc<dyn Reporter>,
    cancel: Cancel,
}

static SETUP: OnceLock<Setup> = OnceLock::new();

/// The program's state in this process.
enum State {
    NotStarted,
    Running(Arc<Connection>),
    /// It cannot be had. Trying again would take long, and fail for every request.
    Broken(RemoteError),
}

static STATE: Mutex<State> = Mutex::new(State::NotStarted);

/// Says where the project is that the program is compiled from, and where its compilation is reported. The first call counts.
pub fn set_up(project: PathBuf, reporter: Arc<dyn Reporter>, cancel: Cancel) {
    let _ = SETUP.set(Setup { project, reporter, cancel });
}

/// The running program; it is compiled and started if necessary.
///
/// # Errors
/// When it cannot be compiled or started.
pub fn connection() -> Result<Arc<Connection>, RemoteError> {
    let mut state = STATE.lock().unwrap_or_else(PoisonError::into_inner);
    match &*state {
        State::Running(connection) if connection.is_alive() => return Ok(Arc::clone(connection)),
        State::Broken(error) => return Err(error.clone()),
        State::Running(_) | State::NotStarted => {}
    }
    let started = start();
    *state = match &started {
        Ok(connection) => State::Running(Arc::clone(connection)),
        Err(RemoteError::Interrupted) => State::NotStarted,
        Err(error) => State::Broken(error.clone()),
    };
    started
}

fn start() -> Result<Arc<Connection>, RemoteError> {
    Connection::start(&found(&REMOTE)?).map(Arc::new)
}

/// Asks `server` for something that it need not have, to learn whether it answers.
///
/// # Errors
/// When `kaon-remote` cannot be used. The inner one says why the server does not answer.
pub fn reach(server: &Server, patience: Patience, cancel: &Cancel) -> Result<Result<(), Trouble>, RemoteError> {
    let blobs = vec![Blob { sha256: Digest::of_bytes("x"), size_bytes: 1 }];
    match connection()?.call(Call::Missing { server: server.clone(), blobs, patience }, cancel, &|_| {})? {
        Answer::Missing(_) => Ok(Ok(())),
        Answer::Failed(trouble) => Ok(Err(trouble)),
        Answer::Fetched(_) | Answer::Stored | Answer::Runs(_) | Answer::Executed(_) => Err(RemoteError::Ended),
    }
}

/// Asks `server` whether it runs programs, which a cache does not.
///
/// # Errors
/// When `kaon-remote` cannot be used. The inner one says why the server does not answer.
pub fn runs(server: &Server, patience: Patience, cancel: &Cancel) -> Result<Result<Runs, Trouble>, RemoteError> {
    match connection()?.call(Call::Runs { server: server.clone(), patience }, cancel, &|_| {})? {
        Answer::Runs(runs) => Ok(Ok(runs)),
        Answer::Failed(trouble) => Ok(Err(trouble)),
        Answer::Fetched(_) | Answer::Missing(_) | Answer::Stored | Answer::Executed(_) => Err(RemoteError::Ended),
    }
}

/// The file of the program that runs builds on workers; it is compiled if necessary.
///
/// # Errors
/// When it cannot be compiled.
pub fn worker() -> Result<PathBuf, RemoteError> {
    found(&WORKER)
}

fn found(program: &Program) -> Result<PathBuf, RemoteError> {
    let setup = SETUP.get().ok_or(RemoteError::NotHere { program: program.name })?;
    program.find(&setup.project, &*setup.reporter, &setup.cancel)
}

/// The name under which servers keep the size of a blob of which only the digest is known: they find blobs by digest and size.
pub fn pointer_of(blob: &Digest) -> String {
    format!("cas/{blob}")
}
