//! Passes the jobserver's tokens to the steps.

use std::fs::File;
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd, RawFd};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;

use super::report::FIRST_OWN_FD;

/// The descriptors of the jobserver's pipe in steps: fixed, so that their environment is always the same.
const STEP_FDS: (RawFd, RawFd) = (3, 4);

/// The two ends of the jobserver's pipe.
pub(super) struct Tokens {
    reader: File,
    writer: File,
}

/// Tokens at the descriptors where steps expect them.
pub(super) struct Settled(());

impl Tokens {
    /// Takes the descriptors that are named in the worker's `MAKEFLAGS`.
    pub fn inherited() -> Option<Self> {
        let flags = std::env::var("MAKEFLAGS").ok()?;
        let (reader, writer) = pipe_ends(&flags)?;
        Some(Self { reader: take_over(reader)?, writer: take_over(writer)? })
    }

    /// Moves them to the descriptors where steps expect them, which the worker must not use.
    pub fn settle(self) -> Option<Settled> {
        for (end, place) in [(self.reader, STEP_FDS.0), (self.writer, STEP_FDS.1)] {
            // SAFETY: the worker keeps its own descriptors at `FIRST_OWN_FD` and above, so `place` is unused.
            Errno::result(unsafe { libc::dup2(end.as_raw_fd(), place) }).ok()?;
        }
        Some(Settled(()))
    }
}

impl Settled {
    /// The addition to the job's own `MAKEFLAGS`.
    pub fn make_flags(&self) -> String {
        format!("-j --jobserver-auth={},{}", STEP_FDS.0, STEP_FDS.1)
    }
}

/// The descriptors in `--jobserver-auth=R,W`.
fn pipe_ends(flags: &str) -> Option<(RawFd, RawFd)> {
    let ends = flags.split_ascii_whitespace().filter_map(|flag| flag.strip_prefix("--jobserver-auth=")).next_back()?;
    let (reader, writer) = ends.split_once(',')?;
    Some((reader.parse().ok()?, writer.parse().ok()?))
}

fn take_over(fd: RawFd) -> Option<File> {
    // SAFETY: the descriptor was inherited for this purpose; `fcntl` refuses an invalid number.
    let copy = unsafe {
        let borrowed = std::os::fd::BorrowedFd::borrow_raw(fd);
        fcntl(borrowed, FcntlArg::F_DUPFD_CLOEXEC(FIRST_OWN_FD)).ok()?
    };
    // SAFETY: the copy was just created, and the original is not used elsewhere in this process.
    unsafe {
        drop(OwnedFd::from_raw_fd(fd));
        Some(File::from(OwnedFd::from_raw_fd(copy)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_jobserver_pipe_is_used() {
        assert_eq!(pipe_ends("-j --jobserver-fds=5,6 --jobserver-auth=5,6"), Some((5, 6)));
        assert_eq!(pipe_ends("--jobserver-auth=5,6 --jobserver-auth=7,8"), Some((7, 8)));
        assert_eq!(pipe_ends("--jobserver-auth=fifo:/tmp/x"), None);
        assert_eq!(pipe_ends("-j2"), None);
    }
}
