//! Files that are next to a spec.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde::Serialize;
use walkdir::WalkDir;

use super::ProjectError;
use base::diagnostic::Failure;
use base::digest::Digest;
use base::file_error::FileError;

/// The properties of a file that go into a key: its content and whether it is executable. Its time, owner and other mode bits depend on who
/// checked it out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct LocalFile {
    /// SHA-256 of the content.
    pub digest: Digest,
    /// Whether its owner may execute it.
    pub executable: bool,
}

/// Why a file next to a spec was not copied.
#[derive(Debug, thiserror::Error)]
pub enum LocalFileError {
    /// It cannot be read or written.
    #[error(transparent)]
    Io(FileError),
    /// It is not what it was when the spec was read.
    #[error("`{}` was changed while the command ran", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
}

impl Failure for LocalFileError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Io(_) => None,
            Self::Changed { .. } => Some("run the command again: it builds with the file as it is then".into()),
        }
    }
}

impl LocalFile {
    /// Copies the file at `from` to `to`, and creates its folders.
    pub(super) fn copy(&self, from: &Path, to: &Path) -> Result<(), LocalFileError> {
        let failed = |operation, path: &Path| {
            let path = path.to_owned();
            move |source| LocalFileError::Io(FileError::new(operation, path, source))
        };
        let bytes = match fs::read(from) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(LocalFileError::Changed { path: from.to_owned() }),
            Err(source) => return Err(failed("read", from)(source)),
        };
        if Digest::of_bytes(&bytes) != self.digest {
            return Err(LocalFileError::Changed { path: from.to_owned() });
        }
        let write = || {
            to.parent().map_or(Ok(()), fs::create_dir_all)?;
            fs::write(to, &bytes)?;
            fs::set_permissions(to, fs::Permissions::from_mode(if self.executable { 0o755 } else { 0o644 }))
        };
        write().map_err(failed("write", to))
    }
}

/// The content of a spec's folder.
pub struct Local {
    /// The regular files, by relative path.
    pub files: BTreeMap<String, LocalFile>,
    /// Other kinds of entries, and names that are not text, sorted: a build would silently lack them.
    pub others: Vec<String>,
}

/// All regular files below `folder` except `package.toml`, by relative path. Backup and hidden files (`*~`, `.*`) are ignored.
///
/// # Errors
/// When one cannot be read.
pub fn local_files(folder: &Path) -> Result<Local, ProjectError> {
    let (mut files, mut others) = (BTreeMap::new(), Vec::new());
    let visible = |name: &str| !name.starts_with('.') && !name.ends_with('~') && name != "target";
    let walk = WalkDir::new(folder).min_depth(1).into_iter().filter_entry(|entry| visible(&entry.file_name().to_string_lossy()));
    for entry in walk {
        let entry = entry.map_err(|error| {
            let path = error.path().unwrap_or(folder).to_owned();
            ProjectError::Io { path, source: error.into() }
        })?;
        let path = entry.path().strip_prefix(folder).unwrap_or(entry.path());
        let relative = path.to_string_lossy().into_owned();
        let kind = entry.file_type();
        if path.to_str().is_none() || !kind.is_file() && !kind.is_dir() {
            others.push(relative);
            continue;
        }
        if kind.is_dir() || relative == "package.toml" {
            continue;
        }
        let read = || -> io::Result<LocalFile> {
            let executable = entry.metadata()?.permissions().mode() & 0o100 != 0;
            Ok(LocalFile { digest: Digest::of_file(entry.path())?, executable })
        };
        let file = read().map_err(|source| ProjectError::Io { path: entry.path().to_owned(), source })?;
        files.insert(relative, file);
    }
    others.sort();
    Ok(Local { files, others })
}
