//! The running program, and calls to it.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use super::execution::{Executed, Execution, NotExecuted, Stage};
use super::message::{Answer, Call, News, Patience, Reply, Request};
use super::{RemoteError, Server};
use crate::cancel::{CHECK, Cancel};

/// A running `kaon-remote`.
pub struct Connection {
    child: Mutex<Child>,
    /// Its standard input; `None` once it does not listen any more.
    input: Mutex<Option<ChildStdin>>,
    waiting: Arc<Waiting>,
    next: AtomicU64,
}

/// Who waits for which reply; `None` once there are no more.
#[derive(Default)]
struct Waiting(Mutex<Option<BTreeMap<u64, Sender<News>>>>);

impl Waiting {
    fn lock(&self) -> MutexGuard<'_, Option<BTreeMap<u64, Sender<News>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connection {
    /// Starts the program.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(program: &Path) -> Result<Self, RemoteError> {
        let failed = |reason: String| RemoteError::Start { program: program.display().to_string(), reason };
        let mut command = Command::new(program);
        Self::run(&mut command).map_err(failed)
    }

    fn run(command: &mut Command) -> Result<Self, String> {
        // In a process group of its own: what the terminal interrupts is this program, which tells it to stop.
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).process_group(0);
        let mut child = command.spawn().map_err(|error| error.to_string())?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else { return Err("it has no pipes".into()) };
        let waiting = Arc::new(Waiting(Mutex::new(Some(BTreeMap::new()))));
        let listening = Arc::clone(&waiting);
        thread::Builder::new().spawn(move || listen(output, &listening)).map_err(|error| error.to_string())?;
        Ok(Self { child: Mutex::new(child), input: Mutex::new(Some(input)), waiting, next: AtomicU64::new(1) })
    }

    /// Whether it still answers.
    pub fn is_alive(&self) -> bool {
        self.waiting.lock().is_some()
    }

    /// Asks for something and waits for the end. `moved` gets numbers of transferred bytes.
    ///
    /// # Errors
    /// When the user asked to stop, or the program ended.
    pub fn call(&self, call: Call, cancel: &Cancel, moved: &dyn Fn(u64)) -> Result<Answer, RemoteError> {
        self.follow(call, cancel, moved, &|_| {})
    }

    /// Has a program run on a worker, and waits for its end. `reached` gets how far it has got.
    ///
    /// # Errors
    /// As those of [`call`](Self::call).
    pub fn execute(
        &self,
        server: Server,
        execution: Execution,
        patience: Patience,
        cancel: &Cancel,
        reached: &dyn Fn(Stage),
    ) -> Result<Result<Executed, NotExecuted>, RemoteError> {
        let call = Call::Execute { server, execution: Box::new(execution), patience };
        match self.follow(call, cancel, &|_| {}, reached)? {
            Answer::Executed(end) => Ok(end),
            Answer::Failed(trouble) => Ok(Err(trouble.into())),
            Answer::Fetched(_) | Answer::Missing(_) | Answer::Stored | Answer::Runs(_) => Err(RemoteError::Ended),
        }
    }

    fn follow(&self, call: Call, cancel: &Cancel, moved: &dyn Fn(u64), reached: &dyn Fn(Stage)) -> Result<Answer, RemoteError> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (sender, news) = mpsc::channel();
        self.waiting.lock().as_mut().ok_or(RemoteError::Ended)?.insert(id, sender);
        self.say(&Request::Begin { id, call })?;
        loop {
            match news.recv_timeout(CHECK) {
                Ok(News::Moved(bytes)) => moved(bytes),
                Ok(News::Reached(stage)) => reached(stage),
                Ok(News::Done(answer)) => return Ok(answer),
                Err(RecvTimeoutError::Disconnected) => return Err(RemoteError::Ended),
                Err(RecvTimeoutError::Timeout) => {}
            }
            if cancel.is_raised() {
                if let Some(waiting) = self.waiting.lock().as_mut() {
                    waiting.remove(&id);
                }
                // If it ended meanwhile, there is nothing to stop.
                let _ = self.say(&Request::Stop { id });
                return Err(RemoteError::Interrupted);
            }
        }
    }

    fn say(&self, request: &Request) -> Result<(), RemoteError> {
        let mut line = serde_json::to_vec(request).map_err(|_| RemoteError::Ended)?;
        line.push(b'\n');
        let mut input = self.input.lock().unwrap_or_else(PoisonError::into_inner);
        let said = input.as_mut().map(|input| input.write_all(&line).and_then(|()| input.flush()));
        if matches!(said, Some(Ok(()))) { Ok(()) } else { Err(RemoteError::Ended) }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        drop(self.input.lock().unwrap_or_else(PoisonError::into_inner).take());
        // It ends with its input.
        let _ = self.child.lock().unwrap_or_else(PoisonError::into_inner).wait();
    }
}

/// Hands replies to those who wait for them, until there are no more.
fn listen(output: ChildStdout, waiting: &Waiting) {
    for line in BufReader::new(output).lines().map_while(Result::ok) {
        let Ok(Reply { id, news }) = serde_json::from_str(&line) else { break };
        let is_last = matches!(news, News::Done(_));
        let mut all = waiting.lock();
        let Some(all) = all.as_mut() else { break };
        // Who was asked to stop does not wait any more.
        if let Some(sender) = all.get(&id) {
            let _ = sender.send(news);
        }
        if is_last {
            all.remove(&id);
        }
    }
    *waiting.lock() = None;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::remote::Earlier;

    /// A shell script as the program.
    fn started(script: &str) -> Connection {
        Connection::run(Command::new("/bin/sh").args(["-c", script])).unwrap()
    }

    fn call() -> Call {
        Call::Missing { server: "grpc://a.test:1".parse().unwrap(), blobs: vec![], patience: Patience { retries: 0, silence_s: 1 } }
    }

    #[test]
    fn replies_go_to_those_who_asked() {
        let script = r#"read -r line; echo '{"id":9,"news":{"moved":1}}'; echo '{"id":1,"news":{"moved":5}}'
            echo '{"id":1,"news":{"done":{"missing":[]}}}'; read -r line"#;
        let connection = started(script);
        let moved = AtomicU64::new(0);
        let answer = connection.call(call(), &Cancel::new(), &|bytes| {
            moved.fetch_add(bytes, Ordering::Relaxed);
        });
        assert_eq!((answer, moved.into_inner()), (Ok(Answer::Missing(vec![])), 5));
    }

    #[test]
    fn programs_on_workers_report_how_far_they_are() {
        let script = r#"read -r line; echo '{"id":1,"news":{"reached":"queued"}}'; echo '{"id":1,"news":{"reached":"running"}}'
            echo '{"id":1,"news":{"done":{"executed":{"Err":{"took-too-long":{"limit_s":5}}}}}}'; read -r line"#;
        let connection = started(script);
        let execution = Execution {
            arguments: vec!["./x".into()],
            inputs: BTreeMap::new(),
            outputs: vec![],
            properties: BTreeMap::new(),
            queue_s: 1,
            run_s: 5,
            earlier: Earlier::Used,
        };
        let stages = Mutex::new(Vec::new());
        let patience = Patience { retries: 0, silence_s: 1 };
        let server = "grpc://a.test:1".parse().unwrap();
        let end = connection.execute(server, execution, patience, &Cancel::new(), &|stage| stages.lock().unwrap().push(stage)).unwrap();
        assert_eq!(end, Err(NotExecuted::TookTooLong { limit_s: 5 }));
        assert_eq!(stages.into_inner().unwrap(), [Stage::Queued, Stage::Running]);
    }

    #[test]
    fn a_program_that_ends_or_talks_nonsense_is_an_error() {
        for script in ["read -r line", "read -r line; echo nonsense; exec sleep 0.1"] {
            let connection = started(script);
            assert_eq!(connection.call(call(), &Cancel::new(), &|_| {}), Err(RemoteError::Ended), "{script}");
            assert!(!connection.is_alive());
            assert_eq!(connection.call(call(), &Cancel::new(), &|_| {}), Err(RemoteError::Ended), "{script}");
        }
    }

    #[test]
    fn who_is_interrupted_does_not_wait() {
        let connection = started("cat >/dev/null");
        let cancel = Cancel::new();
        cancel.raise();
        assert_eq!(connection.call(call(), &cancel, &|_| {}), Err(RemoteError::Interrupted));
        assert!(connection.is_alive());
    }
}
