//! Why a machine could not be emulated.

use std::path::PathBuf;

use base::diagnostic::{ExitCode, Failure};
use base::file_error::FileError;
use image::iso::ReadError;

/// Why a machine could not be emulated.
#[derive(Debug, thiserror::Error)]
pub enum QemuError {
    /// The SDK's layer lacks the emulator.
    #[error("the SDK's `test` layer does not contain `{program}`")]
    NoEmulator {
        /// The program.
        program: String,
    },
    /// The image has a description, but its ISO does not exist.
    #[error("image `{image}` is not built: `{}` does not exist", path.display())]
    NotBuilt {
        /// The image's name.
        image: String,
        /// Where its ISO would be, relative to the project's top folder.
        path: PathBuf,
    },
    /// A file of the host.
    #[error(transparent)]
    Io(FileError),
    /// The emulator refused its arguments or crashed.
    #[error("the emulator ended with {status}")]
    Failed {
        /// How.
        status: std::process::ExitStatus,
    },
    /// KVM was requested and is not available.
    #[error("KVM cannot run a guest on this machine")]
    NoKvm,
    /// A disk was to be started in a way that only live media support.
    #[error("only an ISO can be started as a USB stick or without its boot loader")]
    NoLiveMedium,
    /// More ports were needed than there are.
    #[error("the guests' SSH servers need more ports than there are from {first} on")]
    NoPortLeft {
        /// The first one.
        first: u16,
    },
    /// Ports of the host that were to be forwarded are used by others.
    #[error("{}", taken(ports))]
    PortsTaken {
        /// The ports, at least one.
        ports: Vec<u16>,
        /// The first one from which on all are free, if there is any.
        free: Option<u16>,
    },
    /// Several guests would write to one disk.
    #[error("all guests would write to the disk `{file}`")]
    SharedDisk {
        /// The file.
        file: String,
    },
    /// The guest was still running when its time was up.
    #[error("the guest did not stop within {seconds} s")]
    TimedOut {
        /// Its time limit.
        seconds: u64,
    },
    /// The guest was idle and wrote nothing for longer than it may.
    #[error("the guest has hung for {seconds} s: its processors are idle and it writes nothing")]
    StandsStill {
        /// How long.
        seconds: u64,
        /// A processor whose local APIC shows that the emulator, not the guest, is at fault.
        lost_interrupt: Option<usize>,
        /// Its registers and stacks, from QEMU's monitor.
        #[source]
        state: GuestState,
    },
    /// The ISO cannot be read.
    #[error("the image cannot be started directly")]
    Iso(#[from] ReadError),
}

/// What is said of ports that others use.
fn taken(ports: &[u16]) -> String {
    let list = ports.iter().map(u16::to_string).collect::<Vec<_>>().join(", ");
    match ports {
        [_] => format!("port {list} of this machine is in use, so it cannot be forwarded to a guest's SSH server"),
        _ => format!("ports {list} of this machine are in use, so they cannot be forwarded to guests' SSH servers"),
    }
}

/// The state of a guest, from QEMU's monitor.
#[derive(Debug, thiserror::Error)]
#[error("the state of the machine:\n{0}")]
pub struct GuestState(pub String);

impl Failure for QemuError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::NoEmulator { .. } => Some("`cargo xtask sdk fetch` fetches it".into()),
            Self::NotBuilt { image, .. } => Some(format!("`cargo xtask build-iso {image}` builds it")),
            Self::NoKvm => Some("remove `--accel kvm`; emulation works everywhere".into()),
            Self::NoLiveMedium => Some("remove `--stick` and `--direct`, or name an ISO".into()),
            Self::NoPortLeft { .. } => Some("give a lower port with `--ssh`".into()),
            Self::PortsTaken { free: Some(free), .. } => Some(format!("`--ssh {free}` takes free ones; or stop the guests that are running")),
            Self::PortsTaken { free: None, .. } => Some("name another port with `--ssh`, or stop the guests that are running".into()),
            Self::SharedDisk { .. } => Some(
                "write `{node}` into the name, which stands for the guest's number, and make a file for each; or add `snapshot=on` or `readonly=on`".into(),
            ),
            Self::StandsStill { lost_interrupt: Some(cpu), .. } => Some(format!(
                "QEMU lost the end of an interrupt of processor {cpu}, which happens on busy machines without KVM and is not a fault of the guest: \
                 run the same command again"
            )),
            Self::Io(_) | Self::Failed { .. } | Self::TimedOut { .. } | Self::StandsStill { .. } | Self::Iso(_) => None,
        }
    }

    fn exit(&self) -> ExitCode {
        match self {
            Self::NoEmulator { .. } | Self::NoKvm => ExitCode::Host,
            Self::NoLiveMedium | Self::NoPortLeft { .. } | Self::PortsTaken { .. } | Self::SharedDisk { .. } => ExitCode::Usage,
            Self::NotBuilt { .. } | Self::Io(_) | Self::Failed { .. } | Self::TimedOut { .. } | Self::StandsStill { .. } | Self::Iso(_) => {
                ExitCode::Failed
            }
        }
    }
}
