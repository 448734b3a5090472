//! The thread pool for computations, as large as the host allows.

use std::env;
use std::sync::mpsc::{self, Sender};
use std::thread;

use rayon::{ThreadBuilder, ThreadPoolBuilder};

use base::diagnostic::{ExitCode, Failure};

use super::processes::most_processes;

/// Reserved for the processes of a build (the sandbox, a shell, make, a compiler and what these start) and to threads that wait.
const SPARE: usize = 16;

/// The minimum for building a package.
const LEAST: usize = 12;

/// The host allows hardly any threads.
#[derive(Debug, thiserror::Error)]
#[error("only {left} more processes or threads can be started, but building needs at least {LEAST}{}", limit_in_words(*limit))]
pub struct TooFewThreads {
    left: usize,
    limit: Option<u64>,
}

fn limit_in_words(limit: Option<u64>) -> String {
    limit
        .map_or_else(String::new, |limit| format!(": this user or container may have {limit} at a time, including those of other programs"))
}

impl Failure for TooFewThreads {
    fn hint(&self) -> Option<String> {
        Some(MORE_PROCESSES.into())
    }

    fn exit(&self) -> ExitCode {
        ExitCode::Host
    }
}

/// How to raise the limit of processes.
pub const MORE_PROCESSES: &str = "raise the limit: `ulimit -u 4096` in this shell (above its hard limit as root), `TasksMax=` and \
    `LimitNPROC=` of a service, `--pids-limit=` of a container";

/// Starts rayon's pool: a thread for each processor, or fewer if the host does not allow more. By default, rayon starts it at its first
/// use, and panics if that fails.
///
/// # Errors
/// When too few processes and threads can be started.
pub fn start_pool() -> Result<(), TooFewThreads> {
    let wanted = wanted();
    let mut idle: Vec<Sender<ThreadBuilder>> = (0..wanted + SPARE).map_while(|_| idle_thread()).collect();
    if idle.len() < LEAST {
        return Err(TooFewThreads { left: idle.len(), limit: most_processes() });
    }
    let threads = wanted.min(idle.len().saturating_sub(SPARE)).max(1);
    // The pool uses threads that have already started, so that none can fail to start. The others end when their senders are dropped.
    let give = |thread: ThreadBuilder| {
        let gone = || std::io::Error::from(std::io::ErrorKind::NotFound);
        idle.pop().ok_or_else(gone)?.send(thread).map_err(|_| gone())
    };
    // This fails if there is already a pool, as in tests.
    let _ = ThreadPoolBuilder::new().num_threads(threads).spawn_handler(give).build_global();
    Ok(())
}

/// A thread for each processor, unless the user set another number in rayon's own variable.
fn wanted() -> usize {
    let set = env::var("RAYON_NUM_THREADS").ok().and_then(|text| text.parse().ok()).filter(|number| *number > 0);
    set.unwrap_or_else(|| thread::available_parallelism().map_or(1, usize::from))
}

/// Starts a thread that waits for its place in the pool; `None` if the host allows no more.
fn idle_thread() -> Option<Sender<ThreadBuilder>> {
    let (sender, place) = mpsc::channel::<ThreadBuilder>();
    let wait = move || {
        if let Ok(place) = place.recv() {
            place.run();
        }
    };
    thread::Builder::new().spawn(wait).ok().map(|_| sender)
}
