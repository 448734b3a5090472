//! A server that answers as it is told, and what becomes of programs on it.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use bazel_remote_apis::google::longrunning as operations;
use bazel_remote_apis::google::protobuf::{Any, Empty};
use bazel_remote_apis::google::rpc;
use operations::operations_server::{Operations, OperationsServer};
use prost::Message as _;
use reapi::content_addressable_storage_server::{ContentAddressableStorage, ContentAddressableStorageServer};
use reapi::execution_server::{Execution as Executes, ExecutionServer};
use tokio::task::LocalSet;
use tokio_stream::{Stream, StreamExt as _};
use tonic::transport::Server as Transport;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response};

use super::*;
use crate::channel::Channels;

/// What the server says to one request.
#[derive(Clone)]
enum Said {
    /// In the queue, and nothing more.
    Queued,
    /// Accepted, without a stage, and nothing for a while before it ended: for longer than programs may be in the queue.
    Silent,
    /// Running, and the stream breaks.
    Breaks,
    /// It ended.
    Exit { code: i32, is_kept: bool },
    /// It could not be run.
    Failed(Code),
}

#[derive(Default)]
struct Heard {
    answers: VecDeque<Said>,
    /// For each request, whether what was kept is ignored.
    executed: Vec<bool>,
    waited: usize,
    cancelled: Vec<String>,
}

#[derive(Clone, Default)]
struct Fake(Arc<Mutex<Heard>>);

type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

const NAME: &str = "operations/1";

fn operation(stage: reapi::execution_stage::Value, response: Option<reapi::ExecuteResponse>) -> Operation {
    let metadata = reapi::ExecuteOperationMetadata { stage: stage.into(), ..Default::default() };
    let any = |value: Vec<u8>| Any { type_url: String::new(), value };
    Operation {
        name: NAME.into(),
        metadata: Some(any(metadata.encode_to_vec())),
        done: response.is_some(),
        result: response.map(|response| operations::operation::Result::Response(any(response.encode_to_vec()))),
    }
}

fn said(answer: Said) -> Answers<Operation> {
    use reapi::execution_stage::Value::{Completed, Executing, Queued};
    let running = operation(Executing, None);
    match answer {
        Said::Queued => Box::pin(tokio_stream::once(Ok(operation(Queued, None))).chain(tokio_stream::pending())),
        Said::Silent => {
            let accepted = Operation { name: NAME.into(), ..Default::default() };
            let ended = async_end(Duration::from_secs(2));
            Box::pin(tokio_stream::once(Ok(accepted)).chain(ended))
        }
        Said::Breaks => Box::pin(tokio_stream::iter([Ok(running), Err(Status::unavailable("going down"))])),
        Said::Exit { code, is_kept } => {
            let result = reapi::ActionResult { exit_code: code, ..Default::default() };
            let response = reapi::ExecuteResponse { result: Some(result), cached_result: is_kept, ..Default::default() };
            Box::pin(tokio_stream::iter([Ok(running), Ok(operation(Completed, Some(response)))]))
        }
        Said::Failed(code) => {
            let status = rpc::Status { code: code as i32, message: "told so".into(), details: vec![] };
            let response = reapi::ExecuteResponse { status: Some(status), ..Default::default() };
            Box::pin(tokio_stream::iter([Ok(operation(Completed, Some(response)))]))
        }
    }
}

/// The end of a successful program, after a while.
fn async_end(after: Duration) -> Answers<Operation> {
    let result = reapi::ActionResult::default();
    let response = reapi::ExecuteResponse { result: Some(result), ..Default::default() };
    let ended = operation(reapi::execution_stage::Value::Completed, Some(response));
    let (send, receive) = tokio::sync::mpsc::channel(1);
    tokio::spawn(async move {
        tokio::time::sleep(after).await;
        let _ = send.send(Ok(ended)).await;
    });
    Box::pin(tokio_stream::wrappers::ReceiverStream::new(receive))
}

#[tonic::async_trait]
impl Executes for Fake {
    type ExecuteStream = Answers<Operation>;
    type WaitExecutionStream = Answers<Operation>;

    async fn execute(&self, request: Request<reapi::ExecuteRequest>) -> Result<Response<Self::ExecuteStream>, Status> {
        let mut heard = self.0.lock().unwrap();
        heard.executed.push(request.get_ref().skip_cache_lookup);
        Ok(Response::new(said(heard.answers.pop_front().unwrap())))
    }

    async fn wait_execution(&self, _: Request<reapi::WaitExecutionRequest>) -> Result<Response<Self::WaitExecutionStream>, Status> {
        self.0.lock().unwrap().waited += 1;
        Err(Status::not_found("started anew"))
    }
}

#[tonic::async_trait]
impl ContentAddressableStorage for Fake {
    type GetTreeStream = Answers<reapi::GetTreeResponse>;
    type GetChunkMappingStream = Answers<reapi::GetChunkMappingResponse>;

    async fn find_missing_blobs(
        &self,
        _: Request<reapi::FindMissingBlobsRequest>,
    ) -> Result<Response<reapi::FindMissingBlobsResponse>, Status> {
        Ok(Response::new(Default::default()))
    }

    async fn batch_update_blobs(
        &self,
        _: Request<reapi::BatchUpdateBlobsRequest>,
    ) -> Result<Response<reapi::BatchUpdateBlobsResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn batch_read_blobs(&self, _: Request<reapi::BatchReadBlobsRequest>) -> Result<Response<reapi::BatchReadBlobsResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn get_tree(&self, _: Request<reapi::GetTreeRequest>) -> Result<Response<Self::GetTreeStream>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn get_chunk_mapping(&self, _: Request<reapi::GetChunkMappingRequest>) -> Result<Response<Self::GetChunkMappingStream>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn register_chunk_mapping(
        &self,
        _: Request<Streaming<reapi::RegisterChunkMappingRequest>>,
    ) -> Result<Response<reapi::RegisterChunkMappingResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn split_blob(&self, _: Request<reapi::SplitBlobRequest>) -> Result<Response<reapi::SplitBlobResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn splice_blob(&self, _: Request<reapi::SpliceBlobRequest>) -> Result<Response<reapi::SpliceBlobResponse>, Status> {
        Err(Status::unimplemented(""))
    }
}

#[tonic::async_trait]
impl Operations for Fake {
    async fn list_operations(
        &self,
        _: Request<operations::ListOperationsRequest>,
    ) -> Result<Response<operations::ListOperationsResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn get_operation(&self, _: Request<operations::GetOperationRequest>) -> Result<Response<Operation>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn delete_operation(&self, _: Request<operations::DeleteOperationRequest>) -> Result<Response<Empty>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn cancel_operation(&self, request: Request<operations::CancelOperationRequest>) -> Result<Response<Empty>, Status> {
        self.0.lock().unwrap().cancelled.push(request.into_inner().name);
        Ok(Response::new(Empty {}))
    }

    async fn wait_operation(&self, _: Request<operations::WaitOperationRequest>) -> Result<Response<Operation>, Status> {
        Err(Status::unimplemented(""))
    }
}

/// Runs a program on a server that gives these answers. Returns its exit code, and what the server heard.
fn run(answers: impl IntoIterator<Item = Said>) -> (Result<i32, NotExecuted>, Heard) {
    let fake = Fake(Arc::new(Mutex::new(Heard { answers: answers.into_iter().collect(), ..Default::default() })));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let ended = LocalSet::new().block_on(&runtime, async {
        let incoming = TcpIncoming::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let server = format!("grpc://{}", incoming.local_addr().unwrap()).parse().unwrap();
        let services = Transport::builder()
            .add_service(ExecutionServer::new(fake.clone()))
            .add_service(OperationsServer::new(fake.clone()))
            .add_service(ContentAddressableStorageServer::new(fake.clone()));
        tokio::spawn(services.serve_with_incoming(incoming));
        let execution = Execution {
            arguments: vec!["./x".into()],
            inputs: BTreeMap::new(),
            outputs: vec![],
            properties: BTreeMap::new(),
            queue_s: 1,
            run_s: 60,
            earlier: Earlier::Used,
        };
        let connected = Channels::default().connected(&server).unwrap();
        let patience = Patience { retries: 0, silence_s: 10 };
        let job = Job { connected: &connected, execution: &execution, patience, running: &Running::default(), reached: &|_| {} };
        job.run().await.map(|ended| ended.exit_code)
    });
    drop(runtime);
    let heard = std::mem::take(&mut *fake.0.lock().unwrap());
    (ended, heard)
}

#[test]
fn a_program_that_no_worker_takes_is_cancelled() {
    let (ended, heard) = run([Said::Queued]);
    assert_eq!(ended, Err(NotExecuted::NotTaken { waited_s: 1 }));
    assert_eq!(heard.cancelled, [NAME]);
}

#[test]
fn a_server_that_says_no_stages_has_time() {
    let (ended, heard) = run([Said::Silent]);
    assert_eq!((ended, heard.cancelled), (Ok(0), vec![]));
}

#[test]
fn a_server_that_started_anew_is_asked_again() {
    let (ended, heard) = run([Said::Breaks, Said::Exit { code: 0, is_kept: false }]);
    assert_eq!((ended, heard.waited, heard.executed), (Ok(0), 1, vec![false, false]));
}

#[test]
fn kept_failures_are_not_used_and_kept_successes_are() {
    let kept = |code| Said::Exit { code, is_kept: true };
    let (ended, heard) = run([kept(137), Said::Exit { code: 0, is_kept: false }]);
    assert_eq!((ended, heard.executed), (Ok(0), vec![false, true]));
    let (ended, heard) = run([kept(0)]);
    assert_eq!((ended, heard.executed), (Ok(0), vec![false]));
    let (ended, heard) = run([Said::Exit { code: 1, is_kept: false }]);
    assert_eq!((ended, heard.executed), (Ok(1), vec![false]), "a failure of now is one");
}

#[test]
fn what_may_pass_is_tried_a_few_times() {
    for (code, tries) in [(Code::FailedPrecondition, 2), (Code::Unavailable, 3), (Code::InvalidArgument, 1)] {
        let (ended, heard) = run(vec![Said::Failed(code); tries]);
        assert!(matches!(ended, Err(NotExecuted::Server(_))), "{code:?}: {ended:?}");
        assert_eq!(heard.executed.len(), tries, "{code:?}");
    }
    assert_eq!(run([Said::Failed(Code::DeadlineExceeded)]).0, Err(NotExecuted::TookTooLong { limit_s: 60 }));
}
