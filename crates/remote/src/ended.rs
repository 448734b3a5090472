//! What a server says of a program that runs or ran.

use std::collections::BTreeMap;
use std::rc::Rc;

use bazel_remote_apis::build::bazel::remote::execution::v2 as reapi;
use bazel_remote_apis::google::longrunning::{Operation, operation};
use prost::Message as _;
use runtime::remote::{Blob, Executed, Patience, Trouble};
use tonic::Status;

use crate::channel::Connected;
use crate::fetch::read_batch;
use crate::resource::{self, MOST_BATCHED_BYTES};

/// The end of a program's standard error that is told.
const LAST_BYTES: usize = 2048;

/// How a program ended for the server.
#[derive(Debug)]
pub enum End {
    /// It ran, now or earlier.
    Result {
        /// What it left.
        result: Box<reapi::ActionResult>,
        /// Whether it ran earlier, and the server kept the result.
        is_earlier: bool,
    },
    /// It could not be run to its end.
    Error(Status),
}

/// How far a program has got, if the server says so.
pub fn stage(operation: &Operation) -> Option<reapi::execution_stage::Value> {
    let metadata = reapi::ExecuteOperationMetadata::decode(&operation.metadata.as_ref()?.value[..]).ok()?;
    reapi::execution_stage::Value::try_from(metadata.stage).ok()
}

/// The end of a program, if it is over.
///
/// # Errors
/// When the server's answer is none.
pub fn end(operation: Operation) -> Result<Option<End>, Status> {
    if !operation.done {
        return Ok(None);
    }
    let any = match operation.result {
        Some(operation::Result::Response(any)) => any,
        Some(operation::Result::Error(status)) => return Ok(Some(End::Error(Status::new(status.code.into(), status.message)))),
        None => return Err(Status::data_loss("the server says that the program ended, but not how")),
    };
    let unreadable = |error: prost::DecodeError| Status::data_loss(format!("the server's answer cannot be read: {error}"));
    let response = reapi::ExecuteResponse::decode(&any.value[..]).map_err(unreadable)?;
    if let Some(status) = response.status.filter(|status| status.code != 0) {
        return Ok(Some(End::Error(Status::new(status.code.into(), status.message))));
    }
    let result = response.result.map(Box::new).ok_or_else(|| Status::data_loss("the server's answer contains no result"))?;
    Ok(Some(End::Result { result, is_earlier: response.cached_result }))
}

/// A result in the builder's terms.
///
/// # Errors
/// When the end of its standard error cannot be fetched.
pub async fn executed(connected: &Rc<Connected>, result: reapi::ActionResult, patience: Patience) -> Result<Executed, Trouble> {
    let outputs = result.output_files.iter();
    let outputs: BTreeMap<String, Blob> =
        outputs.filter_map(|file| Some((file.path.clone(), resource::blob(file.digest.as_ref()?)?))).collect();
    let stderr = match result.stderr_digest.as_ref().and_then(resource::blob) {
        Some(blob) if result.stderr_raw.is_empty() && (1..=MOST_BATCHED_BYTES).contains(&blob.size_bytes) => {
            // It only explains a failure, and is not worth another one.
            read_batch(connected, &[blob], patience).await?.into_iter().next().and_then(Result::ok).unwrap_or_default()
        }
        Some(_) | None => result.stderr_raw,
    };
    let tail = &stderr[stderr.len().saturating_sub(LAST_BYTES)..];
    let worker = result.execution_metadata.map(|metadata| metadata.worker).unwrap_or_default();
    Ok(Executed { exit_code: result.exit_code, worker, outputs, last_words: String::from_utf8_lossy(tail).trim().to_owned() })
}

#[cfg(test)]
mod tests {
    use bazel_remote_apis::google::protobuf::Any;
    use bazel_remote_apis::google::rpc;

    use super::*;

    fn done(response: reapi::ExecuteResponse) -> Operation {
        let any = Any { type_url: String::new(), value: response.encode_to_vec() };
        Operation { done: true, result: Some(operation::Result::Response(any)), ..Default::default() }
    }

    #[test]
    fn ends_are_told_apart() {
        assert!(end(Operation::default()).unwrap().is_none());
        assert!(end(Operation { done: true, ..Default::default() }).is_err());
        let result = || Some(reapi::ActionResult { exit_code: 137, ..Default::default() });
        for cached_result in [false, true] {
            let ended = end(done(reapi::ExecuteResponse { result: result(), cached_result, ..Default::default() })).unwrap();
            assert!(matches!(ended, Some(End::Result { is_earlier, .. }) if is_earlier == cached_result), "{cached_result}");
        }
        let status = Some(rpc::Status { code: 4, message: "late".into(), details: vec![] });
        let ended = end(done(reapi::ExecuteResponse { result: result(), status, ..Default::default() })).unwrap();
        assert!(matches!(ended, Some(End::Error(status)) if status.code() == tonic::Code::DeadlineExceeded));
    }

    #[test]
    fn stages_are_read() {
        let metadata = reapi::ExecuteOperationMetadata { stage: 3, ..Default::default() };
        let any = Any { type_url: String::new(), value: metadata.encode_to_vec() };
        let operation = Operation { metadata: Some(any), ..Default::default() };
        assert_eq!(stage(&operation), Some(reapi::execution_stage::Value::Executing));
        assert_eq!(stage(&Operation::default()), None);
    }
}
