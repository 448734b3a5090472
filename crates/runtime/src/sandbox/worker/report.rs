//! Reports from the worker to the process that started it.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::{FromRawFd as _, OwnedFd};

use nix::fcntl::{FcntlArg, fcntl};

use super::super::message::Message;

/// The worker's standard output, inaccessible to the steps.
pub(super) struct Report(File);

/// Descriptors below this number are reserved for the steps.
pub(super) const FIRST_OWN_FD: i32 = 10;

impl Report {
    pub fn open() -> io::Result<Self> {
        let fd = fcntl(io::stdout(), FcntlArg::F_DUPFD_CLOEXEC(FIRST_OWN_FD))?;
        // SAFETY: the descriptor was just created and is not used elsewhere.
        Ok(Self(File::from(unsafe { OwnedFd::from_raw_fd(fd) })))
    }

    /// Sends one line. Errors are ignored: without a reader, the process is about to be killed anyway.
    pub fn send(&mut self, message: &Message) {
        if let Ok(mut line) = serde_json::to_vec(message) {
            line.push(b'\n');
            let _ = self.0.write_all(&line);
        }
    }
}
