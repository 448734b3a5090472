//! Names and messages of the protocol (`remote_execution.proto`, `bytestream.proto`).

use std::hash::{BuildHasher as _, RandomState};

use base::digest::Digest;
use bazel_remote_apis::build::bazel::remote::execution::v2 as reapi;
use runtime::remote::Blob;

/// Servers take and send messages of at most 4 MiB. Bytes of blobs in one message, which leaves room for the rest.
pub const MOST_BYTES: u64 = 3 << 20;

/// A larger blob is a stream by itself.
pub const MOST_BATCHED_BYTES: u64 = 1 << 20;

/// The size that entries' keys have as digests of actions. The key is not the digest of an action that the server has, so it has no size;
/// every client has to take the same one.
const KEY_BYTES: i64 = 64;

/// The digest of a blob.
pub fn digest(blob: &Blob) -> reapi::Digest {
    reapi::Digest { hash: blob.sha256.hex(), size_bytes: blob.size_bytes.cast_signed() }
}

/// The blob of a digest, if that is one.
pub fn blob(digest: &reapi::Digest) -> Option<Blob> {
    Some(Blob { sha256: digest.hash.parse().ok()?, size_bytes: u64::try_from(digest.size_bytes).ok()? })
}

/// A result's key in place of the digest of an action.
pub fn key(key: &Digest) -> reapi::Digest {
    reapi::Digest { hash: key.hex(), size_bytes: KEY_BYTES }
}

/// The key of the entry that points to a blob by a name.
pub fn pointer(name: &str) -> Digest {
    Digest::of_bytes(format!("urn:kaon:pointer:1:{name}"))
}

/// The name from which a blob is read.
pub fn to_read(instance: &str, blob: &Blob) -> String {
    below(instance, &format!("blobs/{}/{}", blob.sha256, blob.size_bytes))
}

/// A new name to which a blob is written.
pub fn to_write(instance: &str, blob: &Blob) -> String {
    let random = || RandomState::new().hash_one(blob.sha256);
    below(instance, &format!("uploads/{}/blobs/{}/{}", uuid(random(), random()), blob.sha256, blob.size_bytes))
}

fn below(instance: &str, name: &str) -> String {
    if instance.is_empty() { name.to_owned() } else { format!("{instance}/{name}") }
}

/// A random UUID (RFC 9562, version 4).
fn uuid(first: u64, second: u64) -> String {
    let (first, second) = (first & !0xf000 | 0x4000, second & !(0b11 << 62) | 0b10 << 62);
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        first >> 32,
        first >> 16 & 0xffff,
        first & 0xffff,
        second >> 48,
        second & 0xffff_ffff_ffff
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_contain_the_instance() {
        let blob = Blob { sha256: Digest::of_bytes("x"), size_bytes: 7 };
        let hex = blob.sha256.hex();
        assert_eq!(to_read("", &blob), format!("blobs/{hex}/7"));
        assert_eq!(to_read("main/x", &blob), format!("main/x/blobs/{hex}/7"));
        let (one, other) = (to_write("main", &blob), to_write("main", &blob));
        assert!(one.starts_with("main/uploads/") && one.ends_with(&format!("/blobs/{hex}/7")) && one != other, "{one}");
        assert_eq!(super::blob(&digest(&blob)), Some(blob));
    }

    #[test]
    fn uuids_have_their_form() {
        assert_eq!(uuid(u64::MAX, u64::MAX), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        assert_eq!(uuid(0, 0), "00000000-0000-4000-8000-000000000000");
    }
}
