//! Files that clients send.

use std::fs::{self, Permissions};
use std::io::{self, Read, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use base::digest::Digest;

use super::request::{self, Request};
use super::{BAD_REQUEST, CREATED, LENGTH_REQUIRED, NO_ROOM, NOT_ALLOWED, Status, TOO_LARGE, UNAUTHORIZED, UNPROCESSABLE};

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
    pub(super) fn take(&self, folder: &Path, request: &Request, input: &mut dyn Read) -> io::Result<Status> {
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
        let written = store(&path, &mut input.take(length), |written| match accepted {
            Accepted::UpTo(_) => fs::metadata(written).map(|facts| facts.len() == length),
            Accepted::With(digest) => Digest::of_file(written).map(|found| found == digest),
        });
        match written {
            Ok(true) => Ok(CREATED),
            Ok(false) => Ok(UNPROCESSABLE),
            Err(error) if matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) => Ok(NO_ROOM),
            Err(error) => Err(error),
        }
    }

    /// Compares digests, so that the time it takes says nothing about how much of a password is right.
    fn allows(&self, given: &str) -> bool {
        let given = Digest::of_bytes(given);
        self.authorizations.iter().any(|wanted| Digest::of_bytes(wanted) == given)
    }
}

/// Stores a file under its name once it is complete and `is_right`; returns whether it was.
fn store(path: &Path, content: &mut dyn Read, is_right: impl Fn(&Path) -> io::Result<bool>) -> io::Result<bool> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    fs::create_dir_all(folder)?;
    let mut file = tempfile::Builder::new().prefix(".new-").tempfile_in(folder)?;
    io::copy(content, &mut file)?;
    file.flush()?;
    if !is_right(file.path())? {
        return Ok(false);
    }
    file.as_file().set_permissions(Permissions::from_mode(0o644))?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(true)
}
