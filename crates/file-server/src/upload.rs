//! Files that clients send.

use std::fs::{self, File, Permissions};
use std::io::{self, Read, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use base::digest::Digest;
use tempfile::NamedTempFile;

use super::request::{self, Condition, Request};
use super::{
    BAD_REQUEST, CREATED, LENGTH_REQUIRED, NO_ROOM, NOT_ALLOWED, PRECONDITION_FAILED, Status, TOO_LARGE, UNAUTHORIZED, UNPROCESSABLE,
};

/// What may be uploaded, and by whom.
#[derive(Clone, Debug)]
pub struct Uploads {
    /// What is taken under a path below the folder; nothing if no file may have this path.
    pub accepts: fn(&str) -> Option<Accepted>,
    /// The values of the header `Authorization` of which a request must have one.
    pub authorizations: Vec<String>,
}

/// What a path may contain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// Anything up to so many bytes; a later file takes its place.
    UpTo(u64),
    /// The file with this digest.
    With(Digest),
}

impl Uploads {
    /// Takes the content of a request into the folder.
    ///
    /// # Errors
    /// When the client goes away. Whatever is wrong with the request is a status.
    pub(super) fn take(&self, folder: &Path, request: &Request, input: &mut dyn Read, replacing: &Mutex<()>) -> io::Result<Status> {
        if !request.authorization.as_ref().is_some_and(|given| self.allows(given)) {
            return Ok(UNAUTHORIZED);
        }
        let Some(name) = request::below(&request.path) else { return Ok(BAD_REQUEST) };
        let Some(accepted) = (self.accepts)(name) else { return Ok(NOT_ALLOWED) };
        let Some(length) = request.length else { return Ok(LENGTH_REQUIRED) };
        if matches!(accepted, Accepted::UpTo(most) if length > most) {
            return Ok(TOO_LARGE);
        }
        let path = folder.join(name);
        let received = receive(&path, &mut input.take(length), |written| match accepted {
            Accepted::UpTo(_) => fs::metadata(written).map(|facts| facts.len() == length),
            Accepted::With(digest) => Digest::of_file(written).map(|found| found == digest),
        });
        let stored = received.and_then(|file| {
            let Some(file) = file else { return Ok(UNPROCESSABLE) };
            // Nobody else replaces it between the look at it and the replacement.
            let _alone = replacing.lock().unwrap_or_else(PoisonError::into_inner);
            if !is_met(request.condition.as_ref(), &path)? {
                return Ok(PRECONDITION_FAILED);
            }
            file.persist(&path).map(|_| CREATED).map_err(|error| error.error)
        });
        match stored {
            Ok(status) => Ok(status),
            Err(error) if matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) => Ok(NO_ROOM),
            Err(error) => Err(error),
        }
    }

    /// Compares digests, so that the time it takes says nothing about how much of a password is right.
    fn allows(&self, given: &str) -> bool {
        let given = Digest::of_bytes(given);
        self.authorizations.iter().any(|wanted| Digest::of_bytes(wanted) == given)
    }

    /// The tag of a file that clients may replace: its digest, in quotes. Other files have none.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(super) fn tag(&self, name: &str, file: &mut File) -> io::Result<Option<String>> {
        if !matches!((self.accepts)(name), Some(Accepted::UpTo(_))) {
            return Ok(None);
        }
        let mut content = Vec::new();
        file.read_to_end(&mut content)?;
        Ok(Some(tag_of(&content)))
    }
}

fn tag_of(content: &[u8]) -> String {
    format!("\"{}\"", Digest::of_bytes(content))
}

fn is_met(condition: Option<&Condition>, path: &Path) -> io::Result<bool> {
    let Some(condition) = condition else { return Ok(true) };
    let tag = match fs::read(path) {
        Ok(content) => Some(tag_of(&content)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    Ok(match (condition, tag) {
        (Condition::IsAbsent, tag) => tag.is_none(),
        (Condition::Is(_), None) => false,
        (Condition::Is(wanted), Some(tag)) => wanted == "*" || wanted.split(',').any(|one| one.trim() == tag),
    })
}

/// Receives a file beside the place it is for; nothing if it is not `is_right`.
fn receive(path: &Path, content: &mut dyn Read, is_right: impl Fn(&Path) -> io::Result<bool>) -> io::Result<Option<NamedTempFile>> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    fs::create_dir_all(folder)?;
    let mut file = tempfile::Builder::new().prefix(".new-").tempfile_in(folder)?;
    io::copy(content, &mut file)?;
    file.flush()?;
    if !is_right(file.path())? {
        return Ok(None);
    }
    file.as_file().set_permissions(Permissions::from_mode(0o644))?;
    file.as_file().sync_all()?;
    Ok(Some(file))
}
