//! Sending large blobs in pieces.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bazel_remote_apis::google::bytestream::WriteRequest;
use bazel_remote_apis::google::bytestream::byte_stream_client::ByteStreamClient;
use runtime::remote::{Blob, Patience, Trouble};
use tonic::Status;

use crate::Moved;
use crate::channel::Connected;
use crate::resource;
use crate::wait::{patiently, silence, silent};

/// Bytes in one message: few, because an upload counts as dead if none is taken for the time of silence.
const PIECE_BYTES: usize = 256 << 10;

/// How often an upload is looked at.
const LOOK: Duration = Duration::from_millis(200);

/// Sends the file at `path`, which is `blob`.
///
/// # Errors
/// When it cannot be read or is another blob, or the server does not take it.
pub async fn upload(connected: &Connected, blob: &Blob, path: &Path, patience: Patience, moved: &Moved) -> Result<(), Trouble> {
    patiently(patience, async || {
        let sent = Arc::new(Mutex::new(Sent { bytes: 0, at: Instant::now(), failed: None }));
        let file = File::open(path).map_err(|error| unreadable(path, &error))?;
        let pieces = Pieces { file, name: resource::to_write(&connected.instance, blob), blob: *blob, sent: Arc::clone(&sent) };
        let mut client = ByteStreamClient::new(connected.channel.clone());
        let mut writing = pin!(client.write(connected.request(tokio_stream::iter(pieces))));
        let mut reported = 0;
        let answer = loop {
            let looked = tokio::time::timeout(LOOK, &mut writing).await;
            let (bytes, at) = {
                let sent = lock(&sent);
                (sent.bytes, sent.at)
            };
            if bytes > reported {
                moved(bytes - reported);
                reported = bytes;
            }
            match looked {
                Ok(answer) => break answer,
                Err(_) if at.elapsed() > silence(patience) => return Err(silent(patience)),
                Err(_) => {}
            }
        };
        if let Some(error) = lock(&sent).failed.take() {
            return Err(unreadable(path, &error));
        }
        let committed = answer?.into_inner().committed_size;
        // A server that has the blob already says so with its size, before it has read everything.
        if committed == blob.size_bytes.cast_signed() {
            return Ok(());
        }
        Err(Status::data_loss(format!("the server took {committed} of {} bytes", blob.size_bytes)))
    })
    .await
}

fn unreadable(path: &Path, error: &io::Error) -> Status {
    Status::data_loss(format!("cannot read `{}`: {error}", path.display()))
}

/// How far an upload has got.
struct Sent {
    bytes: u64,
    /// When the last piece was taken.
    at: Instant,
    failed: Option<io::Error>,
}

fn lock(sent: &Mutex<Sent>) -> MutexGuard<'_, Sent> {
    sent.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The messages of an upload, read when they are sent.
struct Pieces {
    file: File,
    name: String,
    blob: Blob,
    sent: Arc<Mutex<Sent>>,
}

impl Iterator for Pieces {
    type Item = WriteRequest;

    fn next(&mut self) -> Option<WriteRequest> {
        let mut sent = lock(&self.sent);
        let left = self.blob.size_bytes - sent.bytes;
        if left == 0 || sent.failed.is_some() {
            return None;
        }
        let mut data = vec![0; PIECE_BYTES.min(usize::try_from(left).unwrap_or(PIECE_BYTES))];
        if let Err(error) = self.file.read_exact(&mut data) {
            sent.failed = Some(error);
            return None;
        }
        let offset = sent.bytes;
        sent.bytes += data.len() as u64;
        sent.at = Instant::now();
        // Only the first message has to name the blob.
        let resource_name = if offset == 0 { self.name.clone() } else { String::new() };
        let finish_write = sent.bytes == self.blob.size_bytes;
        Some(WriteRequest { resource_name, write_offset: offset.cast_signed(), finish_write, data })
    }
}

#[cfg(test)]
mod tests {
    use base::digest::Digest;
    use std::io::{Seek as _, Write as _};

    use super::*;

    fn pieces(content: &[u8], size_bytes: u64) -> (Vec<WriteRequest>, bool) {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(content).unwrap();
        file.rewind().unwrap();
        let sent = Arc::new(Mutex::new(Sent { bytes: 0, at: Instant::now(), failed: None }));
        let blob = Blob { sha256: Digest::of_bytes(content), size_bytes };
        let all = Pieces { file, name: "x".into(), blob, sent: Arc::clone(&sent) }.collect();
        (all, lock(&sent).failed.is_some())
    }

    #[test]
    fn a_file_is_sent_in_pieces() {
        let content: Vec<u8> = (0..PIECE_BYTES + 5).map(|at| at as u8).collect();
        let (all, has_failed) = pieces(&content, content.len() as u64);
        let shown: Vec<_> = all.iter().map(|piece| (&*piece.resource_name, piece.write_offset, piece.finish_write)).collect();
        assert_eq!((shown, has_failed), (vec![("x", 0, false), ("", PIECE_BYTES as i64, true)], false));
        assert_eq!(all.into_iter().flat_map(|piece| piece.data).collect::<Vec<_>>(), content);
    }

    #[test]
    fn a_file_that_became_shorter_is_an_error() {
        assert!(pieces(b"short", 9).1);
    }
}
