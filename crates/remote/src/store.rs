//! Sending entries and blobs.

use std::path::Path;

use base::digest::Digest;
use bazel_remote_apis::build::bazel::remote::execution::v2 as reapi;
use prost::Message as _;
use reapi::action_cache_client::ActionCacheClient;
use reapi::batch_update_blobs_request::Request;
use reapi::content_addressable_storage_client::ContentAddressableStorageClient;
use runtime::remote::{Blob, Name, Patience, Trouble};
use tonic::Status;

use crate::Moved;
use crate::channel::Connected;
use crate::fetch::pointed;
use crate::resource::{self, MOST_BATCHED_BYTES};
use crate::upload;
use crate::wait::{patiently, within};

/// What names the writer in entries that point to blobs. Some servers rewrite entries that name nobody.
const WORKER: &str = "kaon";

/// Digests in one question, which is far shorter than a message may be.
const ASKED_TOGETHER: usize = 10_000;

/// Those of the blobs that the server lacks.
///
/// # Errors
/// When the server does not say.
pub async fn missing(connected: &Connected, blobs: &[Blob], patience: Patience) -> Result<Vec<Digest>, Trouble> {
    let mut missing = Vec::new();
    for part in blobs.chunks(ASKED_TOGETHER) {
        let answer = patiently(patience, async || {
            let request = reapi::FindMissingBlobsRequest {
                instance_name: connected.instance.clone(),
                blob_digests: part.iter().map(resource::digest).collect(),
                ..Default::default()
            };
            let mut client = ContentAddressableStorageClient::new(connected.channel.clone());
            Ok(within(patience, client.find_missing_blobs(connected.request(request))).await?.into_inner())
        });
        missing.extend(answer.await?.missing_blob_digests.iter().filter_map(|digest| Some(resource::blob(digest)?.sha256)));
    }
    Ok(missing)
}

/// Sends the file at `path` as an entry or blob.
///
/// # Errors
/// When it cannot be read, or the server does not take it.
pub async fn store(connected: &Connected, name: &Name, path: &Path, patience: Patience, moved: &Moved) -> Result<(), Trouble> {
    let read = || std::fs::read(path).map_err(|error| Trouble::Failed(format!("cannot read `{}`: {error}", path.display())));
    match name {
        Name::Entry(key) => {
            let entry = reapi::ActionResult::decode(&read()?[..]);
            let entry = entry.map_err(|error| Trouble::Failed(format!("`{}` is not an entry: {error}", path.display())))?;
            update(connected, key, entry, patience).await
        }
        Name::Blob(blob) if blob.size_bytes <= MOST_BATCHED_BYTES => {
            small(connected, blob, read()?, patience).await?;
            moved(blob.size_bytes);
            Ok(())
        }
        Name::Blob(blob) => upload::upload(connected, blob, path, patience, moved).await,
        Name::Pointer(_) => Err(Trouble::Failed("a pointer has no content".into())),
    }
}

/// Lets a name stand for a blob, unless it does already.
///
/// # Errors
/// When the server does not take it.
pub async fn point(connected: &Connected, name: &str, blob: &Blob, patience: Patience) -> Result<(), Trouble> {
    match pointed(connected, name, patience).await {
        Ok(Some(known)) if known == *blob => return Ok(()),
        Ok(_) | Err(Trouble::NotFound) => {}
        Err(trouble) => return Err(trouble),
    }
    let file = reapi::OutputFile { path: name.to_owned(), digest: Some(resource::digest(blob)), ..Default::default() };
    let metadata = reapi::ExecutedActionMetadata { worker: WORKER.to_owned(), ..Default::default() };
    let entry = reapi::ActionResult { output_files: vec![file], execution_metadata: Some(metadata), ..Default::default() };
    update(connected, &resource::pointer(name), entry, patience).await
}

async fn update(connected: &Connected, key: &Digest, entry: reapi::ActionResult, patience: Patience) -> Result<(), Trouble> {
    patiently(patience, async || {
        let request = reapi::UpdateActionResultRequest {
            instance_name: connected.instance.clone(),
            action_digest: Some(resource::key(key)),
            action_result: Some(entry.clone()),
            ..Default::default()
        };
        let mut client = ActionCacheClient::new(connected.channel.clone());
        within(patience, client.update_action_result(connected.request(request))).await
    })
    .await
    .map(drop)
}

/// Sends the bytes of a small blob.
///
/// # Errors
/// When the server does not take them.
pub async fn small(connected: &Connected, blob: &Blob, data: Vec<u8>, patience: Patience) -> Result<(), Trouble> {
    patiently(patience, async || {
        let one = Request { digest: Some(resource::digest(blob)), data: data.clone(), ..Default::default() };
        let request =
            reapi::BatchUpdateBlobsRequest { instance_name: connected.instance.clone(), requests: vec![one], ..Default::default() };
        let mut client = ContentAddressableStorageClient::new(connected.channel.clone());
        let answer = within(patience, client.batch_update_blobs(connected.request(request))).await?.into_inner();
        let status = answer.responses.into_iter().find_map(|response| response.status).filter(|status| status.code != 0);
        status.map_or(Ok(()), |status| Err(Status::new(status.code.into(), status.message)))
    })
    .await
}
