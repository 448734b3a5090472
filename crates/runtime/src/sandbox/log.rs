//! The log of a job.
//!
//! The job's processes get a pipe, never the file: one that reopens its standard output, as `> /dev/stderr` does, would truncate the file
//! and could find out its path.

use std::fs::File;
use std::io::{self, PipeReader, PipeWriter, Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// How often to check whether the job has ended, in milliseconds.
const PAUSE_MS: u16 = 50;

/// Writes the log until the job has ended.
pub(super) struct LogWriter {
    has_ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<io::Result<()>>>,
}

/// Empties the log at `path`, and returns its writer and the job's end of the pipe.
pub(super) fn writer_of(path: &Path) -> io::Result<(LogWriter, PipeWriter)> {
    let log = File::create(path)?;
    let (reader, writer) = io::pipe()?;
    let has_ended = Arc::new(AtomicBool::new(false));
    let ended = Arc::clone(&has_ended);
    let thread = thread::Builder::new().name("log".into()).spawn(move || copy(reader, log, &ended))?;
    Ok((LogWriter { has_ended, thread: Some(thread) }, writer))
}

impl LogWriter {
    /// Waits until everything that the job wrote is in the log, but not for processes that outlive the job.
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

/// Copies until the pipe is closed, or until the job has ended and the pipe is empty. An unwritable log does not stop a build: its output
/// is still read.
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
