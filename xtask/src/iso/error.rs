//! Why there is no medium.

use std::path::PathBuf;

use crate::diagnostic::{ExitCode, Failure};
use crate::initramfs::InitramfsError;
use crate::sandbox::SandboxError;
use crate::store::StoreError;

/// Why there is no medium.
#[derive(Debug, thiserror::Error)]
pub enum IsoError {
    /// A tool failed.
    #[error("the image's {phase} phase failed ({end})")]
    Tool {
        /// The phase.
        phase: String,
        /// How it ended.
        end: String,
        /// What the tools said.
        log: PathBuf,
    },
    /// The root holds no kernel.
    #[error("the root file system holds no kernel")]
    NoKernel,
    /// The packages that start a medium lack a file.
    #[error("neither `kaon-live` nor `grub` holds `/{path}`, which every medium needs")]
    NoPart {
        /// The file.
        path: &'static str,
    },
    /// The initramfs could not be made.
    #[error(transparent)]
    Initramfs(#[from] InitramfsError),
    /// The sandbox failed.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    /// A file could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Failure for IsoError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Tool { log, .. } => Some(format!("what the tools said is in `{}`", log.display())),
            Self::NoKernel => Some("the image's kernel flavour must be made by a spec with `[build.kernel]`".into()),
            Self::NoPart { .. } => Some("`cargo xtask show kaon-live` and `cargo xtask show grub` list what they hold".into()),
            Self::Initramfs(error) => error.hint(),
            Self::Sandbox(error) => error.hint(),
            Self::Store(error) => error.hint(),
        }
    }

    fn exit(&self) -> ExitCode {
        match self {
            Self::Sandbox(error) => error.exit(),
            _ => ExitCode::Failed,
        }
    }
}
