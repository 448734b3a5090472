//! A server of Bazel's Remote Execution API, through `kaon-remote`.

use std::fs;
use std::path::Path;

use base::address::public;
use base::digest::Digest;
use runtime::cancel::Cancel;
use runtime::remote::{self, Answer, Blob, Call, Name, Patience, RemoteError, Server, Trouble, Wanted, token};

use super::{Content, Place, PlaceError, Version};

/// Entries and blobs of a server. Other files are blobs that a name points to.
pub struct Grpc<'a> {
    server: Server,
    cancel: &'a Cancel,
}

/// The time after which a silent server counts as unreachable, and further tries after errors that may pass.
const PATIENCE: Patience = Patience { retries: 3, silence_s: 60 };

/// An entry is not longer.
const LONGEST_BYTES: u64 = 4 << 20;

impl<'a> Grpc<'a> {
    /// The cache at `server`; `cancel` stops transfers.
    pub fn new(server: Server, cancel: &'a Cancel) -> Self {
        Self { server, cancel }
    }

    fn call(&self, name: &str, call: Call) -> Result<Answer, PlaceError> {
        match remote::connection()?.call(call, self.cancel, &|_| {})? {
            Answer::Failed(trouble) => Err(self.error(name, trouble)),
            answer @ (Answer::Fetched(_) | Answer::Missing(_) | Answer::Stored | Answer::Runs(_) | Answer::Executed(_)) => Ok(answer),
        }
    }

    fn error(&self, name: &str, trouble: Trouble) -> PlaceError {
        let address = self.shown(name);
        match trouble {
            Trouble::NotFound => {
                PlaceError::Failed { address, reason: "NOT_FOUND: it knows no such instance, or takes no such file".into() }
            }
            Trouble::Locked(answer) => {
                let has_credentials = self.server.address().contains('@') || token().is_ok_and(|token| token.is_some());
                PlaceError::Locked { address, answer, presented: has_credentials.into() }
            }
            Trouble::Unreachable(reason) => PlaceError::Unreachable { address, reason, advice: None },
            Trouble::Failed(reason) => PlaceError::Failed { address, reason },
        }
    }

    fn send(&self, name: &str, path: &Path) -> Result<(), PlaceError> {
        let unreadable = |source| PlaceError::file("read", path, source);
        let size_bytes = fs::metadata(path).map_err(unreadable)?.len();
        let store = |named: Name| Call::Store { server: self.server.clone(), name: named, path: path.to_owned(), patience: PATIENCE };
        let object = name.strip_prefix("cas/").and_then(|hex| hex.parse().ok());
        match (object, Name::of_path(name)) {
            (Some(sha256), _) => self.call(name, store(Name::Blob(Blob { sha256, size_bytes })))?,
            (None, entry @ (Name::Entry(_) | Name::Blob(_))) => self.call(name, store(entry))?,
            (None, Name::Pointer(pointer)) => {
                let blob = Blob { sha256: Digest::of_file(path).map_err(unreadable)?, size_bytes };
                self.call(name, store(Name::Blob(blob)))?;
                self.point(&pointer, blob)?
            }
        };
        Ok(())
    }

    fn point(&self, name: &str, blob: Blob) -> Result<Answer, PlaceError> {
        self.call(name, Call::Point { server: self.server.clone(), name: name.to_owned(), blob, patience: PATIENCE })
    }
}

impl Place for Grpc<'_> {
    fn read(&self, name: &str) -> Result<Option<Version>, PlaceError> {
        let file = tempfile::NamedTempFile::new().map_err(|source| PlaceError::file("make a file in", std::env::temp_dir(), source))?;
        let wanted = Wanted { name: Name::of_path(name), target: file.path().to_owned(), most_bytes: LONGEST_BYTES };
        let fetch = Call::Fetch { server: self.server.clone(), files: vec![wanted], patience: PATIENCE };
        match self.call(name, fetch)? {
            Answer::Fetched(ends) => match ends.into_iter().next() {
                Some(Ok(())) => {
                    let bytes = fs::read(file.path()).map_err(|source| PlaceError::file("read", file.path(), source))?;
                    Ok(Some(Version { bytes, tag: None }))
                }
                Some(Err(Trouble::NotFound)) => Ok(None),
                Some(Err(trouble)) => Err(self.error(name, trouble)),
                None => Err(RemoteError::Ended.into()),
            },
            Answer::Missing(_) | Answer::Stored | Answer::Runs(_) | Answer::Executed(_) | Answer::Failed(_) => {
                Err(RemoteError::Ended.into())
            }
        }
    }

    fn has(&self, object: &Digest, size_bytes: u64) -> Result<bool, PlaceError> {
        let blobs = vec![Blob { sha256: *object, size_bytes }];
        let missing = Call::Missing { server: self.server.clone(), blobs, patience: PATIENCE };
        match self.call(&super::by_digest(object), missing)? {
            Answer::Missing(missing) => Ok(missing.is_empty()),
            Answer::Fetched(_) | Answer::Stored | Answer::Runs(_) | Answer::Executed(_) | Answer::Failed(_) => {
                Err(RemoteError::Ended.into())
            }
        }
    }

    fn write(&self, name: &str, content: Content<'_>) -> Result<(), PlaceError> {
        match content {
            Content::File(path) => self.send(name, path),
            Content::Bytes(bytes) => {
                let folder = std::env::temp_dir();
                let file = tempfile::NamedTempFile::new().map_err(|source| PlaceError::file("make a file in", &folder, source))?;
                fs::write(file.path(), bytes).map_err(|source| PlaceError::file("write", file.path(), source))?;
                self.send(name, file.path())
            }
        }
    }

    fn announce(&self, object: &Digest, size_bytes: u64) -> Result<(), PlaceError> {
        self.point(&remote::pointer_of(object), Blob { sha256: *object, size_bytes }).map(drop)
    }

    fn shown(&self, name: &str) -> String {
        format!("{}/{name}", public(self.server.address()))
    }
}
