//! `kaon-remote`: speaks gRPC to servers of Bazel's Remote Execution API, version 2, for the builder (`runtime::remote`).
//!
//! It reads requests from standard input and writes replies to standard output, one JSON document a line, and ends with its input. What it
//! fetches is not checked here: the builder compares digests and signatures, as with any other server.

mod channel;
mod fetch;
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

/// Answers until the input ends.
async fn serve() -> Result<(), String> {
    let channels = Rc::new(Channels::default());
    let running: Rc<RefCell<BTreeMap<u64, AbortHandle>>> = Rc::default();
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Some(line) = lines.next_line().await.map_err(|error| format!("cannot read standard input: {error}"))? {
        match serde_json::from_str(&line).map_err(|error| format!("not a request: {error}"))? {
            Request::Begin { id, call } => {
                let (channels, ended) = (Rc::clone(&channels), Rc::clone(&running));
                let task = spawn_local(async move {
                    let moved: Moved = Rc::new(move |bytes| say(id, News::Moved(bytes)));
                    let answer = perform(&channels, call, moved).await.unwrap_or_else(Answer::Failed);
                    ended.borrow_mut().remove(&id);
                    say(id, News::Done(answer));
                });
                running.borrow_mut().insert(id, task.abort_handle());
            }
            Request::Stop { id } => {
                if let Some(task) = running.borrow_mut().remove(&id) {
                    task.abort();
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

async fn perform(channels: &Channels, call: Call, moved: Moved) -> Result<Answer, Trouble> {
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
    })
}
