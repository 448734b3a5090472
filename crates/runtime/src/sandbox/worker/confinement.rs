//! The root of the steps: mounted in namespaces, or entered by each step with chroot.

use std::ffi::CString;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use nix::errno::Errno;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, open, openat2};
use nix::sys::stat::Mode;
use nix::unistd::{chdir, chroot};

use super::super::message::{Order, Refusal, Stage};
use super::super::{Isolation, Weakness};
use super::copied::Copied;
use super::root::Assembled;
use super::{filter, limits, namespaces, network, scope};

/// A prepared root, with this process confined like its steps.
pub(super) enum Confinement {
    /// This process's own root.
    Mounted(Assembled),
    /// A root that each step enters.
    Copied(Copied),
}

impl Confinement {
    /// Creates the root of the order's job and drops the rights that steps must not have.
    pub fn new(order: &Order<'_>) -> Result<Self, Refusal> {
        let confinement = match order.isolation {
            Isolation::Namespaces => {
                namespaces::enter_mounts()?;
                let root = Assembled::new(&order.job)?;
                network::raise_loopback()?;
                Self::Mounted(root)
            }
            Isolation::Chroot => Self::Copied(Copied::new(&order.job)?),
        };
        limits::fix(order.isolation)?;
        match order.isolation {
            Isolation::Namespaces => {}
            Isolation::Chroot => filter::install().map_err(Stage::Limits.refused(""))?,
        }
        Ok(confinement)
    }

    /// Whether the steps see a directory at `path`.
    pub fn has_directory(&self, path: &str) -> bool {
        match self {
            Self::Mounted(_) => Path::new(path).is_dir(),
            Self::Copied(copied) => {
                let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
                let root = open(copied.root(), flags, Mode::empty());
                let within = OpenHow::new().flags(flags).resolve(ResolveFlag::RESOLVE_IN_ROOT);
                root.and_then(|root| openat2(root, path, within)).is_ok()
            }
        }
    }

    /// Makes `command` run in the directory `path` of the steps' root.
    pub fn enter(&self, command: &mut Command, path: &str) {
        match self {
            Self::Mounted(_) => {
                command.current_dir(path);
            }
            Self::Copied(copied) => {
                let names = CString::new(copied.root().as_os_str().as_bytes()).and_then(|root| Ok((root, CString::new(path)?)));
                // Created for each step, when the descriptors of the jobserver are in place.
                let ruleset = scope::ruleset();
                let enter = move || {
                    if let Some(ruleset) = &ruleset {
                        scope::restrict(ruleset)?;
                    }
                    let (root, path) = names.as_ref().map_err(|_| Errno::EINVAL)?;
                    chroot(root.as_c_str())?;
                    chdir(path.as_c_str())?;
                    Ok(())
                };
                // SAFETY: what runs between fork and exec makes system calls only; all names were prepared before.
                unsafe { command.pre_exec(enter) };
            }
        }
    }

    /// The weakness of the confinement, if any.
    pub fn weakness(&self) -> Option<Weakness> {
        match self {
            Self::Mounted(root) => root.shares_proc().then_some(Weakness::HostProcesses),
            Self::Copied(_) => Some(Weakness::Chroot),
        }
    }

    /// Removes what must not stay. All processes of steps must have ended.
    pub fn take_apart(self) -> Result<(), Refusal> {
        match self {
            Self::Mounted(root) => {
                root.take_apart();
                Ok(())
            }
            Self::Copied(copied) => copied.take_apart(),
        }
    }
}
