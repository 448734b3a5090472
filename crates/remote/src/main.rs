//! `kaon-remote`: speaks gRPC to servers of Bazel's Remote Execution API, version 2, for the builder (`runtime::remote`).
//!
//! It reads requests from standard input and writes replies to standard output, one JSON document a line, and ends with its input, after it
//! cancelled what runs for it. What it
//! fetches is not checked here: the builder compares digests and signatures, as with any other server.

mod action;
mod capabilities;
mod certificate;
mod channel;
mod ended;
mod execute;
mod fetch;
mod operation;
mod resource;
mod store;
mod trouble;
mod upload;
mod wait;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::ExitCode;
use std::rc::Rc;

use runtime::remote::{Answer, Call, News, Reply, Request, Trouble};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::task::{AbortHandle, LocalSet, spawn_local};

use channel::Channels;
use execute::Job;
use operation::Running;

/// Receives numbers of transferred bytes.
type Moved = Rc<dyn Fn(u64)>;

fn main() -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&format!("cannot start: {error}")),
    };
    match LocalSet::new().block_on(&runtime, serve()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => failed(&reason),
    }
}

#[expect(clippy::print_stderr, reason = "these messages belong to no request, so no reply can contain them")]
fn failed(reason: &str) -> ExitCode {
    eprintln!("kaon-remote: {reason}");
    ExitCode::FAILURE
}

/// A request that is being answered.
struct Task {
    handle: AbortHandle,
    running: Running,
}

/// Answers until the input ends, and then ends what runs on workers.
async fn serve() -> Result<(), String> {
    let channels = Rc::new(Channels::default());
    let tasks: Rc<RefCell<BTreeMap<u64, Task>>> = Rc::default();
    let heard = hear(&channels, &tasks).await;
    let left: Vec<Task> = std::mem::take(&mut *tasks.borrow_mut()).into_values().collect();
    for Task { handle, running } in left {
        handle.abort();
        running.cancel().await;
    }
    heard
}

async fn hear(channels: &Rc<Channels>, tasks: &Rc<RefCell<BTreeMap<u64, Task>>>) -> Result<(), String> {
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Some(line) = lines.next_line().await.map_err(|error| format!("cannot read standard input: {error}"))? {
        match serde_json::from_str(&line).map_err(|error| format!("not a request: {error}"))? {
            Request::Begin { id, call } => {
                let (channels, ended, running) = (Rc::clone(channels), Rc::clone(tasks), Running::default());
                let own = running.clone();
                let task = spawn_local(async move {
                    let answer = perform(&channels, call, id, &own).await.unwrap_or_else(Answer::Failed);
                    ended.borrow_mut().remove(&id);
                    say(id, News::Done(answer));
                });
                tasks.borrow_mut().insert(id, Task { handle: task.abort_handle(), running });
            }
            Request::Stop { id } => {
                let stopped = tasks.borrow_mut().remove(&id);
                if let Some(Task { handle, running }) = stopped {
                    handle.abort();
                    spawn_local(async move { running.cancel().await });
                }
            }
        }
    }
    Ok(())
}

fn say(id: u64, news: News) {
    let mut line = serde_json::to_vec(&Reply { id, news }).unwrap_or_default();
    line.push(b'\n');
    // If nobody listens any more, the input ends as well.
    let _ = std::io::stdout().lock().write_all(&line);
}

async fn perform(channels: &Channels, call: Call, id: u64, running: &Running) -> Result<Answer, Trouble> {
    let moved: Moved = Rc::new(move |bytes| say(id, News::Moved(bytes)));
    let connected = channels.connected(call.server())?;
    Ok(match call {
        Call::Fetch { server: _, files, patience } => Answer::Fetched(fetch::fetch(&connected, files, patience, &moved).await),
        Call::Missing { server: _, blobs, patience } => Answer::Missing(store::missing(&connected, &blobs, patience).await?),
        Call::Store { server: _, name, path, patience } => {
            store::store(&connected, &name, &path, patience, &moved).await?;
            Answer::Stored
        }
        Call::Point { server: _, name, blob, patience } => {
            store::point(&connected, &name, &blob, patience).await?;
            Answer::Stored
        }
        Call::Runs { server: _, patience } => Answer::Runs(capabilities::runs(&connected, patience).await?),
        Call::Execute { server: _, execution, patience } => {
            let reached = move |stage| say(id, News::Reached(stage));
            let job = Job { connected: &connected, execution: &execution, patience, running, reached: &reached };
            Answer::Executed(job.run().await)
        }
    })
}
