//! QEMU from the SDK, run by the SDK's own dynamic loader: nothing is installed, and the host's libraries are not used.

use std::ffi::OsString;
use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::Signal;
use nix::unistd::{getpid, getppid};

use super::error::GuestState;
use super::monitor::{Monitor, lost_interrupt};
use super::standstill::Standstill;
use super::{Firmware, Machine, QemuError};
use base::file_error::FileError;
use runtime::cancel::Cancel;

/// QEMU and what it needs, in the trees of the SDK's layers.
#[derive(Clone, Debug)]
pub struct Emulator {
    loader: PathBuf,
    program: PathBuf,
    libraries: OsString,
    share: PathBuf,
    modules: PathBuf,
}

/// How a guest ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It switched itself off or restarted.
    ByItself,
    /// The user or a deadline stopped it.
    Stopped,
}

/// How long to wait for a guest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// For its end.
    pub total: Option<Duration>,
    /// For a sign of life: output, or work of its processors.
    pub standstill: Option<Duration>,
}

/// The interval in which a running guest is checked.
const PAUSE: Duration = Duration::from_millis(50);

impl Emulator {
    /// The emulator in these layers, lowest first: `base`, `image`, `test`.
    ///
    /// # Errors
    /// [`QemuError::NoEmulator`].
    pub fn new(layers: &[PathBuf]) -> Result<Self, QemuError> {
        let find = |path: &str| {
            let found = layers.iter().rev().map(|layer| layer.join(path)).find(|file| file.exists());
            found.ok_or_else(|| QemuError::NoEmulator { program: format!("/{path}") })
        };
        let folders = layers.iter().rev().flat_map(|layer| {
            ["usr/lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu/pulseaudio", "usr/lib"].map(|folder| layer.join(folder))
        });
        let mut libraries = OsString::new();
        for folder in folders.filter(|folder| folder.is_dir()) {
            if !libraries.is_empty() {
                libraries.push(":");
            }
            libraries.push(folder);
        }
        let program = find("usr/bin/qemu-system-x86_64")?;
        let share = find("usr/share/qemu")?.parent().unwrap_or(Path::new("/")).to_owned();
        let modules = find("usr/lib/x86_64-linux-gnu/qemu")?;
        Ok(Self { loader: find("usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2")?, program, libraries, share, modules })
    }

    /// Creates a private copy of empty UEFI variables in `folder`.
    ///
    /// # Errors
    /// When it cannot be copied.
    pub fn uefi(&self, folder: &Path) -> Result<Firmware, QemuError> {
        let (from, variables) = (self.share.join("OVMF/OVMF_VARS_4M.fd"), folder.join("uefi-variables.fd"));
        let bytes = fs::read(&from).map_err(|source| QemuError::Io(FileError::new("read", from, source)))?;
        fs::write(&variables, bytes).map_err(|source| QemuError::Io(FileError::new("write", &variables, source)))?;
        Ok(Firmware::Uefi { variables })
    }

    /// Runs `machine` until it ends, a limit is reached or `cancel` is raised.
    ///
    /// # Errors
    /// When the emulator cannot be started, refuses its arguments, or a limit is reached.
    pub fn run(&self, machine: &Machine, extra: &[OsString], limits: Limits, cancel: &Cancel) -> Result<Ended, QemuError> {
        self.wait(self.command(machine, extra), machine, limits, cancel)
    }

    /// Whether `machine` ends by itself within `timeout`. The emulator's output is discarded.
    pub(super) fn survives(&self, machine: &Machine, timeout: Duration, cancel: &Cancel) -> bool {
        let mut command = self.command(machine, &[]);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let limits = Limits { total: Some(timeout), standstill: None };
        matches!(self.wait(command, machine, limits, cancel), Ok(Ended::ByItself))
    }

    fn wait(&self, mut command: Command, machine: &Machine, limits: Limits, cancel: &Cancel) -> Result<Ended, QemuError> {
        let start = |source| QemuError::Io(FileError::new("run", &self.program, source));
        let mut monitor = limits.standstill.map(|_| Monitor::new()).transpose().map_err(start)?;
        if let Some(monitor) = &monitor {
            let socket = format!("socket,id=monitor,fd={}", monitor.descriptor());
            command.args(["-chardev", &socket, "-mon", "chardev=monitor,mode=readline"]);
        }
        let mut child = Guest(command.spawn().map_err(start)?);
        let mut standstill = limits.standstill.map(|limit| Standstill::new(limit, child.0.id(), machine.output_files()));
        let begun = Instant::now();
        loop {
            if let Some(status) = child.0.try_wait().map_err(start)? {
                return ended(status);
            }
            if cancel.is_raised() {
                return Ok(Ended::Stopped);
            }
            if let Some(limit) = limits.total.filter(|limit| begun.elapsed() >= *limit) {
                return Err(QemuError::TimedOut { seconds: limit.as_secs() });
            }
            if standstill.as_mut().is_some_and(Standstill::is_reached) {
                let state = monitor.as_mut().map(|monitor| monitor.state()).unwrap_or_default();
                let seconds = limits.standstill.unwrap_or_default().as_secs();
                return Err(QemuError::StandsStill { seconds, lost_interrupt: lost_interrupt(&state), state: GuestState(state) });
            }
            std::thread::sleep(PAUSE);
        }
    }

    fn command(&self, machine: &Machine, extra: &[OsString]) -> Command {
        let mut command = Command::new(&self.loader);
        command.arg("--library-path").arg(&self.libraries).arg(&self.program);
        for folder in ["qemu", "seabios"] {
            command.arg("-L").arg(self.share.join(folder));
        }
        command.args(machine.arguments(&self.share)).args(extra).env("QEMU_MODULE_DIR", &self.modules);
        if machine.serial != super::Serial::Terminal {
            command.stdin(Stdio::null());
        }
        let parent = getpid();
        // A process that is killed cannot end its guest.
        let end_with_parent = move || {
            set_pdeathsig(Signal::SIGKILL)?;
            // The parent may have ended before the line above.
            if getppid() == parent { Ok(()) } else { Err(Errno::ESRCH.into()) }
        };
        // SAFETY: two system calls, and nothing is allocated.
        unsafe { command.pre_exec(end_with_parent) };
        command
    }
}

fn ended(status: ExitStatus) -> Result<Ended, QemuError> {
    if status.success() { Ok(Ended::ByItself) } else { Err(QemuError::Failed { status }) }
}

/// A running emulator, which ends with the process that started it.
struct Guest(Child);

impl Drop for Guest {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
