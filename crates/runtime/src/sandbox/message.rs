//! The messages between the worker and the process that started it.

use std::borrow::Cow;
use std::io;

use nix::errno::Errno;
use serde::{Deserialize, Serialize};

use super::isolation::Isolation;
use super::job::{Job, Outcome};

/// The content of the job file: a job, and whether its steps may use the terminal.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Order<'a> {
    #[serde(flatten)]
    pub job: Cow<'a, Job>,
    /// Whether steps read the worker's standard input and keep its controlling terminal; otherwise they have no input.
    #[serde(default)]
    pub terminal: bool,
    /// How the sandbox is isolated from the host.
    #[serde(default)]
    pub isolation: Isolation,
}

/// One line of the worker's report.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Message {
    /// A step of another phase than the last begins.
    Phase(String),
    /// The steps are over.
    Ended(Outcome),
    /// The sandbox could not be made.
    Refused(Refusal),
    /// A step's program could not be started.
    NotStarted { phase: String, program: String, errno: i32 },
    /// A step's working directory does not exist.
    NoDirectory { phase: String, directory: String },
    /// The job file could not be read.
    BadJob(String),
}

/// The first operation that failed while the sandbox was created.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Refusal {
    pub stage: Stage,
    /// The path it is about, or an empty string.
    pub subject: String,
    pub errno: i32,
}

/// The stages of creating a sandbox, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Stage {
    UserNamespace,
    IdentityMap,
    Namespaces,
    Chroot,
    Node,
    Copy,
    Process,
    MountNamespace,
    Layer,
    Input,
    BuildDirectory,
    Device,
    Overlay,
    RootDirectory,
    Pivot,
    MountPoint,
    Proc,
    Mount,
    Loopback,
    Identity,
    Limits,
}

impl Stage {
    /// Turns a system call's error into a refusal at this stage, about `subject`.
    pub fn refused<E: Into<io::Error>>(self, subject: impl Into<String>) -> impl FnOnce(E) -> Refusal {
        let subject = subject.into();
        move |error| Refusal { stage: self, subject, errno: error.into().raw_os_error().unwrap_or(Errno::EIO as i32) }
    }
}

impl Stage {
    /// The role of this stage's path in the job, if it is one of the job's paths.
    pub fn part(self) -> Option<&'static str> {
        match self {
            Self::Layer => Some("layer"),
            Self::Input => Some("input"),
            Self::BuildDirectory => Some("build directory"),
            Self::RootDirectory => Some("root directory"),
            Self::UserNamespace
            | Self::IdentityMap
            | Self::Namespaces
            | Self::Chroot
            | Self::Node
            | Self::Copy
            | Self::Process
            | Self::MountNamespace
            | Self::Device
            | Self::Overlay
            | Self::Pivot
            | Self::MountPoint
            | Self::Proc
            | Self::Mount
            | Self::Loopback
            | Self::Identity
            | Self::Limits => None,
        }
    }

    /// What is being done at this stage, for a message.
    pub fn doing(self, subject: &str) -> String {
        match self {
            Self::UserNamespace => "entering a user namespace".into(),
            Self::Chroot => "entering the root by chroot".into(),
            Self::Node => format!("making the device `{subject}`"),
            Self::Copy => format!("assembling the root in `{subject}`"),
            Self::IdentityMap => "mapping the user".into(),
            Self::Namespaces => "entering namespaces".into(),
            Self::Process => "starting its first process".into(),
            Self::MountNamespace => "entering a mount namespace".into(),
            Self::Layer => format!("opening the layer `{subject}`"),
            Self::Input => format!("opening the input `{subject}`"),
            Self::BuildDirectory => format!("opening the build directory `{subject}`"),
            Self::Device => format!("opening the device `{subject}`"),
            Self::Overlay => format!("mounting the overlay on `{subject}`"),
            Self::RootDirectory => format!("opening the root directory `{subject}`"),
            Self::Pivot => "changing the root".into(),
            Self::MountPoint => format!("making the mount point `{subject}`"),
            Self::Proc => "mounting /proc".into(),
            Self::Mount => format!("mounting {subject}"),
            Self::Loopback => "raising the loopback interface".into(),
            Self::Identity => "setting the host name".into(),
            Self::Limits => "setting limits".into(),
        }
    }
}
