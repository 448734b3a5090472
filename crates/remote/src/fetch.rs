//! Fetching entries and blobs.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::rc::Rc;

use bazel_remote_apis::build::bazel::remote::execution::v2 as reapi;
use bazel_remote_apis::google::bytestream::ReadRequest;
use bazel_remote_apis::google::bytestream::byte_stream_client::ByteStreamClient;
use prost::Message as _;
use reapi::action_cache_client::ActionCacheClient;
use reapi::content_addressable_storage_client::ContentAddressableStorageClient;
use runtime::remote::{Blob, Name, Patience, Trouble, Wanted};
use tokio::task::JoinSet;
use tonic::Status;

use crate::Moved;
use crate::channel::Connected;
use crate::resource::{self, MOST_BATCHED_BYTES, MOST_BYTES};
use crate::trouble;
use crate::wait::{patiently, within};

/// The file of an entry that the builder needs with it.
const ENVELOPE: &str = "result.dsse.json";

/// Fetches files, several at once, and says of each, in their order, whether it is there.
pub async fn fetch(connected: &Rc<Connected>, files: Vec<Wanted>, patience: Patience, moved: &Moved) -> Vec<Result<(), Trouble>> {
    let mut ends: Vec<Result<(), Trouble>> = files.iter().map(|_| Err(Trouble::Failed("it was not asked for".into()))).collect();
    let mut under_way = JoinSet::new();
    for together in batches(&files) {
        let wanted: Vec<Wanted> = together.iter().map(|at| files[*at].clone()).collect();
        let (connected, moved) = (Rc::clone(connected), Rc::clone(moved));
        under_way.spawn_local(async move {
            let ends = match &wanted[..] {
                [one] => vec![one_file(&connected, one, patience, &moved).await],
                several => batch(&connected, several, patience, &moved).await,
            };
            together.into_iter().zip(ends).collect::<Vec<_>>()
        });
    }
    while let Some(done) = under_way.join_next().await {
        for (at, end) in done.unwrap_or_default() {
            ends[at] = end;
        }
    }
    ends
}

/// Which files are asked for together: small blobs, as many as a message may have. All others alone.
fn batches(files: &[Wanted]) -> Vec<Vec<usize>> {
    let (mut batches, mut open, mut bytes) = (Vec::new(), Vec::new(), 0);
    for (at, file) in files.iter().enumerate() {
        match &file.name {
            Name::Blob(blob) if blob.size_bytes <= MOST_BATCHED_BYTES => {
                if bytes + blob.size_bytes > MOST_BYTES {
                    batches.push(std::mem::take(&mut open));
                    bytes = 0;
                }
                open.push(at);
                bytes += blob.size_bytes;
            }
            Name::Blob(_) | Name::Entry(_) | Name::Pointer(_) => batches.push(vec![at]),
        }
    }
    batches.push(open);
    batches.retain(|batch| !batch.is_empty());
    batches
}

async fn one_file(connected: &Connected, file: &Wanted, patience: Patience, moved: &Moved) -> Result<(), Trouble> {
    match &file.name {
        Name::Entry(key) => {
            let mut entry = result(connected, resource::key(key), patience).await?;
            inline(connected, &mut entry, file.most_bytes, patience).await?;
            let bytes = entry.encode_to_vec();
            check(bytes.len() as u64, file.most_bytes)?;
            written(&file.target, &bytes)
        }
        Name::Blob(blob) => stream(connected, blob, file, patience, moved).await,
        Name::Pointer(name) => {
            let blob = pointed(connected, name, patience).await?.ok_or(Trouble::NotFound)?;
            stream(connected, &blob, file, patience, moved).await
        }
    }
}

/// The blob that a name stands for, if the server's entry is one of that kind.
pub async fn pointed(connected: &Connected, name: &str, patience: Patience) -> Result<Option<Blob>, Trouble> {
    let entry = result(connected, resource::key(&resource::pointer(name)), patience).await?;
    let file = entry.output_files.iter().find(|file| file.path == name);
    Ok(file.and_then(|file| resource::blob(file.digest.as_ref()?)))
}

async fn result(connected: &Connected, key: reapi::Digest, patience: Patience) -> Result<reapi::ActionResult, Trouble> {
    patiently(patience, async || {
        let request = reapi::GetActionResultRequest {
            instance_name: connected.instance.clone(),
            action_digest: Some(key.clone()),
            inline_output_files: vec![ENVELOPE.into()],
            ..Default::default()
        };
        let mut client = ActionCacheClient::new(connected.channel.clone());
        Ok(within(patience, client.get_action_result(connected.request(request))).await?.into_inner())
    })
    .await
}

/// Puts the signed statement into an entry from which the server left it out.
async fn inline(connected: &Connected, entry: &mut reapi::ActionResult, most_bytes: u64, patience: Patience) -> Result<(), Trouble> {
    let Some(file) = entry.output_files.iter_mut().find(|file| file.path == ENVELOPE && file.contents.is_empty()) else { return Ok(()) };
    let Some(blob) = file.digest.as_ref().and_then(resource::blob) else { return Ok(()) };
    check(blob.size_bytes, most_bytes.min(MOST_BATCHED_BYTES))?;
    let mut read = read_batch(connected, &[blob], patience).await?;
    file.contents = read.pop().ok_or(Trouble::NotFound)??;
    Ok(())
}

async fn batch(connected: &Connected, files: &[Wanted], patience: Patience, moved: &Moved) -> Vec<Result<(), Trouble>> {
    let blob = |file: &Wanted| match &file.name {
        Name::Blob(blob) => Some(*blob),
        Name::Entry(_) | Name::Pointer(_) => None,
    };
    let blobs: Vec<Blob> = files.iter().filter_map(blob).collect();
    match read_batch(connected, &blobs, patience).await {
        Err(trouble) => files.iter().map(|_| Err(trouble.clone())).collect(),
        Ok(contents) => {
            let keep = |(file, content): (&Wanted, Result<Vec<u8>, Trouble>)| {
                let content = content?;
                check(content.len() as u64, file.most_bytes)?;
                moved(content.len() as u64);
                written(&file.target, &content)
            };
            files.iter().zip(contents).map(keep).collect()
        }
    }
}

/// The contents of small blobs, in their order.
///
/// # Errors
/// When the server does not answer; each blob may have an error of its own.
pub async fn read_batch(connected: &Connected, blobs: &[Blob], patience: Patience) -> Result<Vec<Result<Vec<u8>, Trouble>>, Trouble> {
    let answer = patiently(patience, async || {
        let request = reapi::BatchReadBlobsRequest {
            instance_name: connected.instance.clone(),
            digests: blobs.iter().map(resource::digest).collect(),
            ..Default::default()
        };
        let mut client = ContentAddressableStorageClient::new(connected.channel.clone());
        Ok(within(patience, client.batch_read_blobs(connected.request(request))).await?.into_inner())
    })
    .await?;
    let mut found = answer.responses;
    let one = |blob: &Blob| {
        let digest = resource::digest(blob);
        let at = found.iter().position(|response| response.digest.as_ref() == Some(&digest)).ok_or(Trouble::NotFound)?;
        let response = found.swap_remove(at);
        match response.status.filter(|status| status.code != 0) {
            Some(status) => Err(trouble::of(&Status::new(status.code.into(), status.message))),
            None => Ok(response.data),
        }
    };
    Ok(blobs.iter().map(one).collect())
}

/// Reads a blob in pieces.
async fn stream(connected: &Connected, blob: &Blob, file: &Wanted, patience: Patience, moved: &Moved) -> Result<(), Trouble> {
    check(blob.size_bytes, file.most_bytes)?;
    patiently(patience, async || {
        let local = |error: std::io::Error| Status::data_loss(format!("cannot write `{}`: {error}", file.target.display()));
        let mut target = File::create(&file.target).map_err(local)?;
        let request = ReadRequest { resource_name: resource::to_read(&connected.instance, blob), read_offset: 0, read_limit: 0 };
        let mut client = ByteStreamClient::new(connected.channel.clone());
        let mut pieces = within(patience, client.read(connected.request(request))).await?.into_inner();
        let mut length = 0;
        while let Some(piece) = within(patience, pieces.message()).await? {
            length += piece.data.len() as u64;
            if length > blob.size_bytes {
                return Err(Status::out_of_range(format!("the server sends more than the {} bytes of the file", blob.size_bytes)));
            }
            target.write_all(&piece.data).map_err(local)?;
            moved(piece.data.len() as u64);
        }
        Ok(())
    })
    .await
}

fn check(bytes: u64, most_bytes: u64) -> Result<(), Trouble> {
    let long = || Trouble::Failed(format!("the file has {bytes} bytes, more than the {most_bytes} that it may have"));
    if bytes > most_bytes { Err(long()) } else { Ok(()) }
}

fn written(target: &Path, bytes: &[u8]) -> Result<(), Trouble> {
    std::fs::write(target, bytes).map_err(|error| Trouble::Failed(format!("cannot write `{}`: {error}", target.display())))
}

#[cfg(test)]
mod tests {
    use base::digest::Digest;

    use super::*;

    #[test]
    fn small_blobs_are_asked_for_together() {
        let sha256 = Digest::of_bytes("x");
        let wanted = |name: Name| Wanted { name, target: "/x".into(), most_bytes: 1 };
        let blob = |size_bytes| wanted(Name::Blob(Blob { sha256, size_bytes }));
        let files = [
            blob(1),
            wanted(Name::Entry(sha256)),
            blob(MOST_BATCHED_BYTES),
            blob(MOST_BATCHED_BYTES + 1),
            blob(MOST_BATCHED_BYTES),
            blob(MOST_BATCHED_BYTES),
            wanted(Name::Pointer("x".into())),
        ];
        assert_eq!(batches(&files), [vec![1], vec![3], vec![0, 2, 4], vec![6], vec![5]]);
        assert_eq!(batches(&[]), Vec::<Vec<usize>>::new());
    }

    #[test]
    fn what_is_too_long_is_refused() {
        assert_eq!(check(5, 5), Ok(()));
        assert!(matches!(check(6, 5), Err(Trouble::Failed(_))));
    }
}
