//! Why a spec was not written.

use std::io;
use std::path::PathBuf;

use base::address::public;
use base::diagnostic::{ExitCode, Failure};
use base::name::PackageName;

/// Why a spec was not written.
#[derive(Debug, thiserror::Error)]
pub enum NewError {
    /// There is already a spec of this name.
    #[error("`{path}` exists already")]
    Exists {
        /// The file.
        path: String,
        /// The package.
        name: PackageName,
    },
    /// Another spec builds a package of this name.
    #[error("the package `{package}` is made by the spec `{spec}`")]
    Taken {
        /// The package.
        package: PackageName,
        /// The spec.
        spec: PackageName,
    },
    /// The text is not an address of a file.
    #[error("`{url}` is not the address of a file")]
    Address {
        /// The text.
        url: String,
    },
    /// The file's name contains no version.
    #[error("`{}` has no version in its name", public(url))]
    Version {
        /// The address.
        url: String,
    },
    /// No build file of a known system is in the archive.
    #[error("cannot tell how `{file}` is built: there is no build file at its top or in one directory there")]
    System {
        /// The archive.
        file: String,
    },
    /// The licence cannot be determined.
    #[error("cannot tell the licence of `{file}`: {}", looked_at(files))]
    Licence {
        /// The archive.
        file: String,
        /// The licence files in it.
        files: Vec<String>,
        /// Possible SPDX expressions.
        candidates: Vec<&'static str>,
    },
    /// The file cannot be written.
    #[error("cannot write `{}`", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

fn looked_at(files: &[String]) -> String {
    match files {
        [] => "it has no file `LICENSE` or `COPYING` at its top".into(),
        [one] => format!("the text of `{one}` does not decide it"),
        many => format!(
            "the texts of {} do not state one and the same",
            many.iter().map(|file| format!("`{file}`")).collect::<Vec<_>>().join(", ")
        ),
    }
}

impl Failure for NewError {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Exists { name, .. } => {
                format!("edit that file, raise its version with `cargo xtask bump {name} VERSION`, or choose another name")
            }
            Self::Taken { .. } => "choose another name".into(),
            Self::Address { .. } => "write https://HOST/PATH/FILE, http://… or file:///PATH/FILE".into(),
            Self::Version { .. } => "name it: `--version VERSION`".into(),
            Self::System { .. } => {
                "name it: `--system autotools`, `meson`, `cmake` or `make`; for anything else write the spec by hand, as docs/src/specs.md describes".into()
            }
            Self::Licence { candidates, .. } if candidates.is_empty() => {
                "read its licence and name it: `--license SPDX`, such as `--license MIT`".into()
            }
            Self::Licence { candidates, .. } => {
                let choices: Vec<String> = candidates.iter().map(|spdx| format!("`--license {spdx}`")).collect();
                format!("read the notices in its source files, then name the licence: {}", choices.join(" or "))
            }
            Self::Write { .. } => "check who owns the directory `specs` and that its file system has room".into(),
        })
    }

    fn exit(&self) -> ExitCode {
        match self {
            Self::Exists { .. } | Self::Taken { .. } | Self::Address { .. } | Self::Version { .. } => ExitCode::Usage,
            Self::System { .. } | Self::Licence { .. } | Self::Write { .. } => ExitCode::Failed,
        }
    }
}
