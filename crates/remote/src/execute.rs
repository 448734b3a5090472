//! Running a program on a worker.

use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;
use std::time::{Duration, Instant};

use bazel_remote_apis::build::bazel::remote::execution::v2 as reapi;
use bazel_remote_apis::google::longrunning::Operation;
use reapi::execution_client::ExecutionClient;
use runtime::remote::{Blob, Earlier, Executed, Execution, Name, NotExecuted, Patience, Stage, Trouble};
use tonic::{Code, Status, Streaming};

use crate::Moved;
use crate::action::{Sent, messages};
use crate::channel::Connected;
use crate::ended::{self, End};
use crate::operation::Running;
use crate::resource;
use crate::store;
use crate::trouble;
use crate::wait::{pause, within};

/// How often a program is tried whose worker or server was lost.
const TRIES: u32 = 3;

/// How long a server may be away while a program runs.
const AWAY: Duration = Duration::from_secs(120);

/// How much longer than its own limit a program is waited for.
const GRACE: Duration = Duration::from_secs(120);

/// A program, its server, and who wants to know how far it is.
pub struct Job<'a> {
    /// The server.
    pub connected: &'a Rc<Connected>,
    /// The program.
    pub execution: &'a Execution,
    /// How long the server is waited for.
    pub patience: Patience,
    /// The name under which it can be cancelled.
    pub running: &'a Running,
    /// Gets how far it has got.
    pub reached: &'a dyn Fn(Stage),
}

/// Why a try ended without a result.
enum Lost {
    /// The server's error.
    Status(Status),
    /// No worker took the program, or it ran for too long.
    Late(NotExecuted),
}

impl From<Status> for Lost {
    fn from(status: Status) -> Self {
        Self::Status(status)
    }
}

impl Job<'_> {
    /// Runs the program.
    ///
    /// # Errors
    /// When it did not run to its end.
    pub async fn run(&self) -> Result<Executed, NotExecuted> {
        let sent = messages(self.execution);
        let mut earlier = self.execution.earlier;
        let (mut tried, mut is_sent_again) = (0, false);
        loop {
            self.send(&sent).await?;
            let ended = self.once(&sent[2].blob, earlier).await;
            self.running.forget();
            let status = match ended {
                Ok(End::Result { result, is_earlier }) => {
                    if result.exit_code == 0 || !is_earlier || earlier == Earlier::Ignored {
                        return Ok(ended::executed(self.connected, *result, self.patience).await?);
                    }
                    // A kept failure may be that of a worker that was killed.
                    earlier = Earlier::Ignored;
                    continue;
                }
                Ok(End::Error(status)) if status.code() == Code::DeadlineExceeded => {
                    return Err(NotExecuted::TookTooLong { limit_s: self.execution.run_s });
                }
                Ok(End::Error(status)) => status,
                Err(Lost::Late(late)) => return Err(late),
                Err(Lost::Status(status)) => status,
            };
            match status.code() {
                // The server lost a blob between the question and the start.
                Code::FailedPrecondition if !is_sent_again => is_sent_again = true,
                // The server knows nothing of it any more.
                Code::NotFound if tried + 1 < TRIES => tried += 1,
                _ if trouble::may_pass(&status) && tried + 1 < TRIES => tried += 1,
                _ => return Err(trouble::of(&status).into()),
            }
            tokio::time::sleep(pause(tried)).await;
        }
    }

    /// Sends what the server lacks.
    async fn send(&self, sent: &[Sent]) -> Result<(), Trouble> {
        (self.reached)(Stage::Sending);
        let (connected, patience) = (self.connected, self.patience);
        let files = self.execution.inputs.values().map(|file| (file.blob, &*file.path));
        let files: BTreeMap<Blob, &Path> = files.collect();
        let blobs: Vec<Blob> = files.keys().copied().chain(sent.iter().map(|sent| sent.blob)).collect();
        let missing = store::missing(connected, &blobs, patience).await?;
        let silent: Moved = Rc::new(|_| {});
        for (blob, path) in files.iter().filter(|(blob, _)| missing.contains(&blob.sha256)) {
            store::store(connected, &Name::Blob(*blob), path, patience, &silent).await?;
        }
        for sent in sent.iter().filter(|sent| missing.contains(&sent.blob.sha256)) {
            store::small(connected, &sent.blob, sent.bytes.clone(), patience).await?;
        }
        Ok(())
    }

    /// Has the program run once, and follows it to its end.
    async fn once(&self, action: &Blob, earlier: Earlier) -> Result<End, Lost> {
        let mut stream = self.begin(action, earlier).await?;
        let mut follow = Follow { job: self, stage: Stage::Sending, since: Instant::now() };
        follow.advance(Stage::Queued);
        loop {
            match tokio::time::timeout(follow.left(), stream.message()).await {
                Err(_) => {
                    let late = follow.late();
                    self.running.cancel().await;
                    return Err(Lost::Late(late));
                }
                Ok(Ok(Some(operation))) => {
                    if let Some(end) = follow.look(operation)? {
                        return Ok(end);
                    }
                }
                Ok(Ok(None)) => stream = self.again(Status::unavailable("the server ended the stream")).await?,
                Ok(Err(status)) if trouble::may_pass(&status) => stream = self.again(status).await?,
                Ok(Err(status)) => return Err(status.into()),
            }
        }
    }

    async fn begin(&self, action: &Blob, earlier: Earlier) -> Result<Streaming<Operation>, Status> {
        let request = reapi::ExecuteRequest {
            instance_name: self.connected.instance.clone(),
            action_digest: Some(resource::digest(action)),
            skip_cache_lookup: earlier == Earlier::Ignored,
            ..Default::default()
        };
        let mut client = ExecutionClient::new(self.connected.channel.clone());
        Ok(within(self.patience, client.execute(self.connected.request(request))).await?.into_inner())
    }

    /// Follows the program again after the stream broke.
    async fn again(&self, broken: Status) -> Result<Streaming<Operation>, Status> {
        let name = self.running.name().ok_or(broken)?;
        let begun = Instant::now();
        let mut tried = 0;
        loop {
            tokio::time::sleep(pause(tried)).await;
            tried += 1;
            let request = reapi::WaitExecutionRequest { name: name.clone() };
            let mut client = ExecutionClient::new(self.connected.channel.clone());
            match within(self.patience, client.wait_execution(self.connected.request(request))).await {
                Ok(stream) => return Ok(stream.into_inner()),
                Err(status) if trouble::may_pass(&status) && begun.elapsed() < AWAY => {}
                Err(status) => return Err(status),
            }
        }
    }
}

/// How far a program is.
struct Follow<'a> {
    job: &'a Job<'a>,
    stage: Stage,
    /// When it got there.
    since: Instant,
}

impl Follow<'_> {
    /// What an operation says; the end if it is over.
    fn look(&mut self, operation: Operation) -> Result<Option<End>, Status> {
        self.job.running.is(self.job.connected, &operation.name);
        match ended::stage(&operation) {
            // A server that lost a worker puts the program into the queue again.
            Some(reapi::execution_stage::Value::Queued) => self.advance(Stage::Queued),
            // Servers whose programs run at once do not say how far they are.
            Some(reapi::execution_stage::Value::Executing) | None => self.advance(Stage::Running),
            Some(_) => {}
        }
        ended::end(operation)
    }

    fn advance(&mut self, stage: Stage) {
        if stage != self.stage {
            (self.stage, self.since) = (stage, Instant::now());
            (self.job.reached)(stage);
        }
    }

    /// How long the program may stay where it is.
    fn left(&self) -> Duration {
        let Execution { queue_s, run_s, .. } = self.job.execution;
        let limit = match self.stage {
            Stage::Sending | Stage::Queued => Duration::from_secs((*queue_s).into()),
            Stage::Running => Duration::from_secs((*run_s).into()) + GRACE,
        };
        limit.saturating_sub(self.since.elapsed())
    }

    /// What it means that it stayed for longer.
    fn late(&self) -> NotExecuted {
        match self.stage {
            Stage::Sending | Stage::Queued => NotExecuted::NotTaken { waited_s: self.job.execution.queue_s },
            Stage::Running => NotExecuted::TookTooLong { limit_s: self.job.execution.run_s },
        }
    }
}

#[cfg(test)]
mod tests;
