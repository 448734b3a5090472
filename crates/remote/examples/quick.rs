//! A server of the Remote Execution API that is done with every build at once: what it returns are no packages, but named like those that were
//! asked for. `cargo xtask bench farm-client` measures its client.
//!
//! It prints its address, and ends with its standard input.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{Read as _, Write as _};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use base::digest::Digest;
use bazel_remote_apis::build::bazel::remote::execution::v2 as reapi;
use bazel_remote_apis::google::bytestream::byte_stream_server::{ByteStream, ByteStreamServer};
use bazel_remote_apis::google::bytestream::{
    QueryWriteStatusRequest, QueryWriteStatusResponse, ReadRequest, ReadResponse, WriteRequest, WriteResponse,
};
use bazel_remote_apis::google::longrunning::{Operation, operation};
use bazel_remote_apis::google::protobuf::Any;
use prost::Message as _;
use reapi::content_addressable_storage_server::{ContentAddressableStorage, ContentAddressableStorageServer};
use reapi::execution_server::{Execution, ExecutionServer};
use serde_json::json;
use tokio_stream::{Stream, StreamExt as _};
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status, Streaming};

/// A log without a word: a frame of Zstandard (RFC 8878) with one empty block.
const EMPTY_LOG: [u8; 9] = [0x28, 0xb5, 0x2f, 0xfd, 0x20, 0, 1, 0, 0];

type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// The blobs, by their digests.
#[derive(Clone, Default)]
struct Quick(Arc<Mutex<BTreeMap<String, Vec<u8>>>>);

impl Quick {
    fn blobs(&self) -> MutexGuard<'_, BTreeMap<String, Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, bytes: Vec<u8>) -> reapi::Digest {
        let (hash, size_bytes) = (Digest::of_bytes(&bytes).hex(), (bytes.len() as u64).cast_signed());
        self.blobs().insert(hash.clone(), bytes);
        reapi::Digest { hash, size_bytes }
    }

    fn get(&self, hash: &str) -> Result<Vec<u8>, Status> {
        self.blobs().get(hash).cloned().ok_or_else(|| Status::not_found(hash.to_owned()))
    }

    fn message<T: prost::Message + Default>(&self, digest: Option<reapi::Digest>) -> Result<T, Status> {
        let bytes = self.get(&digest.unwrap_or_default().hash)?;
        T::decode(&bytes[..]).map_err(|error| Status::invalid_argument(error.to_string()))
    }

    /// What a build with these outputs left.
    fn result(&self, outputs: &[String]) -> reapi::ActionResult {
        let packages: Vec<&str> =
            outputs.iter().filter_map(|path| path.strip_prefix("out/")).filter(|file| file.ends_with(".rpm")).collect();
        let built: Vec<_> = packages.iter().map(|file| package(file)).collect();
        let report = json!({"built": {"packages": built, "elapsed_ms": 5000, "cpu_ms": 0, "peak_memory_bytes": 0}});
        let content = |path: &String| match path.strip_prefix("out/") {
            Some("report.json") => report.to_string().into_bytes(),
            Some("build.log.zst") => EMPTY_LOG.to_vec(),
            name => name.unwrap_or_default().as_bytes().to_vec(),
        };
        let file = |path: &String| reapi::OutputFile { path: path.clone(), digest: Some(self.put(content(path))), ..Default::default() };
        reapi::ActionResult { output_files: outputs.iter().map(file).collect(), ..Default::default() }
    }
}

/// The description of a package, whose content is its own file name.
fn package(file: &str) -> serde_json::Value {
    let name = file.rsplitn(3, '-').last().unwrap_or_default();
    json!({
        "name": name, "file_name": file, "object": Digest::of_bytes(file).hex(), "provides": [format!("{name} = 1-1")], "requires": [],
        "files": 1, "installed_bytes": 1,
    })
}

#[tonic::async_trait]
impl Execution for Quick {
    type ExecuteStream = Answers<Operation>;
    type WaitExecutionStream = Answers<Operation>;

    async fn execute(&self, request: Request<reapi::ExecuteRequest>) -> Result<Response<Self::ExecuteStream>, Status> {
        let action: reapi::Action = self.message(request.into_inner().action_digest)?;
        let command: reapi::Command = self.message(action.command_digest)?;
        let response = reapi::ExecuteResponse { result: Some(self.result(&command.output_paths)), ..Default::default() };
        let any = Any { type_url: String::new(), value: response.encode_to_vec() };
        let operation =
            Operation { name: "build".into(), done: true, result: Some(operation::Result::Response(any)), ..Default::default() };
        Ok(Response::new(Box::pin(tokio_stream::once(Ok(operation)))))
    }

    async fn wait_execution(&self, _: Request<reapi::WaitExecutionRequest>) -> Result<Response<Self::WaitExecutionStream>, Status> {
        Err(Status::not_found("every build has ended"))
    }
}

#[tonic::async_trait]
impl ContentAddressableStorage for Quick {
    type GetTreeStream = Answers<reapi::GetTreeResponse>;
    type GetChunkMappingStream = Answers<reapi::GetChunkMappingResponse>;

    async fn find_missing_blobs(
        &self,
        request: Request<reapi::FindMissingBlobsRequest>,
    ) -> Result<Response<reapi::FindMissingBlobsResponse>, Status> {
        let blobs = self.blobs();
        let asked = request.into_inner().blob_digests.into_iter();
        let missing_blob_digests = asked.filter(|digest| !blobs.contains_key(&digest.hash)).collect();
        Ok(Response::new(reapi::FindMissingBlobsResponse { missing_blob_digests }))
    }

    async fn batch_update_blobs(
        &self,
        request: Request<reapi::BatchUpdateBlobsRequest>,
    ) -> Result<Response<reapi::BatchUpdateBlobsResponse>, Status> {
        let one = |request: reapi::batch_update_blobs_request::Request| reapi::batch_update_blobs_response::Response {
            digest: Some(self.put(request.data)),
            status: None,
        };
        let responses = request.into_inner().requests.into_iter().map(one).collect();
        Ok(Response::new(reapi::BatchUpdateBlobsResponse { responses }))
    }

    async fn batch_read_blobs(
        &self,
        request: Request<reapi::BatchReadBlobsRequest>,
    ) -> Result<Response<reapi::BatchReadBlobsResponse>, Status> {
        let one = |digest: reapi::Digest| {
            let data = self.get(&digest.hash)?;
            Ok(reapi::batch_read_blobs_response::Response { digest: Some(digest), data, ..Default::default() })
        };
        let responses = request.into_inner().digests.into_iter().map(one).collect::<Result<_, Status>>()?;
        Ok(Response::new(reapi::BatchReadBlobsResponse { responses }))
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
impl ByteStream for Quick {
    type ReadStream = Answers<ReadResponse>;

    async fn read(&self, request: Request<ReadRequest>) -> Result<Response<Self::ReadStream>, Status> {
        // `[INSTANCE/]blobs/DIGEST/SIZE`.
        let name = request.into_inner().resource_name;
        let data = self.get(name.rsplit('/').nth(1).unwrap_or_default())?;
        let pieces: Vec<_> = data.chunks(1 << 20).map(|piece| Ok(ReadResponse { data: piece.to_vec() })).collect();
        Ok(Response::new(Box::pin(tokio_stream::iter(pieces))))
    }

    async fn write(&self, request: Request<Streaming<WriteRequest>>) -> Result<Response<WriteResponse>, Status> {
        let (mut pieces, mut bytes) = (request.into_inner(), Vec::new());
        while let Some(piece) = pieces.next().await {
            bytes.extend(piece?.data);
        }
        Ok(Response::new(WriteResponse { committed_size: self.put(bytes).size_bytes }))
    }

    async fn query_write_status(&self, _: Request<QueryWriteStatusRequest>) -> Result<Response<QueryWriteStatusResponse>, Status> {
        Err(Status::unimplemented(""))
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    thread::spawn(|| {
        // Whoever started it has ended, or does not need it any more.
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let incoming = TcpIncoming::bind("127.0.0.1:0".parse()?)?;
        writeln!(std::io::stdout(), "grpc://{}", incoming.local_addr()?)?;
        let quick = Quick::default();
        let services = Server::builder()
            .add_service(ExecutionServer::new(quick.clone()))
            .add_service(ContentAddressableStorageServer::new(quick.clone()))
            .add_service(ByteStreamServer::new(quick));
        Ok::<(), Box<dyn Error>>(services.serve_with_incoming(incoming).await?)
    })
}
