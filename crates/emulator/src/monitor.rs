//! QEMU's monitor, asked for the state of a guest that stands still.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::os::fd::{AsRawFd as _, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;
use std::{io, str};

use nix::fcntl::{FcntlArg, FdFlag, fcntl};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// What the monitor shows when it waits for a command.
const PROMPT: &str = "(qemu) ";

/// Processors whose stacks are shown.
const SHOWN_CPUS: u32 = 8;

/// Both ends of a connection to the monitor. It has no name, so that no other user of the host can reach it.
#[derive(Debug)]
pub(super) struct Monitor {
    ours: UnixStream,
    theirs: OwnedFd,
}

impl Monitor {
    /// A connection that is not used yet.
    ///
    /// # Errors
    /// When there are no descriptors left.
    pub fn new() -> io::Result<Self> {
        let (ours, theirs) = UnixStream::pair()?;
        ours.set_read_timeout(Some(PATIENCE))?;
        ours.set_write_timeout(Some(PATIENCE))?;
        let theirs = OwnedFd::from(theirs);
        fcntl(&theirs, FcntlArg::F_SETFD(FdFlag::empty()))?;
        Ok(Self { ours, theirs })
    }

    /// The descriptor that the emulator inherits.
    pub fn descriptor(&self) -> RawFd {
        self.theirs.as_raw_fd()
    }

    /// The state of a guest with this many processors: registers, and the top of each stack.
    pub fn state(&mut self, cpus: u32) -> String {
        let mut commands: Vec<String> = ["info status", "info registers -a"].map(str::to_owned).into();
        for cpu in 0..cpus.min(SHOWN_CPUS) {
            commands.extend([format!("cpu {cpu}"), "x/32gx $rsp".to_owned()]);
        }
        let mut text = String::new();
        // What is there first is the monitor's greeting.
        let mut ended = self.answer().map(drop);
        for command in commands {
            if ended.is_err() {
                break;
            }
            ended = self.ours.write_all(format!("{command}\n").as_bytes()).and_then(|()| self.answer()).map(|answer| text += &answer);
        }
        if let Err(error) = ended {
            let _ = write!(text, "(the emulator's monitor does not answer: {error})");
        }
        text
    }

    /// Everything up to the next prompt, without what the monitor's line editor echoes.
    fn answer(&mut self) -> io::Result<String> {
        let mut bytes = Vec::new();
        let mut part = [0; 4096];
        while !bytes.ends_with(PROMPT.as_bytes()) {
            match self.ours.read(&mut part)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                count => bytes.extend_from_slice(&part[..count]),
            }
        }
        let text = String::from_utf8_lossy(&bytes).replace('\r', "");
        let text = text.strip_suffix(PROMPT).unwrap_or(&text);
        // The echo of a command is redrawn with escape sequences after each of its letters.
        Ok(text.lines().filter(|line| !line.contains('\x1b')).map(|line| format!("{line}\n")).collect())
    }
}
