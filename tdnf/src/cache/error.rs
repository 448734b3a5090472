//! Why a repository cannot be used.

use std::io;
use std::path::PathBuf;

use crate::cli::local::COMMAND_LINE;
use crate::download::DownloadError;
use rpm_engine::key::UnusableKey;
use rpm_engine::keyring::KeyError;
use rpm_engine::repo::RepoError;

/// Why a repository cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// A file of the cache cannot be read or written.
    #[error("cannot use `{path}`")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Something cannot be fetched.
    #[error("the repository `{id}` cannot be fetched")]
    Download {
        /// The repository.
        id: String,
        /// Why.
        source: DownloadError,
    },
    /// Its metadata is refused.
    #[error("the metadata of the repository `{id}` was rejected")]
    Refused {
        /// The repository.
        id: String,
        /// Why.
        source: RepoError,
    },
    /// Its index is none of those its metalink names.
    #[error("the index of the repository `{id}` is not one of those in its metalink")]
    NotInMetalink {
        /// The repository.
        id: String,
    },
    /// Its list of mirrors has none.
    #[error("the mirror list `{url}` of the repository `{id}` lists no address{}", beginning(.begins))]
    NoMirror {
        /// The repository.
        id: String,
        /// Where the list is, without credentials.
        url: String,
        /// How the list begins.
        begins: String,
    },
    /// A key cannot be used.
    #[error("a key of the repository `{id}`, `{key}`, cannot be used")]
    Key {
        /// The repository.
        id: String,
        /// Where the key is.
        key: String,
        /// Why.
        source: UnusableKey,
    },
    /// The keys cannot be used together.
    #[error("the keys of the repository `{id}` cannot be used")]
    Keys {
        /// The repository.
        id: String,
        /// Why.
        source: KeyError,
    },
    /// A key fetched from elsewhere was not accepted.
    #[error("the key `{key}` of the repository `{id}` was not accepted")]
    KeyNotAccepted {
        /// The repository.
        id: String,
        /// Where the key is.
        key: String,
    },
    /// It is to be checked, and nobody says with what.
    #[error(
        "the signature of the repository `{id}` must be checked, but no key is configured: `gpgkey` is empty and `/etc/pki/rpm-gpg` contains none"
    )]
    NoKeys {
        /// The repository.
        id: String,
    },
    /// Its index has no signature.
    #[error("the index of the repository `{id}` is not signed")]
    Unsigned {
        /// The repository.
        id: String,
        /// What was looked for.
        source: DownloadError,
    },
    /// Its metadata is older than what was seen before.
    #[error("the repository `{id}` went back to revision {found}, but {seen} was seen before")]
    Older {
        /// The repository.
        id: String,
        /// What it shows.
        found: String,
        /// What was seen.
        seen: String,
        /// Where that is written.
        record: PathBuf,
    },
    /// Its metadata says that it is not to be believed any more.
    #[error("the metadata of the repository `{id}` expired")]
    Expired {
        /// The repository.
        id: String,
    },
    /// Only the cache may be used, and there is none.
    #[error("there is no cached metadata of the repository `{id}`")]
    NotCached {
        /// The repository.
        id: String,
    },
    /// Only the cache may be used, and it lacks packages.
    #[error("the cache does not have {}", files.join(", "))]
    PackagesNotCached {
        /// Their files.
        files: Vec<String>,
    },
}

/// What a list says instead of addresses.
fn beginning(begins: &str) -> String {
    if begins.is_empty() { ": it is empty".into() } else { format!(": it begins with `{begins}`") }
}

impl CacheError {
    /// Whether another state of the repository or of its mirror would be free of it; otherwise this machine or its user is the cause.
    pub fn is_of_repository(&self) -> bool {
        match self {
            Self::Download { source: DownloadError::Io { .. }, .. } => false,
            Self::Download { .. }
            | Self::Refused { .. }
            | Self::NotInMetalink { .. }
            | Self::NoMirror { .. }
            | Self::Key { .. }
            | Self::Keys { .. }
            | Self::NoKeys { .. }
            | Self::Unsigned { .. }
            | Self::Older { .. }
            | Self::Expired { .. }
            | Self::NotCached { .. } => true,
            Self::Io { .. } | Self::KeyNotAccepted { .. } | Self::PackagesNotCached { .. } => false,
        }
    }

    /// Whether a mirror answered, and another one may have something better.
    pub(super) fn is_of_mirror(&self) -> bool {
        match self {
            Self::Refused { .. } | Self::NotInMetalink { .. } | Self::Unsigned { .. } | Self::Older { .. } | Self::Expired { .. } => true,
            Self::Download { .. }
            | Self::NoMirror { .. }
            | Self::Key { .. }
            | Self::Keys { .. }
            | Self::NoKeys { .. }
            | Self::NotCached { .. }
            | Self::PackagesNotCached { .. }
            | Self::Io { .. }
            | Self::KeyNotAccepted { .. } => false,
        }
    }

    /// The error and its causes in one line.
    pub fn with_causes(&self) -> String {
        let causes = std::iter::successors(std::error::Error::source(self), |cause| cause.source());
        causes.fold(self.to_string(), |text, cause| format!("{text}: {cause}"))
    }

    /// What to do next, where that is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoKeys { .. } => {
                Some("name the key's file in `gpgkey`, or pass `--nogpgcheck` if you trust the network and the server".into())
            }
            Self::Unsigned { id, .. } => {
                Some(format!("set `repo_gpgcheck=0` for `{id}` if its operator signs only packages; those are still checked with `gpgkey`"))
            }
            Self::Older { record, .. } => Some(format!(
                "a mirror may be outdated, or an attacker hides updates; if the repository was recreated, remove `{}`",
                record.display()
            )),
            Self::Expired { .. } => {
                Some("the repository is not maintained, or an attacker serves an old state of it; ask its operator".into())
            }
            Self::NoMirror { id, .. } => Some(format!(
                "check `mirrorlist` of `{id}` and the variables in it; `--disablerepo={id}` skips the repository once, `skip_if_unavailable=1` always"
            )),
            Self::NotCached { .. } => Some("run `tdnf makecache`, or remove `--cacheonly`".into()),
            Self::PackagesNotCached { .. } => Some("fetch them with `--downloadonly`, or remove `--cacheonly`".into()),
            Self::Download { id, .. } if id == COMMAND_LINE => None,
            Self::Download { id, source } => {
                let what = source.hint().unwrap_or("check the network and `baseurl`");
                Some(format!("{what}; `--disablerepo={id}` skips the repository once, `skip_if_unavailable=1` always"))
            }
            Self::Io { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => Some("run it as root".into()),
            _ => None,
        }
    }
}
