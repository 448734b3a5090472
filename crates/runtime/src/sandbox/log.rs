//! The log of a job.
//!
//! What the job's processes get is a pipe and never the file: one that opens its standard output anew, as `> /dev/stderr` does, would cut
//! the file off, and would see where it is.

use std::fs::File;
use std::io::{self, PipeReader, PipeWriter, Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// How often it is looked at whether the job has ended, in milliseconds.
const PAUSE_MS: u16 = 50;

/// Writes the log until the job has ended.
pub(super) struct LogWriter {
    has_ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<io::Result<()>>>,
}

/// Empties the log at `path`, and returns what writes it, and the end of the pipe that the job is given.
pub(super) fn writer_of(path: &Path) -> io::Result<(LogWriter, PipeWriter)> {
    let log = File::create(path)?;
    let (reader, writer) = io::pipe()?;
    let has_ended = Arc::new(AtomicBool::new(false));
    let ended = Arc::clone(&has_ended);
    let thread = thread::Builder::new().name("log".into()).spawn(move || copy(reader, log, &ended))?;
    Ok((LogWriter { has_ended, thread: Some(thread) }, writer))
}

impl LogWriter {
    /// Waits until all that the job wrote is in the log. A process that outlives its job is not waited for.
    ///
    /// # Errors
    /// When the log could not be written.
    pub(super) fn end(mut self) -> io::Result<()> {
        self.join()
    }

    fn join(&mut self) -> io::Result<()> {
        self.has_ended.store(true, Ordering::Release);
        self.thread.take().map_or(Ok(()), |thread| thread.join().unwrap_or_else(|_| Err(io::Error::other("its writer ended early"))))
    }
}

impl Drop for LogWriter {
    fn drop(&mut self) {
        let _ = self.join();
    }
}

/// Copies until the pipe is closed, or until the job has ended and the pipe is empty. A log that cannot be written stops no build: what
/// it prints is read on.
fn copy(mut reader: PipeReader, mut log: File, has_ended: &AtomicBool) -> io::Result<()> {
    let mut written = Ok(());
    let mut buffer = vec![0; 64 << 10];
    loop {
        let is_over = has_ended.load(Ordering::Acquire);
        match poll(&mut [PollFd::new(reader.as_fd(), PollFlags::POLLIN)], PollTimeout::from(PAUSE_MS)) {
            Ok(0) if is_over => return written,
            Ok(0) | Err(Errno::EINTR) => continue,
            Ok(_) => {}
            Err(errno) => return Err(errno.into()),
        }
        match reader.read(&mut buffer)? {
            0 => return written,
            count if written.is_ok() => written = log.write_all(&buffer[..count]),
            _ => {}
        }
    }
}
